#include "token/key_set.h"

#include <gtest/gtest.h>

#include "token/error.h"
#include "token/limits.h"
#include "token/testing/keys.h"

namespace moq::token {
namespace {

using testing::at;
using testing::forge;
using testing::key_of;

const Claims kClaims{.root = "demo", .put = {"alice"}};

std::string set_of(std::initializer_list<std::string_view> keys) {
  std::string text = R"({"keys":[)";
  for (std::string_view key : keys) text += (text.ends_with('[') ? "" : ",") + std::string(key);
  return text + "]}";
}

KeySet two() {
  return KeySet::parse(set_of({testing::secret_jwk("HS256", R"(,"kid":"one")"),
                               testing::ec_jwk(R"(,"kid":"two")")}))
      .value();
}

TEST(KeySet, FindsTheKeyByTheTokensKid) {
  const KeySet set = two();
  for (const Key& key : set.keys()) EXPECT_EQ(set.verify(*key.sign(kClaims), at(0)), kClaims);
  EXPECT_EQ(set.find(KeyId::parse("two").value()), &set.keys()[1]);
  EXPECT_EQ(set.find(KeyId::parse("three").value()), nullptr);
}

TEST(KeySet, WithoutKidOnlyWhenThereIsNoChoice) {
  const Key plain = key_of(testing::secret_jwk());
  const std::string token = plain.sign(kClaims).value();
  EXPECT_TRUE(two().verify(token, at(0)).error().is(TokenError::missing_key_id));
  EXPECT_EQ(KeySet({plain}).verify(token, at(0)), kClaims);
  EXPECT_TRUE(KeySet().verify(token, at(0)).error().is(TokenError::missing_key_id));
}

TEST(KeySet, AKidThatIsNotThereIsRefusedEvenByTheOnlyKey) {
  const KeySet one({key_of(testing::secret_jwk("HS256", R"(,"kid":"one")"))});
  const std::string token =
      forge(one.keys()[0], R"({"alg":"HS256","kid":"other"})", R"({"put":""})");
  EXPECT_TRUE(one.verify(token, at(0)).error().is(TokenError::unknown_key));
  // The key alone does not look at it.
  EXPECT_TRUE(one.keys()[0].verify(token, at(0)));
}

TEST(KeySet, AKidIsAName) {
  const KeySet set = two();
  for (const char* kid : {"../one", "one/../one", "/etc/passwd", "one.jwk", "", "one\\u0000",
                          "http://one", "%6fne", "öne"}) {
    const std::string header = fmt::format(R"({{"alg":"HS256","kid":"{}"}})", kid);
    EXPECT_TRUE(set.verify(forge(set.keys()[0], header, R"({"put":""})"), at(0))
                    .error()
                    .is(TokenError::bad_key_id))
        << kid;
  }
}

TEST(KeySet, SignsWithTheFirstThatCan) {
  const Key ec = key_of(testing::ec_jwk(R"(,"kid":"two")"));
  const KeySet set(
      {ec.to_public().value(), key_of(testing::secret_jwk("HS256", R"(,"kid":"one")"))});
  EXPECT_EQ(set.keys()[1].verify(*set.sign(kClaims), at(0)), kClaims);
  EXPECT_TRUE(KeySet({*ec.to_public()}).sign(kClaims).error().is(TokenError::not_permitted));
}

TEST(KeySet, IsWrittenAndReadAgain) {
  const KeySet set = two();
  const KeySet again = KeySet::parse(*set.to_json()).value();
  EXPECT_EQ(*again.to_json(), *set.to_json());
  EXPECT_TRUE(set.to_public().error().is(TokenError::not_permitted));
  const KeySet half = KeySet({set.keys()[1]}).to_public().value();
  EXPECT_FALSE(half.keys()[0].is_private());
  EXPECT_EQ(half.verify(*set.keys()[1].sign(kClaims), at(0)), kClaims);
}

TEST(KeySet, WhatIsNoSetIsRefused) {
  for (const std::string& text :
       {std::string("[]"), std::string("{}"), std::string(R"({"keys":{}})"),
        std::string(R"({"keys":[1]})"), set_of({testing::ec_jwk(), "{}"})}) {
    EXPECT_TRUE(KeySet::parse(text).error().is(TokenError::bad_key)) << text;
  }
  EXPECT_TRUE(
      KeySet::parse(std::string(kMaxKeySetSize + 1, ' ')).error().is(TokenError::too_large));
}

}  // namespace
}  // namespace moq::token
