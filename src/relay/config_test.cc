#include "relay/config.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relay/keys.h"
#include "relay/sources.h"

namespace moq::relay {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kLeast =
    "[server]\ntls.generate = \"localhost\"\n[auth]\npublic = \"\"\n";

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() : directory_(std::filesystem::path(testing::TempDir()) / name()) {
    std::filesystem::create_directories(directory_);
  }
  ~ConfigTest() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& file, std::string_view text) const {
    const auto path = directory_ / file;
    std::ofstream(path) << text;
    return path.string();
  }

  // Loads a file with this text, and the arguments behind it.
  Loaded load(std::string_view text, std::vector<std::string> arguments = {}) {
    file_ = write("relay.toml", text);
    arguments.insert(arguments.begin(), file_);
    return load_arguments(arguments);
  }

  Loaded load_arguments(const std::vector<std::string>& arguments) {
    return load_config(arguments, [this](const std::string& name) {
      const auto found = environment_.find(name);
      return found == environment_.end() ? std::nullopt : std::optional(found->second);
    });
  }

  // The one configuration, or a failure that shows the mistakes.
  static Config good(const Loaded& loaded) {
    EXPECT_THAT(loaded.mistakes, IsEmpty());
    return loaded.config.value_or(Config{});
  }

  // The mistakes of a document that is complete but for `text`.
  std::vector<std::string> mistakes(std::string_view text) {
    const Loaded loaded = load(text, {"--tls-generate", "localhost", "--auth-public", ""});
    EXPECT_FALSE(loaded.config);
    return loaded.mistakes;
  }

  std::string file_;
  std::map<std::string, std::string> environment_;

 private:
  static std::string name() {
    return std::string("config-") + testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  std::filesystem::path directory_;
};

TEST_F(ConfigTest, TheLeastFileHasTheDefaultsOfTheReference) {
  const Config config = good(load(kLeast));
  EXPECT_EQ(config.log.level, log::Level::info);
  EXPECT_EQ(config.server.bind, (HostPort{"::", 443}));
  EXPECT_EQ(config.server.workers, 0U);
  EXPECT_THAT(config.server.versions, IsEmpty());
  EXPECT_THAT(config.server.tls.generate, ElementsAre("localhost"));
  EXPECT_EQ(config.server.quic.congestion_control, CongestionControl::delay);
  EXPECT_TRUE(config.server.quic.gso);
  EXPECT_EQ(config.server.quic.idle_timeout, 30s);
  EXPECT_EQ(config.server.quic.keep_alive, 5s);
  EXPECT_EQ(config.server.quic.max_streams, 1024U);
  EXPECT_TRUE(config.server.quic.mtu_discovery);
  EXPECT_FALSE(config.web.http_listen);
  EXPECT_THAT(config.auth.public_access.publish, ElementsAre(""));
  EXPECT_EQ(config.log.format, LogFormat::text);
  EXPECT_EQ(config.server.quic.qlog, "");
  EXPECT_EQ(config.cache.headroom, std::nullopt);
  EXPECT_EQ(config.cache.capacity, std::nullopt);
  EXPECT_EQ(Config::Cache::kDefaultCapacity, (SizeLimit{0, 50}));
  EXPECT_EQ(config.cache.duration, 30s);
  EXPECT_EQ(config.drain, DrainOrder{});
  EXPECT_FALSE(config.internal.listen);
  EXPECT_THAT(config.warnings, IsEmpty());
}

