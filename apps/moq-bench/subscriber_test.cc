#include "moq-bench/subscriber.h"

#include <memory>
#include <optional>

#include <gtest/gtest.h>

#include "native/io/event_loop.h"
#include "net/model/cache.h"

namespace moq::bench {
namespace {

using std::chrono_literals::operator""s;

constexpr std::uint64_t kClock = 9;

/// A subscriber at a broadcast of this process, without a relay between.
class SubscriberTest : public testing::Test {
 protected:
  SubscriberTest() {
    track_->accept({});
    subscriber_.attach(broadcast_);
    run();
    publish(0, 2, {});
  }

  void run() { loop_.run(native::monotonic_now()); }

  std::shared_ptr<Group> begin(std::uint64_t sequence) {
    auto group = track_->create_group(sequence);
    EXPECT_TRUE(group);
    return group ? *group : nullptr;
  }
  void frame(Group& group, std::uint32_t number, std::uint32_t of, Time due) {
    EXPECT_TRUE(pattern_.append(group.only(),
                                {.source = hash_of(kPath),
                                 .group = group.sequence(),
                                 .frame = number,
                                 .group_frames = of,
                                 .size = 500,
                                 .clock = kClock,
                                 .due = due},
                                0));
  }
  /// A whole group.
  void publish(std::uint64_t sequence, std::uint32_t frames, Time due) {
    const auto group = begin(sequence);
    for (std::uint32_t i = 0; i < frames; ++i) frame(*group, i, frames, due);
    group->finish();
    run();
  }
  Ledger::Counts settled(std::uint64_t end) {
    subscriber_.ledger().settle(end);
    return subscriber_.ledger().counts();
  }

  static constexpr const char* kPath = "bench/1/0/0";

  Loop loop_{native::monotonic_now()};
  Cache cache_{std::make_shared<CacheBudget>()};
  Pattern pattern_{1000};
  Tally tally_;
  std::shared_ptr<Broadcast> broadcast_ = std::make_shared<Broadcast>(loop_, cache_);
  std::shared_ptr<Track> track_ = *broadcast_->create(kTrack);
  Subscriber subscriber_{
      {.loop = loop_, .tally = tally_, .pattern = pattern_, .clock = kClock, .max_latency = 60s},
      kPath,
      false};
};

TEST_F(SubscriberTest, CountsWhatIsWhole) {
  publish(1, 3, {});
  publish(2, 1, {});
  const auto counts = settled(3);
  EXPECT_EQ(counts.expected, 2U);
  EXPECT_EQ(counts.complete, 2U);
  EXPECT_EQ(tally_.frames_recv, 6U);
}

TEST_F(SubscriberTest, AGroupThatEndsWithoutAFrameIsIncomplete) {
  begin(1)->finish();
  run();
  const auto counts = settled(2);
  EXPECT_EQ(counts.expected, 1U);
  EXPECT_EQ(counts.complete, 0U);
  EXPECT_EQ(counts.incomplete, 1U);
}

TEST_F(SubscriberTest, AGroupWithoutItsLastFrameIsIncomplete) {
  const auto group = begin(1);
  frame(*group, 0, 2, {});
  group->finish();
  run();
  EXPECT_EQ(settled(2).incomplete, 1U);
}

TEST_F(SubscriberTest, LatencyIsOfTheFramesThatWereDueWhileItMeasured) {
  const Time now = native::monotonic_now();
  subscriber_.begin_measuring(now);
  publish(1, 1, now - 1s);
  EXPECT_EQ(tally_.latency.count(), 0U) << "due before";
  publish(2, 1, now + 1s);
  EXPECT_EQ(tally_.latency.count(), 1U);
  subscriber_.end_measuring(now + 2s);
  // What is held up longest comes last: it must not be left out.
  publish(3, 1, now + 1s);
  EXPECT_EQ(tally_.latency.count(), 2U);
  publish(4, 1, now + 2s);
  EXPECT_EQ(tally_.latency.count(), 2U) << "due behind";
}

}  // namespace
}  // namespace moq::bench
