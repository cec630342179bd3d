// A client over relays that come and go: on virtual time, with real sessions.

#include "native/client/client.h"

#include <gtest/gtest.h>

#include "native/client/testing/relays.h"

namespace moq::native {
namespace {

using moq::testing::run_for;
using moq::testing::Source;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::TestClient;
using testing::TestNetwork;
using testing::TestRelay;

constexpr const char* kUrlA = "moqt://relay.test:1/room?jwt=x";

/// A publisher and a viewer at relay A, and a relay B.
class ClientTest : public ::testing::TestWithParam<const char*> {
 protected:
  ClientTest() {
    network.add(1, a);
    network.add(2, b);
  }
  void run(Duration time = milliseconds(100)) { run_for(loop, time); }
  void start(const TestClient::Setup& viewing = {}) {
    publisher.emplace(loop, network, kUrlA, TestClient::Setup{.publishes = true, .id = 77});
    source.emplace(publisher->node, "live", TrackInfo{.max_latency = seconds(30)});
    viewer.emplace(loop, network, kUrlA, viewing);
    run();
    ASSERT_EQ(viewer->announced, "+");
    viewer->subscribe();
    // Long enough for a GOAWAY not to count as a failure.
    run(seconds(1));
  }
  /// The publisher is at relay A alone, and stays there.
  void keep_publisher_at_a() {
    straight = moq::testing::connect(loop, publisher->node, a.node, {.version = GetParam()});
    run();
    publisher->client.reset();
    run();
  }
  /// One frame of each group every 100 ms; a new group every four.
  void live(std::size_t frames) {
    for (std::size_t i = 0; i < frames; ++i) {
      if (frame_ == 0) group_ = source->begin(sequence_);
      Source::append(*group_, sequence_ * 400 + frame_ * 100, std::to_string(frame_));
      if (++frame_ == 4) {
        Source::finish(*group_);
        ++sequence_;
        frame_ = 0;
      }
      run();
    }
  }
  /// Whether the viewer has every group from its first on, whole, but for the last.
  void expect_all_groups() {
    ASSERT_FALSE(viewer->viewer.groups.empty());
    const std::uint64_t first = viewer->viewer.groups.begin()->first;
    for (std::uint64_t i = first; i < sequence_; ++i) {
      EXPECT_EQ(viewer->viewer.text(i), "0 1 2 3") << "group " << i;
    }
    EXPECT_TRUE(viewer->viewer.drops.empty());
    EXPECT_FALSE(viewer->viewer.error);
  }

  Loop loop;
  TestNetwork network{loop};
  TestRelay a{loop, 100, GetParam()};
  TestRelay b{loop, 200, GetParam()};
  std::optional<TestClient> publisher;
  std::optional<Source> source;
  std::optional<TestClient> viewer;
  std::unique_ptr<moq::testing::Connection> straight;

