#include "crowd/tally.h"

#include <gtest/gtest.h>

namespace moq::crowd {
namespace {

using std::chrono_literals::operator""ms;

Tally watched(std::uint64_t first, std::initializer_list<std::uint64_t> groups) {
  Tally tally;
  tally.set_first(first);
  for (const std::uint64_t group : groups) {
    tally.begin(group);
    tally.whole(group);
  }
  return tally;
}

TEST(TallyTest, EveryGroupOnceInOrderAndWholeIsGood) {
  const Tally tally = watched(4, {4, 5, 6});
  const auto counts = tally.counts(7);
  EXPECT_TRUE(counts.good());
  EXPECT_EQ(counts.expected, 3);
  EXPECT_EQ(counts.whole, 3);
  EXPECT_EQ(tally.next(), 7);
}

TEST(TallyTest, CountsWhatIsLost) {
  const Tally tally = watched(4, {5, 7});
  const auto counts = tally.counts(9);
  EXPECT_EQ(counts.expected, 5);
  EXPECT_EQ(counts.whole, 2);
  EXPECT_EQ(counts.lost, 3);
  EXPECT_EQ(counts.incomplete, 0);
  EXPECT_FALSE(counts.good());
  EXPECT_EQ(tally.next(), 4);
}

TEST(TallyTest, CountsWhatBeganAndWasNeverWhole) {
  Tally tally = watched(0, {0});
  EXPECT_TRUE(tally.begin(1));
  const auto counts = tally.counts(2);
  EXPECT_EQ(counts.lost, 0);
  EXPECT_EQ(counts.incomplete, 1);
  EXPECT_FALSE(counts.good());
}

TEST(TallyTest, CountsDuplicatesAndWhatCameFromBeforeTheStart) {
  Tally tally = watched(4, {4, 5});
  EXPECT_FALSE(tally.begin(4));
  EXPECT_FALSE(tally.begin(3));
  const auto counts = tally.counts(6);
  EXPECT_EQ(counts.duplicated, 2);
  EXPECT_EQ(counts.whole, 2);
  EXPECT_FALSE(counts.good());
}

TEST(TallyTest, OrderIsThatInWhichGroupsBecomeWhole) {
  Tally tally;
  tally.set_first(0);
  for (const std::uint64_t group : {1, 0, 2}) tally.begin(group);
  tally.whole(0);
  tally.whole(1);
  tally.whole(2);
  EXPECT_TRUE(tally.counts(3).good());
  EXPECT_EQ(watched(0, {0, 2, 1}).counts(3).out_of_order, 1);
  EXPECT_EQ(watched(0, {0, 2, 1}).next(), 3);
}

TEST(TallyTest, WhoNeverSawAnythingLostEverything) {
  const auto counts = Tally().counts(5);
  EXPECT_EQ(counts.lost, 5);
  EXPECT_FALSE(counts.good());
}

TEST(TallyTest, WrongFramesAndGroupsBehindTheEndAreNotGood) {
  Tally tally = watched(0, {0, 1});
  EXPECT_FALSE(tally.counts(1).good());
  tally.wrong_frame();
  EXPECT_FALSE(tally.counts(2).good());
}

TEST(TallyTest, RemembersTheLongestPause) {
  Tally tally;
  for (const auto at : {100ms, 133ms, 400ms, 433ms}) tally.frame(Time(at));
  EXPECT_EQ(tally.longest_pause(), 267ms);
  EXPECT_EQ(tally.pause_began(), Time(133ms));
}

}  // namespace
}  // namespace moq::crowd
