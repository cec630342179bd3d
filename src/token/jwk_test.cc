#include "token/jwk.h"

#include <functional>

#include <gtest/gtest.h>

#include "token/error.h"
#include "token/limits.h"
#include "token/testing/keys.h"

namespace moq::token {
namespace {

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const std::size_t found = text.find(what);
  EXPECT_NE(found, std::string::npos) << what;
  return text.replace(found, what.size(), by);
}

TEST(Jwk, IsReadAsJsonOrAsBase64urlOfIt) {
  const std::string json = testing::ec_jwk(R"(,"kid":"a","ext":true,"use":"sig")");
  const std::string coded = encode_base64url(as_bytes(json));
  const std::string pad(coded.size() % 4 == 0 ? 0 : 4 - coded.size() % 4, '=');
  for (const std::string& text :
       {json, " \n" + json + "\r\n\t", coded, coded + "\n", coded + pad}) {
    const auto jwk = Jwk::parse(text);
    ASSERT_TRUE(jwk) << jwk.error().message();
    EXPECT_EQ(jwk->algorithm, Algorithm::es256);
    EXPECT_EQ(jwk->members.size(), 3U);
    EXPECT_EQ(jwk->id->text(), "a");
    EXPECT_TRUE(jwk->has_secret());
  }
}

TEST(Jwk, OlderKeysLackTypeAndOperations) {
  const std::string padded = encode_base64url(Octets(32, 'A')) + '=';
  const auto jwk = Jwk::parse(fmt::format(R"({{"alg":"HS512","k":"{}"}})", padded));
  ASSERT_TRUE(jwk) << jwk.error().message();
  EXPECT_EQ(jwk->operations, KeyOperations());
  EXPECT_EQ(jwk->members.at("k"), Octets(32, 'A'));
  EXPECT_EQ(*Jwk::parse(testing::secret_jwk("HS256", R"(,"key_ops":["verify","encrypt"])")),
            *Jwk::parse(testing::secret_jwk("HS256", R"(,"key_ops":["encrypt","verify"])")));
}

TEST(Jwk, IsWrittenAsTheReferenceDoes) {
  EXPECT_EQ(
      *Jwk::parse(R"({"kid":"k","k":"QUFB","scope":{"get":["w"],"root":"p"},"alg":"HS256"})")
           ->to_json(),
      R"({"alg":"HS256","key_ops":["sign","verify"],"kty":"oct","k":"QUFB","kid":"k","scope":{"root":"p","get":["w"]}})");
  EXPECT_EQ(*Jwk::parse(testing::rsa_public_jwk("PS512"))->to_json(),
            fmt::format(
                R"({{"alg":"PS512","key_ops":["sign","verify"],"kty":"RSA","n":"{}","e":"AQAB"}})",
                testing::kRsaN));
  for (const AlgorithmInfo& each : algorithms()) {
    const std::string once = *Jwk::parse(testing::jwk_for(each.algorithm))->to_json();
    EXPECT_EQ(*Jwk::parse(once)->to_json(), once);
  }
}

struct Row {
  const char* name;
  std::string text;
  TokenError code = TokenError::bad_key;
};

std::vector<Row> malformed() {
  const std::string secret = testing::secret_jwk();
  const std::string ec = testing::ec_jwk();
  const std::string rsa = testing::rsa_jwk();
  return {
      {"empty", ""},
      {"whitespace", " \n"},
      {"not base64url", "!!!!"},
      {"base64url of something else", "AAAA"},
      {"a token", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA"},
      {"a list", "[" + secret + "]"},
      {"cut off", secret.substr(0, secret.size() - 1)},
      {"behind it", secret + "x"},
      {"two", secret + secret},
      {"a zero behind it", secret + '\0' + "x"},
      {"a byte order mark", "\xef\xbb\xbf" + secret},
      {"a comment", "{/**/" + secret.substr(1)},
      {"not UTF-8", replaced(secret, "oct", "o\xff")},
      {"a name twice", replaced(secret, R"("kty")", R"("alg":"HS512","kty")")},
      {"a name twice, spelt differently",
       replaced(secret, R"("kty")", R"("\u0061lg":"HS256","kty")")},
      {"a name twice within", testing::secret_jwk("HS256", R"(,"scope":{"put":[""],"put":["a"]})")},
      {"too deep",
       testing::secret_jwk("HS256", R"(,"x":)" + std::string(40, '[') + std::string(40, ']'))},
      {"very deep", testing::secret_jwk(
                        "HS256", R"(,"x":)" + std::string(20000, '[') + std::string(20000, ']'))},
      {"another type", replaced(secret, "oct", "OCT")},
      {"a type that is no text", replaced(secret, R"("oct")", "3")},
      {"no algorithm", replaced(secret, R"("alg":"HS256",)", "")},
      {"algorithm none", testing::secret_jwk("none")},
      {"an algorithm that is not there", testing::secret_jwk("ES512")},
      {"an algorithm in lower case", testing::secret_jwk("hs256")},
      {"an algorithm of another type", testing::secret_jwk("RS256")},
      {"RSA for HMAC", testing::rsa_jwk("HS256")},
      {"EC with another curve", replaced(ec, "P-256", "P-384")},
      {"EC with a curve that is not there", replaced(ec, "P-256", "P-521")},
      {"EC without a curve", replaced(ec, R"("crv":"P-256",)", "")},
      {"EC without y", replaced(ec, R"("y":)", R"("z":)")},
      {"EC for another algorithm", replaced(ec, "ES256", "ES384")},
      {"Ed448", replaced(std::string(testing::kEdJwk), "Ed25519", "Ed448")},
      {"no secret", R"({"kty":"oct","alg":"HS256"})"},
      {"a secret that is empty", R"({"kty":"oct","alg":"HS256","k":""})"},
      {"a secret that is a number", R"({"kty":"oct","alg":"HS256","k":7})"},
      {"a secret in base64", replaced(secret, "AyM1", "+/M1")},
      {"half of RSA's numbers", replaced(rsa, R"("qi":)", R"("no":)")},
      {"three primes", testing::rsa_jwk("RS256", R"(,"oth":[])")},
      {"operations that are text", testing::secret_jwk("HS256", R"(,"key_ops":"sign")")},
      {"another operation", testing::secret_jwk("HS256", R"(,"key_ops":["sign","fly"])")},
      {"operations that are numbers", testing::secret_jwk("HS256", R"(,"key_ops":[1])")},
      {"a scope that is text", testing::secret_jwk("HS256", R"(,"scope":"a")")},
      {"a scope that allows nothing",
       testing::secret_jwk("HS256", R"(,"scope":{"root":"a","put":[]})")},
      {"a scope of text", testing::secret_jwk("HS256", R"(,"scope":{"put":"a"})")},
      {"a scope of numbers", testing::secret_jwk("HS256", R"(,"scope":{"put":[1]})")},
      {"a kid that is a path", testing::secret_jwk("HS256", R"(,"kid":"../a")"),
       TokenError::bad_key_id},
      {"a kid that is empty", testing::secret_jwk("HS256", R"(,"kid":"")"), TokenError::bad_key_id},
      {"a kid that is long",
       testing::secret_jwk("HS256", fmt::format(R"(,"kid":"{}")", std::string(129, 'a'))),
       TokenError::bad_key_id},
      {"a kid that is a number", testing::secret_jwk("HS256", R"(,"kid":1)")},
      {"too long",
       testing::secret_jwk("HS256", fmt::format(R"(,"x":"{}")", std::string(kMaxKeySize, 'a'))),
       TokenError::too_large},
  };
}

void expect_no_secret(const std::string& said) {
  for (std::string_view secret :
       {testing::kSecret.substr(0, 8), testing::kRsaD.substr(0, 8), testing::kRsaN.substr(0, 8),
        std::string_view("jpsQnnGQ"), std::string_view("nWGxne_9"), std::string_view("hunter2")}) {
    EXPECT_EQ(said.find(secret), std::string::npos) << said;
  }
}

TEST(Jwk, WhatIsMalformedIsRefused) {
  for (const Row& row : malformed()) {
    SCOPED_TRACE(row.name);
    const auto jwk = Jwk::parse(row.text);
    ASSERT_FALSE(jwk);
    EXPECT_TRUE(jwk.error().is(row.code)) << jwk.error().message();
    EXPECT_FALSE(jwk.error().detail().empty());
    expect_no_secret(jwk.error().message());
  }
}

std::string coded(const Octets& bytes) { return encode_base64url(bytes); }

// Well formed, but not a key, or not one to trust.
TEST(Jwk, WhatIsNoKeyIsRefused) {
  const std::string ec = testing::ec_jwk();
  const std::string ed(testing::kEdJwk);
  const std::string rsa = testing::rsa_jwk();
  Octets modulus = *decode_base64url(testing::kRsaN);
  const Octets small(modulus.begin(), modulus.begin() + 128);
  Octets even = modulus;
  even.back() &= 0xfe;
  Octets large(kMaxRsaBits / 8 + 2, 0xff);
  const std::string zero = coded(Octets(32));
  const std::string order = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE";
  const auto with_n = [](const Octets& n) {
    return fmt::format(R"({{"kty":"RSA","alg":"RS256","n":"{}","e":"AQAB"}})", coded(n));
  };
  const std::vector<Row> rows = {
      {"a short secret",
       fmt::format(R"({{"alg":"HS256","k":"{}"}})", coded(Octets(kMinSecretSize - 1, 7)))},
      {"a long secret",
       fmt::format(R"({{"alg":"HS256","k":"{}"}})", coded(Octets(kMaxSecretSize + 1, 7)))},
      {"a point that is not on the curve", replaced(ec, "f83O", "f83P")},
      {"the point at zero",
       fmt::format(R"({{"kty":"EC","alg":"ES256","crv":"P-256","x":"{}","y":"{}"}})", zero, zero)},
      {"a short coordinate", replaced(ec, "VEU\"", "VA\"")},
      {"a long coordinate", replaced(ec, "f83O", "AAAAf83O")},
      {"another's private number", replaced(ec, "jpsQ", "jpsR")},
      {"the private number 0", replaced(ec, "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI", zero)},
      {"a private number as large as the order",
       replaced(ec, "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI", order)},
      {"another's Ed25519", replaced(ed, "nWGx", "nWGy")},
      {"a short Ed25519", replaced(ed, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "11qY")},
      {"RSA of 1024 bits", with_n(small)},
      {"RSA that is too large", with_n(large)},
      {"an even modulus", with_n(even)},
      {"the exponent 1", testing::rsa_public_jwk("RS256", "AQ")},
      {"an even exponent", testing::rsa_public_jwk("RS256", "AQAA")},
      {"a large exponent", testing::rsa_public_jwk("RS256", "A_____8")},
      // One of both is enough for OpenSSL to sign.
      {"another's private exponent and primes",
       replaced(replaced(rsa, R"("d":"Eq)", R"("d":"Er)"), R"("dp":")", R"("dp":"AA)")},
      {"a prime of 0", replaced(rsa, testing::kRsaP, "AA")},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const auto key = Key::parse(row.text);
    ASSERT_FALSE(key);
    EXPECT_TRUE(key.error().is(TokenError::bad_key)) << key.error().message();
    expect_no_secret(key.error().message());
  }
}

}  // namespace
}  // namespace moq::token
