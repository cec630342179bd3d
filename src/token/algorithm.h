#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace moq::token {

/// How a token is signed (RFC 7518 §3.1, RFC 8037 §3.1). There is no "none".
enum class Algorithm : std::uint8_t {
  hs256,
  hs384,
  hs512,
  es256,
  es384,
  rs256,
  rs384,
  rs512,
  ps256,
  ps384,
  ps512,
  eddsa,
};

/// The kind of key that an algorithm needs: `kty` (RFC 7518 §6.1, RFC 8037 §2).
enum class KeyType : std::uint8_t { oct, rsa, ec, okp };

struct AlgorithmInfo {
  Algorithm algorithm;
  std::string_view name;  ///< as in `alg`
  KeyType type;
  std::string_view curve;  ///< `crv`; "" without one
  const char* digest;      ///< OpenSSL's name; nullptr when the algorithm has its own
  /// Bytes: of a new secret (oct), of a coordinate (EC, OKP); 0 for RSA.
  std::size_t size;
  bool pss;  ///< RSASSA-PSS instead of PKCS #1 v1.5
};

/// All of them, in the order of the enum.
std::span<const AlgorithmInfo> algorithms();
const AlgorithmInfo& info(Algorithm algorithm);

/// By its exact name.
std::optional<Algorithm> parse_algorithm(std::string_view name);
/// All names with ", " between them, for messages.
std::string algorithm_names();

std::string_view key_type_name(KeyType type);
std::optional<KeyType> parse_key_type(std::string_view name);

}  // namespace moq::token
