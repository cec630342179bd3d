#include "relay/cache_governor.h"

#include <gtest/gtest.h>

namespace moq::relay {
namespace {

using namespace std::chrono_literals;

class CacheGovernorTest : public testing::Test {
 protected:
  void pass(Duration time) { loop_.run(loop_.now() + time); }

  Loop loop_;
  std::shared_ptr<CacheBudget> budget_ = std::make_shared<CacheBudget>();
  Memory memory_{.total = 1000, .available = 600};
  CacheGovernor governor_{loop_, budget_, [this] { return memory_; }};
};

TEST_F(CacheGovernorTest, ACapacityAloneStays) {
  governor_.set({.capacity = 500});
  memory_.available = 0;
  pass(10min);
  EXPECT_EQ(budget_->capacity, 500U);
}

TEST_F(CacheGovernorTest, WithHeadroomItGrowsIntoWhatIsIdleAndMakesRoom) {
  budget_->used = 50;
  governor_.set({.headroom = 200});
  EXPECT_EQ(budget_->capacity, 50U + 400U);
  // It is filled, so that less is available.
  budget_->used = 400;
  memory_.available = 250;
  pass(4s);
  EXPECT_EQ(budget_->capacity, 450U) << "before its time";
  pass(1s);
  EXPECT_EQ(budget_->capacity, 450U);
  // Somebody else takes memory.
  memory_.available = 100;
  pass(5s);
  EXPECT_EQ(budget_->capacity, 300U);
}

TEST_F(CacheGovernorTest, WithoutAnyRoomItIsAsGoodAsEmptyAndNotUnbounded) {
  budget_->used = 100;
  memory_.available = 0;
  governor_.set({.headroom = 200});
  EXPECT_EQ(budget_->capacity, 1U);
}

TEST_F(CacheGovernorTest, BothBoundsHold) {
  governor_.set({.capacity = 300, .headroom = 200});
  EXPECT_EQ(budget_->capacity, 300U);
  memory_.available = 210;
  pass(5s);
  EXPECT_EQ(budget_->capacity, 10U);
}

TEST_F(CacheGovernorTest, WhatIsSetAnewHolds) {
  governor_.set({.headroom = 200});
  governor_.set({.capacity = 700});
  pass(1min);
  EXPECT_EQ(budget_->capacity, 700U);
  governor_.set({});
  EXPECT_EQ(budget_->capacity, 0U) << "no bound";
}

}  // namespace
}  // namespace moq::relay
