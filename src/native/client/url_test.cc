#include "native/client/url.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moq::native {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(UrlTest, TakesItsPartsApart) {
  struct Case {
    const char* text;
    const char* scheme;
    Carrier carrier;
    const char* host;
    bool address;
    int port;
    const char* path;
    const char* query;
    const char* authority;
    const char* target;
  };
  for (const Case& test : {
           Case{"moqt://relay.example", "moqt", Carrier::raw_quic, "relay.example", false, 443, "",
                "", "relay.example", "/"},
           Case{"MOQL://Relay.Example:4443/Room/a%2Fb?jwt=x.y-z", "moql", Carrier::raw_quic,
                "relay.example", false, 4443, "/Room/a%2Fb", "jwt=x.y-z", "relay.example:4443",
                "/Room/a%2Fb?jwt=x.y-z"},
           Case{"https://[2001:DB8::1]:8443/?q", "https", Carrier::webtransport, "2001:db8::1",
                true, 8443, "/", "q", "[2001:db8::1]:8443", "/?q"},
           Case{"https://[::1]", "https", Carrier::webtransport, "::1", true, 443, "", "", "[::1]",
                "/"},
           Case{"http://127.0.0.1:4443/anon", "http", Carrier::fetch_fingerprint, "127.0.0.1", true,
                4443, "/anon", "", "127.0.0.1:4443", "/anon"},
           Case{"http://localhost?", "http", Carrier::fetch_fingerprint, "localhost", false, 80, "",
                "", "localhost", "/"},
           Case{"https://a_b.example:443/", "https", Carrier::webtransport, "a_b.example", false,
                443, "/", "", "a_b.example", "/"},
           Case{"moqt://3f2a9c:1/", "moqt", Carrier::raw_quic, "3f2a9c", false, 1, "/", "",
                "3f2a9c:1", "/"},
           Case{"moqt://host:/a?b/c?d", "moqt", Carrier::raw_quic, "host", false, 443, "/a",
                "b/c?d", "host", "/a?b/c?d"},
       }) {
    const auto url = Url::parse(test.text);
    ASSERT_TRUE(url) << test.text << ": " << url.error().message();
    EXPECT_EQ(url->scheme(), test.scheme) << test.text;
    EXPECT_EQ(url->carrier(), test.carrier) << test.text;
    EXPECT_EQ(url->host(), test.host) << test.text;
    EXPECT_EQ(url->host_is_address(), test.address) << test.text;
    EXPECT_EQ(url->port(), test.port) << test.text;
    EXPECT_EQ(url->path(), test.path) << test.text;
    EXPECT_EQ(url->query(), test.query) << test.text;
    EXPECT_EQ(url->authority(), test.authority) << test.text;
    EXPECT_EQ(url->target(), test.target) << test.text;
  }
}

TEST(UrlTest, RefusesTheRest) {
  struct Case {
    std::string text;
    const char* says;
  };
  for (const Case& test : {
           Case{"", "begins with its scheme"},
           Case{"relay.example:4443", "begins with its scheme"},
           Case{"://host", "begins with its scheme"},
           Case{"ftp://host/", "none of moqt, moql, https and http"},
           Case{"moqt:///path", "host is missing"},
           Case{"moqt://:4443/", "host is missing"},
           Case{"moqt://::1/", "in brackets"},
           Case{"moqt://[::1", "] of the IPv6"},
           Case{"moqt://[::1]x/", "] of the IPv6"},
           Case{"moqt://[1.2.3.4]/", "no IPv6 address"},
           Case{"moqt://[]/", "no IPv6 address"},
           Case{"moqt://host:0/", "from 1 to 65535"},
           Case{"moqt://host:65536/", "from 1 to 65535"},
           Case{"moqt://host:4443x/", "from 1 to 65535"},
           Case{"moqt://host:+1/", "from 1 to 65535"},
           Case{"moqt://a..b/", "neither a name"},
           Case{"moqt://127.1/", "neither a name"},
           Case{"moqt://0x7f000001/", "neither a name"},
           Case{"moqt://1.2.3.4.5/", "neither a name"},
           Case{"moqt://a%2fb/", "neither a name"},
           Case{"moqt://caf\xc3\xa9.example/", "xn--"},
           Case{"moqt://host/a b", "0x20 has to be percent-encoded"},
           Case{"moqt://host/\xc3\xa9", "0xc3 has to be percent-encoded"},
           Case{"moqt://host/a%2", "two hex digits"},
           Case{"moqt://host/a%", "two hex digits"},
           Case{"moqt://host/a%zz", "two hex digits"},
           Case{"moqt://host/?a%2", "two hex digits"},
           Case{"moqt://host/#top", "fragment"},
           Case{std::string("moqt://host/a\0b", 15), "0x00"},
           Case{"moqt://host/" + std::string(Url::kMaxSize, 'a'), "more than 8192"},
       }) {
    const auto url = Url::parse(test.text);
    ASSERT_FALSE(url) << test.text;
    EXPECT_THAT(url.error().message(), HasSubstr(test.says)) << test.text;
  }
}

TEST(UrlTest, KeepsSecretsOutOfLogsAndErrors) {
  EXPECT_EQ(Url::parse("moqt://host:4443/a?jwt=secret")->to_log(), "moqt://host:4443/a?...");
  EXPECT_EQ(Url::parse("moqt://host/a")->to_log(), "moqt://host/a");
  for (const char* text : {"moqt://host/a b?jwt=secret", "moqt://user:secret@host/",
                           "moqt://host:99999/?jwt=secret"}) {
    const auto url = Url::parse(text);
    ASSERT_FALSE(url);
    EXPECT_THAT(url.error().message(), Not(HasSubstr("secret")));
  }
}

TEST(PercentDecodeTest, ResolvesEscapes) {
  EXPECT_EQ(*percent_decode("a%2Fb%2f%00"), std::string("a/b/\0", 5));
  EXPECT_EQ(*percent_decode(""), "");
  EXPECT_FALSE(percent_decode("%"));
  EXPECT_FALSE(percent_decode("a%4"));
  EXPECT_FALSE(percent_decode("%-1"));
}

}  // namespace
}  // namespace moq::native
