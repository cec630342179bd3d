#include "native/io/packet_io.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moq::native {
namespace {

TEST(SocketAddressTest, ParsesAndPrints) {
  for (const char* text : {"127.0.0.1:4443", "0.0.0.0:0", "[::1]:443", "[2001:db8::1]:65535",
                           "[::]:4443", "[fe80::1%1]:7"}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
    EXPECT_EQ(*address, *SocketAddress::parse(text));
  }
}

TEST(SocketAddressTest, RefusesWithTheRemedy) {
  for (const char* text : {"", "127.0.0.1", "::1", "[::1]", "::1:443", "localhost:443", "1.2.3:4",
                           "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:4x", "[]:1",
                           "[127.0.0.1]:1", "[::1]x:1", "[", ":", "[fe80::1%nothing9]:7"}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_TRUE(address.error().is(IoError{EINVAL})) << text;
    EXPECT_THAT(address.error().message(), testing::HasSubstr("write 192.0.2.1:4443")) << text;
  }
}

TEST(SocketAddressTest, MapsIpv4ForDualStackSockets) {
  const SocketAddress plain = *SocketAddress::parse("192.0.2.7:99");
  const SocketAddress mapped = plain.mapped();
  EXPECT_EQ(mapped.family(), AF_INET6);
  EXPECT_EQ(mapped.port(), 99);
  EXPECT_TRUE(mapped.is_v4());
  EXPECT_EQ(mapped.to_string(), "192.0.2.7:99");
  EXPECT_FALSE(mapped == plain);
  EXPECT_EQ(mapped.unmapped(), plain);
  EXPECT_EQ(SocketAddress::parse("[::ffff:192.0.2.7]:99")->unmapped(), plain);
  const SocketAddress v6 = *SocketAddress::parse("[::1]:99");
  EXPECT_EQ(v6.mapped(), v6);
  EXPECT_EQ(v6.unmapped(), v6);
}

TEST(SocketAddressTest, KnowsTheUnspecifiedAddress) {
  EXPECT_TRUE(SocketAddress::parse("0.0.0.0:1")->is_any());
  EXPECT_TRUE(SocketAddress::parse("0.0.0.0:1")->mapped().is_any());
  EXPECT_TRUE(SocketAddress::parse("[::]:1")->is_any());
  EXPECT_TRUE(SocketAddress().is_any());
  EXPECT_FALSE(SocketAddress::parse("127.0.0.1:1")->is_any());
  EXPECT_FALSE(SocketAddress::parse("[::1]:1")->is_any());
}

TEST(SocketAddressTest, ChangesThePort) {
  for (const char* text : {"127.0.0.1:1", "[::1]:1"}) {
    SocketAddress address = *SocketAddress::parse(text);
    address.set_port(4443);
    EXPECT_EQ(address.port(), 4443);
    EXPECT_FALSE(address == *SocketAddress::parse(text));
  }
  EXPECT_EQ(SocketAddress().to_string(), "(none)");
}

TEST(IoErrorTest, SaysWhatErrnoMeans) {
  EXPECT_EQ(Error(IoError{EADDRINUSE}, "bind").message(),
            "io: Address already in use (0x62): bind");
}

}  // namespace
}  // namespace moq::native
