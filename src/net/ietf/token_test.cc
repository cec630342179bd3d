#include "net/ietf/token.h"

#include <string>

#include <gtest/gtest.h>

#include "net/ietf/limits.h"

namespace moq::ietf {
namespace {

Token enroll(std::uint64_t alias, std::string value) {
  return {.action = TokenAction::enroll, .alias = alias, .type = 1, .value = std::move(value)};
}
Token use(std::uint64_t alias) { return {.action = TokenAction::use_alias, .alias = alias}; }
Token remove(std::uint64_t alias) { return {.action = TokenAction::remove, .alias = alias}; }

TEST(TokenCache, RemembersWhatWasRegistered) {
  TokenCache cache(100);
  EXPECT_EQ(cache.apply(enroll(7, "secret")).value(), (Credential{1, "secret"}));
  EXPECT_EQ(cache.size(), kAuthTokenOverhead + 6);
  EXPECT_EQ(cache.apply(use(7)).value(), (Credential{1, "secret"}));
  EXPECT_EQ(cache.apply(remove(7)).value(), std::nullopt);
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_TRUE(cache.apply(use(7)).error().is(SessionError::unknown_auth_token_alias));
  EXPECT_TRUE(cache.apply(enroll(7, "again"))) << "an alias may be used anew";
}

TEST(TokenCache, KeepsNothingOfAValueThatIsSentWithout) {
  TokenCache cache(0);
  EXPECT_EQ(cache.apply(Token{.type = 2, .value = "v"}).value(), (Credential{2, "v"}));
  EXPECT_EQ(cache.size(), 0U);
}

TEST(TokenCache, RefusesAliasesThatAreNotAsTheyShouldBe) {
  TokenCache cache(100);
  ASSERT_TRUE(cache.apply(enroll(1, "a")));
  EXPECT_TRUE(cache.apply(enroll(1, "a")).error().is(SessionError::duplicate_auth_token_alias));
  EXPECT_TRUE(cache.apply(use(2)).error().is(SessionError::unknown_auth_token_alias));
  EXPECT_TRUE(cache.apply(remove(2)).error().is(SessionError::unknown_auth_token_alias));
}

TEST(TokenCache, HoldsAsMuchAsItSays) {
  TokenCache cache(2 * kAuthTokenOverhead + 4);
  ASSERT_TRUE(cache.apply(enroll(1, "ab")));
  EXPECT_TRUE(cache.apply(enroll(2, "abc")).error().is(SessionError::auth_token_cache_overflow));
  EXPECT_TRUE(cache.apply(enroll(2, "ab")));
  EXPECT_TRUE(cache.apply(enroll(3, "")).error().is(SessionError::auth_token_cache_overflow));
  EXPECT_TRUE(cache.apply(remove(1)));
  EXPECT_TRUE(cache.apply(enroll(3, "")));
  TokenCache none(0);
  EXPECT_TRUE(none.apply(enroll(1, "")).error().is(SessionError::auth_token_cache_overflow));
}

TEST(TokenCache, TakesWhatASetupHasTooMuch) {
  TokenCache cache(kAuthTokenOverhead + 1);
  const auto alias_error = SessionError::protocol_violation;
  EXPECT_EQ(cache.apply_setup(enroll(1, "ab"), alias_error).value(), (Credential{1, "ab"}));
  EXPECT_EQ(cache.size(), 0U) << "as USE_VALUE";
  EXPECT_EQ(cache.apply_setup(enroll(1, "a"), alias_error).value(), (Credential{1, "a"}));
  EXPECT_EQ(cache.size(), kAuthTokenOverhead + 1);
  EXPECT_TRUE(cache.apply_setup(use(1), alias_error).error().is(alias_error));
  EXPECT_TRUE(cache.apply_setup(remove(1), alias_error).error().is(alias_error));
}

TEST(Tokens, AreLoggedWithoutTheirValues) {
  std::string out;
  print_value(out, enroll(7, "secret"));
  EXPECT_EQ(out, "register:7(type 1, 6 bytes)");
  out.clear();
  print_value(out, remove(3));
  EXPECT_EQ(out, "delete:3");
}

}  // namespace
}  // namespace moq::ietf
