#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "token/crypto.h"
#include "token/key.h"

/// Keys and tokens for tests. Those of the RFCs are public: of no use elsewhere.
namespace moq::token::testing {

/// RFC 7515 appendix A.1.1.
inline constexpr std::string_view kSecret =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

/// RFC 7515 appendix A.2.1.
inline constexpr std::string_view kRsaN =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ"
    "PMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0"
    "LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD"
    "Zlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2"
    "PAcDTW9gb54h4FRWyuXpoQ";
inline constexpr std::string_view kRsaD =
    "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9S"
    "E-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVd"
    "xzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQ"
    "UShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjn"
    "czT0QU91p1DhOVRuOopznQ";
inline constexpr std::string_view kRsaP =
    "4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQT"
    "a9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV"
    "5z-y2XDwGUc";
inline constexpr std::string_view kRsaQ =
    "uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7"
    "C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rj"
    "cJIDEz9RWdc";
inline constexpr std::string_view kRsaDp =
    "BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_P"
    "I7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1Xs"
    "mvkxHQAdYo0";
inline constexpr std::string_view kRsaDq =
    "h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oK"
    "r6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTd"
    "lqvd0tIiTHU";
inline constexpr std::string_view kRsaQi =
    "IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_"
    "QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0J"
    "KSHuLFkuQ3U";

inline std::string secret_jwk(std::string_view alg = "HS256", std::string_view more = "") {
  return fmt::format(R"({{"kty":"oct","alg":"{}","k":"{}"{}}})", alg, kSecret, more);
}
inline std::string rsa_jwk(std::string_view alg = "RS256", std::string_view more = "") {
  return fmt::format(
      R"({{"kty":"RSA","alg":"{}","n":"{}","e":"AQAB","d":"{}","p":"{}","q":"{}","dp":"{}","dq":"{}","qi":"{}"{}}})",
      alg, kRsaN, kRsaD, kRsaP, kRsaQ, kRsaDp, kRsaDq, kRsaQi, more);
}
inline std::string rsa_public_jwk(std::string_view alg = "RS256", std::string_view e = "AQAB") {
  return fmt::format(R"({{"kty":"RSA","alg":"{}","n":"{}","e":"{}"}})", alg, kRsaN, e);
}
/// RFC 7515 appendix A.3.1.
inline std::string ec_jwk(std::string_view more = "") {
  return fmt::format(
      R"({{"kty":"EC","alg":"ES256","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
      R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",)"
      R"("d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"{}}})",
      more);
}
inline constexpr std::string_view kEc384Jwk =
    R"({"kty":"EC","alg":"ES384","crv":"P-384",)"
    R"("x":"eMNlA43Q2ygh2Ub5bl4bEwh8TW5dogS8P_Hu5aaCQ0s45gABKQyv24fdj1Oxa7AK",)"
    R"("y":"6EvBCbKOIMgsXCLbmhahiJhLzxrsBUBnmc2x5omTEGOrVnkkrhek-ZvU8lzBcZ4V",)"
    R"("d":"JkJQTHiEnAvgvwIq4sbSDe52EEeui4re_GlSpA9jgPpBzsL9CiincuALYKaaf69K"})";
/// RFC 8037 appendix A.1.
inline constexpr std::string_view kEdJwk =
    R"({"kty":"OKP","alg":"EdDSA","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",)"
    R"("d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"})";

/// The text of a private key for an algorithm.
inline std::string jwk_for(Algorithm algorithm) {
  const AlgorithmInfo& about = info(algorithm);
  switch (about.type) {
    case KeyType::oct:
      return secret_jwk(about.name);
    case KeyType::rsa:
      return rsa_jwk(about.name);
    case KeyType::ec:
      return algorithm == Algorithm::es256 ? ec_jwk() : std::string(kEc384Jwk);
    case KeyType::okp:
      return std::string(kEdJwk);
  }
  return {};
}

inline Key key_of(std::string_view text) { return Key::parse(text).value(); }

inline UnixTime at(std::int64_t seconds) { return UnixTime(std::chrono::seconds(seconds)); }

/// A token of any text, signed as a key would.
inline std::string forge(const Key& key, std::string_view header, std::string_view payload) {
  std::string token =
      encode_base64url(as_bytes(header)) + '.' + encode_base64url(as_bytes(payload));
  const auto signature = CryptoKey::import(key.jwk()).value().sign(token).value();
  return token + '.' + encode_base64url(signature);
}
/// With the header that the key would write.
inline std::string forge(const Key& key, std::string_view payload) {
  return forge(key, fmt::format(R"({{"alg":"{}"}})", info(key.jwk().algorithm).name), payload);
}

}  // namespace moq::token::testing
