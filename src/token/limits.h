#pragma once

#include <chrono>
#include <cstddef>

/// What the sender of a token or the writer of a key can make this library do.
namespace moq::token {

/// Bytes of a token, all three parts with their dots: a path with its query has 8192 at
/// most in SETUP and in URLs.
inline constexpr std::size_t kMaxTokenSize = 7U << 10;
/// Prefixes of a claim.
inline constexpr std::size_t kMaxPrefixes = 256;
/// How far the clock of who signs may be ahead, for `nbf`.
inline constexpr std::chrono::seconds kClockTolerance{60};
/// Bytes of a key as text: RSA of kMaxRsaBits, in base64url twice, is a quarter of it.
inline constexpr std::size_t kMaxKeySize = 64U << 10;
/// Arrays and objects within each other in JSON; the deepest that anybody needs is 3.
inline constexpr std::size_t kMaxJsonDepth = 32;
/// Characters of a `kid`.
inline constexpr std::size_t kMaxKeyIdSize = 128;
/// Bytes of a secret for HMAC. The lower bound is the reference's, for all three digests.
inline constexpr std::size_t kMinSecretSize = 32;
inline constexpr std::size_t kMaxSecretSize = 1024;
/// Bits of an RSA modulus: what the reference's cryptography takes.
inline constexpr int kMinRsaBits = 2048;
inline constexpr int kMaxRsaBits = 8192;
/// Bits of an RSA public exponent: each costs time at every verification.
inline constexpr int kMaxRsaExponentBits = 33;

}  // namespace moq::token
