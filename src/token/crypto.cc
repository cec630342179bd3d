#include "token/crypto.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "token/error.h"
#include "token/limits.h"
#include "token/openssl.h"

namespace moq::token {
namespace {

using openssl::Bignum;
using openssl::Context;
using openssl::DigestContext;
using openssl::Pkey;

/// What fails here has said why by its result; OpenSSL's own notes would be found
/// by whoever asks next on this thread.
class ErrorQueue {
 public:
  ErrorQueue() = default;
  ErrorQueue(const ErrorQueue&) = delete;
  ErrorQueue& operator=(const ErrorQueue&) = delete;
  ~ErrorQueue() { ERR_clear_error(); }
};

tl::unexpected<Error> bad(std::string detail) {
  return fail(TokenError::bad_key, std::move(detail));
}
tl::unexpected<Error> bad_numbers() {
  return bad("the key's numbers are not a key; copy the whole of it, or generate a new one");
}

Bignum number(ByteSpan bytes) {
  return Bignum(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
}

/// Numbers and octets on their way into an EVP_PKEY. Text and octets must outlive it.
class KeyData {
 public:
  void add(const char* name, ByteSpan bytes) {
    numbers_.push_back(number(bytes));
    good_ = good_ && numbers_.back() != nullptr &&
            OSSL_PARAM_BLD_push_BN(builder_.get(), name, numbers_.back().get()) == 1;
  }
  void add_octets(const char* name, ByteSpan bytes) {
    good_ = good_ &&
            OSSL_PARAM_BLD_push_octet_string(builder_.get(), name, bytes.data(), bytes.size()) == 1;
  }
  void add_text(const char* name, const char* text) {
    good_ = good_ && OSSL_PARAM_BLD_push_utf8_string(builder_.get(), name, text, 0) == 1;
  }

  /// A key whose public half is sound, or nullptr.
  Pkey build(const char* type, int selection) {
    const openssl::Parameters parameters(good_ ? OSSL_PARAM_BLD_to_param(builder_.get()) : nullptr);
    const Context making(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* made = nullptr;
    if (parameters == nullptr || making == nullptr || EVP_PKEY_fromdata_init(making.get()) != 1 ||
        EVP_PKEY_fromdata(making.get(), &made, selection, parameters.get()) != 1) {
      EVP_PKEY_free(made);
      return nullptr;
    }
    Pkey pkey(made);
    const Context checking(EVP_PKEY_CTX_new_from_pkey(nullptr, made, nullptr));
    if (checking == nullptr || EVP_PKEY_public_check(checking.get()) != 1) return nullptr;
    return pkey;
  }

 private:
  openssl::ParameterBuilder builder_{OSSL_PARAM_BLD_new()};
  std::vector<Bignum> numbers_;
  bool good_ = builder_ != nullptr;
};

Result<Pkey> import_rsa(const Jwk& jwk, int selection) {
  // By bytes first: counting bits costs nothing, but what follows does.
  constexpr std::size_t kMaxBytes = kMaxRsaBits / 8 + 1;
  for (const auto& [name, bytes] : jwk.members) {
    if (bytes.size() > kMaxBytes) {
      return bad(fmt::format("RSA keys have {} bits at most", kMaxRsaBits));
    }
  }
  const Bignum modulus = number(jwk.members.at("n"));
  const Bignum exponent = number(jwk.members.at("e"));
  const int bits = modulus == nullptr ? 0 : BN_num_bits(modulus.get());
  if (bits < kMinRsaBits || bits > kMaxRsaBits) {
    return bad(fmt::format("RSA keys have {} to {} bits", kMinRsaBits, kMaxRsaBits));
  }
  if (exponent == nullptr || BN_num_bits(exponent.get()) > kMaxRsaExponentBits) {
    return bad(fmt::format("the exponent of an RSA key has {} bits at most", kMaxRsaExponentBits));
  }
  KeyData data;
  data.add(OSSL_PKEY_PARAM_RSA_N, jwk.members.at("n"));
  data.add(OSSL_PKEY_PARAM_RSA_E, jwk.members.at("e"));
  if (jwk.has_secret()) {
    constexpr std::array<std::pair<const char*, std::string_view>, 6> kSecrets{
        {{OSSL_PKEY_PARAM_RSA_D, "d"},
         {OSSL_PKEY_PARAM_RSA_FACTOR1, "p"},
         {OSSL_PKEY_PARAM_RSA_FACTOR2, "q"},
         {OSSL_PKEY_PARAM_RSA_EXPONENT1, "dp"},
         {OSSL_PKEY_PARAM_RSA_EXPONENT2, "dq"},
         {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, "qi"}}};
    for (const auto& [name, member] : kSecrets) data.add(name, jwk.members.find(member)->second);
  }
  Pkey pkey = data.build("RSA", selection);
  if (pkey == nullptr) return bad_numbers();
  return pkey;
}

Result<Pkey> import_ec(const Jwk& jwk, const AlgorithmInfo& about, int selection) {
  Octets point{POINT_CONVERSION_UNCOMPRESSED};
  for (const auto& [name, bytes] : jwk.members) {
    if (bytes.size() != about.size) {
      return bad(
          fmt::format("the key's \"{}\" must have {} bytes on {}", name, about.size, about.curve));
    }
  }
  for (const char* name : {"x", "y"}) {
    const Octets& coordinate = jwk.members.at(name);
    point.insert(point.end(), coordinate.begin(), coordinate.end());
  }
  const std::string curve(about.curve);
  KeyData data;
  data.add_text(OSSL_PKEY_PARAM_GROUP_NAME, curve.c_str());
  data.add_octets(OSSL_PKEY_PARAM_PUB_KEY, point);
  if (jwk.has_secret()) data.add(OSSL_PKEY_PARAM_PRIV_KEY, jwk.members.at("d"));
  Pkey pkey = data.build("EC", selection);
  if (pkey == nullptr) return bad_numbers();
  return pkey;
}

Result<Pkey> import_okp(const Jwk& jwk, const AlgorithmInfo& about) {
  for (const auto& [name, bytes] : jwk.members) {
    if (bytes.size() != about.size) {
      return bad(fmt::format("the key's \"{}\" must have {} bytes", name, about.size));
    }
  }
  const Octets& x = jwk.members.at("x");
  if (!jwk.has_secret()) {
    Pkey pkey(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, x.data(), x.size()));
    if (pkey == nullptr) return bad_numbers();
    return pkey;
  }
  const Octets& d = jwk.members.at("d");
  Pkey pkey(EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr, d.data(), d.size()));
  Octets derived(about.size);
  std::size_t size = derived.size();
  if (pkey == nullptr || EVP_PKEY_get_raw_public_key(pkey.get(), derived.data(), &size) != 1 ||
      derived != x) {
    return bad_numbers();
  }
  return pkey;
}

/// Whether the algorithm's parameters could be set.
bool set_padding(EVP_PKEY_CTX* context, const AlgorithmInfo& about) {
  if (about.type != KeyType::rsa) return true;
  if (!about.pss) return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
  // RFC 7518 §3.5: the salt is as long as the digest, and MGF1 has the same one.
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/// From the two numbers of RFC 7518 §3.4 to OpenSSL's DER; empty when it cannot be.
Octets to_der(ByteSpan raw, std::size_t size) {
  if (raw.size() != 2 * size) return {};
  openssl::Signature signature(ECDSA_SIG_new());
  Bignum r = number(raw.first(size));
  Bignum s = number(raw.last(size));
  if (signature == nullptr || r == nullptr || s == nullptr ||
      ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) {
    return {};
  }
  // They are the signature's now.
  static_cast<void>(r.release());
  static_cast<void>(s.release());
  unsigned char* der = nullptr;
  const int length = i2d_ECDSA_SIG(signature.get(), &der);
  Octets out;
  if (length > 0) out.assign(der, der + length);
  OPENSSL_free(der);
  return out;
}

Octets from_der(const Octets& der, std::size_t size) {
  const unsigned char* at = der.data();
  const openssl::Signature signature(
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));  // NOLINT(google-runtime-int)
  Octets raw(2 * size);
  const int each = static_cast<int>(size);
  if (signature == nullptr ||
      BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), each) != each ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + size, each) != each) {
    return {};
  }
  return raw;
}

