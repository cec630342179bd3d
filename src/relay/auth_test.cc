#include "relay/auth.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/base/log.h"
#include "net/protocol/error.h"
#include "token/testing/hostile.h"
#include "token/testing/keys.h"

namespace moq::relay {
namespace {

using token::Key;
using Texts = std::vector<std::string>;

constexpr token::UnixTime kNow{std::chrono::seconds(1'800'000'000)};

/// Of what answers at once.
Result<Grant> ask(const Access& access, const std::string& target, token::UnixTime now = kNow) {
  std::optional<Result<Grant>> result;
  access.authorize({.target = target}, now, {},
                   [&](Result<Grant> grant) { result = std::move(grant); });
  EXPECT_TRUE(result.has_value());
  return *std::move(result);
}
std::shared_ptr<const Access> open_to(PublicAccess access) {
  return *Access::open({.public_access = std::move(access)});
}

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
      {{{""}, {""}}, "/room?%6Awt=abc", "room", {}, {}},
      {{{""}, {""}}, "/room?jwt=abc&jwt=", "room", {}, {}},
      {{{""}, {""}}, "/room?x=%", "room", {}, {}},
      {{{""}, {""}}, "/room/../x", "room/../x", {}, {}},
      {{{""}, {""}}, "/./room", "./room", {}, {}},
      {{{""}, {""}}, "/..room/.x", "..room/.x", Texts{""}, {""}},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.target);
    const auto grant = ask(*open_to(c.access), c.target);
    ASSERT_EQ(grant.has_value(), c.subscribe.has_value());
    if (!grant) {
      EXPECT_TRUE(grant.error().is(SessionError::unauthorized));
      continue;
    }
    EXPECT_EQ(grant->scope.root.text(), c.root);
    EXPECT_EQ(texts(grant->scope.subscribe), c.subscribe);
    EXPECT_EQ(texts(grant->scope.publish), c.publish);
    EXPECT_FALSE(grant->expires);
  }
}

TEST(AuthorizePublic, RefusesPathsThatNobodyCouldPublish) {
  EXPECT_FALSE(ask(*open_to({{""}, {""}}), std::string(Path::kMaxSize + 1, 'x')).has_value());
}

class AuthorizeToken : public testing::Test {
 protected:
  AuthorizeToken() : folder_(std::filesystem::path(testing::TempDir()) / name()) {
    std::filesystem::create_directories(folder_);
  }
  ~AuthorizeToken() override { std::filesystem::remove_all(folder_); }

  static std::string name() {
    return fmt::format("auth_{}_{}", testing::UnitTest::GetInstance()->current_test_info()->name(),
                       ::getpid());
  }
  static Key make_key(const std::string& id = "first") {
    return *Key::generate(token::Algorithm::es256, *token::KeyId::parse(id));
  }
  /// As `moq-token` puts a file in place.
  std::string write(const Key& key, const std::string& file) const {
    return write(*key.to_public()->to_text(), file);
  }
  std::string write(const std::string& text, const std::string& file) const {
    const auto path = folder_ / file;
    std::ofstream(path.string() + ".new") << text;
    std::filesystem::rename(path.string() + ".new", path);
    return path.string();
  }
  [[nodiscard]] std::shared_ptr<const Access> with_key(const std::string& file,
                                                       PublicAccess open_to_all = {}) const {
    const auto access = Access::open({.public_access = std::move(open_to_all), .key = file});
    EXPECT_TRUE(access.has_value()) << access.error().message();
    return *access;
  }
  [[nodiscard]] std::shared_ptr<const Access> with_folder() const {
    return *Access::open({.key_dir = folder_.string()});
  }
  static std::string target(const std::string& path, const Key& key, const token::Claims& claims) {
    return path + "?jwt=" + *key.sign(claims);
  }
  static const token::Claims& everything() {
    static const token::Claims claims{.root = "", .put = {""}, .get = {""}};
    return claims;
  }

