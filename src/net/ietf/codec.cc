#include "net/ietf/codec.h"

#include <utility>

namespace moq::ietf::detail {

Error in_message(std::string_view name, const Error& error) {
  std::string detail(name);
  if (!error.detail().empty()) detail += ": " + error.detail();
  return {error.domain(), error.code(), std::move(detail)};
}

Result<std::vector<std::uint8_t>> frame(const VersionInfo& version, std::uint64_t type,
                                        std::string_view name,
                                        const std::vector<std::uint8_t>& body,
                                        std::optional<CodingError> refused) {
  if (refused) return fail(*refused, std::string(name));
  if (body.size() > kMaxMessage) return fail(CodingError::too_large, std::string(name));
  std::vector<std::uint8_t> out;
  Writer writer(out, version.integers);
  writer.reserve(coding::kMaxIntegerSize + 2 + body.size());
  writer.varint(type);
  writer.u8(static_cast<std::uint8_t>(body.size() >> 8));
  writer.u8(static_cast<std::uint8_t>(body.size() & 0xff));
  writer.bytes(body);
  return out;
}

}  // namespace moq::ietf::detail