TEST_F(ConfigTest, EveryKeyOfAFileIsStored) {
  const std::string cert = write("cert.pem", "x");
  const std::string key = write("key.pem", "x");
  const Config config = good(load(R"(
drain_timeout = "2m"
drain_uri = ["https://b.example/", "moqt://c.example"]
drain_spread = "10s"
[internal]
listen = 9090
[limits]
connections = 10
handshakes_per_address = 11
sessions_per_root = 12
subscriptions = 13
announcements = 14
[log]
level = "DEBUG"
format = "JSON"
[server]
bind = "127.0.0.1:4443"
workers = 3
version = ["moq-lite-05", "moq-lite-04"]
[server.tls]
cert = ")" + cert + R"("
key = [")" + key + R"("]
[server.quic]
congestion_control = "loss"
gso = false
idle_timeout = "1m"
keep_alive = "0s"
max_streams = 17
mtu_discovery = false
qlog = "/tmp"
[web.http]
listen = "[::]:80"
[auth.public]
subscribe = ["anon", "demo"]
publish = "anon"
[cache]
capacity = "8GiB"
headroom = "10%"
duration = "10s"
)"));
  EXPECT_EQ(config.drain, (DrainOrder{2min, {"https://b.example/", "moqt://c.example"}, 10s}));
  EXPECT_EQ(config.internal.listen, (HostPort{"127.0.0.1", 9090}));
  EXPECT_EQ(config.log.level, log::Level::debug);
  EXPECT_EQ(config.log.format, LogFormat::json);
  EXPECT_EQ(config.limits.connections, 10U);
  EXPECT_EQ(config.limits.handshakes_per_address, 11U);
  EXPECT_EQ(config.limits.sessions_per_root, 12U);
  EXPECT_EQ(config.limits.subscriptions, 13U);
  EXPECT_EQ(config.limits.announcements, 14U);
  EXPECT_EQ(config.server.bind, (HostPort{"127.0.0.1", 4443}));
  EXPECT_EQ(config.server.workers, 3U);
  EXPECT_THAT(config.server.versions, ElementsAre("moq-lite-05", "moq-lite-04"));
  EXPECT_THAT(config.server.tls.cert, ElementsAre(cert));
  EXPECT_THAT(config.server.tls.key, ElementsAre(key));
  EXPECT_EQ(config.server.quic.congestion_control, CongestionControl::loss);
  EXPECT_FALSE(config.server.quic.gso);
  EXPECT_EQ(config.server.quic.idle_timeout, 1min);
  EXPECT_EQ(config.server.quic.keep_alive, 0s);
  EXPECT_EQ(config.server.quic.max_streams, 17U);
  EXPECT_FALSE(config.server.quic.mtu_discovery);
  EXPECT_EQ(config.server.quic.qlog, "/tmp");
  EXPECT_EQ(config.web.http_listen, (HostPort{"::", 80}));
  EXPECT_THAT(config.auth.public_access.subscribe, ElementsAre("anon", "demo"));
  EXPECT_THAT(config.auth.public_access.publish, ElementsAre("anon"));
  EXPECT_EQ(config.cache.capacity, (SizeLimit{8ULL << 30, 0}));
  EXPECT_EQ(config.cache.headroom, (SizeLimit{0, 10}));
  EXPECT_EQ(config.cache.duration, 10s);
}

TEST_F(ConfigTest, AFlagBeatsAVariableBeatsTheFile) {
  const std::string text = std::string(kLeast) + "[log]\nlevel = \"warn\"\n";
  EXPECT_EQ(good(load(text)).log.level, log::Level::warn);
  environment_["MOQ_LOG_LEVEL"] = "error";
  EXPECT_EQ(good(load(text)).log.level, log::Level::error);
  EXPECT_EQ(good(load(text, {"--log-level", "trace"})).log.level, log::Level::trace);
}

TEST_F(ConfigTest, AnOverriddenValueIsReplacedNotAddedTo) {
  environment_["MOQ_SERVER_TLS_GENERATE"] = "a, b";
  EXPECT_THAT(good(load(kLeast)).server.tls.generate, ElementsAre("a", "b"));
}

TEST_F(ConfigTest, AFlagForPublicAccessReplacesTheWholeTable) {
  const Config config =
      good(load("[server]\ntls.generate = \"localhost\"\n[auth.public]\npublish = [\"wide\"]\n",
                {"--auth-public", "anon"}));
  EXPECT_THAT(config.auth.public_access.publish, ElementsAre("anon"));
}

TEST_F(ConfigTest, AFlagForPublicAccessLeavesTheServiceThatIsAsked) {
  const Config config = good(load_arguments({"--tls-generate=localhost", "--auth-public=anon",
                                             "--auth-public-api=https://api.example/"}));
  EXPECT_EQ(config.auth.public_api, "https://api.example/");
}

TEST_F(ConfigTest, PublicAccessAddsUpOverItsFlags) {
  const Config config =
      good(load_arguments({"--tls-generate=localhost", "--auth-public=anon",
                           "--auth-public-subscribe=demo", "--auth-public-publish=.stats"}));
  EXPECT_THAT(config.auth.public_access.subscribe, ElementsAre("anon", "demo"));
  EXPECT_THAT(config.auth.public_access.publish, ElementsAre("anon", ".stats"));
}

TEST_F(ConfigTest, AnEmptyPrefixIsAValueInEverySpelling) {
  EXPECT_THAT(
      good(load_arguments({"--tls-generate", "x", "--auth-public", ""})).auth.public_access.publish,
      ElementsAre(""));
  EXPECT_THAT(
      good(load_arguments({"--auth-public=", "--tls-generate", "x"})).auth.public_access.publish,
      ElementsAre(""));
  environment_["MOQ_AUTH_PUBLIC"] = "";
  EXPECT_THAT(good(load_arguments({"--tls-generate", "x"})).auth.public_access.publish,
              ElementsAre(""));
}

TEST_F(ConfigTest, FlagsWithoutValueAreTrueAndLeaveTheFileNameAlone) {
  const Config config = good(load(std::string(kLeast) + "[server.quic]\nmtu_discovery = false\n",
                                  {"--server-quic-mtu-discovery"}));
  EXPECT_TRUE(config.server.quic.mtu_discovery);
  file_ = write("relay.toml", kLeast);
  const Config other = good(load_arguments({"--server-quic-gso=false", "--stats-enabled", file_}));
  EXPECT_FALSE(other.server.quic.gso);
}

TEST_F(ConfigTest, OtherSpellingsOfTheReferenceAreTheSameKeys) {
  EXPECT_EQ(good(load("[server]\nlisten=\"[::]:1\"\ntls.generate=\"x\"\n[auth]\npublic=\"\""))
                .server.bind.port,
            1);
  EXPECT_EQ(good(load("[listen]\nbind=\"[::]:2\"\ntls.generate=\"x\"\n[auth]\npublic=\"\""))
                .server.bind.port,
            2);
  EXPECT_EQ(good(load(kLeast, {"--listen", "[::]:3"})).server.bind.port, 3);
  EXPECT_EQ(good(load(kLeast, {"--listen-quic-idle-timeout=4s"})).server.quic.idle_timeout, 4s);
  EXPECT_THAT(good(load(kLeast, {"--server-tls-generate", "y"})).server.tls.generate,
              ElementsAre("y"));
  environment_["MOQ_LISTEN"] = "[::]:5";
  EXPECT_EQ(good(load(kLeast)).server.bind.port, 5);
}

TEST_F(ConfigTest, TwoSpellingsAtOnceAreAMistake) {
  const Loaded loaded = load(kLeast, {"--listen", "[::]:3", "--server-bind", "[::]:4"});
  EXPECT_THAT(loaded.mistakes,
              ElementsAre(AllOf(HasSubstr("server.bind is set already"), HasSubstr("--listen"))));
}

TEST_F(ConfigTest, RustLogBeatsEverythingWhereItNamesALevel) {
  environment_["RUST_LOG"] = "debug";
  EXPECT_EQ(good(load(kLeast, {"--log-level=error"})).log.level, log::Level::debug);
  environment_["RUST_LOG"] = "h2=trace,moq_relay=trace,warn";
  EXPECT_EQ(good(load(kLeast)).log.level, log::Level::trace);
  environment_["RUST_LOG"] = "h2=trace";
  EXPECT_EQ(good(load(kLeast, {"--log-level=error"})).log.level, log::Level::error);
  environment_["RUST_LOG"] = "off";
  EXPECT_EQ(good(load(kLeast)).log.level, log::Level::off);
}

TEST_F(ConfigTest, MistakesNameFileLineKeyAndWhatWasExpected) {
  struct {
    const char* text;
    std::vector<std::string> parts;
  } const kCases[] = {
      {"[server]\nbind = 443\n", {"relay.toml:2: server.bind: found the number 443", "[::]:443"}},
      {"[server]\n\nbind = \"443\"\n", {"relay.toml:3: server.bind: found \"443\"", "expected an"}},
      {"[server.quic]\nidle_timeout = 30\n", {":2: server.quic.idle_timeout", "duration", "30s"}},
      {"[server.quic]\nkeep_alive = \"soon\"\n", {"found \"soon\"", "duration"}},
      {"[server.quic]\ngso = \"yes\"\n", {"the string \"yes\"", "true or false"}},
      {"[server.quic]\nmax_streams = -1\n", {"max_streams", "found \"-1\"", "a number"}},
      {"[server.quic]\nmax_streams = 0\n", {"max_streams", "found 0", "expected 1 to"}},
      {"[server.quic]\ncongestion_control = \"bbr\"\n", {"one of loss, delay"}},
      {"[server]\nworkers = 257\n", {":2: server.workers", "at most 256"}},
      {"[server]\nversion = \"moq-lite-4\"\n", {"did you mean moq-lite-04?"}},
      {"[server]\nversion = \"moq-transport-16\"\n",
       {":2: server.version", "not spoken", "moq-lite-05"}},
      {"[server]\nversion = [\"moq-lite-04\", 4]\n", {"a list with the number 4"}},
      {"[server]\nbnid = \"[::]:1\"\n", {":2: server.bnid", "did you mean server.bind?"}},
      {"[web.htpt]\nlisten = \"[::]:80\"\n", {":1: web.htpt", "did you mean web.http?"}},
      {"servr = 1\n", {"relay.toml:1: servr: there is no such key"}},
      {"server = 1\n", {":1: server", "expected a table, [server]", "the number 1"}},
      {"[log]\nlevel = \"loud\"\n", {":2: log.level", "trace, debug, info, warn, error"}},
      {"[log]\nformat = \"xml\"\n", {":2: log.format", "text, json"}},
      {"[cache]\ncapacity = \"lots\"\n", {"a size such as \"8GiB\""}},
      {"[cache]\nheadroom = \"0\"\n", {":2: cache.headroom", "a size such as \"8GiB\""}},
      {"[limits]\nconnections = 0\n", {":2: limits.connections: found 0", "at least 1"}},
      {"[limits]\nsubscriptions = -1\n", {":2: limits.subscriptions", "a number"}},
      {"[limits]\nconection = 1\n", {"did you mean limits.connections?"}},
      {"[server.quic]\nqlog = \"/nowhere\"\n", {":2: server.quic.qlog: there is no directory"}},
      {"[web.http]\nlisten = \"localhost:80\"\n", {"web.http.listen", "an IP address"}},
      {"[internal]\nlisten = \"localhost:1\"\n", {":2: internal.listen", "a port, or an IP"}},
      {"[internal]\nlisten = 65536\n", {":2: internal.listen", "found \"65536\""}},
      {"drain_uri = \"relay2\"\n", {":1: drain_uri: found \"relay2\"", "expected a URI"}},
      {"drain_uri = [\"https://b/\", \"\"]\n", {":1: drain_uri: found \"\"", "expected a URI"}},
      {"drain_spread = \"10s\"\ndrain_timeout = \"10s\"\n", {":1: drain_spread: expected less"}},
      {"[server\n", {"relay.toml:1: not valid TOML"}},
      {"[auth]\nkey = \"/nowhere/root.jwk\"\n",
       {":2: auth.key: cannot read /nowhere/root.jwk: No such file"}},
      {"[auth]\nkey = \"/etc/passwd\"\nkey_dir = \"/etc\"\n",
       {":3: auth.key_dir: there is auth.key, too"}},
      {"[auth]\nkey = '{\"kty\":\"oct\"}'\n", {":2: auth.key: found a key itself"}},
      {"[auth]\nkey = \"/dev/null\"\n", {":2: auth.key: cannot read /dev/null: it is no file"}},
      {"[auth]\nkey_dir = \"/nowhere\"\n", {":2: auth.key_dir: there is no directory /nowhere"}},
      {"[auth]\nkey_dir = \"https://keys.example/?a=b\"\n",
       {":2: auth.key_dir: the URL has a query"}},
      {"[auth]\nkey_dir = \"ftp://keys.example/\"\n", {":2: auth.key_dir: expected a URL"}},
      {"[auth]\nkey = \"https://me:secret@keys.example/\"\n",
       {":2: auth.key: the URL has something"}},
      {"[auth]\npublic = \"\"\ndomains = [\"cdn.example\", \".\"]\n",
       {":3: auth.domains: found an empty"}},
      {"[client]\ntls.cert = \"/etc/hostname\"\n",
       {":2: client.tls.cert: a certificate and its key"}},
      {"[server.tls]\nroot = \"ca.pem\"\n", {":2: server.tls.root: cannot read ca.pem"}},
      {"[server.unix.allow]\nuid = [1]\n", {":2: server.unix.allow.uid: not supported"}},
      {"[server.unix]\nbind = \"/run/moq.sock\"\n", {":2: server.unix.bind", "set server.bind"}},
      {"[server.tls]\ncert = \"/nowhere/c.pem\"\n",
       {"server.tls.cert", "1 certificates and 0 keys"}},
      {"[server.tls]\ncert=\"/nowhere/c.pem\"\nkey=\"/nowhere/k.pem\"\n",
       {":2: server.tls.cert: cannot read /nowhere/c.pem: No such file"}},
  };
  for (const auto& c : kCases) {
    const auto found = mistakes(c.text);
    ASSERT_FALSE(found.empty()) << c.text;
    for (const std::string& part : c.parts) EXPECT_THAT(found.front(), HasSubstr(part)) << c.text;
  }
}

TEST_F(ConfigTest, AServiceIsAUrlAndAloneWhereItSaysAll) {
  const auto found = [this](std::string_view auth) {
    return load("[server]\ntls.generate = \"localhost\"\n[auth]\n" + std::string(auth)).mistakes;
  };
  EXPECT_THAT(found("auth_api = \"https://auth.example/?a=b\"\n"), IsEmpty());
  EXPECT_THAT(found("public.api = \"http://[::1]/\"\n"), IsEmpty());
  EXPECT_THAT(found("key_dir = \"https://auth.example\"\n"), IsEmpty());
  for (const char* text : {"auth_api = \"/etc/auth\"\n", "public.api = \"api.example\"\n",
                           "auth_api = \"ftp://api.example\"\n"}) {
    EXPECT_THAT(found(text), ElementsAre(HasSubstr("expected a URL"))) << text;
  }
  for (const char* text : {"auth_api = \"https://me:secret@a.example\"\n",
                           "auth_api = \"https://a.example/secret\\n\"\n",
                           "auth_api = \"https://a.example/#secret\"\n"}) {
    const auto mistakes = found(text);
    EXPECT_THAT(mistakes, ElementsAre(HasSubstr("percent-encoded"))) << text;
    EXPECT_THAT(mistakes, Not(ElementsAre(HasSubstr("secret"))));
  }
  for (const char* text : {"public = \"\"\n", "key_dir = \"/etc\"\n", "key = \"https://a/b\"\n",
                           "public.api = \"https://x/\"\n", "public.subscribe = [\"a\"]\n"}) {
    EXPECT_THAT(found(std::string("auth_api = \"https://a.example\"\n") + text),
                ElementsAre(HasSubstr("what it answers stands for")))
        << text;
  }
}

TEST_F(ConfigTest, CheckHidesTheQueryOfAUrl) {
  const std::string file = write("relay.toml",
                                 "[server]\ntls.generate = \"localhost\"\n[auth]\nauth_api = "
                                 "\"https://a.example/b?c=secret\"\n");
  const Loaded loaded = load_config({"--check", file}, [](const auto&) { return std::nullopt; });
  EXPECT_THAT(loaded.text, HasSubstr("https://a.example/b?(hidden)"));
  EXPECT_THAT(loaded.text, Not(HasSubstr("secret")));
}

TEST_F(ConfigTest, CheckShowsWhatIsSetAndWhere) {
  const std::string file =
      write("relay.toml",
            "drain_uri = [\"https://a/\", \"https://b/\"]\n[server]\nworkers = 2\n"
            "tls.generate = \"localhost\"\n[auth]\npublic = \"\"\n[stats]\nenabled = false\n");
  const Loaded loaded =
      load_config({"--check", file, "--log-level=debug"}, [](const std::string& name) {
        return name == "MOQ_CACHE_DURATION" ? std::optional<std::string>("5s") : std::nullopt;
      });
  EXPECT_THAT(loaded.mistakes, IsEmpty());
  EXPECT_TRUE(loaded.check);
  ASSERT_TRUE(loaded.config);
  EXPECT_THAT(loaded.text, HasSubstr("log.level = \"debug\"  # --log-level\n"));
  EXPECT_THAT(loaded.text, HasSubstr("cache.duration = \"5s\"  # MOQ_CACHE_DURATION\n"));
  EXPECT_THAT(loaded.text, HasSubstr("drain_uri = [\"https://a/\", \"https://b/\"]  # "));
  EXPECT_THAT(loaded.text, HasSubstr("server.workers = 2  # "));
  EXPECT_THAT(loaded.text, HasSubstr("relay.toml:3: server.workers\n"));
  EXPECT_THAT(loaded.text, HasSubstr("# server.bind: [::]:443 (default)\n"));
  // It is a configuration itself, that says the same.
  const std::string again = write("again.toml", loaded.text);
  const Loaded same = load_config({"--check", again}, [](const auto&) { return std::nullopt; });
  EXPECT_THAT(same.mistakes, IsEmpty());
  ASSERT_TRUE(same.config);
  EXPECT_EQ(same.config->log.level, log::Level::debug);
  EXPECT_EQ(same.config->server.workers, 2U);
  EXPECT_EQ(same.config->drain, loaded.config->drain);
}

TEST_F(ConfigTest, CheckSaysWhatIsWrong) {
  const Loaded loaded = load_config({"--check", write("bad.toml", "[server]\nbnid = \"x\"\n")},
                                    [](const auto&) { return std::nullopt; });
  EXPECT_FALSE(loaded.mistakes.empty());
  EXPECT_EQ(loaded.text, "");
}

TEST_F(ConfigTest, DrainUrisAreBounded) {
  const std::string longest = "https://b/" + std::string(8192 - 10, 'x');
  EXPECT_EQ(
      good(load("drain_uri = \"" + longest + "\"\n" + std::string(kLeast))).drain.uris.front(),
      longest);
  EXPECT_THAT(load("drain_uri = \"" + longest + "x\"\n" + std::string(kLeast)).mistakes,
              ElementsAre(HasSubstr(":1: drain_uri: found a URI of 8193 bytes")));
  std::string many;
  for (std::size_t i = 0; i <= kMaxDrainUris; ++i) many += "https://b/ ";
  EXPECT_THAT(load(kLeast, {"--drain-uri", many}).mistakes,
              ElementsAre(HasSubstr("--drain-uri: found 65 URIs")));
}

TEST_F(ConfigTest, DrainUrisOfFlagsAndVariablesAreSeparatedBySpaces) {
  environment_["MOQ_DRAIN_URI"] = "https://a/?x=1,2  moqt://b";
  environment_["MOQ_DRAIN_SPREAD"] = "3s";
  const Config config = good(load(kLeast));
  EXPECT_EQ(config.drain, (DrainOrder{{}, {"https://a/?x=1,2", "moqt://b"}, 3s}));
  EXPECT_THAT(
      good(load(kLeast, {"--drain-uri", "https://c/", "--drain-uri", "https://d/"})).drain.uris,
      ElementsAre("https://c/", "https://d/"));
}

TEST_F(ConfigTest, ADrainWithoutAnyTimeNeedsNoSpread) {
  EXPECT_EQ(good(load(kLeast, {"--drain-timeout", "0s", "--drain-spread", "5s"})).drain.timeout,
            0s);
}

TEST_F(ConfigTest, AnInternalListenerIsThisMachinesUnlessAskedOtherwise) {
  for (const auto& [text, expected] : {std::pair{"9090", "127.0.0.1:9090"},
                                       {":9090", "127.0.0.1:9090"},
                                       {"127.0.0.2:1", "127.0.0.2:1"},
                                       {"[::1]:1", "[::1]:1"}}) {
    const Config config = good(load(kLeast, {"--internal-listen", text}));
    EXPECT_EQ(config.internal.listen->to_string(), expected);
    EXPECT_THAT(config.warnings, IsEmpty()) << text;
  }
  for (const char* text : {"[::]:9090", "0.0.0.0:9090", "192.0.2.1:9090", "[2001:db8::1]:9090"}) {
    EXPECT_THAT(good(load(kLeast, {"--internal-listen", text})).warnings,
                ElementsAre(AllOf(StartsWith("--internal-listen: "), HasSubstr(text))));
  }
}

TEST_F(ConfigTest, AllMistakesAreReportedAtOnce) {
  EXPECT_EQ(mistakes("[server]\nbind = 1\nworkers = \"x\"\nfoo = 2\n").size(), 3U);
}

TEST_F(ConfigTest, MistakesInFlagsAndVariablesNameThem) {
  EXPECT_THAT(load(kLeast, {"--server-bind", "nowhere"}).mistakes,
              ElementsAre(StartsWith("--server-bind: found \"nowhere\"")));
  EXPECT_THAT(load(kLeast, {"--server-bnid", "[::]:1"}).mistakes,
              ElementsAre("--server-bnid: there is no such flag; did you mean --server-bind?"));
  EXPECT_THAT(load(kLeast, {"second.toml"}).mistakes, ElementsAre(HasSubstr("only one")));
  EXPECT_THAT(load(kLeast, {"--server-bind"}).mistakes, ElementsAre(HasSubstr("--server-bind")));
  environment_["MOQ_SERVER_WORKERS"] = "many";
  EXPECT_THAT(load(kLeast).mistakes, ElementsAre(StartsWith("MOQ_SERVER_WORKERS: found \"many\"")));
}

TEST_F(ConfigTest, WhatIsMissingIsNamedWithTheRemedy) {
  EXPECT_THAT(load_arguments({"/nowhere/relay.toml"}).mistakes,
              ElementsAre(AllOf(StartsWith("/nowhere/relay.toml: cannot read"),
                                EndsWith("No such file or directory"))));
  EXPECT_THAT(load("[auth]\npublic=\"\"").mistakes,
              ElementsAre(HasSubstr("server.tls.generate = [\"localhost\"]")));
  EXPECT_THAT(load("[server]\ntls.generate=\"x\"").mistakes,
              ElementsAre(HasSubstr("set auth.key")));
  EXPECT_THAT(load("[server]\ntls.generate=\"x\"\n[auth]\npublic=[]").mistakes,
              ElementsAre(HasSubstr("set auth.key")));
}

TEST_F(ConfigTest, APrefixIsNoAddress) {
  EXPECT_THAT(load("[server]\ntls.generate=\"x\"\n[auth]\npublic=\"https://example\"").mistakes,
              ElementsAre(AllOf(HasSubstr(":4: auth.public"), HasSubstr("prefix of a path"))));
}

TEST_F(ConfigTest, KnownKeysWithoutEffectAreWarnedOfByName) {
  const Config config = good(load(std::string(kLeast) + R"(
[stats]
enabled = true
node = "local/host"
[iroh]
enabled = false
[cluster]
connect = ["https://localhost:4443/"]
)",
                                  {"--client-quic-qlog", "/tmp"}));
  EXPECT_THAT(config.warnings,
              ElementsAre(StartsWith("--client-quic-qlog"), HasSubstr(":12: cluster.connect"),
                          HasSubstr(":7: stats.enabled"), HasSubstr(":8: stats.node")));
}

