// What RFC 7515, 7519 and 8037 print: their signatures are right here, and ours are theirs
// where an algorithm has only one.

#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include "token/error.h"
#include "token/jwt.h"
#include "token/openssl.h"
#include "token/testing/keys.h"

namespace moq::token {
namespace {

using testing::at;
using testing::key_of;

// RFC 7515 appendix A.1 to A.3 and RFC 7519 §3.1 have this payload.
constexpr std::string_view kPayload =
    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
constexpr std::string_view kHs256 =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    "."
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
constexpr std::string_view kRs256 =
    "eyJhbGciOiJSUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    "."
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
    "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb"
    "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO"
    "YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
constexpr std::string_view kEs256 =
    "eyJhbGciOiJFUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    "."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
// RFC 8037 appendix A.4; its payload is no JSON.
constexpr std::string_view kEdDsa =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
// RFC 7519 §6.1.
constexpr std::string_view kNone =
    "eyJhbGciOiJub25lIn0."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".";

constexpr std::int64_t kExpires = 1300819380;

struct Row {
  const char* name;
  std::string key;
  std::string_view token;
  bool one_signature;  ///< no randomness in it
};

TEST(Vectors, RightSignaturesAreFoundRight) {
  const Row rows[] = {{"RFC 7515 A.1", testing::secret_jwk(), kHs256, true},
                      {"RFC 7515 A.2", testing::rsa_jwk(), kRs256, true},
                      {"RFC 7515 A.3", testing::ec_jwk(), kEs256, false}};
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const Key key = key_of(row.key);
    const auto parsed = UnverifiedToken::parse(row.token).value();
    EXPECT_EQ(decode_base64url(parsed.payload), Octets(kPayload.begin(), kPayload.end()));
    // They are right, but grant nothing; and they are expired.
    EXPECT_TRUE(key.verify(row.token, at(kExpires - 1)).error().is(TokenError::useless));
    EXPECT_TRUE(key.verify(row.token, at(kExpires)).error().is(TokenError::expired));
    std::string changed(row.token);
    changed[changed.find('.') + 2] ^= 1;
    EXPECT_TRUE(key.verify(changed, at(kExpires - 1)).error().is(TokenError::bad_signature));
    if (!row.one_signature) continue;
    const CryptoKey crypto = CryptoKey::import(key.jwk()).value();
    EXPECT_EQ(crypto.sign(parsed.signed_text).value(), parsed.signature);
  }
}

TEST(Vectors, Ed25519) {
  const Key key = key_of(testing::kEdJwk);
  const CryptoKey crypto = CryptoKey::import(key.jwk()).value();
  const auto parsed = UnverifiedToken::parse(kEdDsa).value();
  EXPECT_EQ(crypto.sign(parsed.signed_text).value(), parsed.signature);
  EXPECT_TRUE(
      CryptoKey::import(key.to_public()->jwk())->verify(parsed.signed_text, parsed.signature));
  EXPECT_TRUE(key.verify(kEdDsa, at(0)).error().is(TokenError::malformed));
}

/// Signed as OpenSSL is told to, with a salt of `salt` bytes (or what its names for that mean).
std::string sign_pss(EVP_PKEY* pkey, const std::string& text, int salt) {
  const openssl::DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  Octets signature(256);
  std::size_t size = signature.size();
  EXPECT_EQ(EVP_DigestSignInit(context.get(), &parameters, EVP_sha256(), nullptr, pkey), 1);
  EXPECT_EQ(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING), 1);
  EXPECT_EQ(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, salt), 1);
  const ByteSpan bytes = as_bytes(text);
  EXPECT_EQ(EVP_DigestSign(context.get(), signature.data(), &size, bytes.data(), bytes.size()), 1);
  return text + '.' + encode_base64url(signature);
}

Octets number_of(const EVP_PKEY* pkey, const char* name) {
  BIGNUM* found = nullptr;
  EXPECT_EQ(EVP_PKEY_get_bn_param(pkey, name, &found), 1);
  const openssl::Bignum number(found);
  Octets bytes(static_cast<std::size_t>(BN_num_bytes(found)));
  BN_bn2bin(found, bytes.data());
  return bytes;
}

// RFC 7518 §3.5. That ours verify each other would not show it.
TEST(Vectors, TheSaltOfPssIsAsLongAsTheDigest) {
  const openssl::Pkey pkey(EVP_RSA_gen(2048));
  Jwk jwk{.algorithm = Algorithm::ps256};
  jwk.members["n"] = number_of(pkey.get(), "n");
  jwk.members["e"] = number_of(pkey.get(), "e");
  const Key key = Key::import(jwk).value();
  const std::string text = signing_text(Algorithm::ps256, {}, R"({"put":""})").value();
  EXPECT_TRUE(key.verify(sign_pss(pkey.get(), text, 32), at(0)));
  for (const int salt : {0, 20, 31, 33, 64, RSA_PSS_SALTLEN_MAX}) {
    const auto claims = key.verify(sign_pss(pkey.get(), text, salt), at(0));
    ASSERT_FALSE(claims) << salt;
    EXPECT_TRUE(claims.error().is(TokenError::bad_signature)) << salt;
  }
}

TEST(Vectors, UnsecuredTokensAreRefusedByEveryKey) {
  for (const AlgorithmInfo& each : algorithms()) {
    const Key key = key_of(testing::jwk_for(each.algorithm));
    EXPECT_TRUE(key.verify(kNone, at(0)).error().is(TokenError::wrong_algorithm)) << each.name;
  }
}

}  // namespace
}  // namespace moq::token
