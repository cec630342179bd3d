// What is known to go wrong with GOAWAY and drains (traps that other implementations
// fell into), as far as one session can show it.

#include <gtest/gtest.h>

#include "net/ietf/error.h"
#include "net/lite/error.h"
#include "net/session/testing/raw_peer.h"

namespace moq {
namespace {

using lite::BidiType;
using lite::StreamError;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Buffer;
using testing::connect;
using testing::Node;
using testing::RawLink;
using testing::RawPeer;
using testing::RawStream;
using testing::run_for;
using testing::run_until;
using testing::Source;
using testing::Viewer;

constexpr SubscribeOptions kLive{.max_latency = seconds(10)};

/// Counts what is announced.
struct Announced final : AnnounceReader {
  void on_announcements(const std::vector<Announcement>& changes) override {
    for (const Announcement& change : changes) {
      (change.broadcast == nullptr ? ends : actives).push_back(change.path.text());
    }
  }
  std::vector<std::string> actives;
  std::vector<std::string> ends;
};

class GoawayTraps : public ::testing::TestWithParam<const char*> {
 protected:
  void start_raw() {
    link.emplace(loop, node, RawLink::Options{.version = GetParam()});
    peer = link->peer.get();
    peer->setup("/");
    run();
  }
  void run(Duration duration = milliseconds(100)) { run_for(loop, duration); }

  Loop loop;
  Node node{loop, 22};
  std::optional<RawLink> link;
  RawPeer* peer = nullptr;
};

/// What takes a GOAWAY on the wire.
class GoawayOnTheWire : public GoawayTraps {};
/// With a stream for SETUP as well.
class GoawaySetup : public GoawayTraps {};

/// The same of versions of either family, between sessions.
class GoawayBetween : public ::testing::TestWithParam<const char*> {
 protected:
  void run(Duration duration = milliseconds(100)) { run_for(loop, duration); }
  static bool is_going_away(const std::optional<Error>& error) {
    return error &&
           (error->is(lite::StreamError::going_away) || error->is(ietf::StreamError::going_away));
  }