TEST_F(ConfigTest, HelpAndVersionNeedNothingElse) {
  const Loaded help = load_arguments({"--help", "--server-bind", "nonsense"});
  EXPECT_FALSE(help.config);
  EXPECT_THAT(help.mistakes, IsEmpty());
  EXPECT_THAT(help.text, AllOf(HasSubstr("--server-bind ADDRESS"), HasSubstr("MOQ_SERVER_BIND"),
                               HasSubstr("Examples:"), HasSubstr("[default: 30s]")));
  EXPECT_THAT(load_arguments({"-V"}).text, StartsWith("moq-relay "));
}

TEST(Keys, NoTwoShareASpelling) {
  std::set<std::string> seen;
  for (const Key& key : all_keys()) {
    for (const auto& name : toml_names(key)) EXPECT_TRUE(seen.insert(name).second) << name;
    for (const auto& name : flag_names(key)) EXPECT_TRUE(seen.insert("--" + name).second) << name;
    for (const auto& name : env_names(key)) EXPECT_TRUE(seen.insert(name).second) << name;
  }
}

// Stores take the alternative of the type; one that did not would throw here.
TEST(Keys, EveryKeyStoresAValueOfItsType) {
  const std::map<Type, std::string> kSamples = {
      {Type::text, "x"},         {Type::text_list, "x"},     {Type::path_list, "x"},
      {Type::path, "x"},         {Type::boolean, "true"},    {Type::count, "1"},
      {Type::duration, "1s"},    {Type::size, "1GB"},        {Type::host_port, "[::]:1"},
      {Type::address, "[::]:1"}, {Type::local_address, "1"}, {Type::version_list, "moq-lite-04"},
  };
  for (const Key& key : all_keys()) {
    SCOPED_TRACE(key.name());
    EXPECT_EQ(key.store != nullptr, key.support == Support::now);
    EXPECT_EQ(key.help.empty(), key.support == Support::later || key.flags.empty());
    if (key.store == nullptr) continue;
    const std::string sample =
        key.type == Type::choice ? words(key.choices).back() : kSamples.at(key.type);
    const auto value = parse_value(key, {sample});
    ASSERT_TRUE(value);
    Config config;
    EXPECT_NO_THROW(key.store(config, *value));
  }
}

