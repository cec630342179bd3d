#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "simulation/live.h"

namespace moq::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Source;
using testing::Viewer;

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

}  // namespace
}  // namespace moq::simulation