  Loop loop;
  Node node{loop, 22};
};
/// What takes a GOAWAY on the wire, or a FETCH as well.
class GoawayIsHeard : public GoawayBetween {};
class GoawayFetch : public GoawayBetween {};
/// Where a track is not subscribed to before somebody wants it.
class GoawayFetchLite : public GoawayBetween {};

TEST_P(GoawayBetween, DeadlineOfZeroIsNoDeadline) {
  Node other(loop, 1);
  const auto connection = connect(loop, other, node, {.version = GetParam()});
  run();
  Source::must(connection->server->drain().start({}, Duration::zero()));
  run(std::chrono::hours(1));
  EXPECT_FALSE(connection->client_error);
  EXPECT_FALSE(connection->server->drain().outcome());
  connection->client.reset();
  run();
  EXPECT_EQ(connection->server->drain().outcome(), DrainOutcome::peer_left);
}

TEST_P(GoawayOnTheWire, NoResetRacesTheFinOfAGoaway) {
  start_raw();
  Source::must(link->session->drain().start("moqt://elsewhere"));
  run(seconds(10));
  const auto streams = peer->incoming(BidiType::goaway);
  ASSERT_EQ(streams.size(), 1U);
  EXPECT_EQ(streams[0]->next<lite::Goaway>(peer->version())->uri, "moqt://elsewhere");
  EXPECT_TRUE(streams[0]->ended);
  EXPECT_FALSE(streams[0]->was_reset);
  EXPECT_FALSE(link->error());
}

TEST_P(GoawayOnTheWire, RefusedGoawayStreamEndsNothing) {
  start_raw();
  Source::must(link->session->drain().start({}, seconds(5)));
  run();
  peer->incoming(BidiType::goaway).at(0)->stop(1).reset(1);
  run();
  EXPECT_FALSE(link->error());
  // The deadline holds whatever became of the message.
  run(seconds(6));
  EXPECT_TRUE(link->closed_with(SessionError::goaway_timeout));
}

TEST_P(GoawayTraps, DeadlineHoldsForAPeerThatOnlyAnswers) {
  start_raw();
  Source source(node, "live");
  RawStream& request = peer->request(
      BidiType::subscribe,
      lite::Subscribe{.broadcast = "live", .track = "video", .max_latency = seconds(1)});
  Source::must(link->session->drain().start({}, seconds(2)));
  for (std::uint64_t i = 0; i < 19; ++i) {
    source.group(i, {"x"});
    if (peer->traits().has_subscribe_options) {
      request.send(peer->body(lite::SubscribeUpdate{.priority = static_cast<std::uint8_t>(i),
                                                    .max_latency = seconds(1)}));
    }
    run();
  }
  EXPECT_FALSE(link->error());
  run(milliseconds(300));
  EXPECT_TRUE(link->closed_with(SessionError::goaway_timeout));
}

TEST_P(GoawayTraps, DrainingSideServesNewRequests) {
  start_raw();
  Source source(node, "live");
  source.group(0, {"zero"});
  Source::must(link->session->drain().start());
  run();
  RawStream& request = peer->request(
      BidiType::subscribe,
      lite::Subscribe{.broadcast = "live", .track = "video", .max_latency = seconds(1)});
  run();
  EXPECT_FALSE(request.was_reset);
  EXPECT_EQ(peer->incoming(lite::UniType::group).size(), 1U);
}

TEST_P(GoawayOnTheWire, NothingIsAskedOfAPeerThatIsGoing) {
  start_raw();
  Source source(node, "live");
  auto* announcements = peer->incoming(BidiType::announce).at(0);
  if (peer->traits().has_announce_ok) announcements->send(peer->body(lite::AnnounceOk{5, 0}));
  announcements->send(peer->body(
      lite::AnnounceBroadcast{.status = lite::AnnounceStatus::active, .suffix = "b", .hops = {5}}));
  run();
  peer->request(BidiType::goaway, lite::Goaway{.uri = "x"}).fin();
  run();
  Viewer seen;
  const auto subscription =
      node.origin.find(Path("b"))->track("video").value()->subscribe(kLive, seen);
  link->session->probe(0, [](std::uint64_t, std::uint64_t) {});
  run();
  EXPECT_TRUE(peer->incoming(BidiType::track).empty());
  EXPECT_TRUE(peer->incoming(BidiType::subscribe).empty());
  EXPECT_TRUE(peer->incoming(BidiType::probe).empty());
  ASSERT_TRUE(seen.error);
  EXPECT_TRUE(seen.error->is(StreamError::going_away));
}

TEST_P(GoawaySetup, AnnouncementsOfAPeerThatIsGoingAreNotAskedFor) {
  link.emplace(loop, node, RawLink::Options{.version = GetParam()});
  peer = link->peer.get();
  // Before SETUP: the session has asked for nothing yet.
  peer->request(BidiType::goaway, lite::Goaway{}).fin();
  run();
  peer->setup("/");
  run(seconds(1));
  EXPECT_FALSE(link->error());
  EXPECT_TRUE(peer->incoming(BidiType::announce).empty());
}

TEST_P(GoawayFetch, NoGroupIsFetchedFromAPeerThatIsGoing) {
  Node other(loop, 1);
  Source source(other, "a");
  for (std::uint64_t i = 0; i < 3; ++i) source.group(i, {"some"}, i);
  const auto connection = connect(loop, other, node, {.version = GetParam()});
  run();
  const auto track = node.origin.find(Path("a"))->track("video").value();
  run();
  Source::must(connection->client->drain().start());
  run();
  std::optional<Error> refused;
  track->fetch(0, [&](const Result<std::shared_ptr<Group>>& got) { refused = got.error(); });
  run();
  EXPECT_TRUE(is_going_away(refused));
  EXPECT_FALSE(connection->server_error);
}

TEST_P(GoawayFetchLite, RefusedSubscriptionLeavesAFetchOfTheSameTrackRunning) {
  Node other(loop, 1);
  Source source(other, "a", {.max_latency = seconds(60)});
  source.group(0, {std::string(100'000, 'x')});
  source.group(1, {"one"}, 1);
  const auto connection =
      connect(loop, other, node, {.version = GetParam(), .link = {.bitrate = 1'000'000}});
  run();
  const auto track = node.origin.find(Path("a"))->track("video").value();
  run();
  std::shared_ptr<Group> got;
  track->fetch(0, [&](Result<std::shared_ptr<Group>> group) { got = group.value(); });
  run();
  Source::must(connection->client->drain().start());
  run();
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run(seconds(2));
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->complete());
  EXPECT_TRUE(is_going_away(seen.error));
}

TEST_P(GoawayBetween, GroupInFlightIsWholeAfterItsRouteHasLost) {
  Node publisher(loop, 1);
  Source source(publisher, "a");
  const auto old_way = connect(loop, publisher, node, {.version = GetParam()});
  run();
  Viewer seen;
  const auto subscription =
      node.origin.find(Path("a"))->track("video").value()->subscribe(kLive, seen);
  run();
  const auto group = source.begin(0);
  Source::append(*group, 0, "half");
  run();
  Source::must(old_way->client->drain().start());
  const auto new_way = connect(loop, publisher, node, {.version = GetParam()});
  run();
  Source::append(*group, 1, "whole");
  Source::finish(*group);
  source.group(1, {"next"}, 2);
  run();
  EXPECT_EQ(seen.text(0), "half whole");
  EXPECT_EQ(seen.text(1), "next");
  EXPECT_FALSE(seen.error);
}

TEST_P(GoawayIsHeard, RouteLosesByTheGoawayAloneAndInATieTheOrderStands) {
  Node first(loop, 1);
  Node second(loop, 3);
  Source one(first, "a");
  Source two(second, "a");
  const auto by_first = connect(loop, first, node, {.version = GetParam()});
  const auto by_second = connect(loop, second, node, {.version = GetParam()});
  run();
  const auto best = node.origin.find(Path("a"));
  Viewer seen;
  auto subscription = best->track("video").value()->subscribe(kLive, seen);
  run();
  const bool first_is_best = one.track->combined().has_value();
  subscription.reset();
  run();
  // The peer says nothing more: there is no further announcement to react to.
  Source::must((first_is_best ? by_first : by_second)->client->drain().start());
  run();
  EXPECT_NE(node.origin.find(Path("a")), best);
  Source::must((first_is_best ? by_second : by_first)->client->drain().start());
  run();
  EXPECT_EQ(node.origin.find(Path("a")), best) << "both are going: as it was before";
}

TEST_P(GoawayIsHeard, GoawayGoesBeforeTheMediaThatWait) {
  // A packet takes 10 ms of this link, and what waits takes 8 s.
  Node other(loop, 1);
  Source source(node, "a", {.max_latency = seconds(60)});
  const auto connection =
      connect(loop, other, node, {.version = GetParam(), .link = {.bitrate = 1'000'000}});
  run(seconds(1));
  Viewer seen;
  const auto subscription =
      other.origin.find(Path("a"))->track("video").value()->subscribe(kLive, seen);
  run(seconds(1));
  source.group(0, {std::string(1'000'000, 'x')});
  run(seconds(1));
  bool told = false;
  connection->client->draining([&](const std::string&) { told = true; });
  Source::must(connection->server->drain().start("moqt://elsewhere"));
  run(milliseconds(25));
  EXPECT_TRUE(told);
  EXPECT_FALSE(seen.groups.at(0)->complete());
  run(seconds(10));
  EXPECT_TRUE(seen.groups.at(0)->complete());
}

TEST_P(GoawaySetup, EndOfASetupStreamEndsNothingMidDrain) {
  start_raw();
  RawStream& theirs = peer->open_uni();
  Source::must(link->session->drain().start());
  run();
  peer->incoming(lite::UniType::setup).at(0)->stop(1);
  theirs.reset(1);
  run(seconds(20));
  EXPECT_FALSE(link->error());
  EXPECT_EQ(peer->incoming(BidiType::goaway).size(), 1U);
}

TEST_P(GoawayBetween, BothSidesMayDrainAtOnce) {
  Node other(loop, 1);
  const auto connection = connect(loop, other, node, {.version = GetParam()});
  run();
  int told = 0;
  connection->client->draining([&](const std::string&) { ++told; });
  connection->server->draining([&](const std::string&) { ++told; });
  Source::must(connection->client->drain().start({}, seconds(5)));
  Source::must(connection->server->drain().start({}, seconds(5)));
  run();
  EXPECT_EQ(told, testing::has_goaway(GetParam()) ? 2 : 0);
  EXPECT_FALSE(connection->client_error);
  run(seconds(6));
  EXPECT_TRUE(connection->client_error);
  EXPECT_TRUE(connection->server_error);
}

TEST_P(GoawayIsHeard, DrainBeforeTheFirstTurnIsHeard) {
  Node other(loop, 1);
  const auto connection = connect(loop, other, node, {.version = GetParam()});
  std::string uri;
  connection->client->draining([&](const std::string& u) { uri = u; });
  Source::must(connection->server->drain().start("moqt://b"));
  run();
  EXPECT_EQ(uri, "moqt://b");
  EXPECT_FALSE(connection->client_error);
}

/// A relay between a publisher with two sessions to it and a viewer.
TEST_P(GoawayBetween, DrainingRouteStaysAnnouncedAndLosesToAnyOther) {
  Node publisher(loop, 1);
  Node viewer(loop, 3);
  auto old_way = connect(loop, publisher, node, {.version = GetParam()});
  const auto down = connect(loop, viewer, node, {.version = GetParam()});
  Source source(publisher, "a");
  source.group(0, {"zero"});
  run(seconds(1));
  Announced below;
  const auto watch = viewer.origin.watch({}, below);
  Viewer seen;
  const auto subscription =
      viewer.origin.find(Path("a"))->track("video").value()->subscribe(kLive, seen);
  run(seconds(1));
  // The only route: it stays, and serves.
  Source::must(old_way->client->drain().start());
  run(seconds(1));
  source.group(1, {"one"});
  run(seconds(1));
  EXPECT_NE(node.origin.find(Path("a")), nullptr);
  EXPECT_EQ(seen.text(1), "one");
  EXPECT_EQ(below.actives.size(), 1U) << "the peer's silence behind GOAWAY is no news below";
  EXPECT_TRUE(below.ends.empty());
  // Another wins at once, though the old one was there first.
  const auto before = node.origin.find(Path("a"));
  const auto new_way = connect(loop, publisher, node, {.version = GetParam()});
  run(seconds(1));
  EXPECT_NE(node.origin.find(Path("a")), before);
  old_way.reset();
  run(seconds(1));
  EXPECT_NE(node.origin.find(Path("a")), nullptr);
  EXPECT_TRUE(below.ends.empty());
}

TEST_P(GoawayIsHeard, WhatIsAnnouncedBehindAGoawayIsDraining) {
  Node first(loop, 1);
  Node second(loop, 3);
  const auto going = connect(loop, first, node, {.version = GetParam()});
  const auto staying = connect(loop, second, node, {.version = GetParam()});
  run();
  Source::must(going->client->drain().start());
  run(seconds(1));
  Source stay(second, "a");
  run(seconds(1));
  const auto best = node.origin.find(Path("a"));
  Source late(first, "a");
  run(seconds(1));
  EXPECT_EQ(node.origin.find(Path("a")), best);
}

TEST_P(GoawayBetween, VanishedPeerIsProbedWhileDraining) {
  Node other(loop, 1);
  const auto connection = connect(loop, other, node, {.version = GetParam()});
  run();
  EXPECT_FALSE(connection->server_transport->probed());
  Source::must(connection->server->drain().start());
  EXPECT_TRUE(connection->server_transport->probed());
}

TEST_P(GoawayTraps, WhereThereIsNoGoawayADrainSendsNothingAndEndsAsElsewhere) {
  if (testing::traits_of(GetParam()).has_goaway) return;
  start_raw();
  const std::size_t streams = peer->streams().size();
  const std::size_t bytes = link->transport->path_stats().bytes_sent;
  std::optional<DrainOutcome> outcome;
  link->session->drain().complete([&](DrainOutcome o) { outcome = o; });
  Source::must(link->session->drain().start("moqt://elsewhere", seconds(30)));
  run(seconds(29));
  EXPECT_EQ(peer->streams().size(), streams);
  EXPECT_EQ(link->transport->path_stats().bytes_sent, bytes);
  EXPECT_FALSE(outcome);
  peer->transport().close(0, "");
  run();
  EXPECT_EQ(outcome, DrainOutcome::peer_left);
}

TEST_P(GoawayTraps, WhereThereIsNoGoawayTheDeadlineHolds) {
  if (testing::traits_of(GetParam()).has_goaway) return;
  start_raw();
  Source::must(link->session->drain().start({}, seconds(30)));
  run(seconds(31));
  EXPECT_EQ(link->session->drain().outcome(), DrainOutcome::deadline);
  EXPECT_TRUE(link->closed_with(SessionError::goaway_timeout));
}

std::vector<const char*> with_drafts(std::vector<const char*> versions) {
  versions.insert(versions.end(), {"moq-transport-14", "moq-transport-18"});
  return versions;
}

INSTANTIATE_TEST_SUITE_P(
    Versions, GoawayOnTheWire,
    ::testing::ValuesIn(testing::versions_with(&lite::VersionInfo::has_goaway)),
    testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(
    Versions, GoawaySetup,
    ::testing::ValuesIn(testing::versions_with(&lite::VersionInfo::has_setup_stream)),
    testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Versions, GoawayTraps, ::testing::ValuesIn(testing::kVersions),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(
    Versions, GoawayIsHeard,
    ::testing::ValuesIn(with_drafts(testing::versions_with(&lite::VersionInfo::has_goaway))),
    testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(
    Versions, GoawayFetch,
    ::testing::ValuesIn(with_drafts(testing::versions_with(&lite::VersionInfo::has_fetch))),
    testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Versions, GoawayFetchLite,
                         ::testing::ValuesIn(testing::versions_with(&lite::VersionInfo::has_fetch)),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Versions, GoawayBetween, ::testing::ValuesIn(testing::kAllVersions),
                         testing::kVersionName);

}  // namespace
}  // namespace moq
