#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "simulation/cluster.h"

namespace moq::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Source;
using testing::Viewer;

constexpr int kFramesPerSecond = 30;

/// A live track: a group a second, of equal frames at 30 a second.
class LivePublisher {
 public:
  LivePublisher(Loop& loop, Source& source, std::size_t frame_size, std::uint64_t groups)
      : loop_(loop),
        source_(source),
        frame_size_(frame_size),
        groups_(groups),
        timer_(loop, [this] { tick(); }) {
    timer_.arm(loop.now());
  }

  [[nodiscard]] bool done() const { return sequence_ == groups_; }
  /// When each group's last frame was made.
  std::map<std::uint64_t, Time> finished;
  std::map<std::uint64_t, Time> begun;

  /// What frame `index` of group `sequence` holds.
  [[nodiscard]] static std::string payload(std::uint64_t sequence, std::uint64_t index,
                                           std::size_t size) {
    std::string text = std::to_string(sequence) + "." + std::to_string(index) + " ";
    text.resize(std::max(size, text.size()), static_cast<char>('a' + (sequence + index) % 26));
    return text;
  }

 private:
  void tick() {
    if (frame_ == 0) {
      group_ = source_.begin(sequence_);
      begun[sequence_] = loop_.now();
    }
    Source::append(*group_, (sequence_ * kFramesPerSecond + frame_) * 1000 / kFramesPerSecond,
                   payload(sequence_, frame_, frame_size_));
    if (++frame_ == kFramesPerSecond) {
      Source::finish(*group_);
      finished[sequence_++] = loop_.now();
      frame_ = 0;
    }
    if (!done()) timer_.arm(later(loop_.now(), Duration(std::nano::den / kFramesPerSecond)));
  }

  Loop& loop_;
  Source& source_;
  std::size_t frame_size_;
  std::uint64_t groups_;
  std::uint64_t sequence_ = 0;
  std::uint64_t frame_ = 0;
  std::shared_ptr<Group> group_;
  Timer timer_;
};

/// Notes when each group was complete at a viewer.
struct TimedViewer final : TrackReader {
  explicit TimedViewer(Loop& l) : loop(l) {}

  struct Watch final : SubgroupReader {
    Watch(TimedViewer& o, std::shared_ptr<Group> g) : owner(o), group(std::move(g)) {
      group->only().attach(*this);
      on_progress();
    }
    void on_progress() override {
      if (group->only().state() == Subgroup::State::finished) {
        owner.complete.try_emplace(group->sequence(), owner.loop.now());
      }
      if (group->only().state() == Subgroup::State::aborted)
        owner.aborted[group->sequence()] = true;
    }
    TimedViewer& owner;
    std::shared_ptr<Group> group;
  };

  void on_info(const TrackInfo&) override {}
  void on_group(std::shared_ptr<Group> group) override {
    arrival.push_back(group->sequence());
    watches.push_back(std::make_unique<Watch>(*this, std::move(group)));
  }
  void on_datagram(const Datagram&) override {}
  void on_drop(std::uint64_t, std::uint64_t, std::uint64_t) override {}
  void on_end(std::uint64_t) override {}
  void on_abort(const Error& error) override { FAIL() << error.message(); }

  Loop& loop;
  std::vector<std::uint64_t> arrival;
  std::map<std::uint64_t, Time> complete;
  std::map<std::uint64_t, bool> aborted;
  std::vector<std::unique_ptr<Watch>> watches;
};

/// A publisher, a relay, a viewer.
struct Live {
  Live(std::uint64_t seed, const LinkOptions& up, const LinkOptions& down,
       const std::string& version)
      : cluster(seed),
        relay(cluster.add(down)),
        publisher(cluster.add(up)),
        viewer(cluster.add(up)) {
    cluster.serve(relay);
    cluster.connect(publisher, relay, version);
    cluster.connect(viewer, relay, version);
    // A server's handshake is complete a little later than its client's.
    if (!cluster.network.run_until([&] { return relay.sessions.size() == 2; }, seconds(30))) {
      throw std::runtime_error("the relay has no sessions");
    }
  }

  std::shared_ptr<Track> find() {
    const bool found = cluster.network.run_until(
        [&] { return viewer.node.origin.find(Path("live")) != nullptr; }, seconds(30));
    if (!found) throw std::runtime_error("the broadcast was not announced");
    return viewer.node.origin.find(Path("live"))->track("video").value();
  }

  Cluster cluster;
  Host& relay;
  Host& publisher;
  Host& viewer;
};

class LossyLink : public ::testing::TestWithParam<std::tuple<const char*, int>> {};

