#include "relay/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moq::relay {
namespace {

using namespace std::chrono_literals;

TEST(ParseDuration, ReadsHumantime) {
  struct {
    const char* text;
    std::optional<Duration> value;
  } const kCases[] = {
      {"30s", 30s},
      {"500ms", 500ms},
      {"1h 30m", 90min},
      {"1h30m", 90min},
      {"2 days", 48h},
      {"1week", 168h},
      {"15 sec", 15s},
      {"7us", 7us},
      {"3ns", 3ns},
      {"0", 0s},
      {"0s", 0s},
      {"1M", std::chrono::seconds(2'630'016)},
      {"1year", std::chrono::seconds(31'557'600)},
      {"30", {}},
      {"", {}},
      {"s", {}},
      {"30 parsecs", {}},
      {"-1s", {}},
      {"1.5s", {}},
      {"30s,", {}},
      {"99999999999y", {}},
      {"18446744073709551616s", {}},
      {"300years", {}},
  };
  for (const auto& c : kCases) EXPECT_EQ(parse_duration(c.text), c.value) << c.text;
}

TEST(ParseSize, ReadsBytesUnitsAndShares) {
  struct {
    const char* text;
    std::optional<SizeLimit> value;
  } const kCases[] = {
      {"8GiB", SizeLimit{8ULL << 30, 0}},
      {"512MB", SizeLimit{512'000'000, 0}},
      {"1073741824", SizeLimit{1ULL << 30, 0}},
      {"9007199254740993", SizeLimit{9007199254740993ULL, 0}},
      {"1.5 kib", SizeLimit{1536, 0}},
      {"2t", SizeLimit{2'000'000'000'000, 0}},
      {"17B", SizeLimit{17, 0}},
      {"75%", SizeLimit{0, 75}},
      {"0", {}},
      {"0%", {}},
      {"101%", {}},
      {"lots", {}},
      {"8GiBs", {}},
      {"-5MB", {}},
      {"", {}},
      {"1e300", {}},
      {"99999999999EB", {}},
  };
  for (const auto& c : kCases) EXPECT_EQ(parse_size(c.text), c.value) << c.text;
  EXPECT_EQ(parse_size("50%")->resolve(1000), 500U);
  EXPECT_EQ(parse_size("1KB")->resolve(7), 1000U);
}

TEST(ParseHostPort, ReadsNamesAndAddresses) {
  struct {
    const char* text;
    std::optional<HostPort> value;
  } const kCases[] = {
      {"[::]:443", HostPort{"::", 443}},
      {"127.0.0.1:4443", HostPort{"127.0.0.1", 4443}},
      {"relay-1.example:0", HostPort{"relay-1.example", 0}},
      {"::1:443", {}},
      {"[::1]", {}},
      {"[nonsense]:1", {}},
      {"127.0.0.300:1", {}},
      {":443", {}},
      {"host:65536", {}},
      {"host:", {}},
      {"host", {}},
      {"ho st:1", {}},
      {"https://host:1", {}},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(parse_host_port(c.text), c.value) << c.text;
    if (c.value) {
      EXPECT_EQ(c.value->to_string(), c.text);
    }
  }
}

TEST(ParseLocalAddress, APortAloneIsLoopbacks) {
  EXPECT_EQ(parse_local_address("9090"), (HostPort{"127.0.0.1", 9090}));
  EXPECT_EQ(parse_local_address(":0"), (HostPort{"127.0.0.1", 0}));
  EXPECT_EQ(parse_local_address("[::]:9090"), (HostPort{"::", 9090}));
  for (const char* text : {"", ":", "65536", "localhost:1", "::1", "[::1]", "127.0.0.1", "-1"}) {
    EXPECT_EQ(parse_local_address(text), std::nullopt) << text;
  }
}

TEST(IsLoopback, TellsThisMachineFromOthers) {
  for (const char* host : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(is_loopback({host, 1})) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "128.0.0.1", "::2", "::ffff:192.0.2.1", "localhost"}) {
    EXPECT_FALSE(is_loopback({host, 1})) << host;
  }
}

TEST(IsUri, WantsASchemeAndAHost) {
  for (const char* text : {"https://relay2.example", "moqt://[::1]:4443/room?jwt=a.b-c",
                           "x+y-1.z://h", "https://user@h/%20;,=!$"}) {
    EXPECT_TRUE(is_uri(text)) << text;
  }
  for (const char* text : {"", "relay2", "https:", "https:/h", "https://", "https:///path", "://h",
                           "1x://h", "https://:443", "https://h/a b", "https://h/#fragment",
                           "https://h/\n", "https://h/\x80", "ht_tp://h", "https://?x"}) {
    EXPECT_FALSE(is_uri(text)) << text;
  }
}

TEST(SplitList, KeepsEmptyItems) {
  EXPECT_THAT(split_list("a, b ,,c"), testing::ElementsAre("a", "b", "", "c"));
  EXPECT_THAT(split_list(""), testing::ElementsAre(""));
}

TEST(Nearest, FindsWhatWasMeantOrNothing) {
  const std::vector<std::string> known = {"server.bind", "server.workers", "log.level"};
  EXPECT_EQ(nearest("server.bnid", known), "server.bind");
  EXPECT_EQ(nearest("server.worker", known), "server.workers");
  EXPECT_EQ(nearest("cache.size", known), "");
  EXPECT_EQ(nearest("", known), "");
}

}  // namespace
}  // namespace moq::relay
