// Sessions between two sides of ours, over real QUIC on a simulated network.

#include <gtest/gtest.h>

#include "native/http3/codes.h"
#include "native/http3/testing/sessions.h"
#include "net/transport/error.h"

namespace moq::native::http3::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using transport::ApplicationError;

std::string numbered(std::size_t size) {
  std::string text;
  while (text.size() < size) text += std::to_string(text.size()) + ",";
  text.resize(size);
  return text;
}

struct Two {
  void ask(std::vector<std::string> protocols = {"moq-lite-05", "moq-lite-04"}) {
    ASSERT_TRUE(server.connect());
    attempt = client_side->connect(server.pair.client->connection,
                                   {.authority = "relay:443",
                                    .path = "/room?x=1",
                                    .origin = "",
                                    .protocols = std::move(protocols)},
                                   [this](auto result) {
                                     if (result) {
                                       client = std::make_unique<SessionLog>(*std::move(result));
                                     } else {
                                       refused = std::move(result).error();
                                     }
                                   });
    server.until([&] { return client || refused; });
  }
  void open() {
    ask();
    ASSERT_TRUE(client) << refused->message();
    ASSERT_EQ(server.sessions.size(), 1U);
  }
  bool until(const std::function<bool()>& done) { return server.until(done); }
  bool nothing_left() {
    return until([&] { return client_side->size() == 0 && server.connections->size() == 0; });
  }

  Server server;
  std::unique_ptr<Connections> client_side =
      std::make_unique<Connections>(server.pair.network.loop());
  Connections::Attempt attempt;
  std::unique_ptr<SessionLog> client;
  std::optional<Error> refused;
};
struct SessionTest : ::testing::Test, Two {};

TEST_F(SessionTest, IsAgreedOn) {
  open();
  EXPECT_EQ(server.session().session->request().path, "/room?x=1");
  EXPECT_EQ(server.session().session->request().authority, "relay:443");
  EXPECT_EQ(server.session().session->protocol(), "moq-lite-05") << "the client's first";
  EXPECT_EQ(client->session->protocol(), "moq-lite-05");
  EXPECT_TRUE(client->session->traits().carries_path);
  EXPECT_TRUE(client->session->traits().datagrams);
}

TEST_F(SessionTest, ConnectionsWithoutASessionAreCounted) {
  ASSERT_TRUE(server.connect());
  ASSERT_TRUE(until([&] { return server.connections->negotiating() == 1; }));
  EXPECT_EQ(server.connections->size(), 1U);
  // It is closed when no session is asked for in time.
  EXPECT_TRUE(until([&] { return server.connections->negotiating() == 0; }));
  EXPECT_TRUE(until([&] { return server.connections->size() == 0; }));
}

TEST_F(SessionTest, ConnectionsWithASessionAreNotNegotiating) {
  open();
  EXPECT_EQ(server.connections->negotiating(), 0U);
  EXPECT_EQ(client_side->negotiating(), 0U);
  EXPECT_EQ(server.connections->size(), 1U);
}

TEST_F(SessionTest, HasNoProtocolWhereNoneIsInCommon) {
  ask({"something-else"});
  ASSERT_TRUE(client);
  EXPECT_EQ(client->session->protocol(), "");
  EXPECT_EQ(server.session().session->protocol(), "");
}

TEST_F(SessionTest, RefusalsNameTheStatus) {
  for (const int status : {401, 403, 404, 503}) {
    Two each;
    each.server.status = status;
    each.ask();
    ASSERT_TRUE(each.refused) << status;
    EXPECT_TRUE(each.refused->is(status < 404 ? transport::TransportError::forbidden
                                              : transport::TransportError::refused));
    EXPECT_NE(each.refused->detail().find(std::to_string(status)), std::string::npos);
    EXPECT_TRUE(each.nothing_left());
  }
}

