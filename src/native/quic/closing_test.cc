#include <gtest/gtest.h>

#include "native/quic/testing/peers.h"
#include "net/transport/error.h"

namespace moq::native::quic::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using transport::ApplicationError;
using transport::TransportError;

TEST(Closing, TheCodeAndReasonReachThePeer) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  pair.client->connection->close(42, "the end");
  EXPECT_FALSE(pair.client->closed);
  ASSERT_TRUE(pair.network.run_until([&] { return pair.server->closed && pair.client->closed; }));
  EXPECT_TRUE(pair.client->closed->is(ApplicationError{42}));
  EXPECT_FALSE(pair.client->closed_by_peer);
  EXPECT_TRUE(pair.server->closed->is(ApplicationError{42}));
  EXPECT_EQ(pair.server->closed->detail(), "the end");
  EXPECT_TRUE(pair.server->closed_by_peer);
  EXPECT_EQ(pair.client_endpoint->connections(), 0U);
  EXPECT_EQ(pair.server_endpoint->connections(), 0U);
}

TEST(Closing, WhatWasReadyGoesOutFirst) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  pair.client->send_uni("last words");
  pair.client->connection->close(1, "");
  ASSERT_TRUE(pair.network.run_until([&] { return pair.server->closed.has_value(); }));
  ASSERT_EQ(pair.server->incoming.size(), 1U);
  EXPECT_EQ(pair.server->incoming[0]->log.text, "last words");
}

TEST(Closing, LettingGoOfTheSessionCloses) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  pair.client.reset();
  ASSERT_TRUE(pair.network.run_until([&] { return pair.server->closed.has_value(); }));
  EXPECT_TRUE(pair.server->closed->is(ApplicationError{0}));
}

TEST(Closing, ATransportCodeReachesThePeer) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  pair.client->connection->close_transport(QuicError::internal_error, "oops");
  ASSERT_TRUE(pair.network.run_until([&] { return pair.server->closed.has_value(); }));
  EXPECT_TRUE(pair.server->closed->is(QuicError::internal_error));
  EXPECT_TRUE(pair.server->closed_by_peer);
}

TEST(Closing, AnUnprintableReasonIsMadePrintable) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  pair.client->connection->close(1, "a\x1b[31m\nb" + std::string(5000, 'x'));
  ASSERT_TRUE(pair.network.run_until([&] { return pair.server->closed.has_value(); }));
  EXPECT_EQ(pair.server->closed->detail().substr(0, 8), "a?[31m?b");
  EXPECT_EQ(pair.server->closed->detail().size(), 256U);
}

TEST(Closing, ALostCloseIsRepeatedForStrays) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  pair.network.run_for(seconds(1));
  pair.server_socket.link.loss = 1;
  pair.server->connection->close(7, "");
  pair.network.run_for(milliseconds(1));
  ASSERT_EQ(pair.server_endpoint->closing(), 1U);
  pair.server_socket.link.loss = 0;
  pair.client->send_uni("are you there?");
  ASSERT_TRUE(pair.network.run_until([&] { return pair.client->closed.has_value(); }));
  EXPECT_TRUE(pair.client->closed->is(ApplicationError{7}));
  pair.network.run_for(seconds(10));
  EXPECT_EQ(pair.server_endpoint->closing(), 0U);
}

TEST(Closing, EntriesAreBounded) {
  Pair::Options options;
  options.server.limits.max_closing = 3;
  Pair pair(std::move(options));
  std::vector<std::unique_ptr<Peer>> clients;
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(pair.connect());
    clients.push_back(std::move(pair.client));
  }
  pair.server_endpoint->close_all(1, "");
  pair.network.run_for(milliseconds(1));
  EXPECT_EQ(pair.server_endpoint->connections(), 0U);
  EXPECT_EQ(pair.server_endpoint->closing(), 3U);
}