Octets hmac(const AlgorithmInfo& about, const Octets& secret, ByteSpan text) {
  Octets mac(EVP_MAX_MD_SIZE);
  unsigned int size = 0;
  const EVP_MD* digest = EVP_get_digestbyname(about.digest);
  if (digest == nullptr || HMAC(digest, secret.data(), static_cast<int>(secret.size()), text.data(),
                                text.size(), mac.data(), &size) == nullptr) {
    return {};
  }
  mac.resize(size);
  return mac;
}

}  // namespace

Result<CryptoKey> CryptoKey::import(const Jwk& jwk) {
  const ErrorQueue queue;
  CryptoKey key(info(jwk.algorithm));
  const int selection = jwk.has_secret() ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
  Pkey pkey;
  switch (key.about_->type) {
    case KeyType::oct:
      key.secret_ = jwk.members.at("k");
      if (key.secret_.size() < kMinSecretSize || key.secret_.size() > kMaxSecretSize) {
        return bad(fmt::format("the secret \"k\" of a key has {} to {} bytes; generate a new one",
                               kMinSecretSize, kMaxSecretSize));
      }
      return key;
    case KeyType::rsa: {
      MOQ_TRY(pkey, import_rsa(jwk, selection));
      break;
    }
    case KeyType::ec: {
      MOQ_TRY(pkey, import_ec(jwk, *key.about_, selection));
      break;
    }
    case KeyType::okp: {
      MOQ_TRY(pkey, import_okp(jwk, *key.about_));
      break;
    }
  }
  key.pkey_ = std::move(pkey);
  if (jwk.has_secret()) {
    // Whether the halves belong together; testing RSA's primes would take far longer.
    constexpr std::string_view kProbe = "moq";
    const auto signature = key.sign(kProbe);
    if (!signature || !key.verify(kProbe, *signature)) return bad_numbers();
  }
  return key;
}

