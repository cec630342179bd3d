#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "native/quic/keys.h"
#include "net/base/bytes.h"

namespace moq::native::quic {

/// A connection ID of either side: 0 to 20 bytes (RFC 9000 §17.2).
class ConnectionId {
 public:
  static constexpr std::size_t kMaxSize = 20;

  ConnectionId() = default;
  /// Bytes beyond kMaxSize are cut off.
  explicit ConnectionId(ByteSpan bytes);

  [[nodiscard]] ByteSpan span() const { return {bytes_.data(), size_}; }
  [[nodiscard]] const std::uint8_t* data() const { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const { return size_; }

  friend bool operator==(const ConnectionId&, const ConnectionId&) = default;

 private:
  std::array<std::uint8_t, kMaxSize> bytes_{};
  std::uint8_t size_ = 0;
};

/// Hashes IDs that peers choose: keyed, so that they cannot choose collisions.
class ConnectionIdHash {
 public:
  ConnectionIdHash() = default;
  explicit ConnectionIdHash(const Random& random);
  [[nodiscard]] std::size_t operator()(const ConnectionId& id) const;

 private:
  std::array<std::uint64_t, 2> key_{0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f};
};

/// Who issued a connection ID: which process of a server, and which worker in it.
struct Issuer {
  std::uint8_t generation = 0;
  std::uint8_t worker = 0;

  friend bool operator==(const Issuer&, const Issuer&) = default;
};

/// The IDs that we issue: all of one length, so that short headers can be read,
/// naming their issuer, so that a migrated connection finds its worker.
/// Layout: generation, worker, 14 random bytes.
class ConnectionIds {
 public:
  static constexpr std::size_t kSize = 16;

  explicit ConnectionIds(Issuer issuer) : issuer_(issuer) {}

  [[nodiscard]] Issuer issuer() const { return issuer_; }
  [[nodiscard]] ConnectionId make(const Random& random) const;
  /// The issuer that `id` names; none if it has not the length of ours.
  static std::optional<Issuer> decode(ByteSpan id);

 private:
  Issuer issuer_;
};

}  // namespace moq::native::quic
