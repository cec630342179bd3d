#include "native/io/event_loop.h"

#include <memory>
#include <stdexcept>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/post.hpp>

namespace moq::native {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;

constexpr Duration kGenerous = 30s;

TEST(EventLoopTest, RunsTimersInOrderAndNotEarly) {
  EventLoop events;
  std::vector<int> fired;
  const Time start = events.now();
  Time late_at{};
  Timer late(events.loop(), [&] {
    fired.push_back(2);
    late_at = events.now();
  });
  Timer early(events.loop(), [&] { fired.push_back(1); });
  late.arm(start + 20ms);
  early.arm(start + 5ms);
  EXPECT_TRUE(events.run_until([&] { return fired.size() == 2; }, kGenerous));
  EXPECT_THAT(fired, testing::ElementsAre(1, 2));
  EXPECT_GE(late_at, start + 20ms);
}

TEST(EventLoopTest, SleepsThroughADeadlineThatMovedLater) {
  EventLoop events;
  bool fired = false;
  Timer timer(events.loop(), [&] { fired = true; });
  const Time start = events.now();
  timer.arm(start + 1ms);
  Timer other(events.loop(), [&] { timer.arm(start + 10ms); });
  other.arm(start);
  EXPECT_TRUE(events.run_until([&] { return fired; }, kGenerous));
  EXPECT_GE(events.now(), start + 10ms);
}

TEST(EventLoopTest, GivesUpAtTheDeadline) {
  EventLoop events;
  const Time start = events.now();
  EXPECT_FALSE(events.run_until([] { return false; }, 5ms));
  EXPECT_GE(events.now(), start + 5ms);
}

TEST(EventLoopTest, TellsAsioHandlersTheTimeOfTheWake) {
  EventLoop events;
  const Time before = events.now();
  bool first_fired = false;
  Timer first(events.loop(), [&] { first_fired = true; });
  boost::asio::steady_timer outside(events.context());
  outside.expires_after(10ms);
  Time seen{};
  outside.async_wait([&](const auto&) { seen = events.loop().now(); });
  EXPECT_TRUE(events.run_until([&] { return seen != Time{}; }, kGenerous));
  EXPECT_GE(seen, before + 10ms);
  EXPECT_FALSE(first_fired);
}

TEST(EventLoopTest, TakesTasksOfOtherThreadsInOrder) {
  EventLoop events;
  constexpr int kEach = 1000;
  std::vector<int> seen;
  std::thread other([&] {
    for (int i = 0; i < kEach; ++i) {
      events.post([&seen, i] { seen.push_back(i); });
    }
  });
  EXPECT_TRUE(events.run_until([&] { return seen.size() == kEach; }, kGenerous));
  other.join();
  EXPECT_TRUE(std::ranges::is_sorted(seen));
}

TEST(EventLoopTest, TakesBatchesBetweenSingleTasksInOrder) {
  EventLoop events;
  std::vector<int> seen;
  std::vector<EventLoop::Task> batch;
  events.post([&] { seen.push_back(1); });
  batch.emplace_back([&] { seen.push_back(2); });
  batch.emplace_back([&] { seen.push_back(3); });
  events.post_all(batch);
  EXPECT_TRUE(batch.empty());
  events.post_all(batch);
  events.post([&] { seen.push_back(4); });
  EXPECT_TRUE(events.run_until([&] { return seen.size() == 4; }, kGenerous));
  EXPECT_THAT(seen, testing::ElementsAre(1, 2, 3, 4));
}

TEST(EventLoopTest, StopsFromAnotherThreadAndRunsAgain) {
  EventLoop events;
  std::thread stopper([&] { events.stop(); });
  events.run();
  stopper.join();
  int ran = 0;
  events.post([&] {
    ++ran;
    events.stop();
  });
  events.run();
  EXPECT_EQ(ran, 1);
}

TEST(EventLoopTest, AFloodOfTasksLeavesTimersTheirTurn) {
  EventLoop events;
  bool fired = false;
  std::function<void()> flood = [&] {
    if (!fired) boost::asio::post(events.context(), flood);
  };
  flood();
  Timer timer(events.loop(), [&] { fired = true; });
  timer.arm(events.now() + 2ms);
  EXPECT_TRUE(events.run_until([&] { return fired; }, kGenerous));
}

TEST(EventLoopTest, DestroysWhatNeverRan) {
  const auto witness = std::make_shared<int>(0);
  {
    EventLoop events;
    auto timer = std::make_shared<Timer>(events.loop(), [] {});
    timer->arm(events.now() + 1h);
    boost::asio::post(events.context(), [timer, witness] {});
    auto socket = std::make_shared<boost::asio::steady_timer>(events.context());
    events.loop().post([socket, witness] {});
    events.post([socket, witness] {});
  }
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(EventLoopTest, PassesExceptionsOn) {
  EventLoop events;
  boost::asio::post(events.context(), [] { throw std::runtime_error("broken"); });
  EXPECT_THROW(events.run(), std::runtime_error);
}

TEST(OutboxTest, HandsOverATicksMessagesAtItsEnd) {
  EventLoop from;
  EventLoop to;
  std::vector<int> seen;
  Outbox outbox(from.loop(), to);
  from.loop().post([&] {
    outbox.send([&] { seen.push_back(1); });
    outbox.send([&] { seen.push_back(2); });
    // Still this tick: nothing has left yet.
    EXPECT_FALSE(to.run_until([&] { return !seen.empty(); }, Duration{0}));
  });
  from.run_until([] { return false; }, Duration{1});
  EXPECT_TRUE(to.run_until([&] { return seen.size() == 2; }, kGenerous));
  EXPECT_THAT(seen, testing::ElementsAre(1, 2));
}

}  // namespace
}  // namespace moq::native
