#include "native/client/race.h"

#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moq::native {
namespace {

using std::chrono_literals::operator""ms;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<SocketAddress> addresses(std::initializer_list<const char*> texts) {
  std::vector<SocketAddress> result;
  for (const char* text : texts) result.push_back(*SocketAddress::parse(text));
  return result;
}

std::vector<std::string> texts(const std::vector<SocketAddress>& list) {
  std::vector<std::string> result;
  for (const auto& each : list) result.push_back(each.to_string());
  return result;
}

TEST(InterleaveTest, FamiliesTakeTurnsInTheResolversOrder) {
  EXPECT_THAT(texts(interleave_families(
                  addresses({"[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1", "1.0.0.2:1"}))),
              ElementsAre("[::1]:1", "1.0.0.1:1", "[::2]:1", "1.0.0.2:1", "[::3]:1"));
  EXPECT_THAT(texts(interleave_families(addresses({"1.0.0.1:1", "1.0.0.2:1", "[::1]:1"}))),
              ElementsAre("1.0.0.1:1", "[::1]:1", "1.0.0.2:1"));
  EXPECT_TRUE(interleave_families({}).empty());
}

struct RaceTest : testing::Test {
  struct Attempt {
    std::string to;
    Time at;
    Race<int>::Done done;
    std::weak_ptr<void> handle;
  };

  void start(std::initializer_list<const char*> list, Duration timeout = 10000ms) {
    race.emplace(
        loop, addresses(list), Race<int>::Times{250ms, timeout},
        [this](const SocketAddress& to, Race<int>::Done done) {
          auto handle = std::make_shared<int>(0);
          attempts.push_back({to.to_string(), loop.now(), std::move(done), handle});
          return handle;
        },
        [this](Result<int> outcome) {
          ++calls;
          result = std::move(outcome);
        });
    run(0ms);
  }
  void run(Duration until) {
    while (loop.next() <= Time(until)) loop.run(loop.next());
    loop.run(Time(until));
  }
  void answer(std::size_t attempt, const Result<int>& outcome) {
    loop.post([this, attempt, outcome] { attempts[attempt].done(outcome); });
    loop.run(loop.now());
  }

  Loop loop;
  std::vector<Attempt> attempts;
  std::optional<Race<int>> race;
  std::optional<Result<int>> result;
  int calls = 0;
};

TEST_F(RaceTest, StaggersAndTheFirstWins) {
  start({"[::1]:1", "1.0.0.1:1", "1.0.0.2:1"});
  ASSERT_EQ(attempts.size(), 1U);
  EXPECT_EQ(attempts[0].to, "[::1]:1");
  run(249ms);
  EXPECT_EQ(attempts.size(), 1U);
  run(250ms);
  ASSERT_EQ(attempts.size(), 2U);
  EXPECT_EQ(attempts[1].to, "1.0.0.1:1");
  answer(1, 42);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->value(), 42);
  // The losers are let go, and no further one starts.
  EXPECT_TRUE(attempts[0].handle.expired());
  run(20000ms);
  EXPECT_EQ(attempts.size(), 2U);
  EXPECT_EQ(calls, 1);
}

TEST_F(RaceTest, AFailureStartsTheNextAtOnce) {
  start({"[::1]:1", "1.0.0.1:1"});
  run(10ms);
  answer(0, fail(IoError{ENETUNREACH}));
  ASSERT_EQ(attempts.size(), 2U);
  EXPECT_EQ(attempts[1].at, Time(10ms));
  EXPECT_FALSE(result);
  answer(1, 7);
  EXPECT_EQ(result->value(), 7);
}

TEST_F(RaceTest, TellsOfAllFailures) {
  start({"[::1]:1", "1.0.0.1:1"});
  run(250ms);
  answer(1, fail(IoError{ECONNREFUSED}, "second"));
  EXPECT_FALSE(result);
  answer(0, fail(IoError{ENETUNREACH}, "first"));
  ASSERT_TRUE(result && !*result);
  EXPECT_TRUE(result->error().is(IoError{ECONNREFUSED}));
  EXPECT_THAT(result->error().message(), HasSubstr("1.0.0.1:1: io: Connection refused"));
  EXPECT_THAT(result->error().message(), HasSubstr("[::1]:1: io: Network is unreachable"));
}

TEST_F(RaceTest, ALoneFailureIsToldOnce) {
  start({"[::1]:1"});
  answer(0, fail(IoError{ENETUNREACH}, "why"));
  ASSERT_TRUE(result && !*result);
  EXPECT_EQ(result->error().message(), "io: Network is unreachable (0x65): [::1]:1: why");
}

TEST_F(RaceTest, GivesUpInTime) {
  start({"[::1]:1", "1.0.0.1:1"}, 300ms);
  run(299ms);
  EXPECT_FALSE(result);
  run(300ms);
  ASSERT_TRUE(result && !*result);
  EXPECT_TRUE(result->error().is(IoError{ETIMEDOUT}));
  EXPECT_THAT(result->error().message(), HasSubstr("[::1]:1 1.0.0.1:1"));
  EXPECT_TRUE(attempts[0].handle.expired() && attempts[1].handle.expired());
  EXPECT_EQ(calls, 1);
}

TEST_F(RaceTest, WaitsForeverWhereAskedTo) {
  start({"[::1]:1"}, Duration::max());
  EXPECT_EQ(loop.next(), kNever);
  EXPECT_FALSE(result);
}

TEST_F(RaceTest, DestroyingItLetsGoOfEverything) {
  start({"[::1]:1", "1.0.0.1:1"});
  race.reset();
  EXPECT_TRUE(attempts[0].handle.expired());
  run(20000ms);
  EXPECT_EQ(attempts.size(), 1U);
  EXPECT_EQ(calls, 0);
}

}  // namespace
}  // namespace moq::native