TEST(Closing, IdleConnectionsEndWhenKeepAliveIsOff) {
  Pair::Options options;
  options.client.keep_alive = Duration{};
  options.server.config.keep_alive = Duration{};
  options.server.config.idle_timeout = seconds(7);
  Pair pair(std::move(options));
  ASSERT_TRUE(pair.connect());
  const Time start = pair.network.now();
  ASSERT_TRUE(pair.network.run_until([&] { return pair.server->closed && pair.client->closed; }));
  EXPECT_TRUE(pair.client->closed->is(TransportError::lost));
  EXPECT_FALSE(pair.client->closed_by_peer);
  EXPECT_TRUE(pair.server->closed->is(TransportError::lost));
  EXPECT_GE(pair.network.now() - start, seconds(7));
  EXPECT_LT(pair.network.now() - start, seconds(8));
}

TEST(Closing, KeepAliveKeepsConnectionsAlive) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  pair.network.run_for(seconds(300));
  EXPECT_FALSE(pair.client->closed);
  EXPECT_FALSE(pair.server->closed);
}

TEST(Closing, KeepAliveKeepsUpWithAShortIdleTimeoutOfEitherSide) {
  for (const bool server : {false, true}) {
    Pair::Options options;
    options.client.idle_timeout = seconds(server ? 30 : 2);
    options.server.config.idle_timeout = seconds(server ? 2 : 30);
    Pair pair(std::move(options));
    ASSERT_TRUE(pair.connect());
    pair.network.run_for(seconds(60));
    EXPECT_FALSE(pair.client->closed);
    EXPECT_FALSE(pair.server->closed);
  }
}

TEST(Closing, AVanishedPeerIsNoticedAfterTheIdleTimeout) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  pair.network.run_for(seconds(1));
  pair.client_socket.link.loss = 1;
  pair.client.reset();
  ASSERT_TRUE(pair.network.run_until([&] { return pair.server->closed.has_value(); }, seconds(60)));
  EXPECT_TRUE(pair.server->closed->is(TransportError::lost));
}

TEST(Probe, AVanishedPeerIsNoticedInThreeSeconds) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  pair.network.run_for(seconds(2));
  pair.client_socket.link.loss = 1;
  const Time start = pair.network.now();
  pair.server->connection->probe_peer();
  ASSERT_TRUE(pair.network.run_until([&] { return pair.server->closed.has_value(); }));
  EXPECT_TRUE(pair.server->closed->is(TransportError::lost));
  EXPECT_GE(pair.network.now() - start, seconds(3));
  EXPECT_LT(pair.network.now() - start, milliseconds(3500));
}

TEST(Probe, APeerThatStandsStillForAWhileIsNotGivenUp) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  pair.network.run_for(seconds(2));
  pair.client_socket.link.loss = 1;
  pair.server->connection->probe_peer();
  pair.network.run_for(seconds(2));
  pair.client_socket.link.loss = 0;
  pair.network.run_for(seconds(5));
  EXPECT_FALSE(pair.server->closed);
  EXPECT_FALSE(pair.client->closed);
}

TEST(Probe, ALivePeerAnswers) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  pair.network.run_for(seconds(2));
  const std::uint64_t before = pair.server_socket.packets;
  pair.server->connection->probe_peer();
  pair.network.run_for(milliseconds(1));
  EXPECT_EQ(pair.server_socket.packets, before + 1);
  pair.network.run_for(seconds(2));
  EXPECT_FALSE(pair.server->closed);
  EXPECT_FALSE(pair.client->closed);
  // One PING, and no more once it was answered.
  EXPECT_LE(pair.server_socket.packets, before + 3);
}

TEST(Probe, ALossyPathIsNoVanishedPeer) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    const LinkOptions lossy{.delay = milliseconds(30), .jitter = milliseconds(10), .loss = 0.08};
    Pair pair({.seed = seed, .client = {}, .server = {}, .up = lossy, .down = lossy});
    ASSERT_TRUE(pair.connect());
    for (int i = 0; i < 60; ++i) {
      pair.server->connection->probe_peer();
      pair.network.run_for(seconds(1));
    }
    ASSERT_FALSE(pair.server->closed) << pair.server->closed->message();
  }
}

