#include "native/io/udp_socket.h"

#include <arpa/inet.h>

#include <cerrno>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moq::native {
namespace {

using std::chrono_literals::operator""s;
using testing::HasSubstr;

constexpr Duration kGenerous = 30s;

struct Collector final : PacketHandler {
  struct Packet {
    SocketAddress local;
    SocketAddress remote;
    std::uint8_t ecn;
    std::string data;
  };
  void on_packet(const ReceivedPacket& packet) override {
    packets.push_back({packet.local, packet.remote, packet.ecn, std::string(as_text(packet.data))});
  }
  void on_packets_done() override { ++batches; }
  void on_writable() override { ++writable; }

  std::vector<Packet> packets;
  int batches = 0;
  int writable = 0;
};

SocketAddress address(const char* text) { return *SocketAddress::parse(text); }

struct Side {
  Side(EventLoop& events, const char* bind_to, const UdpOptions& options = {})
      : socket(events, std::move(bind_udp(address(bind_to), 1, options)->front()), options) {
    socket.set_handler(&received);
  }
  SocketAddress at(const char* host) const {
    SocketAddress result = address(host);
    result.set_port(socket.local_address().port());
    return result;
  }
  Collector received;
  UdpSocket socket;
};

std::string pattern(std::size_t size) {
  std::string data(size, '\0');
  std::iota(data.begin(), data.end(), '\0');
  return data;
}

TEST(UdpSocketTest, SplitsBatchesBothWays) {
  for (const bool gso : {true, false}) {
    EventLoop events;
    const UdpOptions options{.gso = gso};
    Side server(events, "127.0.0.1:0");
    Side client(events, "127.0.0.1:0", options);
    EXPECT_EQ(client.socket.max_segments(), gso ? UdpSocket::kMaxSegments : 1);
    const std::string data = pattern(1200 * 43 + 77);
    ASSERT_TRUE(client.socket.send({}, server.socket.local_address(), 0, as_bytes(data), 1200));
    ASSERT_TRUE(events.run_until([&] { return server.received.packets.size() == 44; }, kGenerous));
    std::string joined;
    for (std::size_t i = 0; i < 44; ++i) {
      const auto& packet = server.received.packets[i];
      EXPECT_EQ(packet.data.size(), i < 43 ? 1200 : 77);
      EXPECT_EQ(packet.remote, client.socket.local_address());
      EXPECT_EQ(packet.local, server.socket.local_address());
      joined += packet.data;
    }
    EXPECT_EQ(joined, data);
    EXPECT_EQ(client.socket.stats().packets_sent, 44U);
    EXPECT_EQ(client.socket.stats().send_calls, gso ? 1U : 44U);
    EXPECT_EQ(server.socket.stats().packets_received, 44U);
    EXPECT_EQ(server.socket.stats().bytes_received, data.size());
  }
}

TEST(UdpSocketTest, TurnsGsoOffWhereTheKernelRefusesIt) {
  EventLoop events;
  Side server(events, "127.0.0.1:0");
  Side client(events, "127.0.0.1:0");
  // More segments than any kernel takes in one call.
  const std::string data = pattern(600 * 4);
  EXPECT_TRUE(client.socket.send({}, server.socket.local_address(), 0, as_bytes(data), 4));
  EXPECT_EQ(client.socket.max_segments(), 1U);
  EXPECT_TRUE(events.run_until([&] { return server.received.packets.size() == 600; }, kGenerous));
}

TEST(UdpSocketTest, ABadDestinationIsNotGsosFault) {
  EventLoop events;
  Side client(events, "127.0.0.1:0");
  const std::string data = pattern(2400);
  EXPECT_TRUE(client.socket.send({}, address("127.0.0.1:0"), 0, as_bytes(data), 1200));
  EXPECT_EQ(client.socket.max_segments(), UdpSocket::kMaxSegments);
  EXPECT_GT(client.socket.stats().send_errors, 0U);
}

TEST(UdpSocketTest, DualStackAnswersFromTheAddressAskedForAndKeepsEcn) {
  EventLoop events;
  Side server(events, "[::]:0");
  struct Case {
    const char* client;
    const char* to;
    const char* seen;
  };
  for (const Case& test :
       {Case{"127.0.0.1:0", "127.0.0.2:0", "127.0.0.2"}, Case{"[::1]:0", "[::1]:0", "::1"},
        Case{"[::]:0", "127.0.0.3:0", "127.0.0.3"}}) {
    for (std::uint8_t ecn = 0; ecn < 4; ++ecn) {
      server.received.packets.clear();
      Side client(events, test.client);
      const SocketAddress to = server.at(test.to);
      ASSERT_TRUE(client.socket.send({}, to, ecn, as_bytes("ping"), 4));
      ASSERT_TRUE(events.run_until([&] { return !server.received.packets.empty(); }, kGenerous));
      const auto& request = server.received.packets.front();
      EXPECT_EQ(request.ecn, ecn) << test.to;
      EXPECT_EQ(request.local.host(), test.seen);
      EXPECT_EQ(request.local.family(), AF_INET6);
      EXPECT_EQ(request.local.port(), to.port());

      ASSERT_TRUE(server.socket.send(request.local, request.remote, ecn, as_bytes("pong"), 4));
      ASSERT_TRUE(events.run_until([&] { return !client.received.packets.empty(); }, kGenerous));
      EXPECT_EQ(client.received.packets.front().remote.unmapped(), to) << test.client;
      EXPECT_EQ(client.received.packets.front().ecn, ecn);
    }
  }
}

TEST(UdpSocketTest, KeepsOneLocalAddressWhereAskedTo) {
  EventLoop events;
  Side server(events, "127.0.0.1:0");
  Side client(events, "[::]:0", {.local_addresses = false});
  ASSERT_TRUE(server.socket.send({}, client.at("127.0.0.1:0"), 0, as_bytes("x"), 1));
  ASSERT_TRUE(events.run_until([&] { return !client.received.packets.empty(); }, kGenerous));
  EXPECT_EQ(client.received.packets.front().local, client.socket.local_address());
}

TEST(UdpSocketTest, ReadsABoundedBatchPerTurnAndMissesNothing) {
  EventLoop events;
  Side server(events, "127.0.0.1:0", {.gso = true});
  Side client(events, "127.0.0.1:0", {.gso = false});
  constexpr std::size_t kBound = UdpSocket::kReceiveRounds * UdpSocket::kReceiveBatch;
  constexpr std::size_t kPackets = 3 * kBound;
  for (std::size_t i = 0; i < kPackets; ++i) {
    ASSERT_TRUE(client.socket.send({}, server.socket.local_address(), 0, as_bytes("x"), 1));
  }
  std::size_t before = 0;
  std::size_t largest = 0;
  ASSERT_TRUE(events.run_until(
      [&] {
        largest = std::max(largest, server.received.packets.size() - before);
        before = server.received.packets.size();
        return before == kPackets;
      },
      kGenerous));
  EXPECT_LE(largest, kBound);
  EXPECT_GE(server.received.batches, 3);
}

// A datagram socket whose queue does fill: UDP over loopback drops instead.
TEST(UdpSocketTest, ReportsAFullQueueAndItsEnd) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
  const FileDescriptor reader(pair[1]);
  EventLoop events;
  UdpSocket socket(events, FileDescriptor(pair[0]));
  Collector handler;
  socket.set_handler(&handler);
  for (int round = 1; round <= 2; ++round) {
    std::uint64_t taken = 0;
    while (socket.send({}, {}, 0, as_bytes("packet"), 6)) ASSERT_LT(++taken, 100000U);
    EXPECT_GT(taken, 0U);
    EXPECT_FALSE(socket.send({}, {}, 0, as_bytes("packet"), 6));
    EXPECT_EQ(handler.writable, round - 1);
    char buffer[16];
    while (::read(reader.get(), buffer, sizeof(buffer)) > 0) {
    }
    ASSERT_TRUE(events.run_until([&] { return handler.writable == round; }, kGenerous));
  }
  EXPECT_EQ(socket.stats().send_errors, 0U);
}

