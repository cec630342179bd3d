#include "token/key.h"

#include <gtest/gtest.h>

#include "token/error.h"
#include "token/limits.h"
#include "token/testing/keys.h"

namespace moq::token {
namespace {

using testing::at;
using testing::key_of;

const Claims kClaims{
    .root = "demo", .put = {"alice"}, .get = {""}, .exp = at(2000000000), .iat = at(1700000000)};

TEST(Key, EachAlgorithmVerifiesWhatItSigned) {
  for (const AlgorithmInfo& each : algorithms()) {
    SCOPED_TRACE(each.name);
    const Key key = key_of(testing::jwk_for(each.algorithm));
    const auto token = key.sign(kClaims);
    ASSERT_TRUE(token) << token.error().message();
    EXPECT_EQ(key.verify(*token, at(1800000000)), kClaims);
    const auto half = key.to_public();
    if (each.type == KeyType::oct) {
      EXPECT_TRUE(half.error().is(TokenError::not_permitted));
      continue;
    }
    ASSERT_TRUE(half) << half.error().message();
    EXPECT_FALSE(half->is_private());
    EXPECT_EQ(half->verify(*token, at(1800000000)), kClaims);
    EXPECT_TRUE(half->sign(kClaims).error().is(TokenError::not_permitted));
  }
}

TEST(Key, AGeneratedKeyIsOneOfItsKind) {
  for (const AlgorithmInfo& each : algorithms()) {
    // RSA is slow to make, and the same for all.
    if (each.type == KeyType::rsa && each.algorithm != Algorithm::ps256) continue;
    SCOPED_TRACE(each.name);
    const auto key = Key::generate(each.algorithm, KeyId::random().value());
    ASSERT_TRUE(key) << key.error().message();
    EXPECT_TRUE(key->is_private());
    const auto again = Key::parse(*key->to_text());
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(again->jwk().members, key->jwk().members);
    EXPECT_EQ(again->jwk().id, key->jwk().id);
    EXPECT_EQ(again->verify(*key->sign(kClaims), at(0)), kClaims);
    const auto other = Key::generate(each.algorithm);
    EXPECT_NE(other->jwk().members, key->jwk().members);
    EXPECT_TRUE(other->verify(*key->sign(kClaims), at(0)).error().is(TokenError::bad_signature));
  }
}

TEST(Key, SecretsAreAsLongAsTheDigest) {
  for (const auto& [algorithm, size] :
       {std::pair{Algorithm::hs256, 32U}, {Algorithm::hs384, 48U}, {Algorithm::hs512, 64U}}) {
    EXPECT_EQ(Key::generate(algorithm)->jwk().members.at("k").size(), size);
  }
}

TEST(Key, TheHeaderNamesAlgorithmAndKey) {
  const Key plain = key_of(testing::secret_jwk());
  EXPECT_TRUE(plain.sign(kClaims)->starts_with(
      encode_base64url(as_bytes(R"({"typ":"JWT","alg":"HS256"})")) + '.'));
  const Key named = key_of(testing::secret_jwk("HS256", R"(,"kid":"k_1-x")"));
  EXPECT_TRUE(named.sign(kClaims)->starts_with(
      encode_base64url(as_bytes(R"({"typ":"JWT","alg":"HS256","kid":"k_1-x"})")) + '.'));
}

TEST(Key, OperationsAreKept) {
  const Key signs = key_of(testing::secret_jwk("HS256", R"(,"key_ops":["sign"])"));
  const Key verifies = key_of(testing::secret_jwk("HS256", R"(,"key_ops":["verify"])"));
  const std::string token = signs.sign(kClaims).value();
  EXPECT_EQ(verifies.verify(token, at(0)), kClaims);
  EXPECT_TRUE(signs.verify(token, at(0)).error().is(TokenError::not_permitted));
  EXPECT_TRUE(verifies.sign(kClaims).error().is(TokenError::not_permitted));
  EXPECT_TRUE(key_of(testing::ec_jwk(R"(,"key_ops":["sign"])"))
                  .to_public()
                  .error()
                  .is(TokenError::not_permitted));
}

TEST(Key, AScopeHoldsForSigningAndVerifying) {
  const Key free = key_of(testing::ec_jwk());
  const Key scoped = free.with_scope({.root = "project", .put = {"live"}}).value();
  const Claims within{.root = "project", .put = {"live/room"}};
  const Claims beyond{.root = "project", .put = {"other"}};
  EXPECT_EQ(scoped.verify(*scoped.sign(within), at(0)), within);
  EXPECT_TRUE(scoped.sign(beyond).error().is(TokenError::scope_exceeded));
  EXPECT_TRUE(scoped.verify(*free.sign(beyond), at(0)).error().is(TokenError::scope_exceeded));
  EXPECT_TRUE(
      scoped.to_public()->verify(*free.sign(beyond), at(0)).error().is(TokenError::scope_exceeded));
  EXPECT_EQ(Key::parse(*scoped.to_text())->jwk().scope, scoped.jwk().scope);
  EXPECT_TRUE(free.with_scope({.root = "x"}).error().is(TokenError::bad_key));
}

TEST(Key, WhatWouldBeRefusedIsNotSigned) {
  const Key key = key_of(testing::secret_jwk());
  EXPECT_TRUE(key.sign({.root = "demo"}).error().is(TokenError::useless));
  EXPECT_TRUE(key.sign({.root = "\xff", .put = {""}}).error().is(TokenError::bad_claims));
  EXPECT_TRUE(key.sign({.root = std::string(kMaxTokenSize, 'x'), .put = {""}})
                  .error()
                  .is(TokenError::too_large));
}

TEST(Key, ATokenMayBeAsLongAsTheLimit) {
  const Key key = key_of(testing::secret_jwk());
  Claims claims{.put = {""}};
  while (key.sign(claims)->size() + 64 < kMaxTokenSize) claims.root += "segment/of/a/path/";
  while (const auto token = key.sign(claims)) {
    EXPECT_EQ(key.verify(*token, at(0)), claims);
    claims.root += 'x';
  }
  EXPECT_TRUE(key.sign(claims).error().is(TokenError::too_large));
}

}  // namespace
}  // namespace moq::token
