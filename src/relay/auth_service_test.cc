// Access where others are asked: keys by URL, what is public, and the service that
// decides on all of it.

#include <deque>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/base/log.h"
#include "net/protocol/error.h"
#include "relay/auth.h"
#include "relay/auth_answer.h"
#include "token/base64url.h"

namespace moq::relay {
namespace {

using testing::HasSubstr;
using testing::Not;
using token::Key;
using Texts = std::vector<std::string>;

constexpr token::UnixTime kNow{std::chrono::seconds(1'800'000'000)};

std::optional<Texts> texts(const std::vector<Path>& paths) {
  Texts all;
  for (const Path& path : paths) all.push_back(path.text());
  return all;
}

class AuthServiceTest : public testing::Test {
 protected:
  using Given = std::optional<Result<Grant>>;

  void open(const Config::Auth& config) {
    access_ = *Access::open(config, [this](const std::string& url, auto done) {
      urls_.push_back(url);
      waiting_.push_back(std::move(done));
    });
  }
  std::shared_ptr<Given> visit(const Visitor& visitor) {
    const auto given = std::make_shared<Given>();
    access_->authorize(
        visitor, kNow, [this](auto task) { tasks_.push_back(std::move(task)); },
        [given](Result<Grant> grant) { *given = std::move(grant); });
    return given;
  }
  std::shared_ptr<Given> ask(const std::string& target) { return visit({.target = target}); }
  /// Answers what was asked first, and runs what is posted then.
  void answer(Result<Page> page) {
    ASSERT_FALSE(waiting_.empty());
    const auto done = std::move(waiting_.front());
    waiting_.pop_front();
    done(std::move(page));
    for (const auto& task : std::exchange(tasks_, {})) task();
  }
  void answer(const std::string& body, unsigned status = 200) {
    answer(Page{.status = status, .body = std::make_shared<const std::string>(body)});
  }
  static void expect_refused(const Given& given, SessionError code) {
    ASSERT_TRUE(given.has_value());
    ASSERT_FALSE(given->has_value());
    EXPECT_TRUE(given->error().is(code)) << given->error().message();
  }
  static Key make_key(const std::string& id = "first") {
    return *Key::generate(token::Algorithm::es256, *token::KeyId::parse(id));
  }
  /// A public key, as JSON.
  static std::string json(const Key& key) {
    const std::string text = *key.to_public()->to_text();
    return text.front() == '{' ? text : std::string(as_text(*token::decode_base64url(text)));
  }
  static std::string with_token(const std::string& path, const Key& key,
                                const token::Claims& claims) {
    return path + "?jwt=" + *key.sign(claims);
  }

  std::shared_ptr<const Access> access_;
  std::vector<std::string> urls_;
  std::deque<std::function<void(Result<Page>)>> waiting_;
  std::vector<std::function<void()>> tasks_;
};

const token::Claims kDemo{.root = "demo", .put = {"live"}, .get = {""}};

TEST_F(AuthServiceTest, AKeyIsFetchedByItsId) {
  const Key key = make_key();
  for (const char* url : {"https://keys.example/keys", "https://keys.example/keys/"}) {
    open({.key_dir = url});
    const auto given = ask(with_token("/demo", key, kDemo));
    EXPECT_FALSE(given->has_value());
    EXPECT_EQ(urls_.back(), "https://keys.example/keys/first.jwk");
    answer(json(key));
    ASSERT_TRUE(given->has_value() && (*given)->has_value()) << (*given)->error().message();
    EXPECT_EQ(texts((**given)->scope.publish), Texts{"live"});
  }
  // The key decides, not its name.
  const auto given = ask(with_token("/demo", key, kDemo));
  answer(json(make_key()));
  expect_refused(*given, SessionError::unauthorized);
}

TEST_F(AuthServiceTest, OneKeyIsFetchedForAll) {
  const Key key = make_key();
  open({.key = "https://keys.example/root.jwk?a=b"});
  const auto given = ask(with_token("/demo", key, kDemo));
  EXPECT_EQ(urls_.back(), "https://keys.example/root.jwk?a=b");
  answer(json(key));
  EXPECT_TRUE(given->has_value() && (*given)->has_value());
}

TEST_F(AuthServiceTest, WithoutAKeyNobodyComesIn) {
  const Key key = make_key();
  open({.key_dir = "https://keys.example"});
  const std::string target = with_token("/demo", key, kDemo);
  const auto missing = ask(target);
  answer("", 404);
  expect_refused(*missing, SessionError::unauthorized);
  const auto down = ask(target);
  answer(fail(HttpError::unreachable, "https://keys.example: down"));
  expect_refused(*down, SessionError::internal);
  EXPECT_THAT((*down)->error().message(), Not(HasSubstr("keys.example"))) << "the log's to tell";
  for (const char* body : {"", "{}", "[]", "x", "{\"kty\":\"EC\"}"}) {
    const auto bad = ask(target);
    answer(body);
    expect_refused(*bad, SessionError::unauthorized);
  }
  const std::size_t asked = urls_.size();
  // Nobody is asked for these.
  const auto nameless = *Key::generate(token::Algorithm::es256);
  expect_refused(*ask(with_token("/demo", nameless, kDemo)), SessionError::unauthorized);
  expect_refused(*ask("/demo?jwt=x.y.z"), SessionError::unauthorized);
  expect_refused(*ask("/demo"), SessionError::unauthorized);
  EXPECT_EQ(urls_.size(), asked);
}

TEST_F(AuthServiceTest, WhatIsPublicIsAskedWhereNothingIsSaid) {
  open({.public_access = {{"anon"}, {}}, .public_api = "https://api.example/public"});
  EXPECT_TRUE(ask("/anon/x")->has_value());
  EXPECT_TRUE(urls_.empty());
  const auto given = ask("/team/room%201");
  EXPECT_EQ(urls_.back(), "https://api.example/public/team/room%201");
  answer(R"({"subscribe": [""], "publish": ["cam"], "more": 1})");
  ASSERT_TRUE(given->has_value() && (*given)->has_value());
  EXPECT_EQ((**given)->scope.root.text(), "team/room%201");
  EXPECT_EQ(texts((**given)->scope.subscribe), Texts{""});
  EXPECT_EQ(texts((**given)->scope.publish), Texts{"cam"});
}

TEST_F(AuthServiceTest, NothingPublicIsARefusalAndNoAnswerAFailure) {
  open({.public_api = "https://api.example/"});
  const struct {
    Result<Page> page;
    SessionError code;
  } kCases[] = {
      {Page{.status = 404, .body = std::make_shared<std::string>()}, SessionError::unauthorized},
      {Page{.status = 200, .body = std::make_shared<std::string>("{}")},
       SessionError::unauthorized},
      {Page{.status = 200, .body = std::make_shared<std::string>("no JSON")},
       SessionError::internal},
      {Page{.status = 200, .body = std::make_shared<std::string>(R"({"subscribe":"x"})")},
       SessionError::internal},
      {fail(HttpError::timeout, ""), SessionError::internal},
  };
  for (const auto& c : kCases) {
    const auto given = ask("/team");
    answer(c.page);
    expect_refused(*given, c.code);
  }
}

TEST_F(AuthServiceTest, AServiceThatFailsIsALineASecond) {
  static std::vector<std::string> lines;
  lines.clear();
  log::set_sink([](const log::Line& line) { lines.emplace_back(line.text); }, log::Level::warn);
  const Key key = make_key();
  const Config::Auth kConfigs[] = {{.auth_api = "https://api.example/auth"},
                                   {.public_api = "https://api.example/public"},
                                   {.key_dir = "https://keys.example"}};
  for (const Config::Auth& config : kConfigs) {
    open(config);
    for (int i = 0; i < 100; ++i) {
      const auto given = ask(config.key_dir.empty() ? "/demo" : with_token("/demo", key, kDemo));
      answer(fail(HttpError::unreachable, "nobody is there"));
      expect_refused(*given, SessionError::internal);
    }
  }
  log::set_sink(nullptr, log::Level::off);
  EXPECT_THAT(lines, testing::Contains(HasSubstr("nobody is there")));
  // Each of them; and more, if this takes seconds.
  EXPECT_GE(lines.size(), std::size(kConfigs));
  EXPECT_LT(lines.size(), 100U);
}

TEST_F(AuthServiceTest, NoPathCanRedirectAQuestion) {
  open({.public_api = "https://api.example/base"});
  for (const char* path : {"//evil.example/x", "/http://evil.example/", "/a\r\nX: y", "/a#b"}) {
    (void)ask(path);
    EXPECT_TRUE(urls_.back().starts_with("https://api.example/base/")) << urls_.back();
    EXPECT_EQ(urls_.back().find_first_of("\r\n#"), std::string::npos) << urls_.back();
  }
}

TEST_F(AuthServiceTest, TheServiceIsToldWhatItNeeds) {
  open({.auth_api = "https://api.example/auth"});
  const Key key = make_key("2026-11");
  (void)ask("/demo/room 1/");
  EXPECT_EQ(urls_.back(), "https://api.example/auth?root=demo%2Froom%201&transport=quic");
  (void)ask(with_token("/demo", key, kDemo));
  EXPECT_EQ(urls_.back(), "https://api.example/auth?root=demo&kid=2026-11&transport=quic");
  (void)visit({.target = with_token("/", key, kDemo), .certificate = kNow});
  EXPECT_EQ(urls_.back(), "https://api.example/auth?root=&mtls=true&transport=quic");
  (void)ask("/a&kid=b=c");
  EXPECT_EQ(urls_.back(), "https://api.example/auth?root=a%26kid%3Db%3Dc&transport=quic");
  open({.auth_api = "https://api.example/auth?secret=1"});
  (void)ask("/a");
  EXPECT_EQ(urls_.back(), "https://api.example/auth?secret=1&root=a&transport=quic");
}

TEST_F(AuthServiceTest, ItsAnswerDecides) {
  open({.auth_api = "https://api.example/auth"});
  const Key key = make_key();
  const std::string key_text = R"({"key":)" + json(key) + R"(,"alias":"x7k2qp","tier":"local"})";
  const std::string token = with_token("/demo", key, kDemo);
  const struct {
    std::string target;
    std::string body;
    const char* root;  ///< null: refused
    Texts publish;
    Texts subscribe;
    const char* tier;
  } kCases[] = {
      {"/demo/cam",
       R"({"public":{"subscribe":[""],"publish":["a"]}})",
       "demo/cam",
       {"a"},
       {""},
       ""},
      {"/demo/cam",
       R"({"public":{"subscribe":[""]},"alias":"x7k2qp/cam","tier":"region/sjc"})",
       "x7k2qp/cam",
       {},
       {""},
       "region/sjc"},
      {"/demo", R"({"public":{"subscribe":[]}})", nullptr, {}, {}, ""},
      {"/demo", "{}", nullptr, {}, {}, ""},
      {"/demo", R"({"alias":null,"public":null,"key":null,"tier":null})", nullptr, {}, {}, ""},
      {token, key_text, "x7k2qp", {"live"}, {""}, "local"},
      {token, R"({"public":{"subscribe":[""]}})", nullptr, {}, {}, ""},
      {token, R"({"key":)" + json(make_key()) + "}", nullptr, {}, {}, ""},
      // Another depth is another place.
      {"/demo/cam", R"({"public":{"subscribe":[""]},"alias":"x7k2qp"})", nullptr, {}, {}, ""},
      {"/demo", R"({"public":{"subscribe":[""]},"alias":"x/y"})", nullptr, {}, {}, ""},
      {"/", R"({"public":{"subscribe":[""]},"alias":""})", "", {}, {""}, ""},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.target.substr(0, 10) + " " + c.body.substr(0, 60));
    const auto given = ask(c.target);
    answer(c.body);
    if (c.root == nullptr) {
      expect_refused(*given, SessionError::unauthorized);
      continue;
    }
    ASSERT_TRUE(given->has_value() && (*given)->has_value());
    EXPECT_EQ((**given)->scope.root.text(), c.root);
    EXPECT_EQ(texts((**given)->scope.publish), c.publish);
    EXPECT_EQ(texts((**given)->scope.subscribe), c.subscribe);
    EXPECT_EQ((**given)->tier, c.tier);
  }
}

TEST_F(AuthServiceTest, ATokenIsForThePathThatWasDialled) {
  open({.auth_api = "https://api.example/auth"});
  const Key key = make_key();
  const std::string body = R"({"alias":"x7k2qp","key":)" + json(key) + "}";
  const token::Claims stable{.root = "x7k2qp", .put = {}, .get = {""}};
  const auto vanity = ask(with_token("/demo", key, stable));
  answer(body);
  expect_refused(*vanity, SessionError::unauthorized);
  const auto direct = ask(with_token("/x7k2qp", key, stable));
  answer(body);
  EXPECT_TRUE(direct->has_value() && (*direct)->has_value());
}

TEST_F(AuthServiceTest, ItFailsClosed) {
  open({.auth_api = "https://api.example/auth", .mtls_tier = "relays"});
  const Key key = make_key();
  const Visitor kVisitors[] = {{.target = "/demo"},
                               {.target = with_token("/demo", key, kDemo)},
                               {.target = "/", .certificate = kNow}};
  std::vector<Result<Page>> answers{fail(HttpError::timeout, "https://api.example: late"),
                                    fail(HttpError::status, "the answer was 403"),
                                    Page{.status = 404, .body = std::make_shared<std::string>()}};
  for (const char* body :
       {"", "null", "[]", "7", "{", R"({"public":{"subscribe":[""]}} x)", R"({"public":[]})",
        R"({"public":{"subscribe":null}})", R"({"public":{"subscribe":[1]}})", R"({"alias":7})",
        R"({"alias":"a/../b"})", R"({"tier":{}})", R"({"key":"x"})", R"({"key":{}})",
        R"({"tier":"a","tier":"b"})", "{\"tier\":\"\xff\"}"}) {
    answers.emplace_back(Page{.status = 200, .body = std::make_shared<const std::string>(body)});
  }
  std::string deep;
  for (int i = 0; i < 10000; ++i) deep += R"({"a":)";
  answers.emplace_back(Page{.status = 200, .body = std::make_shared<const std::string>(deep)});
  for (const Visitor& visitor : kVisitors) {
    for (const auto& each : answers) {
      const auto given = visit(visitor);
      answer(each);
      expect_refused(*given, SessionError::internal);
      EXPECT_THAT((*given)->error().message(), Not(HasSubstr("api.example")));
    }
  }
}

TEST_F(AuthServiceTest, ACertificateGrantsWhatIsBelowThePath) {
  open({.key_dir = "https://keys.example", .mtls_tier = "relays"});
  const auto end = kNow + std::chrono::seconds(5);
  // Whatever token it has.
  const auto given = visit({.target = "/demo?jwt=x", .certificate = end});
  ASSERT_TRUE(given->has_value() && (*given)->has_value());
  EXPECT_TRUE(urls_.empty());
  EXPECT_EQ((**given)->scope.root.text(), "demo");
  EXPECT_EQ(texts((**given)->scope.publish), Texts{""});
  EXPECT_EQ(texts((**given)->scope.subscribe), Texts{""});
  EXPECT_EQ((**given)->expires, end);
  EXPECT_EQ((**given)->tier, "relays");
}

TEST_F(AuthServiceTest, TheServiceHasItsSayOnCertificates) {
  open({.auth_api = "https://api.example/auth", .mtls_tier = "relays"});
  const struct {
    const char* body;
    const char* root;
    const char* tier;
  } kCases[] = {
      {"{}", "demo", "relays"},
      {R"({"alias":"x7k2qp","tier":"peers"})", "x7k2qp", "peers"},
      {R"({"tier":""})", "demo", ""},
  };
  for (const auto& c : kCases) {
    const auto given = visit({.target = "/demo", .certificate = kNow});
    answer(c.body);
    ASSERT_TRUE(given->has_value() && (*given)->has_value()) << c.body;
    EXPECT_EQ((**given)->scope.root.text(), c.root);
    EXPECT_EQ((**given)->tier, c.tier);
    EXPECT_EQ(texts((**given)->scope.publish), Texts{""});
  }
}

TEST_F(AuthServiceTest, MayBeGoneWhenTheAnswerComes) {
  const Key key = make_key();
  for (const Config::Auth& config : {Config::Auth{.auth_api = "https://a.example"},
                                     Config::Auth{.key_dir = "https://a.example"}}) {
    open(config);
    const auto given = ask(with_token("/demo", key, kDemo));
    access_.reset();
    answer(config.auth_api.empty() ? json(key) : R"({"key":)" + json(key) + "}");
    EXPECT_TRUE(given->has_value() && (*given)->has_value());
  }
}

TEST(Domains, HostsArePaths) {
  const auto domains = read_domains({"cdn.example", ".USW.cdn.example", "..other"});
  ASSERT_TRUE(domains);
  const struct {
    const char* host;
    const char* path;
  } kCases[] = {
      {"customer.cdn.example", "customer"},
      {"team.customer.cdn.example", "customer/team"},
      {"Team.Customer.CDN.example:4443", "customer/team"},
      {"customer.usw.cdn.example", "customer"},
      {"usw.cdn.example", ""},
      {"cdn.example", ""},
      {"cdn.example:443", ""},
      {"notcdn.example", ""},
      {"x.notcdn.example", ""},
      {"a.other", "a"},
      {"[::1]:443", ""},
      {"127.0.0.1", ""},
      {"", ""},
  };
  for (const auto& c : kCases) EXPECT_EQ(path_of_host(c.host, *domains).text(), c.path) << c.host;
  EXPECT_FALSE(read_domains({"cdn.example", "."}));
  EXPECT_FALSE(read_domains({""}));
}

TEST_F(AuthServiceTest, AHostIsTheBeginningOfThePath) {
  open({.public_access = {{""}, {""}}, .domains = {"cdn.example"}});
  const auto given = visit({.target = "/foo", .host = "team.customer.cdn.example:443"});
  ASSERT_TRUE(given->has_value() && (*given)->has_value());
  EXPECT_EQ((**given)->scope.root.text(), "customer/team/foo");
  const auto dots = visit({.target = "/foo", .host = "...cdn.example"});
  EXPECT_TRUE(dots->has_value());
}

}  // namespace
}  // namespace moq::relay
