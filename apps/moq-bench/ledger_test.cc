#include "moq-bench/ledger.h"

#include <initializer_list>

#include <gtest/gtest.h>

namespace moq::bench {
namespace {

void whole(Ledger& ledger, std::initializer_list<std::uint64_t> groups) {
  for (const std::uint64_t group : groups) {
    ledger.begin(group);
    ledger.end(group, true);
  }
}

TEST(NumbersTest, JoinsWhatTouches) {
  Numbers numbers;
  for (const std::uint64_t each : {5, 3, 4, 10, 0}) EXPECT_TRUE(numbers.insert(each));
  for (const std::uint64_t each : {5, 3, 4, 10, 0}) EXPECT_FALSE(numbers.insert(each));
  EXPECT_FALSE(numbers.contains(6));
  EXPECT_TRUE(numbers.contains(4));
  EXPECT_EQ(numbers.count(0, 100), 5U);
  EXPECT_EQ(numbers.count(4, 10), 2U);
  EXPECT_EQ(numbers.count(4, 11), 3U);
  EXPECT_EQ(numbers.count(6, 10), 0U);
  EXPECT_EQ(numbers.count(7, 7), 0U);
}

TEST(LedgerTest, CountsAllThatCameInOrder) {
  Ledger ledger;
  whole(ledger, {7, 8, 9, 10});
  // 10 is the newest: more of it may be on its way, for all that is known.
  EXPECT_EQ(ledger.counts().expected, 2U);
  EXPECT_EQ(ledger.counts().complete, 2U);
  EXPECT_EQ(ledger.counts().lost(), 0U);
  ledger.settle(11);
  const auto counts = ledger.counts();
  EXPECT_EQ(counts.begun, 4U);
  EXPECT_EQ(counts.expected, 3U);
  EXPECT_EQ(counts.complete, 3U);
  EXPECT_EQ(counts.lost() + counts.incomplete + counts.duplicated + counts.out_of_order, 0U);
}

TEST(LedgerTest, ExpectsNothingBeforeTheFirstNorAfterTheEnd) {
  Ledger ledger;
  whole(ledger, {7, 8});
  ledger.begin(9);  // cut off
  ledger.settle(9);
  EXPECT_EQ(ledger.counts().expected, 1U);
  EXPECT_EQ(ledger.counts().incomplete, 0U);
  EXPECT_EQ(ledger.counts().lost(), 0U);
}

TEST(LedgerTest, AFirstGroupThatIsCutCountsForNothing) {
  Ledger ledger;
  ledger.begin(3);
  ledger.end(3, false);
  whole(ledger, {4});
  ledger.settle(5);
  EXPECT_EQ(ledger.counts().expected, 1U);
  EXPECT_EQ(ledger.counts().incomplete, 0U);
}

TEST(LedgerTest, FindsAGap) {
  Ledger ledger;
  whole(ledger, {0, 1, 3, 4});
  EXPECT_EQ(ledger.counts().lost(), 1U);
  ledger.settle(5);
  EXPECT_EQ(ledger.counts().lost(), 1U);
  EXPECT_EQ(ledger.counts().complete, 3U);
}

TEST(LedgerTest, FindsWhatIsMissingAtTheEnd) {
  Ledger ledger;
  whole(ledger, {0, 1});
  EXPECT_FALSE(ledger.has_all(5));
  ledger.settle(5);
  EXPECT_EQ(ledger.counts().expected, 4U);
  EXPECT_EQ(ledger.counts().lost(), 3U);
}

TEST(LedgerTest, TellsLateFromLost) {
  Ledger ledger;
  whole(ledger, {0, 2, 3});
  EXPECT_EQ(ledger.counts().lost(), 1U);
  whole(ledger, {1});
  EXPECT_EQ(ledger.counts().lost(), 0U);
  EXPECT_EQ(ledger.counts().out_of_order, 1U);
}

TEST(LedgerTest, TellsATruncatedGroupFromALostOne) {
  Ledger ledger;
  whole(ledger, {0, 1});
  ledger.begin(2);
  ledger.end(2, false);
  ledger.begin(3);
  whole(ledger, {4});
  EXPECT_EQ(ledger.counts().incomplete, 1U);
  EXPECT_FALSE(ledger.has_all(5));
  ledger.settle(5);
  // 3 is open to the end.
  EXPECT_EQ(ledger.counts().incomplete, 2U);
  EXPECT_EQ(ledger.counts().lost(), 0U);
  EXPECT_EQ(ledger.counts().complete, 2U);
}

TEST(LedgerTest, CountsDuplicatesOnce) {
  Ledger ledger;
  whole(ledger, {0, 1, 2, 1, 1});
  ledger.settle(3);
  EXPECT_EQ(ledger.counts().duplicated, 2U);
  EXPECT_EQ(ledger.counts().out_of_order, 0U);
  EXPECT_EQ(ledger.counts().complete, 2U);
  EXPECT_EQ(ledger.counts().expected, 2U);
}

TEST(LedgerTest, AGroupThatComesWholeTheSecondTimeIsComplete) {
  Ledger ledger;
  whole(ledger, {0, 2});
  ledger.begin(1);
  ledger.end(1, false);
  whole(ledger, {1});
  ledger.settle(3);
  EXPECT_EQ(ledger.counts().incomplete, 0U);
  EXPECT_EQ(ledger.counts().complete, 2U);
  EXPECT_EQ(ledger.counts().duplicated, 1U);
}

TEST(LedgerTest, WithoutAGroupExpectsNone) {
  Ledger ledger;
  EXPECT_TRUE(ledger.has_all(9));
  ledger.settle(9);
  EXPECT_EQ(ledger.counts().expected, 0U);
  EXPECT_EQ(ledger.counts().lost(), 0U);
}

TEST(LedgerTest, AStrangersEndIsItsNewest) {
  Ledger ledger;
  whole(ledger, {5, 6, 8});
  ledger.settle();
  EXPECT_EQ(ledger.counts().expected, 2U);
  EXPECT_EQ(ledger.counts().lost(), 1U);
}

TEST(LedgerTest, ManyGapsAreStillCounted) {
  Ledger ledger;
  for (std::uint64_t i = 0; i <= 2000; i += 2) whole(ledger, {i});
  ledger.settle(2001);
  EXPECT_EQ(ledger.counts().lost(), 1000U);
  EXPECT_EQ(ledger.counts().complete, 1000U);
}

}  // namespace
}  // namespace moq::bench
