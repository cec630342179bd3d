#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "net/base/error.h"
#include "net/ietf/version.h"
#include "net/lite/version.h"

namespace moq {

/// A protocol version that this library speaks, of whatever family: a row of the table
/// that negotiation goes by.
struct ProtocolVersion {
  /// "moq-lite-05": in configuration, flags and logs.
  std::string_view name;
  /// ALPN token, WebTransport subprotocol.
  std::string_view alpn;
  /// The number that stands for it in a SETUP exchange.
  std::uint64_t code;
  /// Whether SETUP says that it is this one, because the token says too little. So it
  /// is, too, where there is no token: in a WebTransport session without subprotocol.
  bool by_setup;
  /// Of which family it is, and which of that.
  std::variant<lite::Version, ietf::Version> version;
  /// What our SETUP grants, where versions by SETUP have it: MAX_REQUEST_ID, and
  /// MAX_AUTH_TOKEN_CACHE_SIZE.
  std::uint64_t max_request_id = 0;
  std::uint64_t max_token_cache = 0;
};

/// All of them, the preferred first.
[[nodiscard]] std::span<const ProtocolVersion> protocol_versions();
/// By name; null if there is none.
[[nodiscard]] const ProtocolVersion* find_protocol_version(std::string_view name);
/// Names as in `--client-version`, in the order given; an empty list is all. The
/// error names the one that is unknown, and those that exist.
[[nodiscard]] Result<std::vector<const ProtocolVersion*>> parse_versions(
    const std::vector<std::string>& names);
/// Those of `versions` that a connection with this token may run, in their order: one
/// where the token names it, any number where SETUP decides.
[[nodiscard]] std::vector<const ProtocolVersion*> candidates(
    std::span<const ProtocolVersion* const> versions, std::string_view protocol);
/// What to offer or accept in the handshake, in order of preference.
[[nodiscard]] std::vector<std::string> alpns(std::span<const ProtocolVersion* const> versions);

}  // namespace moq
