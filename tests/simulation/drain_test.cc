// Drains over links that lose and reorder packets: who stays is served to the end, and
// whoever has left is missed.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "net/lite/error.h"
#include "simulation/live.h"

namespace moq::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Source;
using testing::Viewer;

constexpr SubscribeOptions kAll{.ordered = true, .max_latency = seconds(60)};

/// The first seed that is tried, and the last: MOQ_SEEDS is how many, and MOQ_SEED the
/// only one.
std::pair<std::uint64_t, std::uint64_t> seeds() {
  constexpr std::uint64_t kDefault = 20;
  const auto number = [](const char* name) -> std::optional<std::uint64_t> {
    const char* text = std::getenv(name);
    if (text == nullptr) return std::nullopt;
    return std::strtoull(text, nullptr, 10);
  };
  if (const auto only = number("MOQ_SEED")) return {*only, *only};
  return {1, number("MOQ_SEEDS").value_or(kDefault)};
}

/// A relay is drained under a live track, at any time of it.
class Roll {
 public:
  Roll(std::uint64_t seed, const char* version)
      : random_(seed),
        link_(any_link(seed)),
        has_goaway_(testing::traits_of(version).has_goaway),
        cluster_(seed),
        relay_(cluster_.add(link_)),
        publisher_(cluster_.add(link_)) {
    cluster_.serve(relay_);
    cluster_.connect(publisher_, relay_, version);
    for (Viewer& viewer : watching_) {
      viewers_.push_back(&cluster_.add(link_));
      cluster_.connect(*viewers_.back(), relay_, version);
      seen_.push_back(&viewer);
    }
    idle_ = &cluster_.add(link_);
    cluster_.connect(*idle_, relay_, version);
  }

  void run() {
    ASSERT_TRUE(until([&] { return relay_.sessions.size() == 2 + kViewers; }));
    for (const auto& host : {std::vector<Host*>{&publisher_, idle_}, viewers_}) {
      for (Host* each : host) follow(*each);
    }
    Source source(publisher_.node, "live", {.max_latency = seconds(60), .timescale = 1000});
    subscribe();
    if (::testing::Test::HasFatalFailure()) return;
    LivePublisher publisher(loop(), source, kFrame, kGroups);
    Timer drain(loop(), [this] { tell_next(); });
    drain_ = &drain;
    drain.arm(loop().now() + below(seconds(kGroups)));
    ASSERT_TRUE(until([&] { return publisher.done() && to_tell_.empty(); }));
    source.track->finish(kGroups);
    ASSERT_TRUE(until([&] { return std::ranges::all_of(watching_, ended); }));
    // Who is not told by the version leaves when the program is over.
    if (!has_goaway_) leave();
    EXPECT_TRUE(until([&] { return outcomes_.size() == relay_.sessions.size(); }));
    check();
  }

 private:
  static constexpr std::size_t kViewers = 2;
  static constexpr std::uint64_t kGroups = 3;
  static constexpr std::size_t kFrame = 500;

  static bool ended(const Viewer& viewer) {
    return viewer.end && std::ranges::all_of(viewer.groups, [](const auto& entry) {
             return entry.second->closed();
           });
  }

  /// Every fourth loses nothing.
  LinkOptions any_link(std::uint64_t seed) {
    const double loss =
        seed % 4 == 0 ? 0 : std::uniform_real_distribution<double>(0, 0.08)(random_);
    const Duration delay = milliseconds(1) + below(milliseconds(60));
    return {.delay = delay, .jitter = below(delay), .loss = loss};
  }
  Duration below(Duration most) {
    return Duration(std::uniform_int_distribution<Duration::rep>(0, most.count())(random_));
  }
  [[nodiscard]] Loop& loop() { return cluster_.network.loop(); }
  bool until(const std::function<bool()>& done) {
    return cluster_.network.run_until(done, seconds(60));
  }

  void follow(Host& host) {
    host.sessions.front()->closed([this, &host](const Error& error, bool by_peer) {
      left_.try_emplace(&host, error, by_peer);
    });
  }

