// A session whose peer has sent GOAWAY leaves when nothing of media runs any more, or
// tells its owner.

#include <gtest/gtest.h>

#include "net/ietf/error.h"
#include "net/lite/error.h"
#include "net/session/testing/raw_peer.h"

namespace moq {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::connect;
using testing::Connection;
using testing::ConnectOptions;
using testing::Node;
using testing::RawLink;
using testing::run_for;
using testing::Source;
using testing::Viewer;

constexpr SubscribeOptions kLive{.max_latency = seconds(60)};
/// A few round trips.
constexpr Duration kAtOnce = milliseconds(10);

/// In every version: where there is no GOAWAY, the transport says it.
class Leaving : public ::testing::TestWithParam<const char*> {
 protected:
  void link(ConnectOptions options = {}) {
    options.version = GetParam();
    options.on_goaway = on_goaway;
    options.link.carries_going_away = true;
    connection = connect(loop, client, server, std::move(options));
    run();
  }
  void run(Duration duration = milliseconds(100)) { run_for(loop, duration); }
  std::shared_ptr<Track> track_at(Node& node, const std::string& path = "a") const {
    return node.origin.find(Path(path))->track("video").value();
  }
  [[nodiscard]] bool client_left() const {
    return connection->client_error && connection->client_error->is(SessionError::no_error) &&
           !connection->client_closed_by_peer;
  }
  [[nodiscard]] std::optional<DrainOutcome> outcome() const {
    return connection->server->drain().outcome();
  }
  void drain() const { Source::must(connection->server->drain().start("moqt://b")); }

