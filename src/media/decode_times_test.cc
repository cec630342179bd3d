#include "media/decode_times.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace moq::media {
namespace {

using Series = std::vector<std::int64_t>;

/// Decoding times of `pts`, checked to ascend and to stay at or before it.
Series decode(DecodeTimes& times, const Series& pts, std::size_t moved = 0) {
  Series result;
  std::size_t count = 0;
  for (const std::int64_t time : pts) {
    const auto next = times.next(time);
    if (next.moved) {
      ++count;
    } else {
      EXPECT_EQ(next.pts, time);
    }
    EXPECT_LE(next.dts, next.pts);
    if (!result.empty()) {
      EXPECT_GT(next.dts, result.back());
    }
    result.push_back(next.dts);
  }
  EXPECT_EQ(count, moved);
  return result;
}

TEST(DecodeTimes, WithoutReorderingTheyArePresentationTimes) {
  DecodeTimes times(0, 40);
  EXPECT_EQ(decode(times, {0, 40, 80, 120}), (Series{0, 40, 80, 120}));
}

TEST(DecodeTimes, ArePresentationTimesInOrderDelayedByTheDepth) {
  // I P B B of x264's pyramid: depth 2.
  const Series pts = {0, 160, 80, 40, 120, 320, 240, 200, 280};
  EXPECT_EQ(DecodeTimes::measure_depth(pts), 2U);
  EXPECT_EQ(DecodeTimes::measure_interval(pts, 1), 40);
  DecodeTimes times(2, 40);
  EXPECT_EQ(decode(times, pts), (Series{-80, -40, 0, 40, 80, 120, 160, 200, 240}));
}

TEST(DecodeTimes, SurviveOpenGroupsGapsAndRepeatedTimes) {
  DecodeTimes open(1, 40, 40);
  decode(open, {160, 40, 80, 120, 320, 200, 240, 280});
  DecodeTimes gap(1, 40);
  decode(gap, {0, 80, 40, 160, 120, 10000, 10080, 10040});
  DecodeTimes same(1, 40);
  decode(same, {0, 0, 40}, 0);
}

TEST(DecodeTimes, MoveWhatComesTooLate) {
  DecodeTimes times(0, 40);
  decode(times, {0, 80, 40, 120}, 1);
}

TEST(DecodeTimes, KeepKnownTimesAscending) {
  DecodeTimes times(0, 40);
  EXPECT_EQ(times.next(100, 50).dts, 50);
  EXPECT_EQ(times.next(60, 55).dts, 55);
  EXPECT_EQ(times.next(80, 55).dts, 56);
  EXPECT_EQ(times.next(90, 200).dts, 90);
}

TEST(DecodeTimes, MeasuresNothingFromNothing) {
  EXPECT_EQ(DecodeTimes::measure_depth({}), 0U);
  EXPECT_EQ(DecodeTimes::measure_interval({}, 33), 33);
  const Series once = {5, 5};
  EXPECT_EQ(DecodeTimes::measure_interval(once, 33), 33);
}

}  // namespace
}  // namespace moq::media
