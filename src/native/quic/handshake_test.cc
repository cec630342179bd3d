#include <gtest/gtest.h>

#include "native/quic/testing/peers.h"
#include "net/transport/error.h"

namespace moq::native::quic::testing {
namespace {

using transport::TransportError;

TEST(Handshake, GivesBothSidesASession) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  EXPECT_EQ(pair.client->connection->protocol(), "moq-test-1");
  EXPECT_EQ(pair.server->connection->protocol(), "moq-test-1");
  EXPECT_EQ(pair.server->connection->server_name(), "localhost");
  EXPECT_EQ(pair.server->connection->peer_address(), "10.0.0.2:50000");
  EXPECT_TRUE(pair.server->connection->is_server());
  EXPECT_FALSE(pair.client->connection->is_server());
  EXPECT_TRUE(pair.client->connection->traits().datagrams);
  EXPECT_FALSE(pair.client->connection->traits().carries_path);
  EXPECT_EQ(pair.server_endpoint->handshakes(), 0U);
  EXPECT_EQ(pair.server_endpoint->connections(), 1U);
}

TEST(Handshake, TheServersPreferenceDecides) {
  Pair pair;
  pair.client_tls->alpns = {"moq-test-1", "moq-test-2"};
  ASSERT_TRUE(pair.connect());
  EXPECT_EQ(pair.client->connection->protocol(), "moq-test-2");
  EXPECT_EQ(pair.server->connection->protocol(), "moq-test-2");
}

TEST(Handshake, FailsWithoutACommonProtocol) {
  Pair pair;
  pair.client_tls->alpns = {"something-else"};
  EXPECT_FALSE(pair.connect());
  ASSERT_TRUE(pair.refused);
  EXPECT_TRUE(pair.refused->is(TransportError::handshake)) << pair.refused->message();
  EXPECT_NE(pair.refused->message().find("no_application_protocol"), std::string::npos)
      << pair.refused->message();
  EXPECT_EQ(pair.server, nullptr);
  EXPECT_EQ(pair.server_endpoint->handshakes(), 0U);
}

TEST(Handshake, FailsWithoutAnyProtocol) {
  Pair pair;
  pair.client_tls->alpns = {};
  EXPECT_FALSE(pair.connect());
  EXPECT_EQ(pair.server, nullptr);
  EXPECT_EQ(pair.server_endpoint->connections(), 0U);
}

TEST(Handshake, FailsWithTheVerifiersError) {
  Pair pair;
  std::string name;
  pair.client_tls->verify = [&name](gnutls_session_t, const std::string& dialled) -> Result<void> {
    name = dialled;
    return moq::fail(TransportError::protocol, "not this one");
  };
  EXPECT_FALSE(pair.connect());
  EXPECT_EQ(name, "localhost");
  ASSERT_TRUE(pair.refused);
  EXPECT_TRUE(pair.refused->is(TransportError::protocol)) << pair.refused->message();
  EXPECT_EQ(pair.refused->detail(), "not this one");
  pair.network.run_for(std::chrono::seconds(1));
  EXPECT_EQ(pair.server, nullptr);
  EXPECT_EQ(pair.server_endpoint->connections(), 0U);
}

TEST(Handshake, FailsWithoutAnAnswer) {
  Pair pair({.up = {.loss = 1}});
  const Time start = pair.network.now();
  EXPECT_FALSE(pair.connect());
  ASSERT_TRUE(pair.refused);
  EXPECT_TRUE(pair.refused->is(TransportError::unreachable)) << pair.refused->message();
  EXPECT_EQ(pair.network.now() - start, std::chrono::seconds(10));
  EXPECT_EQ(pair.client_endpoint->connections(), 0U);
}

TEST(Handshake, SurvivesLoss) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Pair pair({.seed = seed, .up = {.loss = 0.3}, .down = {.loss = 0.3}});
    EXPECT_TRUE(pair.connect()) << "seed " << seed;
  }
}

TEST(Handshake, AnAbandonedAttemptCallsNobody) {
  Pair pair;
  pair.dial();
  pair.attempt.reset();
  pair.network.run_for(std::chrono::seconds(20));
  EXPECT_EQ(pair.client, nullptr);
  EXPECT_FALSE(pair.refused);
  EXPECT_EQ(pair.client_endpoint->connections(), 0U);
  EXPECT_EQ(pair.server_endpoint->connections(), 0U);
}

TEST(Handshake, SeveralConnectionsShareASocket) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  auto first = std::move(pair.client);
  ASSERT_TRUE(pair.connect());
  EXPECT_EQ(pair.server_endpoint->connections(), 2U);
  StreamLog& one = first->send_uni("one");
  StreamLog& two = pair.client->send_uni("two");
  ASSERT_TRUE(pair.network.run_until([&] { return one.finished && two.finished; }));
  EXPECT_EQ(pair.earlier.at(0)->incoming.at(0)->log.text, "one");
  EXPECT_EQ(pair.server->incoming.at(0)->log.text, "two");
}

TEST(Handshake, NeitherIpv4NorIpv6IsUnreachable) {
  Pair pair;
  std::optional<Error> error;
  const auto attempt = pair.client_endpoint->connect(
      {.remote = {}, .server_name = "x", .tls = pair.client_tls, .config = {}},
      [&](auto result) { error = result.error(); });
  EXPECT_FALSE(error);
  pair.network.run_for(std::chrono::milliseconds(1));
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->is(TransportError::unreachable));
}

TEST(Handshake, TheEndpointMayGoInTheMiddle) {
  Pair pair;
  pair.dial();
  pair.network.run_for(std::chrono::milliseconds(15));
  pair.server_socket.handler = nullptr;
  pair.server_endpoint.reset();
  pair.network.run_for(std::chrono::milliseconds(3));
  pair.client_socket.handler = nullptr;
  pair.client_endpoint.reset();
  pair.network.run_for(std::chrono::seconds(1));
  EXPECT_EQ(pair.client, nullptr);
}

}  // namespace
}  // namespace moq::native::quic::testing