TEST(Keys, DefaultsThatAreShownAreTheDefaults) {
  for (const Key& key : all_keys()) {
    const auto value = parse_value(key, {std::string(key.shown_default)});
    if (key.store == nullptr || !value || key.shown_default.empty()) continue;
    SCOPED_TRACE(key.name());
    Config set;
    key.store(set, *value);
    const Config fresh;
    EXPECT_EQ(set.log.level, fresh.log.level);
    EXPECT_EQ(set.server.bind, fresh.server.bind);
    EXPECT_EQ(set.server.quic.congestion_control, fresh.server.quic.congestion_control);
    EXPECT_EQ(set.server.quic.gso, fresh.server.quic.gso);
    EXPECT_EQ(set.server.quic.idle_timeout, fresh.server.quic.idle_timeout);
    EXPECT_EQ(set.server.quic.keep_alive, fresh.server.quic.keep_alive);
    EXPECT_EQ(set.server.quic.max_streams, fresh.server.quic.max_streams);
    EXPECT_EQ(set.log.format, fresh.log.format);
    EXPECT_EQ(set.limits.connections, fresh.limits.connections);
    EXPECT_EQ(set.limits.handshakes_per_address, fresh.limits.handshakes_per_address);
    EXPECT_EQ(set.limits.subscriptions, fresh.limits.subscriptions);
    EXPECT_EQ(set.limits.announcements, fresh.limits.announcements);
    EXPECT_EQ(set.cache.capacity, fresh.cache.capacity);
    EXPECT_EQ(set.cache.duration, fresh.cache.duration);
    EXPECT_EQ(set.server.quic.mtu_discovery, fresh.server.quic.mtu_discovery);
  }
}

}  // namespace
}  // namespace moq::relay
