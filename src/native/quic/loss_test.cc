#include <gtest/gtest.h>

#include <algorithm>

#include "native/quic/testing/peers.h"
#include "net/transport/error.h"

namespace moq::native::quic::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using transport::Priority;

std::string numbered(std::size_t size) {
  std::string text;
  while (text.size() < size) text += std::to_string(text.size()) + ",";
  text.resize(size);
  return text;
}

class Lossy : public ::testing::TestWithParam<std::tuple<std::uint64_t, CongestionControl>> {};

TEST_P(Lossy, EverythingArrivesWhole) {
  const auto [seed, control] = GetParam();
  const LinkOptions link{.delay = milliseconds(20), .jitter = milliseconds(15), .loss = 0.05};
  Pair::Options options{
      .seed = seed, .client = {.congestion_control = control}, .up = link, .down = link};
  options.server.config.congestion_control = control;
  Pair pair(std::move(options));
  ASSERT_TRUE(pair.connect());
  const std::string text = numbered(200'000);
  std::vector<StreamLog*> logs;
  for (int i = 0; i < 10; ++i) {
    logs.push_back(&pair.client->send_uni(text));
    logs.push_back(&pair.server->send_uni(text));
  }
  ASSERT_TRUE(pair.network.run_until(
      [&] { return std::ranges::all_of(logs, [](const StreamLog* log) { return log->finished; }); },
      seconds(300)));
  for (const Peer* peer : {pair.client.get(), pair.server.get()}) {
    ASSERT_EQ(peer->incoming.size(), 10U);
    for (const auto& in : peer->incoming) {
      EXPECT_TRUE(in->log.fin);
      EXPECT_EQ(in->log.text, text);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Lossy,
                         ::testing::Combine(::testing::Values(1, 2, 3),
                                            ::testing::Values(CongestionControl::loss,
                                                              CongestionControl::delay)));

TEST(Link, TheSameSeedGivesTheSameFates) {
  // TLS signatures vary in size and content, so only the data phase is compared.
  SimulatedNetwork one(7);
  SimulatedNetwork two(7);
  std::vector<std::uint8_t> a(64);
  std::vector<std::uint8_t> b(64);
  one.random()(a);
  two.random()(b);
  EXPECT_EQ(a, b);
}

TEST(Link, FillsABottleneckInFullSends) {
  Pair pair({.up = {.delay = milliseconds(5)},
             .down = {.delay = milliseconds(5), .bitrate = 100'000'000, .queue = 256 * 1024}});
  ASSERT_TRUE(pair.connect());
  const Time start = pair.network.now();
  const std::uint64_t sends = pair.server_socket.sends;
  const std::uint64_t packets = pair.server_socket.packets;
  StreamLog& log = pair.server->send_uni(numbered(10'000'000));
  ASSERT_TRUE(pair.network.run_until([&] { return log.finished; }));
  // 0.8 s of transmission.
  EXPECT_LT(pair.network.now() - start, milliseconds(1600));
  const auto ratio = (pair.server_socket.packets - packets) / (pair.server_socket.sends - sends);
  EXPECT_GE(ratio, 4U);
  // Path MTU discovery has found what the link carries.
  EXPECT_EQ(pair.server_socket.largest, 1452U);
  const transport::PathStats stats = pair.server->connection->path_stats();
  EXPECT_GE(stats.smoothed_rtt, milliseconds(10));
  EXPECT_LT(stats.smoothed_rtt, milliseconds(60));
  EXPECT_GT(stats.bitrate, 30'000'000U);
  EXPECT_GT(stats.bytes_sent, 10'000'000U);
  EXPECT_GT(pair.client->connection->path_stats().bytes_received, 10'000'000U);
}

TEST(Link, ReceiversAcknowledgeRarely) {
  Pair pair({.down = {.bitrate = 50'000'000}});
  ASSERT_TRUE(pair.connect());
  const std::uint64_t data = pair.server_socket.packets;
  const std::uint64_t acks = pair.client_socket.packets;
  StreamLog& log = pair.server->send_uni(numbered(5'000'000));
  ASSERT_TRUE(pair.network.run_until([&] { return log.finished; }));
  EXPECT_LT((pair.client_socket.packets - acks) * 5, pair.server_socket.packets - data);
}

TEST(Link, WithoutGsoEachSendIsAPacket) {
  Pair::Options options;
  options.server.config.gso = false;
  Pair pair(std::move(options));
  ASSERT_TRUE(pair.connect());
  StreamLog& log = pair.server->send_uni(numbered(100'000));
  ASSERT_TRUE(pair.network.run_until([&] { return log.finished; }));
  EXPECT_EQ(pair.server_socket.packets, pair.server_socket.sends);
}

TEST(Link, WithoutMtuDiscoveryPacketsStaySmall) {
  Pair::Options options;
  options.server.config.mtu_discovery = false;
  Pair pair(std::move(options));
  ASSERT_TRUE(pair.connect());
  StreamLog& log = pair.server->send_uni(numbered(100'000));
  ASSERT_TRUE(pair.network.run_until([&] { return log.finished; }));
  EXPECT_EQ(pair.server_socket.largest, 1200U);
}

TEST(Link, ASmallMtuIsFound) {
  Pair pair({.down = {.mtu = 1300}});
  ASSERT_TRUE(pair.connect());
  StreamLog& log = pair.server->send_uni(numbered(100'000));
  ASSERT_TRUE(pair.network.run_until([&] { return log.finished; }));
  EXPECT_EQ(pair.client->incoming.at(0)->log.text, numbered(100'000));
}

TEST(Priorities, DecideOnASlowLink) {
  Pair pair({.down = {.bitrate = 2'000'000}});
  ASSERT_TRUE(pair.connect());
  const auto media = [](std::uint8_t subscriber) {
    return Priority{.band = Priority::Band::media, .subscriber = subscriber, .flow = subscriber};
  };
  StreamLog& low = pair.server->send_uni(numbered(300'000), media(1));
  StreamLog& high = pair.server->send_uni(numbered(300'000), media(2));
  pair.network.run_for(milliseconds(300));
  // Late, and first all the same.
  StreamLog& control = pair.server->send_uni("goaway", {.band = Priority::Band::control});
  ASSERT_TRUE(pair.network.run_until([&] { return control.finished; }));
  EXPECT_FALSE(high.finished);
  ASSERT_TRUE(pair.network.run_until([&] { return high.finished; }));
  EXPECT_FALSE(low.finished);
  const auto& incoming = pair.client->incoming;
  const auto low_in = std::ranges::find_if(incoming, [](const auto& in) { return !in->log.fin; });
  // Nothing of it was sent before the other was done, but for what fits beside its end.
  if (low_in != incoming.end()) {
    EXPECT_LT((*low_in)->log.text.size(), 30'000U);
  }
  ASSERT_TRUE(pair.network.run_until([&] { return low.finished; }));
}

TEST(Priorities, EqualFlowsShare) {
  Pair pair({.down = {.bitrate = 2'000'000}});
  ASSERT_TRUE(pair.connect());
  for (std::uint64_t flow = 1; flow <= 4; ++flow) {
    pair.server->send_uni(numbered(300'000), {.band = Priority::Band::media, .flow = flow});
  }
  pair.network.run_for(seconds(2));
  ASSERT_EQ(pair.client->incoming.size(), 4U);
  const auto size = [&](std::size_t i) { return pair.client->incoming[i]->log.text.size(); };
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_GT(size(i), 20'000U);
    EXPECT_NEAR(static_cast<double>(size(i)), static_cast<double>(size(0)), 8'000);
  }
}

TEST(StreamLimits, StreamsWaitForCreditByPriorityAndControlHasItsOwn) {
  Pair::Options options;
  options.server.config.max_streams = 4;
  Pair pair(std::move(options));
  ASSERT_TRUE(pair.connect());
  pair.server->listen = true;
  // Streams that do not end hold three credits; the fourth is for control.
  std::vector<std::shared_ptr<transport::SendStream>> holders;
  for (int i = 0; i < 3; ++i) {
    holders.push_back(pair.client->connection->open_uni(
        {}, std::make_unique<TextSource>("held", false), nullptr));
  }
  const Priority media{.band = Priority::Band::media};
  pair.client->send_uni("low", media);
  pair.client->send_uni("high", {.band = Priority::Band::media, .subscriber = 9});
  pair.network.run_for(milliseconds(500));
  EXPECT_EQ(pair.server->incoming.size(), 3U);
  pair.client->send_uni("goaway", {.band = Priority::Band::control});
  pair.network.run_for(milliseconds(500));
  ASSERT_EQ(pair.server->incoming.size(), 4U);
  EXPECT_EQ(pair.server->incoming[3]->log.text, "goaway");
  // Its end returned its credit; two more are needed for one of the others.
  holders[0]->reset(0);
  pair.network.run_for(milliseconds(500));
  ASSERT_EQ(pair.server->incoming.size(), 6U);
  EXPECT_EQ(pair.server->incoming[4]->log.text, "high");
  EXPECT_EQ(pair.server->incoming[5]->log.text, "low");
}

TEST(StreamLimits, ManyStreamsGetThrough) {
  Pair::Options options;
  options.server.config.max_streams = 10;
  Pair pair(std::move(options));
  ASSERT_TRUE(pair.connect());
  for (int i = 0; i < 500; ++i) pair.client->send_uni(std::to_string(i));
  ASSERT_TRUE(pair.network.run_until([&] {
    return std::ranges::all_of(pair.client->logs, [](const auto& log) { return log->finished; });
  }));
  EXPECT_EQ(pair.server->incoming.size(), 500U);
}

TEST(StreamLimits, AStreamThatIsResetBeforeItIsOpenedIsDropped) {
  Pair::Options options;
  options.server.config.max_streams = 2;
  Pair pair(std::move(options));
  ASSERT_TRUE(pair.connect());
  const auto holder = pair.client->connection->open_bidi(
      {}, std::make_unique<TextSource>("held", false), nullptr, nullptr);
  pair.client->send_bidi("waits");
  pair.network.run_for(milliseconds(200));
  pair.client->bidis.at(0).send->reset(1);
  holder.send->reset(1);
  holder.recv->stop(1);
  pair.network.run_for(milliseconds(500));
  EXPECT_EQ(pair.server->incoming.size(), 1U);
}

TEST(FullSocket, WhatItDoesNotTakeIsSentLaterAndNotLost) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  pair.network.run_for(seconds(1));
  auto source = std::make_unique<TextSource>(numbered(2'000'000));
  TextSource& text = *source;
  StreamLog log;
  pair.server_socket.room = 2;
  const auto stream = pair.server->connection->open_uni({}, std::move(source), &log);
  pair.network.run_for(milliseconds(100));
  const std::uint64_t taken = text.sent_bytes;
  EXPECT_GT(taken, 0U);
  pair.network.run_for(milliseconds(100));
  EXPECT_EQ(text.sent_bytes, taken);  // nothing more is produced
  pair.server_socket.unblock();
  ASSERT_TRUE(pair.network.run_until([&] { return log.finished; }));
  EXPECT_EQ(pair.client->incoming.at(0)->log.text, numbered(2'000'000));
}

TEST(FullSocket, ManyConnectionsTakeTurns) {
  Pair pair;
  std::vector<std::unique_ptr<Peer>> clients;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(pair.connect());
    clients.push_back(std::move(pair.client));
  }
  pair.earlier.push_back(std::move(pair.server));
  pair.network.run_for(seconds(1));
  pair.server_socket.room = 0;
  std::vector<StreamLog*> logs;
  for (auto& peer : pair.earlier) logs.push_back(&peer->send_uni(numbered(100'000)));
  for (int i = 0; i < 300; ++i) {
    pair.network.run_for(milliseconds(5));
    pair.server_socket.room = 1;
    pair.server_endpoint->on_writable();
  }
  pair.server_socket.unblock();
  ASSERT_TRUE(pair.network.run_until(
      [&] { return std::ranges::all_of(logs, [](auto* log) { return log->finished; }); }));
}

TEST(Migration, AClientWhoseAddressChangesGoesOn) {
  Pair pair;
  ASSERT_TRUE(pair.connect());
  pair.network.run_for(seconds(1));
  StreamLog& down = pair.server->send_uni(numbered(3'000'000));
  pair.network.run_for(milliseconds(50));
  ASSERT_FALSE(down.finished);
  pair.client_socket.rebind(address(3, 60000));
  StreamLog& up = pair.client->send_uni("still here");
  ASSERT_TRUE(pair.network.run_until([&] { return up.finished && down.finished; }));
  EXPECT_EQ(pair.server->connection->peer_address(), "10.0.0.3:60000");
  EXPECT_EQ(pair.client->incoming.at(0)->log.text, numbered(3'000'000));
}

}  // namespace
}  // namespace moq::native::quic::testing
