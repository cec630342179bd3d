#include <gtest/gtest.h>

#include <random>

#include "native/quic/testing/peers.h"
#include "net/transport/error.h"

namespace moq::native::quic::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using transport::TransportError;

/// Counts the packets of a kind that a socket sends.
struct Counter {
  explicit Counter(SimulatedSocket& socket) {
    socket.filter = [this](ByteSpan packet) {
      const bool is_long = (packet[0] & 0x80) != 0;
      const bool negotiation =
          is_long && packet[1] == 0 && packet[2] == 0 && packet[3] == 0 && packet[4] == 0;
      if (negotiation) ++negotiations;
      if (is_long && !negotiation && (packet[0] & 0x30) == 0x30) ++retries;
      if (!is_long) ++shorts;
      ++all;
      return true;
    };
  }
  int all = 0;
  int negotiations = 0;
  int retries = 0;
  int shorts = 0;
};

std::vector<std::uint8_t> initial(std::uint32_t version, std::uint8_t id, std::size_t size = 1200) {
  std::vector<std::uint8_t> packet(size, 0);
  packet[0] = 0xc3;
  packet[1] = static_cast<std::uint8_t>(version >> 24);
  packet[2] = static_cast<std::uint8_t>(version >> 16);
  packet[3] = static_cast<std::uint8_t>(version >> 8);
  packet[4] = static_cast<std::uint8_t>(version);
  packet[5] = 8;
  for (std::size_t i = 6; i < 14; ++i) packet[i] = id;
  packet[14] = 4;
  // No token; the rest is the payload.
  packet[20] = 0x44;
  packet[21] = static_cast<std::uint8_t>(size - 22);
  packet[20] = static_cast<std::uint8_t>(0x40 | ((size - 22) >> 8));
  return packet;
}

TEST(Retry, ProvesAddressesOnceTooManyShakeHands) {
  Pair::Options options;
  options.server.limits.max_unproven_handshakes = 0;
  Pair pair(std::move(options));
  const Counter counter(pair.server_socket);
  ASSERT_TRUE(pair.connect());
  EXPECT_EQ(counter.retries, 1);
  StreamLog& log = pair.client->send_uni("proven");
  ASSERT_TRUE(pair.network.run_until([&] { return log.finished; }));
}

TEST(Retry, IsSparedThoseWhoBringATokenFromLastTime) {
  Pair::Options options;
  options.server.limits.max_unproven_handshakes = 0;
  Pair pair(std::move(options));
  ASSERT_TRUE(pair.connect());
  pair.network.run_for(seconds(1));
  const Counter counter(pair.server_socket);
  ASSERT_TRUE(pair.connect());
  EXPECT_EQ(counter.retries, 0);
}

TEST(Retry, ATokenOfAnotherServerIsNoToken) {
  Pair::Options options;
  options.server.limits.max_unproven_handshakes = 0;
  Pair pair(std::move(options));
  ASSERT_TRUE(pair.connect());
  pair.network.run_for(seconds(1));
  // A server with other keys has taken the place of the first.
  EndpointOptions other = seeded_options(pair.network);
  other.limits.max_unproven_handshakes = 0;
  pair.server.reset();
  pair.server_endpoint = std::make_unique<Endpoint>(pair.network.loop(), pair.server_socket, other);
  pair.server_socket.handler = pair.server_endpoint.get();
  pair.server_endpoint->listen(pair.server_tls, [&](std::shared_ptr<Connection> connection) {
    pair.server = std::make_unique<Peer>(std::move(connection));
  });
  const Counter counter(pair.server_socket);
  ASSERT_TRUE(pair.connect());
  EXPECT_EQ(counter.retries, 1);
}

TEST(VersionNegotiation, AnswersUnknownVersions) {
  Pair pair;
  const Counter counter(pair.server_socket);
  pair.network.inject(address(9, 1), pair.server_socket.local_address(), initial(0x5a5a5a5a, 1));
  pair.network.run_for(milliseconds(1));
  EXPECT_EQ(counter.negotiations, 1);
  // Short ones could be used to multiply traffic.
  pair.network.inject(address(9, 1), pair.server_socket.local_address(),
                      initial(0x5a5a5a5a, 1, 1199));
  pair.network.run_for(milliseconds(1));
  EXPECT_EQ(counter.all, 1);
  EXPECT_EQ(pair.server_endpoint->connections(), 0U);
}

