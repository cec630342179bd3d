#include <array>
#include <map>
#include <span>
#include <string>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "token/crypto.h"
#include "token/error.h"
#include "token/limits.h"
#include "token/openssl.h"

namespace moq::token {
namespace {

using Members = std::map<std::string, Octets, std::less<>>;

struct Number {
  const char* parameter;  ///< OpenSSL's name
  const char* member;     ///< the JWK's
};
constexpr std::array<Number, 8> kRsa{{{OSSL_PKEY_PARAM_RSA_N, "n"},
                                      {OSSL_PKEY_PARAM_RSA_E, "e"},
                                      {OSSL_PKEY_PARAM_RSA_D, "d"},
                                      {OSSL_PKEY_PARAM_RSA_FACTOR1, "p"},
                                      {OSSL_PKEY_PARAM_RSA_FACTOR2, "q"},
                                      {OSSL_PKEY_PARAM_RSA_EXPONENT1, "dp"},
                                      {OSSL_PKEY_PARAM_RSA_EXPONENT2, "dq"},
                                      {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, "qi"}}};
constexpr std::array<Number, 3> kEc{{{OSSL_PKEY_PARAM_EC_PUB_X, "x"},
                                     {OSSL_PKEY_PARAM_EC_PUB_Y, "y"},
                                     {OSSL_PKEY_PARAM_PRIV_KEY, "d"}}};

tl::unexpected<Error> failed() {
  ERR_clear_error();
  return fail(TokenError::crypto, "OpenSSL could not generate a key");
}

/// As octets, `size` of them; 0: as many as it takes.
Result<Members> numbers_of(const EVP_PKEY* pkey, std::span<const Number> numbers,
                           std::size_t size) {
  Members members;
  if (pkey == nullptr) return failed();
  for (const auto& [parameter, member] : numbers) {
    BIGNUM* found = nullptr;
    if (EVP_PKEY_get_bn_param(pkey, parameter, &found) != 1) return failed();
    const openssl::Bignum number(found);
    Octets bytes(size == 0 ? static_cast<std::size_t>(BN_num_bytes(found)) : size);
    if (BN_bn2binpad(found, bytes.data(), static_cast<int>(bytes.size())) < 0) return failed();
    members.emplace(member, std::move(bytes));
  }
  return members;
}

Result<Members> generate_secret(std::size_t size) {
  Octets secret(size);
  if (RAND_bytes(secret.data(), static_cast<int>(size)) != 1) return failed();
  Members members;
  members.emplace("k", std::move(secret));
  return members;
}

Result<Members> generate_okp(std::size_t size) {
  const openssl::Pkey pkey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  Octets x(size);
  Octets d(size);
  std::size_t x_size = size;
  std::size_t d_size = size;
  if (pkey == nullptr || EVP_PKEY_get_raw_public_key(pkey.get(), x.data(), &x_size) != 1 ||
      EVP_PKEY_get_raw_private_key(pkey.get(), d.data(), &d_size) != 1) {
    return failed();
  }
  Members members;
  members.emplace("x", std::move(x));
  members.emplace("d", std::move(d));
  return members;
}

}  // namespace

Result<Members> generate_members(Algorithm algorithm) {
  const AlgorithmInfo& about = info(algorithm);
  switch (about.type) {
    case KeyType::oct:
      return generate_secret(about.size);
    case KeyType::rsa:
      return numbers_of(openssl::Pkey(EVP_RSA_gen(kMinRsaBits)).get(), kRsa, 0);
    case KeyType::ec:
      return numbers_of(openssl::Pkey(EVP_EC_gen(std::string(about.curve).c_str())).get(), kEc,
                        about.size);
    case KeyType::okp:
      return generate_okp(about.size);
  }
  return failed();
}

}  // namespace moq::token
