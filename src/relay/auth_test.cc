#include "relay/auth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/protocol/error.h"

namespace moq::relay {
namespace {

using Texts = std::vector<std::string>;

std::optional<Texts> texts(const std::vector<Path>& paths) {
  Texts all;
  for (const Path& path : paths) all.push_back(path.text());
  return all;
}

TEST(AuthorizePublic, GivesWhatTheTableSays) {
  struct {
    PublicAccess access;
    const char* target;
    const char* root;
    // None: nobody is let in.
    std::optional<Texts> subscribe;
    Texts publish;
  } const kCases[] = {
      {{{"anon"}, {"anon"}}, "/anon", "anon", Texts{""}, {""}},
      {{{"anon"}, {"anon"}}, "/anon/room/123", "anon/room/123", Texts{""}, {""}},
      {{{"anon"}, {"anon"}}, "/", "", Texts{"anon"}, {"anon"}},
      {{{"anon"}, {"anon"}}, "", "", Texts{"anon"}, {"anon"}},
      {{{"anon"}, {"anon"}}, "/anonymous", "anonymous", {}, {}},
      {{{"anon"}, {"anon"}}, "/other", "other", {}, {}},
      {{{""}, {""}}, "/any/path", "any/path", Texts{""}, {""}},
      {{{""}, {""}}, "", "", Texts{""}, {""}},
      {{{"anon", "demo"}, {"anon", "demo/viewer"}}, "/demo", "demo", Texts{""}, {"viewer"}},
      {{{"demo"}, {}}, "/demo", "demo", Texts{""}, {}},
      {{{}, {".stats"}}, "/", "", Texts{}, {".stats"}},
      {{{}, {}}, "/", "", {}, {}},
      {{{"a", "a/b", "a-b", "a/c/d"}, {}}, "/", "", Texts{"a", "a-b"}, {}},
      {{{"/anon/"}, {}}, "//anon//x/", "anon/x", Texts{""}, {}},
      {{{""}, {""}}, "/room?jwt=abc", "room", {}, {}},
      {{{""}, {""}}, "/room?x=1&jwt=abc", "room", {}, {}},
      {{{""}, {""}}, "/room?jwt=&x=jwt=1", "room", Texts{""}, {""}},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.target);
    const auto scope = authorize_public(c.access, c.target);
    ASSERT_EQ(scope.has_value(), c.subscribe.has_value());
    if (!scope) {
      EXPECT_TRUE(scope.error().is(SessionError::unauthorized));
      continue;
    }
    EXPECT_EQ(scope->root.text(), c.root);
    EXPECT_EQ(texts(scope->subscribe), c.subscribe);
    EXPECT_EQ(texts(scope->publish), c.publish);
  }
}

TEST(AuthorizePublic, RefusesPathsThatNobodyCouldPublish) {
  EXPECT_FALSE(authorize_public({{""}, {""}}, std::string(Path::kMaxSize + 1, 'x')));
}

}  // namespace
}  // namespace moq::relay