  void subscribe() {
    for (std::size_t i = 0; i < kViewers; ++i) {
      Origin& origin = viewers_[i]->node.origin;
      ASSERT_TRUE(until([&] { return origin.find(Path("live")) != nullptr; }));
      subscriptions_.push_back(
          origin.find(Path("live"))->track("video").value()->subscribe(kAll, *seen_[i]));
    }
    ASSERT_TRUE(until([&] { return serving(relay_) == kViewers && serving(publisher_) == 1; }));
    for (const auto& session : relay_.sessions) to_tell_.push_back(session.get());
    std::ranges::shuffle(to_tell_, random_);
  }
  static std::size_t serving(const Host& host) {
    std::size_t count = 0;
    for (const auto& session : host.sessions) count += session->serving();
    return count;
  }

  /// Asks one session to leave; the next a little later.
  void tell_next() {
    Session& session = *to_tell_.back();
    to_tell_.pop_back();
    session.drain().complete([this, key = &session](DrainOutcome o) { outcomes_[key] = o; });
    Source::must(session.drain().start({}, seconds(50)));
    if (!to_tell_.empty()) drain_->arm(loop().now() + below(milliseconds(300)));
  }

  void leave() {
    std::vector<Host*> all = viewers_;
    all.insert(all.end(), {&publisher_, idle_});
    for (Host* host : all) host->sessions.front()->close(SessionError::no_error, "over");
  }

  void check() {
    for (const Viewer& viewer : watching_) {
      EXPECT_FALSE(viewer.error && viewer.error->is(lite::StreamError::going_away));
      EXPECT_TRUE(viewer.drops.empty());
      EXPECT_EQ(viewer.end, kGroups);
      ASSERT_FALSE(viewer.groups.empty());
      std::uint64_t next = viewer.groups.begin()->first;
      EXPECT_LE(next, 1U) << "both were there from the beginning on";
      for (const auto& [sequence, group] : viewer.groups) {
        EXPECT_EQ(sequence, next++);
        EXPECT_TRUE(group->complete()) << sequence;
        EXPECT_EQ(group->only().objects().size(), static_cast<std::size_t>(kFramesPerSecond));
      }
      EXPECT_EQ(next, kGroups);
    }
    for (const auto& [host, end] : left_) {
      EXPECT_TRUE(end.first.is(SessionError::no_error)) << end.first.message();
      EXPECT_FALSE(end.second) << "each leaves by itself";
    }
    EXPECT_EQ(left_.size(), 2 + kViewers);
    for (const auto& [session, outcome] : outcomes_) {
      // A CONNECTION_CLOSE may be lost, and is not repeated for ever: what matters is
      // that nobody who is there is given up, which the end at the other side shows.
      if (outcome == DrainOutcome::lost && link_.loss > 0) continue;
      EXPECT_EQ(outcome, DrainOutcome::peer_left) << to_string(outcome);
    }
  }

  std::mt19937_64 random_;
  LinkOptions link_;
  bool has_goaway_;
  Cluster cluster_;
  Host& relay_;
  Host& publisher_;
  std::vector<Host*> viewers_;
  Host* idle_ = nullptr;
  std::array<Viewer, kViewers> watching_;
  std::vector<Viewer*> seen_;
  std::vector<std::unique_ptr<Subscription>> subscriptions_;
  std::vector<Session*> to_tell_;
  Timer* drain_ = nullptr;
  std::map<const Session*, DrainOutcome> outcomes_;
  std::map<const Host*, std::pair<Error, bool>> left_;
};

class LossyDrain : public ::testing::TestWithParam<const char*> {};

