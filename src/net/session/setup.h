#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/error.h"

/// CLIENT_SETUP and SERVER_SETUP, by which two sides whose ALPN token names no single
/// version agree on one. Always as moq-transport draft-14 §9.3 has them, whatever is
/// agreed on: a type, 16 bits of length, and the fields below.
namespace moq::setup {

enum class Type : std::uint64_t { client = 0x20, server = 0x21 };

/// Versions that a client may offer; more fail with `too_many`.
inline constexpr std::size_t kMaxVersions = 64;
/// Parameters of a message; more fail with `too_many`.
inline constexpr std::size_t kMaxParameters = 64;
/// The longest body: what 16 bits can say.
inline constexpr std::size_t kMaxBody = 0xffff;

/// A key-value pair (§1.4.2): a number under an even id, bytes under an odd one.
struct Parameter {
  std::uint64_t id = 0;
  std::uint64_t number = 0;
  std::string bytes = {};

  friend bool operator==(const Parameter&, const Parameter&) = default;
};
using Parameters = std::vector<Parameter>;

/// Those that this library reads and sends (§9.3.1).
inline constexpr std::uint64_t kPath = 0x1;
/// Requests that the peer may make: ids below this (§9.3.2).
inline constexpr std::uint64_t kMaxRequestId = 0x2;
inline constexpr std::uint64_t kToken = 0x3;
inline constexpr std::uint64_t kMaxTokenCache = 0x4;
/// Of a client of moq-transport; a server's would be its MOQT_IMPLEMENTATION.
inline constexpr std::uint64_t kAuthority = 0x5;

/// The first with `id`; null if there is none.
[[nodiscard]] const Parameter* find(const Parameters& parameters, std::uint64_t id);

struct ClientSetup {
  std::vector<std::uint64_t> versions;  ///< by their codes, in order of preference
  Parameters parameters;

  friend bool operator==(const ClientSetup&, const ClientSetup&) = default;
};

struct ServerSetup {
  std::uint64_t version = 0;
  Parameters parameters;

  friend bool operator==(const ServerSetup&, const ServerSetup&) = default;
};

/// The whole message, with its type and length. Throws std::length_error if it has
/// more than kMaxBody bytes.
[[nodiscard]] std::vector<std::uint8_t> encode(const ClientSetup& message);
[[nodiscard]] std::vector<std::uint8_t> encode(const ServerSetup& message);

/// The message that a body, without type and length, holds. Fails with CodingErrors:
/// `duplicate_parameter` for a known parameter that occurs twice. Unknown ones are
/// kept, however often they occur (§9.2).
[[nodiscard]] Result<ClientSetup> decode_client(ByteSpan body);
[[nodiscard]] Result<ServerSetup> decode_server(ByteSpan body);

/// Cuts one message off the front of a stream, as it arrives.
class MessageReader {
 public:
  explicit MessageReader(Type expected) : expected_(expected) {}

  /// Takes what came. Returns the body once it is whole, and keeps what is behind it
  /// for `take_rest`. Fails with `unknown_type` as soon as the type is another, and with
  /// `short_buffer` when the stream ends (`fin`) before the message does. Not to be
  /// called again after either.
  Result<std::optional<Bytes>> feed(const Bytes& bytes, bool fin);
  [[nodiscard]] Bytes take_rest() { return std::move(rest_); }

 private:
  Type expected_;
  std::vector<std::uint8_t> held_;
  Bytes rest_;
};

}  // namespace moq::setup