TEST_P(LossyLink, EveryGroupOfAnOrderedSubscriptionArrives) {
  const auto [version, seed] = GetParam();
  const LinkOptions lossy{.delay = milliseconds(20), .jitter = milliseconds(15), .loss = 0.05};
  Live live(static_cast<std::uint64_t>(seed), lossy, lossy, version);
  Loop& loop = live.cluster.network.loop();
  Source source(live.publisher.node, "live", {.max_latency = seconds(30), .timescale = 1000});
  const auto track = live.find();
  Viewer seen;
  const auto subscription = track->subscribe({.ordered = true, .max_latency = seconds(30)}, seen);
  // The subscription is there before the first group.
  ASSERT_TRUE(live.cluster.network.run_until([&] { return source.track->combined().has_value(); }));
  constexpr std::uint64_t kGroups = 20;
  constexpr std::size_t kFrame = 8000;  // 1.9 Mbit/s
  LivePublisher publisher(loop, source, kFrame, kGroups);
  ASSERT_TRUE(live.cluster.network.run_until(
      [&] {
        if (!publisher.done() || seen.groups.size() < kGroups) return false;
        return std::ranges::all_of(seen.groups,
                                   [](const auto& entry) { return entry.second->complete(); });
      },
      seconds(120)));
  for (std::uint64_t sequence = 0; sequence < kGroups; ++sequence) {
    const auto& objects = seen.groups.at(sequence)->only().objects();
    ASSERT_EQ(objects.size(), static_cast<std::size_t>(kFramesPerSecond));
    for (std::uint64_t i = 0; i < objects.size(); ++i) {
      ASSERT_EQ(objects[i].flatten().text(), LivePublisher::payload(sequence, i, kFrame))
          << "group " << sequence << " frame " << i;
    }
  }
  EXPECT_TRUE(seen.drops.empty());
  EXPECT_GT(live.relay.socket.packets, 3000U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LossyLink,
                         ::testing::Combine(::testing::ValuesIn(testing::kVersions),
                                            ::testing::Range(1, 4)),
                         [](const auto& given) {
                           std::string name = std::get<0>(given.param);
                           std::ranges::replace(name, '-', '_');
                           return name + "_seed_" + std::to_string(std::get<1>(given.param));
                         });

class SlowLink : public ::testing::TestWithParam<const char*> {};

TEST_P(SlowLink, NewestGroupStaysFreshWhileOldOnesAreDropped) {
  // Groups of 240 kB a second are 1.92 Mbit/s; the viewer's link has half of that.
  constexpr std::size_t kFrame = 8000;
  const LinkOptions fast{.delay = milliseconds(10)};
  LinkOptions slow = fast;
  Live live(7, fast, fast, GetParam());
  Loop& loop = live.cluster.network.loop();
  Source source(live.publisher.node, "live", {.max_latency = seconds(5), .timescale = 1000});
  const auto track = live.find();
  TimedViewer seen(loop);
  const auto subscription = track->subscribe({.max_latency = seconds(1)}, seen);
  ASSERT_TRUE(live.cluster.network.run_until([&] { return source.track->combined().has_value(); }));
  slow.bitrate = 960'000;
  slow.queue = 30'000;
  live.relay.socket.link = slow;
  constexpr std::uint64_t kGroups = 40;
  LivePublisher publisher(loop, source, kFrame, kGroups);

  // After the start: how far behind the publisher is the newest group's newest
  // whole frame, looked at ten times a second?
  Duration worst{};
  std::size_t looks = 0;
  while (!publisher.done()) {
    live.cluster.network.run_for(milliseconds(100));
    if (publisher.finished.size() < 5 || publisher.done()) continue;
    std::uint64_t newest = 0;
    std::uint64_t frames = 0;
    for (const auto& watch : seen.watches) {
      const auto& objects = watch->group->only().objects();
      const auto whole = static_cast<std::uint64_t>(
          std::ranges::count_if(objects, [](const Object& object) { return object.complete(); }));
      if (whole == 0 || watch->group->sequence() < newest) continue;
      newest = watch->group->sequence();
      frames = whole;
    }
    const Duration media = seconds(newest) + Duration(std::nano::den * frames / kFramesPerSecond);
    const Duration now = loop.now() - publisher.begun.begin()->second;
    worst = std::max(worst, now - media);
    ++looks;
  }
  live.cluster.network.run_for(seconds(5));
  EXPECT_GT(looks, 300U);
  // The newest group is shown with less than a group's delay, always.
  EXPECT_LT(worst, seconds(1)) << std::chrono::duration<double>(worst).count() << " s";
  // It is on a link of half the bitrate: about half of the groups cannot arrive,
  // and are given up rather than sent late, where the viewer can say what is late.
  if (testing::traits_of(GetParam()).has_subscribe_options) {
    EXPECT_GT(seen.aborted.size(), kGroups / 4);
  }
  EXPECT_GT(seen.arrival.size(), kGroups * 9 / 10) << "each group is begun";
}

INSTANTIATE_TEST_SUITE_P(Versions, SlowLink, ::testing::ValuesIn(testing::kVersions),
                         testing::kVersionName);

TEST(Drain, GoawayOverALossyLinkEndsEverySession) {
  const LinkOptions lossy{.delay = milliseconds(20), .jitter = milliseconds(10), .loss = 0.05};
  Live live(3, lossy, lossy, "moq-lite-05");
  std::size_t told = 0;
  for (Host* host : {&live.publisher, &live.viewer}) {
    host->sessions.front()->draining([&told, host](const std::string&) {
      ++told;
      host->sessions.front()->close(lite::SessionError::no_error, "moving");
    });
  }
  std::map<const Session*, DrainOutcome> outcomes;
  for (const auto& session : live.relay.sessions) {
    session->drain().complete(
        [&outcomes, key = session.get()](DrainOutcome outcome) { outcomes[key] = outcome; });
    ASSERT_TRUE(session->drain().start());
  }
  EXPECT_TRUE(live.cluster.network.run_until([&] { return outcomes.size() == 2; }, seconds(20)));
  EXPECT_EQ(told, 2U);
  for (const auto& [key, outcome] : outcomes) EXPECT_EQ(outcome, DrainOutcome::peer_left);
}

TEST(Drain, PeerThatVanishedDoesNotHoldIt) {
  Live live(4, {}, {}, "moq-lite-05");
  live.viewer.socket.link.loss = 1;
  // Some of what it said may still be on its way: silence counts from the drain on.
  live.relay.sessions.front()->close(lite::SessionError::no_error, "");
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

}  // namespace
}  // namespace moq::simulation