TEST_P(LossyDrain, EverySessionLeavesByItselfAndNoGroupIsCut) {
  const auto [first, last] = seeds();
  for (std::uint64_t seed = first; seed <= last && !HasFailure(); ++seed) {
    SCOPED_TRACE("MOQ_SEED=" + std::to_string(seed));
    Roll roll(seed, GetParam());
    roll.run();
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, LossyDrain, ::testing::ValuesIn(testing::kVersions),
                         testing::kVersionName);

TEST(Drain, PeerThatVanishedDoesNotHoldIt) {
  Live live(4, {}, {}, "moq-lite-05");
  live.viewer.socket.link.loss = 1;
  // Some of what it said may still be on its way: silence counts from the drain on.
  live.relay.sessions.front()->close(SessionError::no_error, "");
  std::optional<DrainOutcome> outcome;
  Session& quiet = *live.relay.sessions.back();
  quiet.drain().complete([&](DrainOutcome o) { outcome = o; });
  const Time start = live.cluster.network.now();
  ASSERT_TRUE(quiet.drain().start());
  // Far below the idle timeout of 30 s.
  EXPECT_TRUE(live.cluster.network.run_until([&] { return outcome.has_value(); }, seconds(5)));
  EXPECT_EQ(outcome, DrainOutcome::lost);
  EXPECT_LT(live.cluster.network.now() - start, seconds(5));
}

TEST(Drain, LostWordOfLeavingDoesNotHoldIt) {
  for (const Duration silence : {milliseconds(1), milliseconds(500), milliseconds(5000)}) {
    Live live(5, {}, {}, "moq-lite-05");
    live.cluster.network.run_for(seconds(1));
    std::optional<DrainOutcome> outcome;
    Session& session = *live.relay.sessions.back();
    session.drain().complete([&](DrainOutcome o) { outcome = o; });
    // Its CONNECTION_CLOSE is lost, and all else for a while.
    live.viewer.sessions.front()->draining([&](const std::string&) {
      live.viewer.socket.link.loss = 1;
      live.viewer.sessions.front()->close(SessionError::no_error, "moving");
    });
    ASSERT_TRUE(session.drain().start());
    live.cluster.network.run_for(silence);
    live.viewer.socket.link.loss = 0;
    EXPECT_TRUE(live.cluster.network.run_until([&] { return outcome.has_value(); }, seconds(6)));
  }
}

TEST(Drain, GoawayHasACreditOfItsOwn) {
  for (const char* version : testing::versions_with(&lite::VersionInfo::has_goaway)) {
    Cluster cluster(6);
    Host& relay = cluster.add();
    Host& peer = cluster.add();
    cluster.serve(relay);
    // The relay may have four requests at it; one is that for announcements.
    Session& session = cluster.connect(peer, relay, version, {.max_streams = 4});
    std::vector<std::unique_ptr<Source>> sources;
    for (int i = 0; i < 8; ++i) {
      sources.push_back(std::make_unique<Source>(peer.node, "a" + std::to_string(i)));
    }
    ASSERT_TRUE(cluster.network.run_until([&] { return relay.node.origin.size() == 8; }));
    std::array<Viewer, 8> seen;
    std::vector<std::unique_ptr<Subscription>> subscriptions;
    for (std::size_t i = 0; i < seen.size(); ++i) {
      const auto broadcast = relay.node.origin.find(Path("a" + std::to_string(i)));
      subscriptions.push_back(broadcast->track("video").value()->subscribe(kAll, seen[i]));
    }
    cluster.network.run_for(seconds(1));
    const auto served = std::ranges::count_if(
        sources, [](const auto& source) { return source->track->combined().has_value(); });
    EXPECT_EQ(served, 2) << "the others wait for a credit";
    bool told = false;
    session.draining([&](const std::string&) { told = true; });
    ASSERT_TRUE(relay.sessions.front()->drain().start());
    cluster.network.run_for(milliseconds(50));
    EXPECT_TRUE(told) << version;
  }
}

TEST(Drain, GoawayGoesBeforeTheMediaThatWaitForASlowLink) {
  for (const char* version : testing::versions_with(&lite::VersionInfo::has_goaway)) {
    Live live(7, {}, {}, version);
    Source source(live.publisher.node, "live", {.max_latency = seconds(60), .timescale = 1000});
    const auto track = live.find();
    Viewer seen;
    const auto subscription = track->subscribe(kAll, seen);
    ASSERT_TRUE(
        live.cluster.network.run_until([&] { return source.track->combined().has_value(); }));
    // 30 s of the viewer's link, of which a quarter of a second stands in its queue.
    LinkOptions slow{.bitrate = 1'000'000, .queue = 30'000};
    live.relay.socket.link = slow;
    source.group(0, {std::string(3'750'000, 'x')});
    live.cluster.network.run_for(seconds(5));
    bool told = false;
    live.viewer.sessions.front()->draining([&](const std::string&) { told = true; });
    ASSERT_TRUE(live.relay.sessions.back()->drain().start());
    EXPECT_TRUE(live.cluster.network.run_until([&] { return told; }, seconds(1))) << version;
    EXPECT_FALSE(seen.groups.at(0)->complete());
    EXPECT_TRUE(live.cluster.network.run_until([&] { return seen.groups.at(0)->complete(); }))
        << version;
  }
}

}  // namespace
}  // namespace moq::simulation