TEST(VersionNegotiation, EndsAClientsAttempt) {
  Pair pair;
  pair.client_socket.filter = [&](ByteSpan packet) {
    // The server's answer, as one that speaks another version would give it.
    std::vector<std::uint8_t> answer{0x80, 0, 0, 0, 0};
    const std::size_t dcid = packet[5];
    const std::size_t scid = packet[6 + dcid];
    answer.push_back(static_cast<std::uint8_t>(scid));
    answer.insert(answer.end(), packet.begin() + 7 + static_cast<std::ptrdiff_t>(dcid),
                  packet.begin() + 7 + static_cast<std::ptrdiff_t>(dcid + scid));
    answer.push_back(static_cast<std::uint8_t>(dcid));
    answer.insert(answer.end(), packet.begin() + 6,
                  packet.begin() + 6 + static_cast<std::ptrdiff_t>(dcid));
    answer.insert(answer.end(), {0x1a, 0x2a, 0x3a, 0x4a});
    pair.network.inject(pair.server_socket.local_address(), pair.client_socket.local_address(),
                        answer);
    return false;
  };
  EXPECT_FALSE(pair.connect());
  ASSERT_TRUE(pair.refused);
  EXPECT_TRUE(pair.refused->is(TransportError::handshake)) << pair.refused->message();
}

struct Successor {
  Successor(Pair& pair, EndpointOptions options) {
    pair.server_endpoint.reset();
    pair.server.reset();
    pair.network.run_for(milliseconds(1));
    pair.server_endpoint =
        std::make_unique<Endpoint>(pair.network.loop(), pair.server_socket, std::move(options));
    pair.server_socket.handler = pair.server_endpoint.get();
    pair.server_endpoint->listen(pair.server_tls, [](auto) {});
  }
};

TEST(StatelessReset, TellsThePeerOfAServerThatForgot) {
  Pair::Options options;
  options.server.issuer = {.generation = 1, .worker = 2};
  Pair pair(std::move(options));
  ASSERT_TRUE(pair.connect());
  pair.network.run_for(seconds(1));
  // The same issuer with the same keys, and without the connection: a crash.
  EndpointOptions again;
  again.random = pair.network.random();
  again.issuer = {.generation = 1, .worker = 2};
  again.keys = pair.server_keys;
  const Successor successor(pair, again);
  pair.client->send_uni("anybody?");
  ASSERT_TRUE(pair.network.run_until([&] { return pair.client->closed.has_value(); }, seconds(2)));
  EXPECT_TRUE(pair.client->closed->is(TransportError::lost));
  EXPECT_FALSE(pair.client->closed_by_peer);
}

TEST(StatelessReset, IsNotSentForAnotherProcess) {
  Pair::Options options;
  options.server.issuer = {.generation = 1, .worker = 2};
  Pair pair(std::move(options));
  ASSERT_TRUE(pair.connect());
  pair.network.run_for(seconds(1));
  EndpointOptions next;
  next.random = pair.network.random();
  next.issuer = {.generation = 2, .worker = 2};
  next.keys = pair.server_keys;
  const Successor successor(pair, next);
  const Counter counter(pair.server_socket);
  pair.client->send_uni("anybody?");
  pair.network.run_for(seconds(2));
  EXPECT_EQ(counter.all, 0);
  EXPECT_FALSE(pair.client->closed);
}

TEST(StatelessReset, IsShorterThanItsCauseAndLimitedInRate) {
  Pair::Options options;
  options.server.issuer = {.generation = 1, .worker = 2};
  options.server.limits.max_stateless_answers = 5;
  Pair pair(std::move(options));
  std::vector<std::uint8_t> packet(40, 0x42);
  packet[1] = 1;
  packet[2] = 2;
  std::size_t largest = 0;
  int count = 0;
  pair.server_socket.filter = [&](ByteSpan answer) {
    largest = std::max(largest, answer.size());
    ++count;
    return true;
  };
  const auto send = [&](std::size_t size) {
    pair.network.inject(address(9, 1), pair.server_socket.local_address(),
                        ByteSpan(packet).first(size));
    pair.network.run_for(milliseconds(1));
  };
  send(21);
  EXPECT_EQ(count, 0);
  send(30);
  EXPECT_EQ(largest, 29U);
  for (int i = 0; i < 20; ++i) send(40);
  EXPECT_EQ(count, 5);
  EXPECT_EQ(largest, 39U);
  pair.network.run_for(seconds(1));
  send(40);
  EXPECT_EQ(count, 6);
}

TEST(Steering, HandsOtherWorkersPacketsOn) {
  std::vector<std::pair<int, std::size_t>> steered;
  Pair::Options options;
  options.server.issuer = {.generation = 3, .worker = 1};
  options.server.steer = [&](std::uint8_t worker, const ReceivedPacket& packet) {
    steered.emplace_back(worker, packet.data.size());
  };
  Pair pair(std::move(options));
  const Counter counter(pair.server_socket);
  std::vector<std::uint8_t> packet(50, 0x42);
  const auto send = [&](std::uint8_t generation, std::uint8_t worker) {
    packet[1] = generation;
    packet[2] = worker;
    pair.network.inject(address(9, 1), pair.server_socket.local_address(), packet);
    pair.network.run_for(milliseconds(1));
  };
  send(3, 0);
  send(3, 7);
  send(2, 0);
  EXPECT_EQ(steered, (std::vector<std::pair<int, std::size_t>>{{0, 50}, {7, 50}}));
  EXPECT_EQ(counter.all, 0);
}

