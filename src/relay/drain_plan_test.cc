#include "relay/drain_plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moq::relay {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::SizeIs;

struct Told {
  DrainPlan::Id id;
  std::string uri;
  std::optional<Duration> stay;
  Time when;
};

class DrainPlanTest : public testing::Test {
 protected:
  void plan(const DrainOrder& order, const std::vector<DrainPlan::Guest>& guests,
            std::uint64_t seed = 1) {
    auto run = std::make_shared<DrainRun>(1U, order, loop_.now());
    plan_.emplace(loop_, std::move(run), seed, guests,
                  [this](DrainPlan::Id id, const std::string& uri, const auto& stay) {
                    told_.push_back({id, uri, stay, loop_.now()});
                  });
  }
  static std::vector<DrainPlan::Guest> viewers(std::size_t count, DrainPlan::Id first = 1) {
    std::vector<DrainPlan::Guest> guests;
    for (std::size_t i = 0; i < count; ++i) guests.push_back({.id = first + i});
    return guests;
  }
  // As a driver does it: from one timer to the next.
  void pass(Duration time) {
    const Time until = loop_.now() + time;
    while (loop_.next() <= until) loop_.run(loop_.next());
    loop_.run(until);
  }
  [[nodiscard]] std::vector<DrainPlan::Id> ids() const {
    std::vector<DrainPlan::Id> all;
    for (const Told& told : told_) all.push_back(told.id);
    return all;
  }

  Loop loop_;
  std::vector<Told> told_;
  std::optional<DrainPlan> plan_;
};

TEST_F(DrainPlanTest, WithoutASpreadAllAreToldAtOnceAndPublishersFirst) {
  auto guests = viewers(1000);
  guests[500].publishes = true;
  guests[999].publishes = true;
  plan({}, guests);
  ASSERT_THAT(told_, SizeIs(1000));
  EXPECT_EQ(told_[0].id, guests[500].id);
  EXPECT_EQ(told_[1].id, guests[999].id);
  const auto all = ids();
  EXPECT_THAT(std::set(all.begin(), all.end()), SizeIs(1000));
  EXPECT_EQ(plan_->waiting(), 0U);
  EXPECT_EQ(told_[0].uri, "");
  EXPECT_FALSE(told_[0].stay);
}

TEST_F(DrainPlanTest, ASpreadTellsPublishersAtOnceAndViewersEvenlyOverIt) {
  auto guests = viewers(100);
  guests[7].publishes = true;
  const Time start = loop_.now();
  plan({.spread = 10s}, guests);
  EXPECT_THAT(ids(), ElementsAre(guests[7].id));
  EXPECT_EQ(plan_->waiting(), 99U);
  // However the times are drawn, each part of the spread has its share.
  for (int second = 1; second <= 10; ++second) {
    loop_.run(start + std::chrono::seconds(second) - 1ns);
    EXPECT_NEAR(static_cast<double>(told_.size()), 1 + 9.9 * second, 2) << second;
  }
  EXPECT_EQ(plan_->waiting(), 0U);
  EXPECT_THAT(told_, SizeIs(100));
}

TEST_F(DrainPlanTest, TheOrderAndTheTimesAreRandom) {
  plan({.spread = 10s}, viewers(20), 1);
  pass(10s);
  const auto first = told_;
  std::set<Duration> gaps;
  for (std::size_t i = 1; i < first.size(); ++i) gaps.insert(first[i].when - first[i - 1].when);
  EXPECT_GT(gaps.size(), 10U);
  EXPECT_FALSE(std::ranges::is_sorted(ids()));
  told_.clear();
  plan({.spread = 10s}, viewers(20), 2);
  pass(10s);
  EXPECT_FALSE(std::ranges::equal(first, told_, {}, &Told::id, &Told::id));
}

TEST_F(DrainPlanTest, UrisGoRoundTheSessionsOfAllWorkers) {
  const auto run = std::make_shared<DrainRun>(
      1U, DrainOrder{.uris = {"https://a/", "https://b/", "https://c/"}}, loop_.now());
  std::map<std::string, int> given;
  const auto tell = [&](DrainPlan::Id, const std::string& uri, const auto&) { ++given[uri]; };
  const DrainPlan one(loop_, run, 1, viewers(4), tell);
  const DrainPlan other(loop_, run, 1, viewers(5), tell);
  EXPECT_EQ(given,
            (std::map<std::string, int>{{"https://a/", 3}, {"https://b/", 3}, {"https://c/", 3}}));
}

TEST_F(DrainPlanTest, TheDeadlineIsTheDrainsNotTheSessions) {
  plan({.timeout = 60s, .spread = 10s}, viewers(50));
  const Time end = loop_.now() + 60s;
  pass(10s);
  ASSERT_THAT(told_, SizeIs(50));
  for (const Told& told : told_) EXPECT_EQ(told.when + told.stay.value(), end);
  // And one that comes later has what is left.
  pass(20s);
  plan_->tell_now(99);
  EXPECT_EQ(told_.back().stay, 30s);
}

TEST_F(DrainPlanTest, ADeadlineThatIsOverIsNotNone) {
  plan({.timeout = 1s}, {});
  pass(2s);
  plan_->tell_now(1);
  EXPECT_GT(told_.back().stay.value(), 0s);
}

TEST_F(DrainPlanTest, WhoHasLeftIsNotTold) {
  plan({.spread = 10s}, viewers(3));
  plan_->forget(2);
  plan_->forget(2);
  plan_->forget(77);
  EXPECT_EQ(plan_->waiting(), 2U);
  pass(10s);
  auto all = ids();
  std::ranges::sort(all);
  EXPECT_THAT(all, ElementsAre(1U, 3U));
}

TEST_F(DrainPlanTest, WhoLeavesBeingToldTakesOthersAlong) {
  const auto run = std::make_shared<DrainRun>(1U, DrainOrder{.spread = 1s}, loop_.now());
  std::vector<DrainPlan::Id> all;
  std::optional<DrainPlan> plan;
  plan.emplace(loop_, run, 1, viewers(4), [&](DrainPlan::Id id, const std::string&, const auto&) {
    all.push_back(id);
    for (DrainPlan::Id other = 1; other <= 4; ++other) plan->forget(other);
  });
  pass(1s);
  EXPECT_THAT(all, SizeIs(1));
}

TEST_F(DrainPlanTest, APlanThatIsGoneTellsNobody) {
  plan({.spread = 10s}, viewers(10));
  plan_.reset();
  const std::size_t before = told_.size();
  pass(10s);
  EXPECT_THAT(told_, SizeIs(before));
}

}  // namespace
}  // namespace moq::relay
