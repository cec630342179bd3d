#include "net/session/session.h"

#include <gtest/gtest.h>

#include "net/lite/error.h"
#include "net/session/testing/cluster.h"

namespace moq {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::connect;
using testing::Connection;
using testing::Node;
using testing::run_for;
using testing::run_until;
using testing::Source;
using testing::Viewer;

constexpr SubscribeOptions kLive{.max_latency = seconds(10)};

/// A publisher and a viewer, each with a session to one relay; every combination
/// of versions.
class Relayed : public ::testing::TestWithParam<std::pair<const char*, const char*>> {
 protected:
  void start() {
    publisher_session = connect(loop, publisher, relay, {.version = GetParam().first});
    viewer_session = connect(loop, viewer, relay, {.version = GetParam().second});
  }
  /// The viewer's view of `path`, once it is announced there.
  std::shared_ptr<Track> find(const std::string& path, const std::string& name = "video") {
    EXPECT_TRUE(run_until(loop, loop.now() + seconds(5),
                          [&] { return viewer.origin.find(Path(path)) != nullptr; }))
        << path << " was not announced";
    const auto broadcast = viewer.origin.find(Path(path));
    return broadcast == nullptr ? nullptr : broadcast->track(name).value();
  }

  /// Whether both ways carry what has come with SUBSCRIBE's options.
  [[nodiscard]] static bool options_carried() {
    return testing::traits_of(GetParam().first).has_subscribe_options &&
           testing::traits_of(GetParam().second).has_subscribe_options;
  }

