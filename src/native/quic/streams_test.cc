#include <gtest/gtest.h>

#include "native/quic/testing/peers.h"
#include "net/transport/error.h"

namespace moq::native::quic::testing {
namespace {

using transport::ApplicationError;
using transport::Priority;

std::string numbered(std::size_t size) {
  std::string text;
  while (text.size() < size) text += std::to_string(text.size()) + ",";
  text.resize(size);
  return text;
}

struct StreamsTest : ::testing::Test {
  bool until(const std::function<bool()>& done) { return pair.network.run_until(done); }
  void run(Duration duration = std::chrono::milliseconds(200)) { pair.network.run_for(duration); }
  void SetUp() override { ASSERT_TRUE(pair.connect()); }
  StreamLog& server_log(std::size_t i = 0) { return pair.server->incoming.at(i)->log; }

  Pair pair;
};

TEST_F(StreamsTest, AUniStreamArrivesAndIsFinished) {
  StreamLog& log = pair.client->send_uni("hello");
  ASSERT_TRUE(until([&] { return log.finished; }));
  EXPECT_EQ(server_log().text, "hello");
  EXPECT_TRUE(server_log().fin);
  EXPECT_FALSE(log.stopped);
}

TEST_F(StreamsTest, LongDataArrivesInOrder) {
  const std::string text = numbered(3'000'000);
  StreamLog& log = pair.server->send_uni(text);
  ASSERT_TRUE(until([&] { return log.finished; }));
  EXPECT_EQ(pair.client->incoming.at(0)->log.text, text);
  EXPECT_TRUE(pair.client->incoming.at(0)->log.fin);
}

TEST_F(StreamsTest, ABidiStreamIsAnswered) {
  pair.server->answer = "answer";
  StreamLog& log = pair.client->send_bidi("question");
  ASSERT_TRUE(until([&] { return log.fin && log.finished; }));
  EXPECT_EQ(log.text, "answer");
  EXPECT_EQ(server_log().text, "question");
  run();
  EXPECT_TRUE(server_log().finished);
}

TEST_F(StreamsTest, AnEmptyStreamHasOnlyAnEnd) {
  StreamLog& log = pair.client->send_uni("");
  ASSERT_TRUE(until([&] { return log.finished; }));
  EXPECT_EQ(server_log().text, "");
  EXPECT_TRUE(server_log().fin);
}

TEST_F(StreamsTest, TheSourceIsAskedForMoreWhenReady) {
  struct Growing final : transport::SendSource {
    transport::Pull pull(std::span<ByteSpan> slices) override {
      if (at == text.size()) return {.count = 0, .fin = end};
      slices[0] = as_bytes(text).subspan(at);
      return {.count = 1, .fin = end};
    }
    void sent(std::size_t size, bool) override { at += size; }
    std::string text = "a";
    std::size_t at = 0;
    bool end = false;
  };
  auto source = std::make_unique<Growing>();
  Growing& grow = *source;
  StreamLog log;
  auto stream = pair.client->connection->open_uni({}, std::move(source), &log);
  run();
  EXPECT_EQ(server_log().text, "a");
  EXPECT_FALSE(server_log().fin);
  grow.text.reserve(100);
  grow.text += "b";
  stream->ready();
  run();
  EXPECT_EQ(server_log().text, "ab");
  grow.end = true;
  stream->ready();
  stream->ready();
  ASSERT_TRUE(until([&] { return log.finished; }));
  EXPECT_TRUE(server_log().fin);
  EXPECT_EQ(server_log().text, "ab");
}

TEST_F(StreamsTest, SourcesLiveUntilAllIsAcknowledged) {
  bool destroyed = false;
  auto source = std::make_unique<TextSource>(numbered(5000));
  source->destroyed = &destroyed;
  TextSource& text = *source;
  StreamLog log;
  const auto stream = pair.client->connection->open_bidi({}, std::move(source), &log, &log);
  ASSERT_TRUE(until([&] { return text.sent_bytes == 5000; }));
  EXPECT_FALSE(destroyed);
  EXPECT_LT(text.acked_offset, 5000U);
  ASSERT_TRUE(until([&] { return destroyed; }));
  EXPECT_TRUE(log.finished);
  EXPECT_FALSE(log.fin);
}

TEST_F(StreamsTest, ResetReachesThePeerWithItsCode) {
  bool destroyed = false;
  auto source = std::make_unique<TextSource>("some", false);
  source->destroyed = &destroyed;
  StreamLog log;
  auto stream = pair.client->connection->open_uni({}, std::move(source), &log);
  run();
  EXPECT_EQ(server_log().text, "some");
  stream->reset(77);
  EXPECT_TRUE(destroyed);
  run();
  EXPECT_EQ(server_log().reset, 77U);
  EXPECT_FALSE(log.stopped);
  EXPECT_FALSE(log.finished);
  stream->ready();
  stream->reset(78);
  run();
  EXPECT_EQ(server_log().reset, 77U);
}

TEST_F(StreamsTest, StopSendingResetsTheStreamWithItsCode) {
  auto& log = *pair.client->logs.emplace_back(std::make_unique<StreamLog>());
  bool destroyed = false;
  auto source = std::make_unique<TextSource>("some", false);
  source->destroyed = &destroyed;
  auto stream = pair.client->connection->open_bidi({}, std::move(source), &log, &log);
  run();
  pair.server->incoming.at(0)->stream.recv->stop(55);
  // Neither side ends the other direction: the code comes with STOP_SENDING itself.
  run(std::chrono::milliseconds(15));
  EXPECT_EQ(log.stopped, 55U);
  EXPECT_TRUE(destroyed);
  EXPECT_FALSE(log.reset);
  stream.send->ready();
  run();
  EXPECT_EQ(server_log().text, "some");
  EXPECT_FALSE(server_log().reset);
}

TEST_F(StreamsTest, AnExpiredSourceResetsItsStream) {
  auto source = std::make_unique<TextSource>(numbered(100), false);
  TextSource& text = *source;
  StreamLog log;
  auto stream = pair.client->connection->open_uni({}, std::move(source), &log);
  run();
  text.expiry = 9;
  stream->ready();
  run();
  EXPECT_EQ(log.stopped, 9U);
  EXPECT_EQ(server_log().reset, 9U);
}

TEST_F(StreamsTest, AnExpiredSourceThatWasNeverSentOpensNothing) {
  auto source = std::make_unique<TextSource>("late");
  source->expiry = 9;
  StreamLog log;
  const auto stream = pair.client->connection->open_uni({}, std::move(source), &log);
  run();
  EXPECT_EQ(log.stopped, 9U);
  EXPECT_TRUE(pair.server->incoming.empty());
  EXPECT_EQ(pair.client->connection->stream_id(*stream), -1);
}

TEST_F(StreamsTest, StreamsThatNobodyKeepsAreStoppedAndReset) {
  pair.server->keep = false;
  StreamLog& uni = pair.client->send_uni(numbered(200'000));
  StreamLog& bidi = pair.client->send_bidi(numbered(200'000));
  ASSERT_TRUE(until([&] { return uni.stopped && bidi.stopped && bidi.reset; }));
  EXPECT_EQ(uni.stopped, 0U);
  EXPECT_EQ(bidi.reset, 0U);
}

TEST_F(StreamsTest, BytesWaitForALateHandler) {
  pair.server->listen = false;
  pair.client->send_uni("early bird");
  run();
  auto& in = *pair.server->incoming.at(0);
  EXPECT_EQ(in.log.text, "");
  in.stream.recv->set_handler(&in.log);
  EXPECT_EQ(in.log.text, "");
  run();
  EXPECT_EQ(in.log.text, "early bird");
  EXPECT_TRUE(in.log.fin);
}

TEST_F(StreamsTest, AStreamWithoutAHandlerIsHeldToItsWindow) {
  pair.server->listen = false;
  auto source = std::make_unique<TextSource>(numbered(5'000'000));
  TextSource& text = *source;
  StreamLog log;
  const auto stream = pair.client->connection->open_uni({}, std::move(source), &log);
  run(std::chrono::seconds(5));
  EXPECT_EQ(text.sent_bytes, Config{}.stream_window);
  auto& in = *pair.server->incoming.at(0);
  in.stream.recv->set_handler(&in.log);
  ASSERT_TRUE(until([&] { return in.log.fin; }));
  EXPECT_EQ(in.log.text, numbered(5'000'000));
}

TEST_F(StreamsTest, WhatIsNotReadIsBoundedByTheConnectionsWindow) {
  pair.server->listen = false;
  std::vector<TextSource*> sources;
  std::vector<std::shared_ptr<transport::SendStream>> streams;
  for (int i = 0; i < 10; ++i) {
    auto source = std::make_unique<TextSource>(numbered(3'000'000));
    sources.push_back(source.get());
    streams.push_back(pair.client->connection->open_uni({}, std::move(source), nullptr));
  }
  run(std::chrono::seconds(10));
  std::uint64_t sent = 0;
  for (const TextSource* source : sources) sent += source->sent_bytes;
  EXPECT_EQ(sent, Config{}.connection_window);
}

TEST_F(StreamsTest, DiscardedBytesGiveTheirCreditBack) {
  pair.server->listen = false;
  StreamLog& log = pair.client->send_uni(numbered(6'000'000));
  run();
  pair.server->incoming.at(0)->stream.recv->set_handler(nullptr);
  ASSERT_TRUE(until([&] { return log.finished; }));
}

TEST_F(StreamsTest, StoppedStreamsGiveTheirCreditBack) {
  pair.server->listen = false;
  for (int i = 0; i < 10; ++i) {
    StreamLog& log = pair.client->send_uni(numbered(1'500'000));
    run(std::chrono::milliseconds(500));
    pair.server->incoming.back()->stream.recv->stop(1);
    ASSERT_TRUE(until([&] { return log.stopped || log.finished; })) << i;
  }
}

TEST_F(StreamsTest, StreamIdsAreThoseOfTheWire) {
  pair.client->send_uni("a");
  pair.client->send_bidi("b");
  run();
  EXPECT_EQ(pair.client->connection->stream_id(*pair.client->bidis.at(0).recv), 0);
  for (const auto& in : pair.server->incoming) {
    EXPECT_EQ(pair.server->connection->stream_id(*in->stream.recv), in->stream.send ? 0 : 2);
  }
}

TEST_F(StreamsTest, DatagramsArrive) {
  EXPECT_GT(pair.client->connection->max_datagram_size(), 1100U);
  EXPECT_TRUE(pair.client->connection->send_datagram(Bytes::copy_of("ping")));
  const std::string large(pair.client->connection->max_datagram_size(), 'x');
  EXPECT_TRUE(pair.client->connection->send_datagram(Bytes::copy_of(large)));
  EXPECT_FALSE(pair.client->connection->send_datagram(Bytes::copy_of(large + "y")));
  run();
  EXPECT_EQ(pair.server->datagrams, (std::vector<std::string>{"ping", large}));
}

TEST_F(StreamsTest, DatagramsMayBeEmptyAndHaveAPrefix) {
  Connection& client = *pair.client->connection;
  EXPECT_TRUE(client.send_datagram({}));
  EXPECT_TRUE(client.send_datagram_after(as_bytes("ab"), Bytes::copy_of("cd")));
  EXPECT_TRUE(client.send_datagram_after(as_bytes("ef"), {}));
  const std::string large(client.max_datagram_size() - 1, 'x');
  EXPECT_TRUE(client.send_datagram_after(as_bytes("y"), Bytes::copy_of(large)));
  EXPECT_FALSE(client.send_datagram_after(as_bytes("yy"), Bytes::copy_of(large)));
  run();
  EXPECT_EQ(pair.server->datagrams, (std::vector<std::string>{"", "abcd", "ef", "y" + large}));
}

TEST_F(StreamsTest, AStreamCanBeHeldAgain) {
  StreamLog log;
  auto stream =
      pair.client->connection->open_uni({}, std::make_unique<TextSource>(numbered(100000)), &log);
  StreamLog* seen = nullptr;
  ASSERT_TRUE(until([&] { return !pair.server->incoming.empty(); }));
  seen = &server_log();
  const auto& recv = pair.server->incoming.at(0)->stream.recv;
  seen->then = [&] { pair.server->connection->hold(*recv, {}, false); };
  run();
  const std::size_t before = seen->text.size();
  EXPECT_LT(before, 100000U) << "the first packets only";
  run();
  EXPECT_EQ(seen->text.size(), before);
  seen->then = nullptr;
  recv->set_handler(seen);
  run();
  EXPECT_EQ(seen->text, numbered(100000));
  EXPECT_TRUE(seen->fin);
}

TEST_F(StreamsTest, WhatWasReadTooSoonCanBeGivenBack) {
  /// Takes one byte of what comes first, and gives the rest back.
  struct OneByte final : transport::RecvHandler {
    OneByte(Connection& connection, transport::RecvStream& stream)
        : connection_(connection), stream_(stream) {}
    void on_data(Bytes data, bool fin) override {
      text = std::string(data.text().substr(0, 1));
      connection_.hold(stream_, data.slice(1), fin);
    }
    void on_reset(std::uint64_t) override {}
    std::string text;

   private:
    Connection& connection_;
    transport::RecvStream& stream_;
  };
  for (const std::size_t size : {1U, 1000U, 100000U}) {
    pair.server->incoming.clear();
    pair.server->listen = false;
    StreamLog& sent = pair.client->send_uni(numbered(size));
    ASSERT_TRUE(until([&] { return !pair.server->incoming.empty(); }));
    transport::RecvStream& recv = *pair.server->incoming.at(0)->stream.recv;
    OneByte first(*pair.server->connection, recv);
    recv.set_handler(&first);
    run();
    EXPECT_EQ(first.text, numbered(size).substr(0, 1));
    StreamLog rest;
    recv.set_handler(&rest);
    ASSERT_TRUE(until([&] { return rest.fin && sent.finished; })) << size;
    EXPECT_EQ(rest.text, numbered(size).substr(1));
  }
}

TEST(Datagrams, CanBeOff) {
  Pair::Options options;
  options.server.config.datagrams = false;
  Pair pair(std::move(options));
  ASSERT_TRUE(pair.connect());
  EXPECT_FALSE(pair.client->connection->traits().datagrams);
  EXPECT_EQ(pair.client->connection->max_datagram_size(), 0U);
  EXPECT_FALSE(pair.client->connection->send_datagram(Bytes::copy_of("ping")));
}

TEST(Datagrams, OldOnesAreDropped) {
  Pair pair({.up = {.bitrate = 100'000}});
  ASSERT_TRUE(pair.connect());
  // 64 of 1100 bytes take 5.6 s at this rate; none waits longer than 50 ms.
  for (int i = 0; i < 200; ++i) {
    pair.client->connection->send_datagram(Bytes::copy_of(std::string(1100, 'a')));
  }
  pair.network.run_for(std::chrono::seconds(20));
  EXPECT_GT(pair.server->datagrams.size(), 0U);
  EXPECT_LT(pair.server->datagrams.size(), 64U);
}

TEST_F(StreamsTest, StreamsMayBeOpenedAndClosedFromHandlers) {
  // A ping-pong of 50 streams, each opened when the one before it has arrived.
  int rounds = 0;
  std::function<void()> again = [&] {
    if (++rounds == 50) return pair.client->connection->close(3, "enough");
    StreamLog& log = pair.client->send_bidi("go");
    log.then = [&] { again(); };
  };
  pair.server->answer = "back";
  again();
  ASSERT_TRUE(until([&] { return pair.server->closed.has_value(); }));
  EXPECT_TRUE(pair.server->closed->is(ApplicationError{3}));
  EXPECT_EQ(pair.server->incoming.size(), 49U);
}

TEST_F(StreamsTest, TheClosingOfASessionResetsWhatIsReceived) {
  auto& log = *pair.client->logs.emplace_back(std::make_unique<StreamLog>());
  bool destroyed = false;
  auto source = std::make_unique<TextSource>("x", false);
  source->destroyed = &destroyed;
  const auto stream = pair.client->connection->open_bidi({}, std::move(source), &log, &log);
  run();
  pair.server->connection->close(4, "bye");
  ASSERT_TRUE(until([&] { return pair.client->closed.has_value(); }));
  EXPECT_TRUE(log.reset);
  EXPECT_TRUE(destroyed);
  EXPECT_FALSE(log.stopped);
  EXPECT_TRUE(server_log().reset);
  // On a session that is over, nothing happens.
  stream.send->ready();
  stream.send->reset(1);
  stream.recv->stop(1);
  const auto late = pair.client->connection->open_uni({}, std::make_unique<TextSource>("x"), &log);
  late->ready();
  EXPECT_FALSE(pair.client->connection->send_datagram(Bytes::copy_of("x")));
  run();
  EXPECT_FALSE(log.finished);
}

}  // namespace
}  // namespace moq::native::quic::testing
