#include "net/session/version.h"

#include <algorithm>
#include <array>

#include "net/ietf/limits.h"
#include "net/transport/error.h"

namespace moq {

namespace {
ProtocolVersion row(lite::Version version) {
  const lite::VersionInfo& info = lite::version_info(version);
  return {.name = info.name,
          .alpn = info.alpn,
          .code = info.code,
          .by_setup = info.has_session_stream,
          .version = version};
}

ProtocolVersion row(ietf::Version version) {
  const ietf::VersionInfo& info = ietf::version_info(version);
  return {.name = info.name,
          .alpn = info.alpn,
          .code = info.code,
          .by_setup = info.setup == ietf::SetupForm::client_and_server,
          .version = version,
          .max_request_id = info.has_max_request_id ? ietf::kInitialMaxRequestId : 0,
          .max_token_cache = ietf::kMaxAuthTokenCache};
}
}  // namespace

std::span<const ProtocolVersion> protocol_versions() {
  static const std::array versions{row(lite::Version::lite05), row(lite::Version::lite04),
                                   row(lite::Version::lite03), row(lite::Version::lite02),
                                   row(lite::Version::lite01), row(ietf::Version::draft18),
                                   row(ietf::Version::draft14)};
  return versions;
}

const ProtocolVersion* find_protocol_version(std::string_view name) {
  const auto all = protocol_versions();
  const auto found = std::ranges::find(all, name, &ProtocolVersion::name);
  return found == all.end() ? nullptr : &*found;
}

Result<std::vector<const ProtocolVersion*>> parse_versions(const std::vector<std::string>& names) {
  std::vector<const ProtocolVersion*> out;
  if (names.empty()) {
    for (const ProtocolVersion& version : protocol_versions()) out.push_back(&version);
    return out;
  }
  for (const std::string& name : names) {
    const ProtocolVersion* version = find_protocol_version(name);
    if (version == nullptr) {
      std::string known;
      for (const ProtocolVersion& each : protocol_versions()) {
        known += (known.empty() ? "" : ", ") + std::string(each.name);
      }
      return fail(transport::TransportError::handshake,
                  "unknown version \"" + name + "\"; there is: " + known);
    }
    if (std::ranges::find(out, version) == out.end()) out.push_back(version);
  }
  return out;
}

std::vector<const ProtocolVersion*> candidates(std::span<const ProtocolVersion* const> versions,
                                               std::string_view protocol) {
  std::vector<const ProtocolVersion*> out;
  for (const ProtocolVersion* version : versions) {
    if (protocol.empty() ? version->by_setup : version->alpn == protocol) out.push_back(version);
  }
  return out;
}

std::vector<std::string> alpns(std::span<const ProtocolVersion* const> versions) {
  std::vector<std::string> out;
  for (const ProtocolVersion* version : versions) {
    if (std::ranges::find(out, version->alpn) == out.end()) out.emplace_back(version->alpn);
  }
  return out;
}

}  // namespace moq