  Loop loop;
  Node publisher{loop, 11};
  Node relay{loop, 22};
  Node viewer{loop, 33};
  std::unique_ptr<Connection> publisher_session;
  std::unique_ptr<Connection> viewer_session;
};

TEST_P(Relayed, GroupsArriveWholeFromTheLatestOn) {
  start();
  Source source(publisher, "room/a", {.priority = 3, .timescale = 90000});
  source.group(1, {"old"});
  source.group(2, {"key", "delta"}, 9000);
  const auto track = find("room/a");
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  EXPECT_EQ(seen.text(1), "-");
  EXPECT_EQ(seen.text(2), "key delta");
  source.group(3, {"next"});
  run_for(loop, seconds(1));
  EXPECT_EQ(seen.text(3), "next");
}

// A viewer who is slow to move to another relay needs what the publisher would have kept.
TEST_P(Relayed, WhatAVersionDoesNotSayOfATracksLatencyIsNoLimit) {
  start();
  Source source(publisher, "a", {.max_latency = seconds(20)});
  source.group(0, {"zero"});
  const auto track = find("a");
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  ASSERT_TRUE(track->info());
  const auto& [first, second] = GetParam();
  if (testing::traits_of(first).has_track_stream && testing::traits_of(second).has_track_stream) {
    EXPECT_EQ(track->info()->max_latency, seconds(20));
  } else {
    EXPECT_GE(track->info()->max_latency, Duration::max() - milliseconds(1));
  }
}

TEST_P(Relayed, FramesArriveBeforeTheirGroupEnds) {
  start();
  Source source(publisher, "a");
  const auto group = source.begin(7);
  Source::append(*group, 0, "one");
  const auto track = find("a");
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  EXPECT_EQ(seen.text(7), "one+");
  Source::append(*group, 1, "two");
  run_for(loop, milliseconds(50));
  EXPECT_EQ(seen.text(7), "one two+");
  Source::finish(*group);
  run_for(loop, milliseconds(50));
  EXPECT_EQ(seen.text(7), "one two");
}

TEST_P(Relayed, LargeFrameArrivesInPartsBeforeItIsWhole) {
  start();
  Source source(publisher, "a");
  const auto group = source.begin(0);
  Source::must(group->only().append_object({.id = 0, .size = 100000}));
  Source::must(group->only().append_payload(Bytes::copy_of(std::string(40000, 'x'))));
  const auto track = find("a");
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  ASSERT_TRUE(seen.groups.contains(0));
  EXPECT_EQ(seen.groups[0]->only().objects().front().received, 40000U);
  Source::must(group->only().append_payload(Bytes::copy_of(std::string(60000, 'y'))));
  Source::finish(*group);
  run_for(loop, seconds(1));
  EXPECT_TRUE(seen.groups[0]->complete());
  EXPECT_EQ(seen.groups[0]->only().objects().front().flatten().text(),
            std::string(40000, 'x') + std::string(60000, 'y'));
}

TEST_P(Relayed, ManyViewersCostOneUpstreamSubscription) {
  start();
  Source source(publisher, "a");
  source.group(0, {"zero"});
  Node second(loop, 44);
  const auto other = connect(loop, second, relay, {.version = GetParam().second});
  const auto track = find("a");
  ASSERT_TRUE(run_until(loop, loop.now() + seconds(5),
                        [&] { return second.origin.find(Path("a")) != nullptr; }));
  Viewer first_seen;
  Viewer second_seen;
  const auto first = track->subscribe(kLive, first_seen);
  const auto again = second.origin.find(Path("a"))->track("video").value()->subscribe(
      {.priority = 9, .max_latency = seconds(1)}, second_seen);
  run_for(loop, seconds(1));
  source.group(1, {"one"});
  run_for(loop, seconds(1));
  EXPECT_EQ(first_seen.text(1), "one");
  EXPECT_EQ(second_seen.text(1), "one");
  // The publisher sees one subscription, with the combined options.
  const auto combined = source.track->combined();
  ASSERT_TRUE(combined);
  if (options_carried()) {
    EXPECT_EQ(combined->priority, 9);
    EXPECT_EQ(combined->max_latency, seconds(10));
  } else {
    EXPECT_GT(combined->max_latency, std::chrono::hours(1)) << "what is not said is no limit";
  }
}

TEST_P(Relayed, DemandEndsWithTheLastViewer) {
  start();
  Source source(publisher, "a");
  source.group(0, {"zero"});
  const auto track = find("a");
  Viewer seen;
  auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  ASSERT_TRUE(source.track->combined());
  subscription.reset();
  run_for(loop, seconds(1));
  EXPECT_FALSE(source.track->combined());
  // And it can come back.
  source.group(1, {"one"});
  Viewer again;
  subscription = track->subscribe(kLive, again);
  run_for(loop, seconds(1));
  EXPECT_EQ(again.text(0), "-");
  EXPECT_EQ(again.text(1), "one");
}

TEST_P(Relayed, EndOfTrackAndOfBroadcastReachTheViewerInOrder) {
  start();
  auto source = std::make_unique<Source>(publisher, "a");
  source->group(0, {"zero"});
  const auto track = find("a");
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  // The last group and the withdrawal in one go: the withdrawal overtakes nothing.
  source->group(1, {"last"});
  source->track->finish(2);
  source->publication.reset();
  run_for(loop, seconds(1));
  EXPECT_EQ(seen.text(1), "last");
  EXPECT_EQ(seen.end, 2U);
  EXPECT_EQ(viewer.origin.find(Path("a")), nullptr);
}

TEST_P(Relayed, UnknownTrackIsRefusedPromptly) {
  start();
  Source source(publisher, "a");
  const auto track = find("a", "no-such-track");
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, milliseconds(100));
  EXPECT_TRUE(seen.error);
  EXPECT_FALSE(viewer_session->client_error);
  EXPECT_FALSE(publisher_session->client_error);
}

TEST_P(Relayed, PublisherThatVanishesTakesItsBroadcastsAlong) {
  start();
  Source source(publisher, "a");
  source.group(0, {"zero"});
  const auto track = find("a");
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  publisher_session->client.reset();
  run_for(loop, seconds(1));
  EXPECT_EQ(viewer.origin.find(Path("a")), nullptr);
  EXPECT_TRUE(seen.error);
}

TEST_P(Relayed, UpdateChangesWhatThePublisherSees) {
  start();
  Source source(publisher, "a");
  source.group(0, {"zero"});
  const auto track = find("a");
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  subscription->update({.priority = 200, .ordered = true, .max_latency = seconds(3)});
  run_for(loop, seconds(1));
  const auto combined = source.track->combined();
  ASSERT_TRUE(combined);
  EXPECT_EQ(combined->priority, options_carried() ? 200 : 0);
  EXPECT_EQ(combined->ordered, options_carried());
  if (options_carried()) {
    EXPECT_EQ(combined->max_latency, seconds(3));
  }
  source.group(1, {"one"});
  run_for(loop, seconds(1));
  EXPECT_EQ(seen.text(1), "one");
}

