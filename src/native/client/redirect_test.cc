#include "native/client/redirect.h"

#include <gtest/gtest.h>

namespace moq::native {
namespace {

Url url(const std::string& text) { return Url::parse(text).value(); }

std::string at(const Result<Url>& result) {
  if (!result) return "refused";
  return result->scheme() + "://" + result->authority() + result->target();
}

TEST(LocalAddress, IsOfThisMachineOrAPrivateNetwork) {
  for (const char* local :
       {"127.0.0.1:1", "127.9.9.9:1", "10.0.0.1:1", "172.16.0.1:1", "172.31.255.255:1",
        "192.168.1.1:1", "169.254.169.254:1", "100.64.0.1:1", "0.0.0.0:1", "[::]:1", "[::1]:1",
        "[fc00::1]:1", "[fdff::1]:1", "[fe80::1]:1", "[febf::1]:1", "[::ffff:127.0.0.1]:1",
        "[::ffff:10.1.2.3]:1", "[::ffff:169.254.169.254]:1"}) {
    EXPECT_TRUE(is_local(SocketAddress::parse(local).value())) << local;
  }
  for (const char* remote :
       {"1.1.1.1:1", "172.15.0.1:1", "172.32.0.1:1", "11.0.0.1:1", "100.128.0.1:1", "192.169.0.1:1",
        "169.253.0.1:1", "[2001:db8::1]:1", "[::ffff:1.1.1.1]:1", "[ff02::1]:1"}) {
    EXPECT_FALSE(is_local(SocketAddress::parse(remote).value())) << remote;
  }
  EXPECT_TRUE(is_local(SocketAddress()));
}

TEST(RedirectPolicy, FollowsToAnotherPortOrPathOfTheSameHost) {
  const Url current = url("https://relay.example/room?jwt=x");
  EXPECT_EQ(at(redirect(current, "https://relay.example:8443", Redirect::same_host)),
            "https://relay.example:8443/room?jwt=x");
  EXPECT_EQ(at(redirect(current, "https://relay.example:8443/", Redirect::same_host)),
            "https://relay.example:8443/room?jwt=x");
  EXPECT_EQ(at(redirect(current, "moqt://RELAY.example/other", Redirect::same_host)),
            "moqt://relay.example/other");
}

TEST(RedirectPolicy, AnotherHostNeedsLeave) {
  const Url current = url("https://relay.example/room?jwt=x");
  EXPECT_EQ(at(redirect(current, "https://other.example/room", Redirect::same_host)), "refused");
  EXPECT_EQ(at(redirect(current, "https://relay.example.evil", Redirect::same_host)), "refused");
  EXPECT_EQ(at(redirect(current, "https://relay.example", Redirect::ignore)), "refused");
  EXPECT_EQ(at(redirect(current, "https://other.example/there?jwt=y", Redirect::follow)),
            "https://other.example/there?jwt=y");
}

TEST(RedirectPolicy, TokenStaysWithItsHost) {
  const Url current = url("https://relay.example/room?jwt=x");
  EXPECT_EQ(at(redirect(current, "https://other.example", Redirect::follow)),
            "https://other.example/room");
}

TEST(RedirectPolicy, NeverToAWeakerScheme) {
  const Url current = url("https://relay.example/");
  EXPECT_EQ(at(redirect(current, "http://relay.example:80", Redirect::follow)), "refused");
  EXPECT_EQ(at(redirect(url("moqt://relay.example"), "http://relay.example", Redirect::follow)),
            "refused");
  EXPECT_EQ(at(redirect(url("http://relay.example:4443"), "http://relay.example:4444",
                        Redirect::same_host)),
            "http://relay.example:4444/");
  EXPECT_EQ(at(redirect(url("http://relay.example:4443"), "https://relay.example:4444",
                        Redirect::same_host)),
            "https://relay.example:4444/");
}

TEST(RedirectPolicy, WhatIsNoUrlIsRefused) {
  const Url current = url("https://relay.example/");
  for (const char* uri : {"x", "ftp://relay.example", "https://", "https://user@relay.example",
                          "unix:///run/x", "https://relay.example:99999"}) {
    EXPECT_EQ(at(redirect(current, uri, Redirect::follow)), "refused") << uri;
  }
}

}  // namespace
}  // namespace moq::native
