// Tokens that somebody made to get in, or to break something: each is refused for its own
// reason, and no error says anything of what was in it.

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/bn.h>

#include "token/error.h"
#include "token/jwt.h"
#include "token/limits.h"
#include "token/openssl.h"
#include "token/testing/hostile.h"
#include "token/testing/keys.h"

namespace moq::token {
namespace {

using testing::at;
using testing::forge;
using testing::HostileToken;
using testing::HostileTokens;
using testing::key_of;
using testing::kHeader;
using testing::kMark;
using testing::kPayload;

constexpr std::int64_t kNow = testing::kHostileNow;

void expect_refused(const Key& key, const HostileToken& row) {
  SCOPED_TRACE(row.name);
  const auto claims = key.verify(row.token, at(kNow));
  ASSERT_FALSE(claims);
  EXPECT_TRUE(claims.error().is(row.code)) << claims.error().message();
  EXPECT_FALSE(claims.error().detail().empty());
  const std::string said = claims.error().message();
  EXPECT_EQ(said.find(kMark), std::string::npos) << said;
  // Not even a piece of it, in whatever coding it came.
  constexpr std::size_t kPiece = 10;
  for (std::size_t i = 0; i + kPiece <= std::min<std::size_t>(row.token.size(), 4096); ++i) {
    ASSERT_EQ(said.find(row.token.substr(i, kPiece)), std::string::npos) << said;
  }
}

void expect_refused(const HostileTokens& hostile) {
  const Key key = key_of(hostile.key);
  for (const HostileToken& each : hostile.tokens) expect_refused(key, each);
}

Key secret_key() { return key_of(testing::secret_jwk()); }

TEST(Hostile, TheTokenThatTheseAreMadeFromIsGood) {
  const auto claims = secret_key().verify(forge(secret_key(), kHeader, kPayload), at(kNow));
  ASSERT_TRUE(claims) << claims.error().message();
  EXPECT_EQ(claims->root, kMark);
}

TEST(Hostile, Parts) { expect_refused(testing::hostile_parts()); }

TEST(Hostile, Encoding) { expect_refused(testing::hostile_encoding()); }

TEST(Hostile, Headers) { expect_refused(testing::hostile_headers()); }

TEST(Hostile, APublicKeyIsNoSecret) { expect_refused(testing::hostile_secrets()); }

TEST(Hostile, AKeyInTheHeaderIsNotUsed) { expect_refused(testing::hostile_keys()); }

TEST(Hostile, Claims) { expect_refused(testing::hostile_claims()); }

TEST(Hostile, Sizes) {
  expect_refused(testing::hostile_sizes());
  // More than comes by any way that a relay has.
  expect_refused(secret_key(), {"64 MiB", std::string(64U << 20, 'A'), TokenError::too_large});
}

TEST(Hostile, SignaturesOfEcdsa) { expect_refused(testing::hostile_ecdsa()); }

TEST(Hostile, SignaturesOfEd25519AndRsa) {
  expect_refused(testing::hostile_ed25519());
  for (const char* algorithm : {"RS256", "PS256"}) expect_refused(testing::hostile_rsa(algorithm));
}

TEST(Hostile, EveryOtherAlgorithmIsRefusedByEveryKey) {
  for (const AlgorithmInfo& each : algorithms()) expect_refused(testing::hostile_algorithms(each));
}

// Anybody can make this of a signature, and it is one, too (RFC 7518 §3.4 does not ask for the
// lower of both, and other signers give either): so a token's text is nothing to know it by.
TEST(Hostile, TheOtherFormOfAnEcdsaSignatureIsASignature) {
  const Key key = key_of(testing::ec_jwk());
  testing::TokenParts parts(forge(key, kPayload));
  Octets signature = *decode_base64url(parts.signature);
  const Octets order_bytes = *decode_base64url("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE");
  const openssl::Bignum order(BN_bin2bn(order_bytes.data(), 32, nullptr));
  const openssl::Bignum s(BN_bin2bn(signature.data() + 32, 32, nullptr));
  ASSERT_EQ(BN_sub(s.get(), order.get(), s.get()), 1);
  ASSERT_EQ(BN_bn2binpad(s.get(), signature.data() + 32, 32), 32);
  parts.signature = encode_base64url(signature);
  EXPECT_TRUE(key.verify(parts.text(), at(kNow)));
}

TEST(Hostile, EveryBitOfATokenCounts) {
  const Key key = key_of(testing::kEdJwk);
  const std::string good = forge(key, kPayload);
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const int bit : {1, 4, 32}) {
      std::string changed = good;
      changed[i] = static_cast<char>(changed[i] ^ bit);
      EXPECT_FALSE(key.verify(changed, at(kNow))) << i;
    }
    EXPECT_FALSE(key.verify(good.substr(0, i), at(kNow))) << i;
    EXPECT_FALSE(key.verify(good.substr(i + 1), at(kNow))) << i;
  }
}

TEST(Hostile, TheKidOfATokenIsReadWithTheSameCare) {
  const Key key = secret_key();
  EXPECT_EQ(key_id_of(forge(key, kHeader, kPayload)).value()->text(), kMark);
  EXPECT_EQ(key_id_of(forge(key, R"({"alg":"HS256"})", kPayload)).value(), std::nullopt);
  for (const char* kid :
       {"../hunter2", "hunter2/..", "/hunter2", "hunter2.jwk", ".", "..", "", "hunter2 ",
        "hunter2\\u0000", "hunter2%2e", "file:hunter2", "\\\\hunter2"}) {
    const auto found =
        key_id_of(forge(key, fmt::format(R"({{"alg":"HS256","kid":"{}"}})", kid), kPayload));
    ASSERT_FALSE(found) << kid;
    EXPECT_TRUE(found.error().is(TokenError::bad_key_id)) << kid;
    EXPECT_EQ(found.error().message().find(kMark), std::string::npos);
  }
  EXPECT_TRUE(key_id_of(std::string(kMaxTokenSize + 1, 'a')).error().is(TokenError::too_large));
}

}  // namespace
}  // namespace moq::token