TEST_P(Relayed, NothingIsLeftBehind) {
  start();
  {
    Source source(publisher, "a");
    source.group(0, {"zero"});
    const auto track = find("a");
    Viewer seen;
    const auto subscription = track->subscribe(kLive, seen);
    run_for(loop, seconds(1));
  }
  run_for(loop, seconds(2));
  EXPECT_EQ(relay.origin.size(), 0U);
  EXPECT_EQ(relay.budget->used.load(), 0U);
  // What stays: an announce stream each way, and that of SETUP.
  const auto streams = [](const char* version) {
    return testing::traits_of(version).has_session_stream ? 3U : 2U;
  };
  EXPECT_EQ(publisher_session->server->active(), streams(GetParam().first));
  EXPECT_EQ(viewer_session->server->active(), streams(GetParam().second));
}

/// Of publisher and viewer.
std::vector<std::pair<const char*, const char*>> version_pairs() {
  std::vector<std::pair<const char*, const char*>> all;
  for (const char* publisher : testing::kVersions) {
    for (const char* viewer : testing::kVersions) all.emplace_back(publisher, viewer);
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Versions, Relayed, ::testing::ValuesIn(version_pairs()),
                         [](const auto& given) {
                           std::string name = given.param.first + std::string("_to_") +
                                              std::string(given.param.second);
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

/// One client, one server.
class Direct : public ::testing::TestWithParam<const char*> {
 protected:
  std::unique_ptr<Connection> link(testing::ConnectOptions options = {}) {
    options.version = GetParam();
    return connect(loop, client, server, std::move(options));
  }

  Loop loop;
  Node client{loop, 1};
  Node server{loop, 2};
};

/// What takes the options of SUBSCRIBE, and GOAWAY.
class DirectOptions : public Direct {};
class DirectGoaway : public Direct {};

TEST_P(Direct, AnnouncementsCarryTheWholePath) {
  const auto connection = link();
  Source source(client, "a");
  run_for(loop, seconds(1));
  struct Reader : AnnounceReader {
    void on_announcements(const std::vector<Announcement>& changes) override {
      for (const auto& change : changes) hops = change.hops;
    }
    std::vector<HopId> hops;
  } reader;
  const auto watch = server.origin.watch({}, reader);
  run_for(loop, seconds(1));
  const bool named = testing::traits_of(GetParam()).hops == lite::HopForm::ids;
  EXPECT_EQ(reader.hops, std::vector<HopId>{named ? HopId{1} : HopId{0}});
}

TEST_P(Direct, RouteThroughThisRelayIsRefused) {
  // A triangle: what comes back around is not used. Where no hops are carried, nothing
  // can tell.
  if (testing::traits_of(GetParam()).hops == lite::HopForm::none) return;
  Node third(loop, 3);
  const auto a = link();
  const auto b = connect(loop, server, third, {.version = GetParam()});
  const auto c = connect(loop, third, client, {.version = GetParam()});
  Source source(client, "a");
  run_for(loop, seconds(2));
  EXPECT_EQ(client.origin.find(Path("a")), source.broadcast);
  EXPECT_NE(server.origin.find(Path("a")), nullptr);
  EXPECT_NE(third.origin.find(Path("a")), nullptr);
  source.publication.reset();
  run_for(loop, seconds(2));
  EXPECT_EQ(client.origin.find(Path("a")), nullptr);
  EXPECT_EQ(server.origin.find(Path("a")), nullptr);
  EXPECT_EQ(third.origin.find(Path("a")), nullptr);
}

TEST_P(Direct, ScopeLimitsWhatIsReadAndPublished) {
  const auto connection = link({.adjust = [](SessionOptions&, SessionOptions& options) {
    options.authorize = [](const std::string&, const Decision& decide) {
      decide(Scope{.root = Path("root"), .publish = {Path("up")}, .subscribe = {Path("down")}});
    };
  }});
  Source up(client, "up/x");
  Source elsewhere(client, "other/x");
  Source down(server, "root/down/y");
  Source hidden(server, "root/secret/y");
  Source outside(server, "down/z");
  run_for(loop, seconds(1));
  EXPECT_NE(server.origin.find(Path("root/up/x")), nullptr);
  EXPECT_EQ(server.origin.find(Path("root/other/x")), nullptr);
  EXPECT_NE(client.origin.find(Path("down/y")), nullptr);
  EXPECT_EQ(client.origin.find(Path("secret/y")), nullptr);
  EXPECT_EQ(client.origin.find(Path("down/z")), nullptr);
}

TEST_P(Direct, RefusedPathClosesWithUnauthorized) {
  const auto connection = link({.adjust = [](SessionOptions&, SessionOptions& options) {
    options.authorize = [](const std::string&, const Decision& decide) {
      decide(fail(SessionError::unauthorized, "no"));
    };
  }});
  run_for(loop, seconds(1));
  ASSERT_TRUE(connection->client_error);
  EXPECT_TRUE(connection->client_error->is(SessionError::unauthorized));
  EXPECT_TRUE(connection->client_closed_by_peer);
}

TEST_P(Direct, ProbeReportsThePath) {
  const auto connection = link({.link = {.delay = milliseconds(20), .bitrate = 5'000'000}});
  std::uint64_t bitrate = 0;
  std::uint64_t rtt = 0;
  connection->client->probe(0, [&](std::uint64_t b, std::uint64_t r) {
    bitrate = b;
    rtt = r;
  });
  run_for(loop, seconds(1));
  EXPECT_EQ(bitrate, 5'000'000U);
  EXPECT_EQ(rtt, testing::traits_of(GetParam()).has_probe_rtt ? 40U : 0U);
}

TEST_P(DirectOptions, ExpiredGroupIsResetNotSentLate) {
  const auto connection = link({.link = {.bitrate = 1'000'000}});
  Source source(server, "a");
  run_for(loop, seconds(1));
  Viewer seen;
  const auto subscription = client.origin.find(Path("a"))->track("video").value()->subscribe(
      {.max_latency = milliseconds(100)}, seen);
  run_for(loop, seconds(1));
  source.group(0, {std::string(100000, 'x')});
  run_for(loop, milliseconds(200));
  source.group(1, {std::string(1000, 'x')}, 10);
  run_for(loop, seconds(2));
  EXPECT_TRUE(seen.groups[1]->complete());
  ASSERT_TRUE(seen.groups.contains(0));
  EXPECT_EQ(seen.groups[0]->only().state(), Subgroup::State::aborted);
  EXPECT_EQ(seen.groups[0]->only().abort_code(),
            static_cast<std::uint64_t>(lite::StreamError::delivery_timeout));
}

TEST_P(Direct, DrainTellsThePeerAndEndsWhenItLeaves) {
  const auto connection = link();
  run_for(loop, seconds(1));
  std::string uri = "unset";
  connection->client->draining([&](const std::string& u) { uri = u; });
  std::optional<DrainOutcome> outcome;
  connection->server->drain().complete([&](DrainOutcome o) { outcome = o; });
  ASSERT_TRUE(connection->server->drain().start("moqt://elsewhere"));
  run_for(loop, seconds(60));
  EXPECT_EQ(uri, testing::traits_of(GetParam()).has_goaway ? "moqt://elsewhere" : "unset");
  EXPECT_FALSE(outcome) << "no deadline: it waits";
  connection->client.reset();
  run_for(loop, seconds(1));
  EXPECT_EQ(outcome, DrainOutcome::peer_left);
}

TEST_P(Direct, DrainDeadlineClosesWithGoawayTimeout) {
  const auto connection = link();
  run_for(loop, seconds(1));
  std::optional<DrainOutcome> outcome;
  connection->server->drain().complete([&](DrainOutcome o) { outcome = o; });
  ASSERT_TRUE(connection->server->drain().start({}, seconds(5)));
  run_for(loop, milliseconds(4900));
  EXPECT_FALSE(outcome);
  run_for(loop, milliseconds(200));
  EXPECT_EQ(outcome, DrainOutcome::deadline);
  ASSERT_TRUE(connection->client_error);
  EXPECT_TRUE(connection->client_error->is(SessionError::goaway_timeout));
}

TEST_P(Direct, SecondDrainFailsAndTheFirstStands) {
  const auto connection = link();
  run_for(loop, seconds(1));
  std::vector<std::string> uris;
  connection->client->draining([&](const std::string& u) { uris.push_back(u); });
  ASSERT_TRUE(connection->server->drain().start("one"));
  const auto second = connection->server->drain().start("two");
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(DrainError::already_started));
  run_for(loop, seconds(1));
  if (testing::traits_of(GetParam()).has_goaway) {
    EXPECT_EQ(uris, std::vector<std::string>{"one"});
  }
  EXPECT_FALSE(connection->client_error);
}

TEST_P(Direct, LongUriIsRefusedBeforeItIsSent) {
  const auto connection = link();
  run_for(loop, seconds(1));
  const auto started = connection->server->drain().start(std::string(8193, 'u'));
  ASSERT_FALSE(started);
  EXPECT_TRUE(started.error().is(DrainError::uri_too_long));
  EXPECT_TRUE(connection->server->drain().start(std::string(8192, 'u')));
}

TEST_P(Direct, RunningSubscriptionsGoOnDuringADrain) {
  const auto connection = link();
  Source source(server, "a");
  source.group(0, {"zero"});
  run_for(loop, seconds(1));
  Viewer seen;
  const auto broadcast = client.origin.find(Path("a"));
  const auto subscription = broadcast->track("video").value()->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  ASSERT_TRUE(connection->server->drain().start());
  run_for(loop, seconds(1));
  source.group(1, {"one"});
  run_for(loop, seconds(1));
  EXPECT_EQ(seen.text(1), "one");
  if (!testing::traits_of(GetParam()).has_goaway) return;
  // New requests fail at once.
  Viewer late;
  const auto refused = broadcast->track("audio").value()->subscribe(kLive, late);
  run_for(loop, milliseconds(10));
  ASSERT_TRUE(late.error);
  EXPECT_TRUE(late.error->is(lite::StreamError::going_away));
}

TEST_P(DirectGoaway, GoawayGoesOutWithEveryStreamCreditTaken) {
  const auto connection = link({.link = {.max_streams = 4}});
  run_for(loop, seconds(1));
  // More requests than credits: the rest wait.
  Source source(server, "a");
  run_for(loop, seconds(1));
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  std::vector<std::unique_ptr<Viewer>> viewers;
  const auto broadcast = client.origin.find(Path("a"));
  for (int i = 0; i < 20; ++i) {
    viewers.push_back(std::make_unique<Viewer>());
    subscriptions.push_back(
        broadcast->track("t" + std::to_string(i)).value()->subscribe(kLive, *viewers.back()));
  }
  bool told = false;
  connection->server->draining([&](const std::string&) { told = true; });
  ASSERT_TRUE(connection->client->drain().start());
  run_for(loop, milliseconds(50));
  EXPECT_TRUE(told);
}

INSTANTIATE_TEST_SUITE_P(
    Versions, DirectOptions,
    ::testing::ValuesIn(testing::versions_with(&lite::VersionInfo::has_subscribe_options)),
    testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(
    Versions, DirectGoaway,
    ::testing::ValuesIn(testing::versions_with(&lite::VersionInfo::has_goaway)),
    testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Versions, Direct, ::testing::ValuesIn(testing::kVersions),
                         testing::kVersionName);

TEST(Lite05, PropertiesAndTimestampsAreCarried) {
  Loop loop;
  Node publisher(loop, 1);
  Node viewer(loop, 2);
  const auto connection = connect(loop, publisher, viewer);
  Source source(publisher, "a",
                {.priority = 7, .ordered = true, .max_latency = seconds(2), .timescale = 48000});
  source.group(0, {"x", "y"}, 96000);
  run_for(loop, seconds(1));
  Viewer seen;
  const auto subscription =
      viewer.origin.find(Path("a"))->track("video").value()->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  EXPECT_EQ(seen.info, source.track->info());
  ASSERT_TRUE(seen.groups.contains(0));
  EXPECT_EQ(seen.groups[0]->only().objects().at(1).timestamp, 96001U);
}

TEST(Lite05, FetchGetsAGroupThatIsNotCached) {
  Loop loop;
  Node publisher(loop, 1);
  Node viewer(loop, 2);
  const auto connection = connect(loop, publisher, viewer);
  Source source(publisher, "a");
  source.group(4, {"four", "4"});
  source.group(5, {"five"});
  run_for(loop, seconds(1));
  const auto track = viewer.origin.find(Path("a"))->track("video").value();
  run_for(loop, seconds(1));
  std::shared_ptr<Group> got;
  track->fetch(4, [&](Result<std::shared_ptr<Group>> group) { got = group.value(); });
  run_for(loop, seconds(1));
  ASSERT_NE(got, nullptr);
  EXPECT_TRUE(got->complete());
  EXPECT_EQ(got->only().objects().size(), 2U);
  std::optional<Error> missing;
  track->fetch(3, [&](Result<std::shared_ptr<Group>> group) { missing = group.error(); });
  run_for(loop, seconds(1));
  EXPECT_TRUE(missing);
}

TEST(Lite05, DatagramsReachTheViewer) {
  Loop loop;
  Node publisher(loop, 1);
  Node viewer(loop, 2);
  const auto connection = connect(loop, publisher, viewer);
  Source source(publisher, "a");
  run_for(loop, seconds(1));
  Viewer seen;
  const auto subscription =
      viewer.origin.find(Path("a"))->track("video").value()->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  source.track->datagram({.sequence = 5, .timestamp = 77, .payload = Bytes::copy_of("now")});
  source.track->datagram({.sequence = 6, .payload = Bytes::copy_of(std::string(1300, 'x'))});
  run_for(loop, seconds(1));
  ASSERT_EQ(seen.datagrams.size(), 1U);
  EXPECT_EQ(seen.datagrams[0].sequence, 5U);
  EXPECT_EQ(seen.datagrams[0].timestamp, 77U);
  EXPECT_EQ(seen.datagrams[0].payload.text(), "now");
}

TEST(Lite05, PathInSetupDecidesTheScope) {
  Loop loop;
  Node client(loop, 1);
  Node server(loop, 2);
  std::string path;
  const auto connection =
      connect(loop, client, server, {.adjust = [&](SessionOptions& c, SessionOptions& s) {
                c.path = "/room?jwt=x";
                s.authorize = [&](const std::string& p, const Decision& decide) {
                  path = p;
                  decide(Scope{});
                };
              }});
  run_for(loop, seconds(1));
  EXPECT_EQ(path, "/room?jwt=x");
}

TEST(Lite05, SetupThatComesBeforeTheFirstTurnCounts) {
  Loop loop;
  Node client_node(loop, 1);
  Node server_node(loop, 2);
  auto pair = transport::testing::memory_pair(loop, {.delay = milliseconds(10)});
  const auto client = Session::create(loop, std::move(pair.first),
                                      {.side = Side::client, .publish = &client_node.origin})
                          .value();
  loop.run(Time{});
  // The server's session is made in the very tick in which SETUP arrives.
  const auto server = Session::create(loop, std::move(pair.second),
                                      {.side = Side::server, .publish = &server_node.origin})
                          .value();
  std::optional<Error> closed;
  server->closed([&](const Error& error, bool) { closed = error; });
  loop.run(Time{} + milliseconds(10));
  run_for(loop, seconds(60));
  EXPECT_FALSE(closed) << closed->message();
}

TEST(Session, UnknownAlpnIsRefused) {
  Loop loop;
  auto pair = transport::testing::memory_pair(loop, {.protocol = "h3"});
  const auto session = Session::create(loop, std::move(pair.first), {});
  ASSERT_FALSE(session);
  EXPECT_TRUE(session.error().is(SessionError::version_negotiation));
}

// A server's session is made when the handshake is done: the client's SETUP may be
// there before the session's first turn.
TEST(Lite05, SetupMayComeBeforeTheSessionStarts) {
  Loop loop;
  Node client(loop, 11);
  Node server(loop, 22);
  auto pair = transport::testing::memory_pair(loop, {.delay = milliseconds(1)});
  const auto first = Session::create(loop, std::move(pair.first),
                                     {.side = Side::client, .publish = &client.origin, .path = "/"})
                         .value();
  loop.run(loop.now());
  const auto second =
      Session::create(loop, std::move(pair.second),
                      {.side = Side::server, .subscribe = &server.origin, .cache = &server.cache})
          .value();
  loop.run(loop.now() + milliseconds(1));
  run_for(loop, seconds(60));
  EXPECT_TRUE(second->open());
  EXPECT_TRUE(first->open());
}

TEST(Lite05, ClientThatHearsTheServerFirstIsReadyOnce) {
  Loop loop;
  Node client(loop, 11);
  Node server(loop, 22);
  auto pair = transport::testing::memory_pair(loop, {.delay = milliseconds(1)});
  const auto second = Session::create(loop, std::move(pair.second),
                                      {.side = Side::server, .publish = &server.origin})
                          .value();
  loop.run(loop.now());
  const auto first =
      Session::create(loop, std::move(pair.first),
                      {.side = Side::client, .subscribe = &client.origin, .cache = &client.cache})
          .value();
  loop.run(loop.now() + milliseconds(1));
  run_for(loop, seconds(1));
  EXPECT_EQ(first->active(), 1U) << "one announcement stream";
}

}  // namespace
}  // namespace moq