TEST_F(SessionTest, StreamsCarryDataBothWays) {
  open();
  const std::string text = numbered(1'000'000);
  StreamLog& up = client->send_uni(text);
  StreamLog& down = server.session().send_uni(text);
  ASSERT_TRUE(until([&] { return up.finished && down.finished; }));
  EXPECT_EQ(client->incoming.at(0)->log.text, text);
  EXPECT_TRUE(client->incoming.at(0)->log.fin);
  EXPECT_EQ(server.session().incoming.at(0)->log.text, text);
}

TEST_F(SessionTest, BidirectionalStreamsAreAnswered) {
  open();
  client->answer = "client's";
  server.session().answer = "server's";
  StreamLog& up = client->send_bidi("question");
  StreamLog& down = server.session().send_bidi("counter-question");
  ASSERT_TRUE(until([&] { return up.fin && up.finished && down.fin && down.finished; }));
  EXPECT_EQ(up.text, "server's");
  EXPECT_EQ(down.text, "client's");
  EXPECT_EQ(client->incoming.at(0)->log.text, "counter-question");
  EXPECT_TRUE(until([&] { return client->incoming.at(0)->log.finished; }));
}

TEST_F(SessionTest, AnEmptyStreamHasOnlyAnEnd) {
  open();
  client->send_uni("");
  ASSERT_TRUE(until(
      [&] { return !server.session().incoming.empty() && server.session().incoming[0]->log.fin; }));
  EXPECT_EQ(server.session().incoming[0]->log.text, "");
}

