#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/error.h"
#include "net/lite/version.h"

namespace moq {

/// A protocol version that this library speaks, of whatever family.
struct ProtocolVersion {
  /// "moq-lite-05": in configuration, flags and logs.
  std::string_view name;
  /// ALPN token, WebTransport subprotocol.
  std::string_view alpn;
  lite::Version lite;
};

/// All of them, the preferred first.
[[nodiscard]] std::span<const ProtocolVersion> protocol_versions();
/// By name; null if there is none.
[[nodiscard]] const ProtocolVersion* find_protocol_version(std::string_view name);
/// Names as in `--client-version`, in the order given; an empty list is all. The
/// error names the one that is unknown, and those that exist.
[[nodiscard]] Result<std::vector<const ProtocolVersion*>> parse_versions(
    const std::vector<std::string>& names);
/// What to offer or accept in the handshake, in order of preference.
[[nodiscard]] std::vector<std::string> alpns(std::span<const ProtocolVersion* const> versions);

}  // namespace moq