TEST(Limits, TooManyConnectionsAreRefused) {
  Pair::Options options;
  options.server.limits.max_connections = 1;
  Pair pair(std::move(options));
  ASSERT_TRUE(pair.connect());
  const auto first = std::move(pair.client);
  EXPECT_FALSE(pair.connect());
  ASSERT_TRUE(pair.refused);
  EXPECT_TRUE(pair.refused->is(TransportError::refused)) << pair.refused->message();
}

/// First packets of real clients whose owners never go on.
std::vector<std::vector<std::uint8_t>> first_packets(std::size_t count) {
  SimulatedNetwork network(99);
  SimulatedSocket socket(network, address(4, 1));
  Endpoint endpoint(network.loop(), socket, seeded_options(network));
  socket.handler = &endpoint;
  std::vector<std::vector<std::uint8_t>> packets;
  socket.filter = [&](ByteSpan packet) {
    packets.emplace_back(packet.begin(), packet.end());
    return false;
  };
  std::vector<Endpoint::Attempt> attempts;
  for (std::size_t i = 0; i < count; ++i) {
    attempts.push_back(endpoint.connect({.remote = address(1, 4443),
                                         .server_name = "localhost",
                                         .tls = test_client_tls(),
                                         .config = {}},
                                        [](auto) {}));
    network.run_for(milliseconds(1));
    packets.resize(i + 1);
  }
  return packets;
}

TEST(Limits, AFloodOfHandshakesIsBounded) {
  Pair::Options options;
  options.server.limits.max_unproven_handshakes = 8;
  Pair pair(std::move(options));
  const Counter counter(pair.server_socket);
  const auto packets = first_packets(40);
  int port = 1;
  for (const auto& packet : packets) {
    pair.network.inject(address(9, port++), pair.server_socket.local_address(), packet);
  }
  pair.network.run_for(milliseconds(1));
  EXPECT_EQ(pair.server_endpoint->handshakes(), 8U);
  EXPECT_EQ(pair.server_endpoint->connections(), 8U);
  EXPECT_EQ(counter.retries, 32);
  // Someone real still gets in, by way of Retry.
  EXPECT_TRUE(pair.connect());
  pair.network.run_for(seconds(11));
  EXPECT_EQ(pair.server_endpoint->handshakes(), 0U);
  EXPECT_EQ(pair.server_endpoint->connections(), 1U);
}

TEST(Limits, HandshakesOfProvenAddressesAreBoundedToo) {
  Pair::Options options;
  options.server.limits.max_handshakes = 3;
  Pair pair(std::move(options));
  const auto packets = first_packets(10);
  int port = 1;
  for (const auto& packet : packets) {
    pair.network.inject(address(9, port++), pair.server_socket.local_address(), packet);
  }
  pair.network.run_for(milliseconds(1));
  EXPECT_EQ(pair.server_endpoint->handshakes(), 3U);
}

TEST(Garbage, LeavesNothingBehind) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  std::mt19937_64 engine(5);
  for (int i = 0; i < 3000; ++i) {
    std::vector<std::uint8_t> packet(engine() % 1500);
    for (auto& byte : packet) byte = static_cast<std::uint8_t>(engine());
    // Some of it looks like a first packet.
    if (i % 3 == 0 && packet.size() >= 1200) {
      const auto head = initial(1, static_cast<std::uint8_t>(i), packet.size());
      std::copy_n(head.begin(), 22, packet.begin());
    }
    pair.network.inject(address(9, 1 + i), pair.server_socket.local_address(), packet);
    pair.network.inject(address(1, 4443), pair.client_socket.local_address(), packet);
    pair.network.run_for(milliseconds(1));
  }
  pair.network.run_for(seconds(11));
  EXPECT_EQ(pair.server_endpoint->connections(), 1U);
  EXPECT_EQ(pair.server_endpoint->handshakes(), 0U);
  StreamLog& log = pair.client->send_uni("unimpressed");
  ASSERT_TRUE(pair.network.run_until([&] { return log.finished; }));
}

TEST(Garbage, DamagedPacketsAreSurvived) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Pair pair({.seed = seed});
    std::mt19937_64 engine(seed);
    for (SimulatedSocket* socket : {&pair.client_socket, &pair.server_socket}) {
      const SocketAddress from = socket->local_address();
      const SocketAddress to = socket == &pair.client_socket ? pair.server_socket.local_address()
                                                             : pair.client_socket.local_address();
      socket->filter = [&pair, &engine, from, to](ByteSpan packet) {
        std::vector<std::uint8_t> copy(packet.begin(), packet.end());
        copy[engine() % copy.size()] ^= static_cast<std::uint8_t>(1 + engine() % 255);
        if (engine() % 4 == 0) copy.resize(engine() % copy.size());
        pair.network.inject(from, to, copy);
        return true;
      };
    }
    ASSERT_TRUE(pair.connect()) << "seed " << seed;
    StreamLog& log = pair.client->send_uni(std::string(100'000, 'x'));
    ASSERT_TRUE(pair.network.run_until([&] { return log.finished; })) << "seed " << seed;
  }
}

}  // namespace
}  // namespace moq::native::quic::testing
