#include "token/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "token/error.h"
#include "token/testing/keys.h"

namespace moq::token {
namespace {

using testing::at;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Claims, OneStringIsAListOfOne) {
  const auto claims =
      Claims::parse(R"({"root":"demo","put":"bbb","get":["a","b"],"exp":12,"iat":-3})");
  ASSERT_TRUE(claims) << claims.error().message();
  EXPECT_EQ(
      *claims,
      (Claims{.root = "demo", .put = {"bbb"}, .get = {"a", "b"}, .exp = at(12), .iat = at(-3)}));
}

TEST(Claims, WhatIsMissingOrNullIsNothing) {
  const auto claims =
      Claims::parse(R"({"exp":null,"iat":null,"nbf":null,"aud":null,"other":{"put":1}})");
  ASSERT_TRUE(claims) << claims.error().message();
  EXPECT_EQ(*claims, Claims());
  EXPECT_TRUE(
      Claims::parse(R"({"put":[],"get":[]})")->require_grant().error().is(TokenError::useless));
  EXPECT_TRUE(Claims::parse(R"({"put":""})")->require_grant());
  EXPECT_TRUE(Claims::parse(R"({"get":[""]})")->require_grant());
}

TEST(Claims, AreWrittenWithoutWhatIsEmpty) {
  EXPECT_EQ(Claims{}.to_json(), R"({"root":""})");
  const Claims all{.root = "a/\"b\"",
                   .put = {""},
                   .get = {"x", "\xc3\xa9"},
                   .exp = at(5),
                   .iat = at(4),
                   .nbf = at(3)};
  EXPECT_EQ(
      all.to_json(),
      "{\"root\":\"a/"
      "\\\"b\\\"\",\"put\":[\"\"],\"get\":[\"x\",\"\xc3\xa9\"],\"exp\":5,\"iat\":4,\"nbf\":3}");
  EXPECT_EQ(Claims::parse(*all.to_json()), all);
  EXPECT_TRUE(Claims{.root = "\xff"}.to_json().error().is(TokenError::bad_claims));
}

TEST(Claims, TimesAreBoundsOfTheirValidity) {
  const Claims claims{.put = {""}, .exp = at(200), .nbf = at(100)};
  // The clock of who signed may be a minute ahead.
  EXPECT_TRUE(claims.require_valid_at(at(39)).error().is(TokenError::not_yet_valid));
  EXPECT_TRUE(claims.require_valid_at(at(40)));
  EXPECT_TRUE(claims.require_valid_at(at(199)));
  EXPECT_TRUE(claims.require_valid_at(at(200)).error().is(TokenError::expired));
  EXPECT_TRUE(Claims{}.require_valid_at(UnixTime::max()));
  EXPECT_TRUE(Claims{.exp = UnixTime::max()}.require_valid_at(at(0)));
  EXPECT_TRUE(
      Claims{.exp = UnixTime::min()}.require_valid_at(at(0)).error().is(TokenError::expired));
}

using Prefixes = std::vector<std::string>;

struct Connection {
  const char* name;
  std::string root;
  Prefixes put;
  Prefixes get;
  std::string path;
  Prefixes publish;
  Prefixes subscribe;
};

Prefixes texts(const std::vector<Path>& paths) {
  Prefixes all;
  for (const Path& path : paths) all.push_back(path.text());
  return all;
}

// The reference's documentation (relay, auth: "Path Matching", "Connection Path"), row by row.
TEST(Authorize, TheReferencesExamples) {
  const Connection rows[] = {
      {"one to publish, all to watch", "demo", {"my-stream"}, {""}, "/demo", {"my-stream"}, {""}},
      {"the same from the top", "demo", {"my-stream"}, {""}, "/", {"demo/my-stream"}, {"demo"}},
      {"the same from below", "demo", {"my-stream"}, {""}, "/demo/my-stream", {""}, {""}},
      {"a role that does not reach there", "demo", {"my-stream"}, {""}, "/demo/room", {}, {""}},
      {"a room", "rooms/123", {"alice"}, {""}, "/rooms/123", {"alice"}, {""}},
      {"between top and root", "rooms/123", {"alice"}, {""}, "/rooms", {"123/alice"}, {"123"}},
      {"below what is granted", "rooms/123", {"alice"}, {}, "/rooms/123/alice/cam", {""}, {}},
      {"everything", "", {""}, {""}, "/", {""}, {""}},
      {"everything, below", "", {""}, {""}, "/any/where", {""}, {""}},
      {"to watch everything", "", {}, {""}, "/", {}, {""}},
      {"to publish everything", "", {""}, {}, "/x", {""}, {}},
      {"to watch a root", "demo", {}, {""}, "/demo", {}, {""}},
      {"grants without a root", "", {"demo"}, {"demo/room"}, "/demo", {""}, {"room"}},
      {"slashes are implied", "/demo//", {"/a//b/"}, {"//"}, "//demo/", {"a/b"}, {""}},
      {"several", "demo", {"a", "b/c"}, {"x", "y"}, "/demo/b", {"c"}, {}},
      {"one within another", "demo", {"a/b", "a", "a-b"}, {"", "x"}, "/demo", {"a", "a-b"}, {""}},
  };
  for (const Connection& row : rows) {
    SCOPED_TRACE(row.name);
    const auto scope =
        Claims{.root = row.root, .put = row.put, .get = row.get}.authorize(Path(row.path));
    ASSERT_TRUE(scope) << scope.error().message();
    EXPECT_EQ(scope->root, Path(row.path));
    EXPECT_EQ(texts(scope->publish), row.publish);
    EXPECT_EQ(texts(scope->subscribe), row.subscribe);
  }
}

TEST(Authorize, Refusals) {
  const Connection rows[] = {
      {"another root", "demo", {""}, {""}, "/other", {}, {}},
      {"a name that only begins like it", "foo", {""}, {""}, "/foobar", {}, {}},
      {"a name that it only begins like", "foobar", {""}, {""}, "/foo", {}, {}},
      {"a sibling below the root", "rooms/1", {""}, {""}, "/rooms/2", {}, {}},
      {"nothing of what is granted", "", {"demo"}, {"demo"}, "/other", {}, {}},
      {"nothing below the path", "demo", {"alice"}, {}, "/demo/bob", {}, {}},
      {"nothing granted", "demo", {}, {}, "/demo", {}, {}},
  };
  for (const Connection& row : rows) {
    SCOPED_TRACE(row.name);
    const Claims claims{.root = row.root, .put = row.put, .get = row.get};
    const auto scope = claims.authorize(Path(row.path));
    ASSERT_FALSE(scope);
    EXPECT_TRUE(scope.error().is(TokenError::wrong_path)) << scope.error().message();
  }
}

TEST(Authorize, DotsAreANameLikeAnyOther) {
  const Claims claims{.root = "demo", .put = {""}};
  EXPECT_EQ(claims.authorize(Path("demo/../other"))->root.text(), "demo/../other");
  EXPECT_FALSE(claims.authorize(Path("other/../demo")));
}

TEST(KeyScope, AllowsWhatIsAtOrBelowIt) {
  const KeyScope scope{.root = "project", .put = {"live"}, .get = {}};
  const auto allows = [&scope](const Claims& claims) { return scope.allows(claims); };
  EXPECT_TRUE(allows({.root = "project", .put = {"live"}}));
  EXPECT_TRUE(allows({.root = "project/live/room", .put = {""}}));
  EXPECT_TRUE(allows({.root = "", .put = {"project/live/room"}}));
  EXPECT_TRUE(allows({.root = "/project/live/", .put = {"/room"}}));
  EXPECT_FALSE(allows({.root = "project/lively", .put = {""}}));
  EXPECT_FALSE(allows({.root = "", .put = {""}}));
  EXPECT_FALSE(allows({.root = "project", .put = {"live/room", "other"}}));
  EXPECT_FALSE(allows({.root = "project/live", .get = {""}}));
  EXPECT_TRUE((KeyScope{.root = "a", .put = {""}}.allows({.root = "a/b/c", .put = {""}})));
  EXPECT_TRUE(KeyScope{.root = "a"}.require_grant().error().is(TokenError::bad_key));
}

}  // namespace
}  // namespace moq::token