TEST(Probe, APeerMayTakeAMomentOnAShortPath) {
  const LinkOptions near{.delay = std::chrono::microseconds(100)};
  Pair pair({.seed = 1, .client = {}, .server = {}, .up = near, .down = near});
  ASSERT_TRUE(pair.connect());
  pair.network.run_for(seconds(2));
  // Its process does not run for a while.
  pair.client_socket.link.delay = milliseconds(200);
  pair.server->connection->probe_peer();
  pair.network.run_for(seconds(1));
  EXPECT_FALSE(pair.server->closed);
}

TEST(Probe, GarbageIsNoSignOfLife) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  pair.network.run_for(seconds(2));
  std::vector<std::uint8_t> last;
  pair.client_socket.filter = [&](ByteSpan packet) {
    last.assign(packet.begin(), packet.end());
    return true;
  };
  pair.client->send_uni("x");
  pair.network.run_for(seconds(1));
  pair.client_socket.link.loss = 1;
  pair.server->connection->probe_peer();
  ASSERT_FALSE(last.empty());
  last.back() ^= 1;
  pair.network.inject(pair.client_socket.local_address(), pair.server_socket.local_address(), last);
  ASSERT_TRUE(pair.network.run_until([&] { return pair.server->closed.has_value(); }, seconds(4)));
}

TEST(Draining, AllIsClosedAndTheClosingPacketsHaveLeft) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  pair.network.run_for(seconds(1));
  pair.server_socket.room = 0;
  bool done = false;
  pair.server_endpoint->close_all(5, "restart");
  pair.server_endpoint->when_closed([&] { done = true; });
  pair.network.run_for(seconds(1));
  EXPECT_FALSE(done);
  pair.server_socket.unblock();
  ASSERT_TRUE(pair.network.run_until([&] { return done && pair.client->closed; }));
  EXPECT_TRUE(pair.client->closed->is(ApplicationError{5}));
}

TEST(Draining, WithoutConnectionsThereIsNothingToWaitFor) {
  Pair pair;
  bool done = false;
  pair.server_endpoint->when_closed([&] { done = true; });
  EXPECT_FALSE(done);
  pair.network.run_for(milliseconds(1));
  EXPECT_TRUE(done);
}

TEST(Draining, NewConnectionsAreRefusedAndOldOnesGoOn) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  auto old = std::move(pair.client);
  pair.server_endpoint->refuse_new();
  EXPECT_FALSE(pair.connect());
  ASSERT_TRUE(pair.refused);
  EXPECT_TRUE(pair.refused->is(TransportError::refused)) << pair.refused->message();
  StreamLog& log = old->send_uni("still served");
  ASSERT_TRUE(pair.network.run_until([&] { return log.finished; }));
}

TEST(Draining, NewConnectionsAreTakenAgain) {
  Pair pair;
  pair.server_endpoint->refuse_new();
  EXPECT_FALSE(pair.connect());
  pair.server_endpoint->accept_new();
  pair.refused.reset();
  EXPECT_TRUE(pair.connect());
}

TEST(Closing, ADestroyedEndpointClosesItsSessions) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  StreamLog& log = pair.server->send_bidi("x");
  pair.network.run_for(milliseconds(5));
  pair.server_socket.handler = nullptr;
  pair.server_endpoint.reset();
  EXPECT_FALSE(pair.server->closed);
  pair.network.run_for(milliseconds(1));
  ASSERT_TRUE(pair.server->closed);
  EXPECT_TRUE(pair.server->closed->is(TransportError::lost));
  EXPECT_TRUE(log.reset);
}

TEST(Closing, AHandlerMayDestroyItsSessionAndTheEndpoint) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  StreamLog& log = pair.client->send_bidi("x");
  pair.server->answer = "y";
  bool gone = false;
  log.then = [&] {
    // What the lambda holds dies with the client: only locals are used after it.
    Pair& all = pair;
    gone = true;
    all.client_socket.handler = nullptr;
    all.client_endpoint.reset();
  };
  ASSERT_TRUE(pair.network.run_until([&] { return gone && pair.client->closed; }));
  pair.client.reset();
  pair.network.run_for(seconds(1));
}

}  // namespace
}  // namespace moq::native::quic::testing