TEST(UdpSocketTest, MayGoWhileAPacketWaits) {
  EventLoop events;
  auto server = std::make_unique<Side>(events, "127.0.0.1:0");
  Side client(events, "127.0.0.1:0");
  Side other(events, "127.0.0.1:0");
  client.socket.send({}, server->socket.local_address(), 0, as_bytes("x"), 1);
  client.socket.send({}, other.socket.local_address(), 0, as_bytes("x"), 1);
  server.reset();
  EXPECT_TRUE(events.run_until([&] { return !other.received.packets.empty(); }, kGenerous));
}

TEST(BindUdpTest, SpreadsPeersOverAGroup) {
  EventLoop events;
  auto sockets = *bind_udp(address("[::]:0"), 2);
  ASSERT_EQ(sockets.size(), 2U);
  UdpSocket first(events, std::move(sockets[0]));
  UdpSocket second(events, std::move(sockets[1]));
  EXPECT_EQ(first.local_address(), second.local_address());
  Collector at_first;
  Collector at_second;
  first.set_handler(&at_first);
  second.set_handler(&at_second);
  SocketAddress to = address("127.0.0.1:0");
  to.set_port(first.local_address().port());
  std::vector<std::unique_ptr<Side>> clients;
  for (int i = 0; i < 64; ++i) {
    clients.push_back(std::make_unique<Side>(events, "127.0.0.1:0"));
    ASSERT_TRUE(clients.back()->socket.send({}, to, 0, as_bytes("x"), 1));
  }
  EXPECT_TRUE(events.run_until(
      [&] { return at_first.packets.size() + at_second.packets.size() == 64; }, kGenerous));
  EXPECT_GT(at_first.packets.size(), 0U);
  EXPECT_GT(at_second.packets.size(), 0U);
}

TEST(BindUdpTest, NeverSharesATakenPort) {
  // Held by a group, which would share it.
  const auto group = *bind_udp(address("127.0.0.1:0"), 2);
  const SocketAddress taken = bound_address(group[0]);
  SocketAddress wildcard = address("[::]:0");
  wildcard.set_port(taken.port());
  for (const SocketAddress& where : {taken, wildcard}) {
    for (const std::size_t count : {1, 2}) {
      const auto result = bind_udp(where, count);
      ASSERT_FALSE(result);
      EXPECT_TRUE(result.error().is(IoError{EADDRINUSE}));
      EXPECT_THAT(result.error().message(), HasSubstr(where.to_string()));
      EXPECT_THAT(result.error().message(), HasSubstr("another process has it"));
    }
  }
}

TEST(BindUdpTest, NamesTheRemedyForAForeignAddress) {
  const auto result = bind_udp(address("203.0.113.77:4443"));
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(IoError{EADDRNOTAVAIL}));
  EXPECT_THAT(result.error().message(), HasSubstr("no interface has this address"));
}

}  // namespace
}  // namespace moq::native