 private:
  std::shared_ptr<Group> group_;
  std::uint64_t frame_ = 0;
  std::uint64_t sequence_ = 0;
};

/// Versions with a GOAWAY.
class Handover : public ClientTest {};

TEST_P(Handover, BothMoveAndNothingIsLostOrDoubled) {
  start();
  live(10);
  a.drain("moqt://relay.test:2");
  live(20);
  EXPECT_EQ(viewer->told, "connected goaway connected handed over ");
  EXPECT_EQ(publisher->told, "connected goaway connected handed over ");
  EXPECT_TRUE(a.sessions.empty());
  EXPECT_EQ(b.sessions.size(), 2U);
  expect_all_groups();
  EXPECT_EQ(viewer->announced, "+=") << "one broadcast, by another way";
  if (moq::testing::traits_of(GetParam()).has_setup_stream) {
    EXPECT_EQ(b.paths.front(), "/room?jwt=x");
  }
}

TEST_P(Handover, EachDialButTheFirstComesFromAnotherPort) {
  start();
  a.drain();
  live(14);
  EXPECT_EQ(network.new_port, (std::vector{false, false, true, true})) << "publisher and viewer";
}

TEST_P(Handover, RedirectIsSticky) {
  start();
  a.drain("moqt://relay.test:2");
  live(14);
  ASSERT_TRUE(a.sessions.empty());
  b.drain();
  live(8);
  EXPECT_EQ(a.accepted, 2U);
  EXPECT_EQ(b.accepted, 4U) << "dialled again where it was";
  expect_all_groups();
}

TEST_P(Handover, BackAndForthFiveTimes) {
  start();
  live(12);
  for (int i = 0; i < 5; ++i) {
    TestRelay& from = i % 2 == 0 ? a : b;
    from.drain(i % 2 == 0 ? "moqt://relay.test:2" : "moqt://relay.test:1");
    live(15);
    EXPECT_TRUE(from.sessions.empty()) << i;
  }
  expect_all_groups();
  EXPECT_EQ(viewer->announced.find('-'), std::string::npos);
}

TEST_P(Handover, OldSessionServesUntilTheReplacementDelivers) {
  start();
  live(10);
  b.hangs = true;
  a.drain("moqt://relay.test:2");
  live(30);
  EXPECT_EQ(a.sessions.size(), 2U);
  expect_all_groups();
  EXPECT_EQ(viewer->told, "connected goaway ");
}

TEST_P(Handover, TakesNoLongerThanItMayOnceTheReplacementServes) {
  // The publisher does not know b: what the viewer has can come over a alone.
  start({.goaway = {.handover = seconds(3)}});
  live(6);
  keep_publisher_at_a();
  live(6);
  for (const auto& session : a.sessions) (void)session->drain().start("moqt://relay.test:2");
  live(25);
  EXPECT_EQ(a.sessions.size(), 1U);
  live(10);
  EXPECT_TRUE(a.sessions.empty());
  EXPECT_EQ(viewer->told, "connected goaway connected handed over ");
}

// Traps 7 and 8: the deadline of the peer holds while we dial, or wait to.
TEST_P(Handover, PeersDeadlineHoldsDuringAHangingDialAndBackoff) {
  start();
  live(4);
  b.hangs = true;
  a.drain("moqt://relay.test:2", seconds(2));
  run(seconds(3));
  EXPECT_TRUE(a.sessions.empty());
  EXPECT_EQ(viewer->told, "connected goaway disconnected ");
}

// Trap 9.
TEST_P(Handover, TwoRelaysCannotBounceAClient) {
  a.goaway_at_once = b.goaway_at_once = true;
  a.redirect = "moqt://relay.test:2";
  b.redirect = "moqt://relay.test:1";
  viewer.emplace(loop, network, kUrlA, TestClient::Setup{});
  run(minutes(1));
  EXPECT_LE(a.accepted + b.accepted, 18U);
  EXPECT_LE(a.sessions.size() + b.sessions.size(), 2U) << "sessions do not pile up";
}

// Traps 9 to 12.
TEST_P(Handover, GoawayDuringAHandoverRetiresTheOldestAtOnce) {
  TestRelay c(loop, 300, GetParam());
  network.add(3, c);
  start();
  live(4);
  keep_publisher_at_a();
  live(12);
  for (const auto& session : a.sessions) (void)session->drain().start("moqt://relay.test:2");
  run(seconds(2));
  ASSERT_EQ(viewer->client->sessions(), 2U);
  b.drain("moqt://relay.test:3");
  run();
  EXPECT_LE(viewer->client->sessions(), 2U);
  EXPECT_LE(a.sessions.size(), 1U);
  run(seconds(2));
  EXPECT_EQ(c.sessions.size(), 1U);
  EXPECT_TRUE(viewer->client->session()->open());
}

TEST_P(Handover, ReplacementThatDiesLeavesTheOldSessionInService) {
  start({.goaway = {.handover = seconds(3)}});
  live(4);
  keep_publisher_at_a();
  for (const auto& session : a.sessions) (void)session->drain().start("moqt://relay.test:2");
  live(4);
  ASSERT_EQ(b.sessions.size(), 1U);
  b.kill();
  // Longer than the handover may take; the way back home is open, but the relay there has
  // told the client to go, and does so again.
  a.down = true;
  live(60);
  EXPECT_EQ(a.sessions.size(), 1U);
  EXPECT_EQ(viewer->client->sessions(), 1U);
  EXPECT_FALSE(viewer->viewer.error);
  a.sessions.front()->close(SessionError::goaway_timeout, "");
  run(seconds(30));
  EXPECT_TRUE(viewer->told.ends_with("closed ")) << viewer->told;
}

TEST_P(Handover, RefusedRedirectDialsTheCurrentNameAgain) {
  start();
  a.drain("moqt://elsewhere.test:2");
  live(8);
  EXPECT_EQ(b.accepted, 0U);
  EXPECT_EQ(a.accepted, 4U);
  expect_all_groups();
}

TEST_P(Handover, RedirectThatLeadsNowhereIsTriedInTurnsWithHome) {
  start();
  a.drain("moqt://relay.test:9", seconds(1));
  run(seconds(8));
  EXPECT_EQ(viewer->client->sessions(), 1U);
  EXPECT_EQ(a.sessions.size(), 2U);
  live(8);
  expect_all_groups();
}

TEST_P(Handover, IdleClientLeavesAsSoonAsItIsElsewhere) {
  viewer.emplace(loop, network, kUrlA, TestClient::Setup{});
  run(seconds(2));
  a.drain("moqt://relay.test:2");
  run();
  EXPECT_TRUE(a.sessions.empty());
  EXPECT_EQ(b.sessions.size(), 1U);
}

TEST_P(Handover, PublisherStaysWhereSomebodyStillReads) {
  start();
  // A viewer that does not know what GOAWAY is.
  moq::testing::Node stubborn(loop, 0);
  const auto stays = moq::testing::connect(loop, stubborn, a.node, {.version = "moq-lite-03"});
  run();
  moq::testing::Viewer seen;
  const auto subscription = (*stubborn.origin.find(Path("live"))->track("video"))
                                ->subscribe({.max_latency = seconds(30)}, seen);
  live(8);
  a.drain("moqt://relay.test:2");
  // Longer than a handover may take otherwise.
  live(150);
  EXPECT_EQ(a.sessions.size(), 1U) << "the publisher's";
  EXPECT_EQ(b.sessions.size(), 2U);
  EXPECT_GE(seen.groups.rbegin()->first, 6U);
  expect_all_groups();
}

// Trap 6: a session that nobody replaces does not hold the relay.
TEST_P(Handover, WithoutReconnectAnIdleSessionLeavesAtOnce) {
  viewer.emplace(loop, network, kUrlA, TestClient::Setup{.reconnect = false});
  run(seconds(2));
  a.drain();
  run();
  EXPECT_TRUE(a.sessions.empty());
  EXPECT_EQ(viewer->told, "connected goaway closed ");
}

TEST_P(Handover, WithoutReconnectWhatRunsGoesOn) {
  start({.reconnect = false});
  live(6);
  a.drain("moqt://relay.test:2");
  live(12);
  EXPECT_EQ(viewer->told, "connected goaway ");
  EXPECT_GE(viewer->viewer.groups.rbegin()->first, 3U);
}

TEST_P(Handover, RedirectThatOnlyChangesTheTokenIsTriedInTurnsWithHome) {
  start();
  a.forbids = true;
  a.drain("moqt://relay.test:1/room?jwt=bad");
  run(seconds(3));
  a.forbids = false;
  live(60);
  EXPECT_TRUE(viewer->viewer.error == std::nullopt);
  EXPECT_EQ(viewer->client->sessions(), 1U);
  EXPECT_TRUE(viewer->told.ends_with("connected ") || viewer->told.ends_with("handed over "))
      << viewer->told;
  if (moq::testing::traits_of(GetParam()).has_setup_stream) {
    EXPECT_EQ(viewer->client->url().query(), "jwt=x");
  }
}

TEST_P(ClientTest, ReconnectsAndGoesOnAfterALoss) {
  start();
  live(10);
  for (const auto& session : a.sessions) {
    session->close(SessionError::internal, "gone");
  }
  live(20);
  EXPECT_EQ(viewer->told, "connected disconnected connected ");
  EXPECT_EQ(viewer->announced.find('-'), std::string::npos);
  EXPECT_GE(viewer->viewer.groups.rbegin()->first, 6U);
  EXPECT_EQ(viewer->viewer.text(viewer->viewer.groups.rbegin()->first - 1), "0 1 2 3");
  EXPECT_FALSE(viewer->viewer.error);
  if (moq::testing::traits_of(GetParam()).hops == lite::HopForm::ids) expect_all_groups();
}

TEST_P(ClientTest, PublisherThatComesAnotherWayIsFollowed) {
  if (moq::testing::traits_of(GetParam()).hops != lite::HopForm::ids) return;
  start();
  live(6);
  keep_publisher_at_a();
  live(10);
  // The group that the relay was in the middle of is cut.
  EXPECT_EQ(viewer->viewer.text(2), "0 1 2 3");
  EXPECT_EQ(viewer->viewer.text(3), "0 1 2 3");
  EXPECT_FALSE(viewer->viewer.error);
  EXPECT_EQ(viewer->announced.find('-'), std::string::npos);
}

TEST_P(ClientTest, FirstDialThatFailsIsTheEnd) {
  a.down = true;
  viewer.emplace(loop, network, kUrlA, TestClient::Setup{});
  run(minutes(1));
  EXPECT_EQ(viewer->told, "closed ");
  EXPECT_EQ(a.dialled, 1U);
}

TEST_P(ClientTest, GivesUpAfterFailingForTooLong) {
  start();
  a.kill();
  run(seconds(8));
  EXPECT_EQ(viewer->told, "connected disconnected ");
  run(seconds(8));
  EXPECT_EQ(viewer->told, "connected disconnected closed ");
  EXPECT_TRUE(viewer->viewer.error) << "nothing waits any more";
  // 1, 2, 4 and 5 s, of two clients.
  EXPECT_LE(a.dialled, 2U + 2 * 5);
}

TEST_P(ClientTest, GoesOnForEverIfItMay) {
  start({.backoff = {.timeout = {}}});
  a.kill();
  run(minutes(10));
  EXPECT_EQ(viewer->told, "connected disconnected ");
  a.down = false;
  run(seconds(6));
  EXPECT_EQ(viewer->told, "connected disconnected connected ");
}

TEST_P(ClientTest, BackoffHasJitter) {
  start();
  viewer->chance = 0;
  const std::size_t before = a.dialled;
  a.kill();
  run(milliseconds(550));
  EXPECT_EQ(a.dialled, before + 1) << "half of the delay at the least, the publisher's is longer";
}

TEST_P(ClientTest, RefusedCredentialsAreTheEnd) {
  start();
  a.forbids = true;
  for (const auto& session : a.sessions) session->close(SessionError::internal, "gone");
  run(seconds(5));
  EXPECT_TRUE(viewer->told.ends_with(" closed ")) << viewer->told;
  EXPECT_LE(a.accepted, 4U);
}

TEST_P(ClientTest, WithoutReconnectALossIsTheEnd) {
  start({.reconnect = false});
  a.kill();
  run();
  EXPECT_EQ(viewer->told, "connected closed ");
}

TEST_P(ClientTest, MayBeDestroyedInAnyCall) {
  struct Suicidal final : ClientHandler {
    std::unique_ptr<Client> client;
    std::string in;
    void die(const char* call) {
      if (in == call) client.reset();
    }
    void on_connected(Session&) override { die("connected"); }
    void on_goaway(const Url&) override { die("goaway"); }
    void on_handed_over() override { die("handed over"); }
    void on_disconnected(const Error&) override { die("disconnected"); }
    void on_closed(const Error&) override { die("closed"); }
  };
  std::vector<const char*> calls{"connected", "disconnected", "closed"};
  if (moq::testing::traits_of(GetParam()).has_goaway) {
    calls.insert(calls.end(), {"goaway", "handed over"});
  }
  for (const char* call : calls) {
    moq::testing::Node node(loop, 0);
    Suicidal handler;
    handler.in = call;
    a.down = false;
    handler.client = std::make_unique<Client>(
        loop, network, Url::parse(kUrlA).value(),
        ClientOptions{.subscribe = &node.origin, .cache = &node.cache}, handler);
    run(seconds(2));
    a.drain();
    run(seconds(2));
    a.kill();
    run(minutes(1));
    EXPECT_EQ(handler.client, nullptr) << call;
    handler.client.reset();
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, ClientTest, ::testing::ValuesIn(moq::testing::kVersions),
                         moq::testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(
    Versions, Handover,
    ::testing::ValuesIn(moq::testing::versions_with(&lite::VersionInfo::has_goaway)),
    moq::testing::kVersionName);

}  // namespace
}  // namespace moq::native