TEST_F(SessionTest, WhatComesBeforeThereIsAHandlerIsKept) {
  server.listen = false;
  open();
  const std::string text = numbered(300'000);
  client->send_uni(text);
  ASSERT_TRUE(until([&] { return !server.session().incoming.empty(); }));
  server.run(seconds(1));
  auto& in = *server.session().incoming[0];
  EXPECT_EQ(in.log.text, "");
  in.stream.recv->set_handler(&in.log);
  EXPECT_EQ(in.log.text, "") << "not from inside the call";
  ASSERT_TRUE(until([&] { return in.log.fin; }));
  EXPECT_EQ(in.log.text, text);
}

TEST_F(SessionTest, StreamsThatNobodyKeepsAreStopped) {
  server.keep = false;
  open();
  StreamLog& uni = client->send_uni("x", false);
  StreamLog& bidi = client->send_bidi("x", false);
  ASSERT_TRUE(until([&] { return uni.stopped && bidi.stopped && bidi.reset; }));
  EXPECT_EQ(uni.stopped, 0U);
  EXPECT_EQ(bidi.reset, 0U);
}

TEST_F(SessionTest, CodesArriveAsTheyWere) {
  open();
  const std::uint64_t codes[] = {0, 29, 30, 31, 255, 0xffffffff};
  for (const std::uint64_t code : codes) {
    const std::size_t at = server.session().incoming.size();
    StreamLog& log = client->send_bidi("x", false);
    ASSERT_TRUE(until([&] { return server.session().incoming.size() > at; }));
    auto& in = *server.session().incoming[at];
    client->bidis.back().send->reset(code);
    in.stream.send->reset(code);
    ASSERT_TRUE(until([&] { return in.log.reset && log.reset; }));
    EXPECT_EQ(in.log.reset, code);
    EXPECT_EQ(log.reset, code);
    StreamLog& stopped = client->send_uni("x", false);
    ASSERT_TRUE(until([&] { return server.session().incoming.size() > at + 1; }));
    server.session().incoming[at + 1]->stream.recv->stop(code);
    ASSERT_TRUE(until([&] { return stopped.stopped.has_value(); }));
    EXPECT_EQ(stopped.stopped, code);
  }
}

TEST_F(SessionTest, ExpiredStreamsAreResetWithTheirCode) {
  open();
  auto source = std::make_unique<TextSource>("some", false);
  TextSource& text = *source;
  StreamLog log;
  const auto stream = client->session->open_uni({}, std::move(source), &log);
  ASSERT_TRUE(until([&] { return !server.session().incoming.empty(); }));
  text.expiry = 77;
  stream->ready();
  ASSERT_TRUE(until([&] { return log.stopped && server.session().incoming[0]->log.reset; }));
  EXPECT_EQ(log.stopped, 77U);
  EXPECT_EQ(server.session().incoming[0]->log.reset, 77U);
}

TEST_F(SessionTest, SourcesHearOfTheirOwnBytesOnly) {
  open();
  auto source = std::make_unique<TextSource>(numbered(5000), false);
  TextSource& text = *source;
  const auto stream = client->session->open_uni({}, std::move(source), nullptr);
  ASSERT_TRUE(until([&] { return text.acked_offset >= 5000; }));
  EXPECT_EQ(text.sent_bytes, 5000U);
  EXPECT_EQ(text.acked_offset, 5000U);
}

TEST_F(SessionTest, DatagramsArrive) {
  open();
  const std::string large(client->session->max_datagram_size(), 'x');
  EXPECT_GT(large.size(), 1000U);
  EXPECT_TRUE(client->session->send_datagram(Bytes::copy_of("up")));
  EXPECT_TRUE(client->session->send_datagram(Bytes::copy_of(large)));
  EXPECT_FALSE(client->session->send_datagram(Bytes::copy_of(large + "x")));
  EXPECT_TRUE(server.session().session->send_datagram(Bytes::copy_of("down")));
  EXPECT_TRUE(client->session->send_datagram({}));
  server.run();
  EXPECT_EQ(server.session().datagrams, (std::vector<std::string>{"up", large, ""}));
  EXPECT_EQ(client->datagrams, std::vector<std::string>{"down"});
}

TEST_F(SessionTest, CloseReachesThePeerWithCodeAndReason) {
  for (const bool by_server : {false, true}) {
    Two each;
    each.open();
    SessionLog& from = by_server ? each.server.session() : *each.client;
    SessionLog& to = by_server ? *each.client : each.server.session();
    from.session->close(1234, "that is all");
    EXPECT_FALSE(from.closed) << "not from inside the call";
    ASSERT_TRUE(each.until([&] { return from.closed && to.closed; }));
    EXPECT_TRUE(from.closed->is(ApplicationError{1234}));
    EXPECT_FALSE(from.closed_by_peer);
    EXPECT_TRUE(to.closed->is(ApplicationError{1234})) << to.closed->message();
    EXPECT_EQ(to.closed->detail(), "that is all");
    EXPECT_TRUE(to.closed_by_peer);
    const Time before = each.server.pair.network.now();
    EXPECT_TRUE(each.nothing_left());
    EXPECT_LT(each.server.pair.network.now() - before, Limits{}.close_timeout)
        << "both are done sooner than the deadline";
    EXPECT_FALSE(each.server.pair.client->connection->alive());
  }
}

TEST_F(SessionTest, GoingAwayIsHeardByEitherSide) {
  open();
  server.session().session->going_away();
  client->session->going_away();
  ASSERT_TRUE(until([&] { return client->going_away > 0 && server.session().going_away > 0; }));
  server.run();
  EXPECT_EQ(client->going_away, 1);
  EXPECT_EQ(server.session().going_away, 1);
  StreamLog& log = client->send_bidi("x");
  ASSERT_TRUE(until([&] { return log.finished; })) << "what runs goes on";
}

TEST_F(SessionTest, GoingAwayIsHeardByALateHandler) {
  open();
  client->session->set_handler(nullptr);
  server.session().session->going_away();
  server.run();
  EXPECT_EQ(client->going_away, 0);
  client->session->set_handler(client.get());
  server.run();
  EXPECT_EQ(client->going_away, 1);
}

TEST_F(SessionTest, LettingGoClosesWithZero) {
  open();
  client->leave();
  ASSERT_TRUE(until([&] { return server.session().closed.has_value(); }));
  EXPECT_TRUE(server.session().closed->is(ApplicationError{0}));
  EXPECT_TRUE(server.session().closed_by_peer);
  EXPECT_TRUE(nothing_left());
}

TEST_F(SessionTest, StreamsEndWithTheSession) {
  open();
  StreamLog& mine = client->send_bidi("x", false);
  ASSERT_TRUE(until([&] { return !server.session().incoming.empty(); }));
  auto& in = *server.session().incoming[0];
  client->session->close(1, "");
  EXPECT_TRUE(client->session->open_uni({}, std::make_unique<TextSource>("late"), nullptr));
  EXPECT_FALSE(client->session->send_datagram(Bytes::copy_of("late")));
  ASSERT_TRUE(until([&] { return client->closed && server.session().closed; }));
  EXPECT_EQ(mine.reset, 0U);
  EXPECT_EQ(in.log.reset, 0U);
  EXPECT_FALSE(mine.stopped) << "no word to senders";
  client->bidis[0].send->ready();
  client->bidis[0].send->reset(5);
  in.stream.recv->stop(5);
  EXPECT_TRUE(nothing_left());
  EXPECT_EQ(server.session().incoming.size(), 1U);
}

TEST_F(SessionTest, ALostPeerDoesNotLinger) {
  open();
  server.pair.client_socket.filter = [](ByteSpan) { return false; };
  server.session().session->close(3, "bye");
  ASSERT_TRUE(until([&] { return server.session().closed.has_value(); }));
  const Time before = server.pair.network.now();
  ASSERT_TRUE(until([&] { return server.connections->size() == 0; }));
  EXPECT_LE(server.pair.network.now() - before, Limits{}.close_timeout + milliseconds(10));
}

TEST_F(SessionTest, TheEndOfTheConnectionIsTheEndOfTheSession) {
  open();
  server.pair.server->connection->close(to_http3(9), "at once");
  ASSERT_TRUE(until([&] { return client->closed.has_value(); }));
  EXPECT_TRUE(client->closed->is(ApplicationError{9})) << client->closed->message();
  EXPECT_TRUE(client->closed_by_peer);
  EXPECT_TRUE(nothing_left());
}

TEST_F(SessionTest, CloseAllCutsSessionsOffWithTheirCode) {
  open();
  server.connections->close_all(16, "timeout");
  ASSERT_TRUE(until([&] { return client->closed.has_value(); }));
  EXPECT_TRUE(client->closed->is(ApplicationError{16})) << client->closed->message();
  EXPECT_EQ(client->closed->detail(), "timeout");
  EXPECT_TRUE(nothing_left());
}

TEST_F(SessionTest, ManySessionsLeaveNothingBehind) {
  open();
  for (int i = 0; i < 200; ++i) {
    client->send_bidi("x");
    server.session().send_uni("y");
    ASSERT_TRUE(until([&] { return !server.session().incoming.empty(); }));
    (i % 2 == 0 ? *client : server.session()).session->close(0, "");
    ASSERT_TRUE(nothing_left()) << i;
    client.reset();
    server.sessions.clear();
    server.pair.client.reset();
    server.pair.server.reset();
    server.pair.earlier.clear();
    open();
  }
  EXPECT_EQ(server.connections->size(), 1U);
  EXPECT_EQ(server.pair.server_endpoint->connections(), 1U);
}

TEST_F(SessionTest, OutlivesItsConnectionsObject) {
  open();
  StreamLog& log = client->send_uni("still");
  client_side.reset();
  ASSERT_TRUE(until([&] { return log.finished; }));
  EXPECT_EQ(server.session().incoming.at(0)->log.text, "still");
}

TEST_F(SessionTest, AnAttemptCanBeGivenUp) {
  ASSERT_TRUE(server.connect());
  bool called = false;
  attempt = client_side->connect(server.pair.client->connection, {.authority = "a", .path = "/"},
                                 [&](const auto&) { called = true; });
  attempt.reset();
  EXPECT_TRUE(nothing_left());
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace moq::native::http3::testing