  OnGoaway on_goaway = OnGoaway::leave_when_idle;
  Loop loop;
  Node client{loop, 1};
  Node server{loop, 2};
  std::unique_ptr<Connection> connection;
};

/// What takes a FETCH.
class LeavingFetch : public Leaving {};
/// Of moq-lite only.
class LeavingLite : public Leaving {};

TEST_P(Leaving, IdleSessionLeavesAtOnceThoughThereIsNoDeadline) {
  // What is announced keeps nobody.
  Source theirs(server, "a");
  Source ours(client, "b");
  link();
  drain();
  run(kAtOnce);
  EXPECT_TRUE(client_left());
  EXPECT_EQ(outcome(), DrainOutcome::peer_left);
}

TEST_P(Leaving, ServersLeaveAsClientsDo) {
  link();
  Source::must(connection->client->drain().start());
  run(kAtOnce);
  EXPECT_TRUE(connection->server_error);
  EXPECT_EQ(connection->client->drain().outcome(), DrainOutcome::peer_left);
}

TEST_P(Leaving, SubscriptionOfOursKeepsIt) {
  Source source(server, "a");
  link();
  Viewer seen;
  auto subscription = track_at(client)->subscribe(kLive, seen);
  run();
  drain();
  run(hours(1));
  source.group(0, {"still", "served"});
  run();
  EXPECT_EQ(seen.text(0), "still served");
  EXPECT_FALSE(connection->client_error);
  EXPECT_FALSE(connection->client->idle());
  subscription.reset();
  run(kAtOnce);
  EXPECT_TRUE(client_left());
  EXPECT_EQ(outcome(), DrainOutcome::peer_left);
}

TEST_P(Leaving, SubscriptionOfThePeerKeepsIt) {
  Source source(client, "a");
  link();
  Viewer seen;
  auto subscription = track_at(server)->subscribe(kLive, seen);
  run();
  drain();
  run(hours(1));
  source.group(0, {"still", "served"});
  run();
  EXPECT_EQ(seen.text(0), "still served");
  EXPECT_FALSE(connection->client_error);
  subscription.reset();
  run(kAtOnce);
  EXPECT_TRUE(client_left());
  EXPECT_EQ(outcome(), DrainOutcome::peer_left);
}

TEST_P(Leaving, PeerMayStillSubscribe) {
  // As one may whose viewers come before their relay has gone.
  Source source(client, "a");
  Source other(client, "b");
  link();
  Viewer seen;
  auto subscription = track_at(server)->subscribe(kLive, seen);
  run();
  drain();
  run();
  Viewer late;
  const auto more = track_at(server, "b")->subscribe(kLive, late);
  run();
  other.group(0, {"late"});
  run();
  EXPECT_EQ(late.text(0), "late");
  subscription.reset();
  run(seconds(1));
  EXPECT_FALSE(connection->client_error);
}

TEST_P(Leaving, NoGroupOnItsWayIsCut) {
  for (const bool upwards : {false, true}) {
    SCOPED_TRACE(upwards);
    Node& from = upwards ? client : server;
    Node& to = upwards ? server : client;
    Source source(from, "a", {.max_latency = seconds(60)});
    link({.link = {.bitrate = 1'000'000}});
    Viewer seen;
    const auto subscription =
        track_at(to)->subscribe({.ordered = true, .max_latency = seconds(60), .start = 0}, seen);
    run();
    // Two seconds of the link, and the track's end right behind.
    for (std::uint64_t i = 0; i < 5; ++i) source.group(i, {std::string(50'000, 'x')}, i);
    source.track->finish(5);
    drain();
    run(seconds(1));
    EXPECT_FALSE(connection->client_error);
    run(seconds(2));
    EXPECT_TRUE(client_left());
    EXPECT_EQ(outcome(), DrainOutcome::peer_left);
    ASSERT_EQ(seen.groups.size(), 5U);
    for (const auto& [sequence, group] : seen.groups) EXPECT_TRUE(group->complete()) << sequence;
  }
}

TEST_P(Leaving, EndOfATrackIsTold) {
  for (const bool upwards : {false, true}) {
    SCOPED_TRACE(upwards);
    Node& from = upwards ? client : server;
    Node& to = upwards ? server : client;
    Source source(from, "a", {.max_latency = seconds(60)});
    link({.link = {.bitrate = 1'000'000}});
    Viewer seen;
    const auto subscription = track_at(to)->subscribe(kLive, seen);
    run();
    source.group(0, {std::string(50'000, 'x')});
    source.track->finish(1);
    drain();
    run(seconds(1));
    EXPECT_TRUE(client_left());
    EXPECT_EQ(seen.end, 1U);
  }
}

TEST_P(Leaving, IsNotIdleBeforeTheEndOfATrackIsTold) {
  Source source(client, "a", {.max_latency = seconds(60)});
  on_goaway = OnGoaway::stay;
  link({.link = {.delay = milliseconds(50)}});
  run(seconds(1));
  Viewer seen;
  const auto subscription = track_at(server)->subscribe(kLive, seen);
  run(seconds(1));
  source.group(0, {"zero"});
  source.track->finish(1);
  EXPECT_FALSE(connection->client->idle());
  for (int i = 0; i < 400 && !connection->client->idle(); ++i) run(milliseconds(5));
  EXPECT_TRUE(connection->client->idle());
  EXPECT_EQ(seen.end, 1U);
}

TEST_P(LeavingFetch, FetchKeepsIt) {
  Source source(server, "a", {.max_latency = seconds(60)});
  // Longer than a subscription lingers that nobody wants.
  source.group(0, {std::string(400'000, 'x')});
  source.group(1, {"one"}, 1);
  link({.link = {.bitrate = 1'000'000}});
  const auto track = track_at(client);
  run();
  std::shared_ptr<Group> got;
  track->fetch(0, [&](Result<std::shared_ptr<Group>> group) { got = group.value(); });
  run(milliseconds(50));
  drain();
  run(seconds(3));
  EXPECT_FALSE(connection->client_error);
  run(seconds(1));
  EXPECT_TRUE(client_left());
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->complete());
}

TEST_P(Leaving, WhatIsMeasuredDoesNotKeepIt) {
  link();
  connection->client->probe(0, [](std::uint64_t, std::uint64_t) {});
  connection->server->probe(0, [](std::uint64_t, std::uint64_t) {});
  run();
  drain();
  run(kAtOnce);
  EXPECT_TRUE(client_left());
}

TEST_P(Leaving, NobodyLeavesWithoutAGoaway) {
  Source source(server, "a");
  link();
  Viewer seen;
  auto subscription = track_at(client)->subscribe(kLive, seen);
  run();
  subscription.reset();
  run(hours(1));
  EXPECT_TRUE(connection->client->idle());
  EXPECT_FALSE(connection->client_error);
}

TEST_P(Leaving, ItsOwnerMayDecide) {
  on_goaway = OnGoaway::stay;
  Source source(server, "a");
  link();
  int told = 0;
  connection->client->idle([&] { ++told; });
  EXPECT_TRUE(connection->client->idle());
  run(seconds(1));
  EXPECT_EQ(told, 0) << "the peer is not going";
  Viewer seen;
  auto subscription = track_at(client)->subscribe(kLive, seen);
  run();
  drain();
  run();
  EXPECT_EQ(told, 0);
  EXPECT_FALSE(connection->client->idle());
  subscription.reset();
  run();
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(connection->client->idle());
  run(hours(1));
  EXPECT_FALSE(connection->client_error);
  EXPECT_EQ(told, 1);
  // One who asks late hears at once.
  int late = 0;
  connection->client->idle([&] { ++late; });
  EXPECT_EQ(late, 1);
}

TEST_P(Leaving, TellsInOrder) {
  std::vector<std::string> told;
  link();
  connection->client->draining([&](const std::string&) { told.emplace_back("draining"); });
  connection->client->idle([&] { told.emplace_back("idle"); });
  connection->client->closed([&](const Error&, bool) { told.emplace_back("closed"); });
  drain();
  run();
  EXPECT_EQ(told, (std::vector<std::string>{"draining", "idle", "closed"}));
}

TEST_P(Leaving, MayEndWhenItIsToldToBeIdle) {
  link();
  connection->client->idle([&] { connection->client.reset(); });
  drain();
  run();
  EXPECT_EQ(connection->client, nullptr);
  EXPECT_EQ(outcome(), DrainOutcome::peer_left);
}

// --- Where the transport says it

TEST_P(Leaving, GoingAwayOfTheTransportStandsForAMissingGoaway) {
  on_goaway = OnGoaway::stay;
  Source source(server, "a");
  link();
  std::vector<std::string> told;
  connection->client->draining([&](const std::string& uri) { told.push_back(uri); });
  Viewer seen;
  const auto broadcast = client.origin.find(Path("a"));
  const auto subscription = broadcast->track("video").value()->subscribe(kLive, seen);
  run();
  drain();
  // A transport may say it more than once: it is no second GOAWAY.
  connection->server_transport->going_away();
  run(seconds(1));
  EXPECT_EQ(told, std::vector<std::string>{testing::has_goaway(GetParam()) ? "moqt://b" : ""});
  EXPECT_FALSE(connection->client_error);
  Viewer late;
  const auto refused = broadcast->track("audio").value()->subscribe(kLive, late);
  run();
  ASSERT_TRUE(late.error);
  EXPECT_TRUE(late.error->is(lite::StreamError::going_away) ||
              late.error->is(ietf::StreamError::going_away));
  source.group(0, {"zero"});
  run();
  EXPECT_EQ(seen.text(0), "zero");
}

// --- What the peer has begun

TEST_P(LeavingLite, StreamThatHasYetToSayWhatItIsKeepsIt) {
  RawLink raw(loop, server,
              {.version = GetParam(),
               .link = {.carries_going_away = true},
               .on_goaway = OnGoaway::leave_when_idle});
  raw.peer->setup("/");
  run();
  raw.peer->open_bidi({0x40});
  run();
  raw.peer->transport().going_away();
  if (raw.peer->traits().has_goaway) {
    raw.peer->request(lite::BidiType::goaway, lite::Goaway{}).fin();
  }
  run(seconds(9));
  EXPECT_FALSE(raw.error());
  run(seconds(2));
  EXPECT_TRUE(raw.closed_with(SessionError::no_error));
}

std::vector<const char*> versions_with_fetch() {
  auto all = testing::versions_with(&lite::VersionInfo::has_fetch);
  all.insert(all.end(), {"moq-transport-14", "moq-transport-18"});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Versions, LeavingFetch, ::testing::ValuesIn(versions_with_fetch()),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Versions, LeavingLite, ::testing::ValuesIn(testing::kVersions),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Versions, Leaving, ::testing::ValuesIn(testing::kAllVersions),
                         testing::kVersionName);

}  // namespace
}  // namespace moq