  std::filesystem::path folder_;
};

// The examples of the reference's documentation, and the paths that it speaks of.
TEST_F(AuthorizeToken, GivesWhatTheTableSays) {
  const Key key = make_key();
  const auto access = with_key(write(key, "root.jwk"));
  struct {
    token::Claims claims;
    const char* path;
    std::optional<Texts> publish;  ///< none: nobody is let in
    Texts subscribe;
  } const kCases[] = {
      {{"demo", {"my-stream"}, {""}}, "/demo", Texts{"my-stream"}, {""}},
      {{"rooms/123", {"alice"}, {""}}, "/rooms/123", Texts{"alice"}, {""}},
      {{"", {""}, {""}}, "/", Texts{""}, {""}},
      {{"", {}, {""}}, "/", Texts{}, {""}},
      {{"", {""}, {}}, "/", Texts{""}, {}},
      {{"demo", {}, {""}}, "/demo", Texts{}, {""}},
      // The path extends the root: narrowed.
      {{"demo", {""}, {""}}, "/demo/room", Texts{""}, {""}},
      {{"demo", {"room/cam"}, {""}}, "/demo/room", Texts{"cam"}, {""}},
      {{"demo", {"other"}, {""}}, "/demo/room", Texts{}, {""}},
      // It is a parent of the root: relative to it.
      {{"demo", {"my-stream"}, {""}}, "/", Texts{"demo/my-stream"}, {"demo"}},
      {{"demo", {""}, {}}, "", Texts{"demo"}, {}},
      {{"rooms/123", {"alice"}, {""}}, "/rooms", Texts{"123/alice"}, {"123"}},
      // It is neither, or only looks like it.
      {{"demo", {""}, {""}}, "/other", {}, {}},
      {{"demo", {""}, {""}}, "/demonstration", {}, {}},
      {{"demo", {""}, {""}}, "/dem", {}, {}},
      // Nothing is left there.
      {{"demo", {"a"}, {"b"}}, "/demo/c", {}, {}},
      {{"demo", {"foo"}, {}}, "/demo/foobar", {}, {}},
      {{"demo", {"foo"}, {}}, "/demo/foo/bar", Texts{""}, {}},
      {{"/demo/", {"/a/", "b"}, {}}, "//demo//", Texts{"a", "b"}, {}},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(fmt::format("{} at {}", c.claims.root, c.path));
    const auto grant = ask(*access, target(c.path, key, c.claims));
    ASSERT_EQ(grant.has_value(), c.publish.has_value());
    if (!grant) {
      EXPECT_TRUE(grant.error().is(SessionError::unauthorized));
      continue;
    }
    EXPECT_EQ(grant->scope.root, Path(c.path));
    EXPECT_EQ(texts(grant->scope.publish), c.publish);
    EXPECT_EQ(texts(grant->scope.subscribe), c.subscribe);
  }
}

TEST_F(AuthorizeToken, TellsWhenItExpires) {
  const Key key = make_key();
  const auto access = with_key(write(key, "root.jwk"));
  token::Claims claims = everything();
  claims.exp = kNow + std::chrono::seconds(5);
  const auto grant = ask(*access, target("/", key, claims));
  ASSERT_TRUE(grant.has_value()) << grant.error().message();
  EXPECT_EQ(grant->expires, claims.exp);
  EXPECT_FALSE(ask(*access, target("/", key, claims), *claims.exp).has_value());
}

TEST_F(AuthorizeToken, WhatIsPublicIsForThoseWithoutOne) {
  const Key key = make_key();
  const auto access = with_key(write(key, "root.jwk"), {{"anon"}, {"anon"}});
  const token::Claims demo{.root = "demo", .put = {}, .get = {""}};
  const auto grant = ask(*access, "/anon");
  ASSERT_TRUE(grant.has_value());
  EXPECT_EQ(texts(grant->scope.publish), Texts{""});
  EXPECT_FALSE(ask(*access, "/demo").has_value());
  EXPECT_FALSE(ask(*access, target("/anon", key, demo)).has_value());
  EXPECT_FALSE(ask(*access, target("/anon", make_key(), everything())).has_value());
  // The last one counts, and may be escaped.
  std::string escaped = *key.sign(demo);
  escaped.replace(escaped.find('.'), 1, "%2E");
  EXPECT_TRUE(ask(*access, "/demo?jwt=x&jwt=" + escaped).has_value());
  EXPECT_FALSE(ask(*access, "/demo?jwt=" + escaped + "&jwt=x").has_value());
  // Other parameters are none of its business.
  EXPECT_TRUE(ask(*access, "/demo?x=1&jwt=" + *key.sign(demo) + "&y").has_value());
}

TEST_F(AuthorizeToken, NoRefusalRepeatsTheToken) {
  const Key key = make_key();
  const auto access = with_key(write(key, "root.jwk"));
  const std::string good = *key.sign(everything());
  for (const std::string& bad :
       {good + "x", good.substr(0, 40), std::string(20000, 'a'), *make_key().sign(everything()),
        std::string("a.b.c"), std::string("%00%0a"), good + "." + good}) {
    const auto grant = ask(*access, "/?jwt=" + bad);
    ASSERT_FALSE(grant.has_value());
    EXPECT_TRUE(grant.error().is(SessionError::unauthorized));
    EXPECT_EQ(grant.error().message().find(bad.substr(0, 12)), std::string::npos);
  }
  // Nor the path, where it is by mistake.
  const auto grant = ask(*access, "/demo&jwt=" + good);
  ASSERT_FALSE(grant.has_value());
  EXPECT_EQ(grant.error().message().find(good.substr(0, 12)), std::string::npos);
}

/// In a query, whatever its bytes.
std::string escaped(std::string_view token) {
  std::string out;
  for (const char c : token) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

/// What is logged, at any level, while one is there.
class Logged {
 public:
  Logged() {
    lines().clear();
    log::set_sink([](const log::Line& line) { lines().emplace_back(line.text); },
                  log::Level::trace);
  }
  ~Logged() { log::set_sink(nullptr, log::Level::off); }
  Logged(const Logged&) = delete;
  Logged& operator=(const Logged&) = delete;

  static Texts& lines() {
    static Texts all;
    return all;
  }
};

/// Whether `said` has the mark of the token, or a piece of it as it was sent.
bool repeats(const std::string& said, const std::string& token) {
  constexpr std::size_t kPiece = 10;
  if (said.find(token::testing::kMark) != std::string::npos) return true;
  for (std::size_t i = 0; i + kPiece <= std::min<std::size_t>(token.size(), 4096); ++i) {
    if (said.find(std::string_view(token).substr(i, kPiece)) != std::string::npos) return true;
  }
  return false;
}

TEST_F(AuthorizeToken, NoHostileTokenComesInOrIsRepeated) {
  namespace hostile = token::testing;
  const std::string mark(hostile::kMark);
  std::size_t tokens = 0;
  for (const hostile::HostileTokens& each : hostile::hostile_tokens()) {
    const std::string file = write(each.key, mark + ".jwk");
    const auto by_key = with_key(file);
    const auto by_folder = with_folder();
    // The key is there and good, by either way; a public one signs nothing.
    const Key key = hostile::key_of(each.key);
    const bool signs = key.sign(everything()).has_value();
    const std::string any = hostile::forge_named(
        signs ? key : hostile::key_of(hostile::secret_jwk()), hostile::kPayload);
    EXPECT_EQ(ask(*by_key, "/?jwt=" + any).has_value(), signs);
    EXPECT_EQ(ask(*by_folder, "/?jwt=" + any).has_value(), signs);
    const Logged logged;
    for (const hostile::HostileToken& bad : each.tokens) {
      SCOPED_TRACE(bad.name);
      const std::string target = "/?jwt=" + escaped(bad.token);
      for (const auto& access : {by_key, by_folder}) {
        const auto grant = ask(*access, target);
        ASSERT_FALSE(grant.has_value());
        EXPECT_TRUE(grant.error().is(SessionError::unauthorized));
        EXPECT_FALSE(repeats(grant.error().message(), bad.token)) << grant.error().message();
        ++tokens;
      }
      for (const std::string& line : Logged::lines()) {
        EXPECT_FALSE(repeats(line, bad.token)) << line;
      }
    }
  }
  EXPECT_GT(tokens, 800U);
}

TEST_F(AuthorizeToken, AKeyThatChangesHoldsForWhoComesThen) {
  const Key before = make_key("before");
  const Key after = make_key("after");
  const std::string file = write(before, "root.jwk");
  const auto access = with_key(file);
  const auto lets_in = [&](const Key& key) {
    return ask(*access, target("/", key, everything())).has_value();
  };
  EXPECT_TRUE(lets_in(before));
  EXPECT_FALSE(lets_in(after));
  write(after, "root.jwk");
  EXPECT_FALSE(lets_in(before));
  EXPECT_TRUE(lets_in(after));
  // The last good one stays.
  write("{\"kty\":", "root.jwk");
  EXPECT_TRUE(lets_in(after));
  std::filesystem::remove(file);
  EXPECT_TRUE(lets_in(after));
  write(before, "root.jwk");
  EXPECT_TRUE(lets_in(before));
}

// In place, as long as before, with the time that it had.
TEST_F(AuthorizeToken, AKeyThatChangesUnseenHoldsToo) {
  const Key before = make_key("key_a");
  const Key after = make_key("key_b");
  const std::string file = write(before, "root.jwk");
  const auto access = with_key(file);
  EXPECT_TRUE(ask(*access, target("/", before, everything())).has_value());
  const auto time = std::filesystem::last_write_time(file);
  const std::string text = *after.to_public()->to_text();
  ASSERT_EQ(text.size(), std::filesystem::file_size(file));
  std::fstream(file, std::ios::in | std::ios::out) << text;
  std::filesystem::last_write_time(file, time);
  EXPECT_FALSE(ask(*access, target("/", before, everything())).has_value());
  EXPECT_TRUE(ask(*access, target("/", after, everything())).has_value());
}

TEST_F(AuthorizeToken, AKeyThatOnlySignsIsNone) {
  const std::string text = token::testing::secret_jwk("HS256", R"(,"key_ops":["sign"])");
  const auto access = Access::open({.key = write(text, "root.jwk")});
  ASSERT_FALSE(access.has_value());
  EXPECT_THAT(access.error().detail(), testing::HasSubstr("may not verify"));
}

TEST_F(AuthorizeToken, KeysOfAFolderComeAndGo) {
  const Key first = make_key("first");
  const Key second = make_key("second");
  write(first, "first.jwk");
  const auto access = with_folder();
  const auto lets_in = [&](const Key& key) {
    return ask(*access, target("/", key, everything())).has_value();
  };
  EXPECT_TRUE(lets_in(first));
  EXPECT_FALSE(lets_in(second));
  write(second, "second.jwk");
  EXPECT_TRUE(lets_in(second));
  std::filesystem::remove(folder_ / "first.jwk");
  EXPECT_FALSE(lets_in(first));
  // Under a name that it does not have.
  write(first, "second.jwk");
  EXPECT_FALSE(lets_in(second));
  // A pipe, which would wait for its other end.
  ASSERT_EQ(::mkfifo((folder_ / "first.jwk").c_str(), 0600), 0);
  EXPECT_FALSE(lets_in(first));
}

TEST_F(AuthorizeToken, InAFolderATokenNamesItsKey) {
  const auto nameless = *Key::generate(token::Algorithm::es256);
  write(nameless, "first.jwk");
  const auto grant = ask(*with_folder(), target("/", nameless, everything()));
  ASSERT_FALSE(grant.has_value());
  EXPECT_THAT(grant.error().message(), testing::HasSubstr("kid"));
}

TEST_F(AuthorizeToken, WhatCannotBeReadIsNamed) {
  const auto mistake = [](const Config::Auth& config) {
    const auto access = Access::open(config);
    return access ? std::string() : access.error().message();
  };
  const std::string bad = write("{}", "bad.jwk");
  EXPECT_THAT(mistake({.key = bad}), testing::HasSubstr(bad));
  EXPECT_THAT(mistake({.key = "/nowhere/x.jwk"}), testing::HasSubstr("/nowhere/x.jwk"));
  EXPECT_THAT(mistake({.key_dir = "/nowhere"}), testing::HasSubstr("/nowhere"));
  EXPECT_THAT(mistake({.key_dir = bad}), testing::HasSubstr("no directory"));
}

}  // namespace
}  // namespace moq::relay
