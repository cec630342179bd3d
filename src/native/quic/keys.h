#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>

namespace moq::native::quic {

/// Where unpredictable bytes come from. Simulations pass a seeded generator.
using Random = std::function<void(std::span<std::uint8_t>)>;

/// The TLS library's generator. Aborts the process if the system has no entropy:
/// there is no safe way to go on.
Random system_random();

/// Secrets that all workers of a server share, and the process that takes over
/// from it: one process's Retry tokens, NEW_TOKEN tokens and stateless resets
/// are good in the other.
struct Keys {
  std::array<std::uint8_t, 32> token{};            ///< seals Retry and NEW_TOKEN tokens
  std::array<std::uint8_t, 32> stateless_reset{};  ///< derives a reset token from a CID

  static Keys generate(const Random& random);
};

}  // namespace moq::native::quic
