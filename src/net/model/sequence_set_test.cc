#include "net/model/sequence_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace moq {
namespace {

TEST(SequenceSet, HoldsEachOnce) {
  SequenceSet set;
  for (std::uint64_t n : {5, 7, 6, 0, 1, 3, 2, 4}) {
    EXPECT_FALSE(set.contains(n));
    EXPECT_TRUE(set.insert(n));
    EXPECT_FALSE(set.insert(n));
  }
  EXPECT_FALSE(set.contains(8));
  EXPECT_TRUE(set.insert(UINT64_MAX));
  EXPECT_FALSE(set.insert(UINT64_MAX));
}

TEST(SequenceSet, AgreesWithASetWhileRangesAreFew) {
  std::mt19937_64 random(7);
  SequenceSet set;
  std::set<std::uint64_t> model;
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t n = random() % (2 * SequenceSet::kMaxRanges);
    EXPECT_EQ(set.insert(n), model.insert(n).second);
    const std::uint64_t probe = random() % (2 * SequenceSet::kMaxRanges);
    EXPECT_EQ(set.contains(probe), model.contains(probe));
  }
}

TEST(SequenceSet, BeyondItsSizeTheLowestGapsAreClosed) {
  SequenceSet set;
  for (std::uint64_t i = 0; i <= SequenceSet::kMaxRanges; ++i) EXPECT_TRUE(set.insert(10 * i));
  EXPECT_TRUE(set.contains(5)) << "between the two lowest";
  EXPECT_FALSE(set.contains(15));
  for (std::uint64_t i = 0; i <= SequenceSet::kMaxRanges; ++i) EXPECT_FALSE(set.insert(10 * i));
}

}  // namespace
}  // namespace moq
