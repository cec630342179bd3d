#include "moq-bench/histogram.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace moq::bench {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""ns;
using std::chrono_literals::operator""us;

TEST(HistogramTest, HasNothingAtFirst) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.quantile(0.5), 0ns);
  EXPECT_EQ(histogram.max(), 0ns);
}

TEST(HistogramTest, IsExactForShortTimes) {
  Histogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.record(std::chrono::microseconds(i));
  EXPECT_EQ(histogram.quantile(0.5), 50us);
  EXPECT_EQ(histogram.quantile(0.9), 90us);
  EXPECT_EQ(histogram.quantile(0.99), 99us);
  EXPECT_EQ(histogram.quantile(1), 100us);
  EXPECT_EQ(histogram.quantile(0), 1us);
  EXPECT_EQ(histogram.max(), 100us);
}

TEST(HistogramTest, IsNearAndNeverBelowForLongOnes) {
  std::minstd_rand random(3);
  std::vector<Duration> values;
  Histogram histogram;
  for (int i = 0; i < 20000; ++i) {
    const Duration value(std::int64_t{1} << (random() % 41));
    const Duration spread = value + value * static_cast<std::int64_t>(random() % 1000) / 1000;
    values.push_back(spread);
    histogram.record(spread);
  }
  std::ranges::sort(values);
  for (const double q : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999}) {
    const Duration exact = values[static_cast<std::size_t>(q * 20000) - 1];
    EXPECT_GE(histogram.quantile(q), exact) << q;
    EXPECT_LE(histogram.quantile(q), exact + exact / 64 + 1us) << q;
  }
  EXPECT_EQ(histogram.max(), values.back());
  EXPECT_EQ(histogram.quantile(1), values.back());
}

TEST(HistogramTest, TakesWhatIsOutOfRange) {
  Histogram histogram;
  histogram.record(-5ms);
  EXPECT_EQ(histogram.max(), 0ns);
  histogram.record(100h);
  EXPECT_EQ(histogram.max(), Duration(Histogram::kMax));
  EXPECT_EQ(histogram.count(), 2U);
  EXPECT_EQ(histogram.quantile(1), Duration(Histogram::kMax));
}

TEST(HistogramTest, AddsAndSubtracts) {
  Histogram early;
  early.record(10ms);
  early.record(500ms);
  Histogram late = early;
  late.record(1ms);
  late.record(2ms);
  const Histogram between = late.since(early);
  EXPECT_EQ(between.count(), 2U);
  EXPECT_GE(between.max(), 2ms);
  EXPECT_LE(between.max(), 2ms + 2000us / 64 + 1us);
  EXPECT_LE(between.quantile(0.5), 1ms + 1000us / 64 + 1us);

  Histogram sum;
  sum.merge(early);
  sum.merge(between);
  EXPECT_EQ(sum.count(), 4U);
  EXPECT_EQ(sum.max(), 500ms);
}

}  // namespace
}  // namespace moq::bench