Result<Octets> CryptoKey::sign(std::string_view text) const {
  const ErrorQueue queue;
  const ByteSpan bytes = as_bytes(text);
  Octets signature;
  if (about_->type == KeyType::oct) {
    signature = hmac(*about_, secret_, bytes);
  } else {
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* parameters = nullptr;
    std::size_t size = 0;
    if (context != nullptr &&
        EVP_DigestSignInit_ex(context.get(), &parameters, about_->digest, nullptr, nullptr,
                              pkey_.get(), nullptr) == 1 &&
        set_padding(parameters, *about_) &&
        EVP_DigestSign(context.get(), nullptr, &size, bytes.data(), bytes.size()) == 1) {
      signature.resize(size);
      if (EVP_DigestSign(context.get(), signature.data(), &size, bytes.data(), bytes.size()) != 1) {
        size = 0;
      }
      signature.resize(size);
    }
    if (about_->type == KeyType::ec && !signature.empty()) {
      signature = from_der(signature, about_->size);
    }
  }
  if (signature.empty()) return fail(TokenError::crypto, "OpenSSL could not sign with this key");
  return signature;
}

bool CryptoKey::verify(std::string_view text, ByteSpan signature) const {
  const ErrorQueue queue;
  const ByteSpan bytes = as_bytes(text);
  if (about_->type == KeyType::oct) {
    const Octets mac = hmac(*about_, secret_, bytes);
    return !mac.empty() && mac.size() == signature.size() &&
           CRYPTO_memcmp(mac.data(), signature.data(), mac.size()) == 0;
  }
  Octets der;
  if (about_->type == KeyType::ec) {
    der = to_der(signature, about_->size);
    signature = der;
  }
  if (signature.empty()) return false;
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  return context != nullptr &&
         EVP_DigestVerifyInit_ex(context.get(), &parameters, about_->digest, nullptr, nullptr,
                                 pkey_.get(), nullptr) == 1 &&
         set_padding(parameters, *about_) &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), bytes.data(),
                          bytes.size()) == 1;
}

}  // namespace moq::token
