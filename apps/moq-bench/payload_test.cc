#include "moq-bench/payload.h"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "moq-bench/schedule.h"
#include "net/model/cache.h"

namespace moq::bench {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""ns;
using std::chrono_literals::operator""s;

/// The bytes of an object, and others with the same header.
class PayloadTest : public testing::Test {
 protected:
  std::vector<std::uint8_t> publish(const FrameStamp& stamp) {
    Group group(cache_, stamp.group, Time{}, {});
    EXPECT_TRUE(pattern_.append(group.only(), stamp, 0));
    const Bytes bytes = group.only().objects().back().flatten();
    return {bytes.data(), bytes.data() + bytes.size()};
  }
  /// As it may arrive: in chunks of `step` bytes.
  static Object object_of(const std::vector<std::uint8_t>& bytes, std::size_t step,
                          std::uint64_t id = 0) {
    Object object;
    object.id = id;
    object.size = object.received = bytes.size();
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      object.payload.push_back(
          Bytes::copy_of(ByteSpan(bytes).subspan(at, std::min(step, bytes.size() - at))));
    }
    return object;
  }

  Pattern pattern_{100000};
  Cache cache_{std::make_shared<CacheBudget>()};
  FrameStamp stamp_{.source = hash_of("bench/1/0/0"),
                    .group = 77,
                    .frame = 0,
                    .group_frames = 30,
                    .size = 5000,
                    .clock = 9,
                    .due = Time(1234567890123ns)};
};

TEST_F(PayloadTest, ComesBackAsItWas) {
  const auto bytes = publish(stamp_);
  ASSERT_EQ(bytes.size(), 5000U);
  for (const std::size_t step : {1UL, 7UL, 55UL, 56UL, 57UL, 1200UL, 5000UL}) {
    const auto stamp = pattern_.check(object_of(bytes, step));
    ASSERT_TRUE(stamp) << step;
    EXPECT_EQ(stamp->source, stamp_.source);
    EXPECT_EQ(stamp->group, 77U);
    EXPECT_EQ(stamp->frame, 0U);
    EXPECT_EQ(stamp->group_frames, 30U);
    EXPECT_EQ(stamp->clock, 9U);
    EXPECT_EQ(stamp->due, stamp_.due);
  }
}

TEST_F(PayloadTest, AnyChangedByteShows) {
  stamp_.size = 300;
  const auto bytes = publish(stamp_);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto other = bytes;
    other[i] ^= 0x10;
    EXPECT_FALSE(pattern_.check(object_of(other, 64))) << i;
  }
}

TEST_F(PayloadTest, AnotherLengthShows) {
  auto bytes = publish(stamp_);
  bytes.pop_back();
  EXPECT_FALSE(pattern_.check(object_of(bytes, 1000)));
  bytes.resize(5001);
  EXPECT_FALSE(pattern_.check(object_of(bytes, 1000)));
  bytes.resize(20);
  EXPECT_FALSE(pattern_.check(object_of(bytes, 1000)));
  EXPECT_FALSE(pattern_.check(object_of({}, 1000)));
}

TEST_F(PayloadTest, AnotherPlaceShows) {
  EXPECT_FALSE(pattern_.check(object_of(publish(stamp_), 1000, 1)));
}

TEST_F(PayloadTest, TheBodyOfAnotherFrameShows) {
  auto bytes = publish(stamp_);
  stamp_.group = 78;
  const auto next = publish(stamp_);
  std::copy(next.begin() + FrameStamp::kSize, next.end(), bytes.begin() + FrameStamp::kSize);
  EXPECT_FALSE(pattern_.check(object_of(bytes, 1000)));
}

TEST_F(PayloadTest, AFrameThatIsLargerThanOursHasToBeNamedSo) {
  const Pattern large(300000);
  stamp_.size = 250000;
  Group group(cache_, 77, Time{}, {});
  ASSERT_TRUE(large.append(group.only(), stamp_, 0));
  EXPECT_TRUE(large.check(group.only().objects().front()));
  EXPECT_FALSE(pattern_.check(group.only().objects().front()));
}

TEST_F(PayloadTest, IsAtLeastAHeader) {
  stamp_.size = 1;
  const auto bytes = publish(stamp_);
  EXPECT_EQ(bytes.size(), FrameStamp::kSize);
  EXPECT_TRUE(pattern_.check(object_of(bytes, 1000)));
}

TEST(ScheduleTest, DoesNotDrift) {
  const Schedule schedule(Time{} + 5s, 30);
  EXPECT_EQ(schedule.due(0), Time{} + 5s);
  EXPECT_EQ(schedule.due(30), Time{} + 6s);
  EXPECT_EQ(schedule.due(30 * 86400), Time{} + 5s + std::chrono::hours(24));
}

TEST(ScheduleTest, CountsWhatIsDue) {
  for (const std::uint64_t fps : {1, 7, 24, 30, 60, 999}) {
    const Schedule schedule(Time{} + 5s, fps);
    EXPECT_EQ(schedule.due_by(Time{} + 4999ms), 0U);
    EXPECT_EQ(schedule.due_by(Time{} + 5s), 1U);
    EXPECT_EQ(schedule.due_by(Time{} + 6s), fps + 1);
    for (std::uint64_t frame = 0; frame < 3000; ++frame) {
      EXPECT_EQ(schedule.due_by(schedule.due(frame)), frame + 1);
      EXPECT_EQ(schedule.due_by(schedule.due(frame) - 1ns), frame);
    }
  }
}

}  // namespace
}  // namespace moq::bench
