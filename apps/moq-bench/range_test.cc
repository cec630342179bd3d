#include "moq-bench/range.h"

#include <set>

#include <gtest/gtest.h>

namespace moq::bench {
namespace {

TEST(RangeTest, TakesNumbersAndRanges) {
  EXPECT_EQ(Range::parse("30"), (Range{30, 30}));
  EXPECT_EQ(Range::parse("24:60"), (Range{24, 60}));
  EXPECT_EQ(Range::parse("24-60"), (Range{24, 60}));
  EXPECT_EQ(Range::parse("24..60"), (Range{24, 60}));
  EXPECT_EQ(Range::parse(" 24 : 60 "), (Range{24, 60}));
  EXPECT_EQ(Range::parse("60:24"), (Range{24, 60}));
  EXPECT_EQ(Range::parse("0"), (Range{0, 0}));
}

TEST(RangeTest, RefusesTheRest) {
  for (const char* text :
       {"", ":", "1:", ":1", "nope", "1:2:3", "-1", "1.5", "18446744073709551616", "1..", "30s"}) {
    EXPECT_FALSE(Range::parse(text)) << text;
  }
}

TEST(RangeTest, RollsBothEndsAndNothingElse) {
  Random random(1);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(Range{5, 8}.roll(random));
  EXPECT_EQ(seen, (std::set<std::uint64_t>{5, 6, 7, 8}));
  EXPECT_EQ((Range{7, 7}.roll(random)), 7U);
  EXPECT_GE((Range{1, UINT64_MAX}.roll(random)), 1U);
}

TEST(RangeTest, RollsTheSameWithTheSameSeed) {
  Random one(42);
  Random other(42);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ((Range{0, 1000}.roll(one)), (Range{0, 1000}.roll(other)));
  }
}

}  // namespace
}  // namespace moq::bench
