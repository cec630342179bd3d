#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "token/algorithm.h"
#include "token/base64url.h"
#include "token/jwk.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace moq::token {

/// A key that OpenSSL can use. Immutable; may be used from several threads at once.
class CryptoKey {
 public:
  /// Fails with bad_key when sizes are out of range, a point is not on its curve,
  /// or the public and the private half do not belong together.
  static Result<CryptoKey> import(const Jwk& jwk);

  /// A JWS signature (RFC 7515 §5.1): that of ECDSA is two numbers of fixed size.
  /// The key must have its secret. Fails with crypto.
  [[nodiscard]] Result<Octets> sign(std::string_view text) const;
  /// Whether the signature is this key's; of a secret, in constant time.
  [[nodiscard]] bool verify(std::string_view text, ByteSpan signature) const;

 private:
  explicit CryptoKey(const AlgorithmInfo& about) : about_(&about) {}

  const AlgorithmInfo* about_;
  Octets secret_;                      ///< oct
  std::shared_ptr<evp_pkey_st> pkey_;  ///< all others
};

/// The members of a new key, from the system's randomness: a secret as long as the
/// digest, RSA of 2048 bits, or a point of the curve. Fails with crypto.
Result<std::map<std::string, Octets, std::less<>>> generate_members(Algorithm algorithm);

}  // namespace moq::token
