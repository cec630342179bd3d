#include "net/base/loop.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace moq {
namespace {

using std::chrono::milliseconds;

TEST(Loop, TimersFireInOrderOfTimeThenOfArming) {
  Loop loop;
  std::string order;
  Timer a(loop, [&] { order += 'a'; });
  Timer b(loop, [&] { order += 'b'; });
  Timer c(loop, [&] { order += 'c'; });
  c.arm(Time{} + milliseconds(2));
  b.arm(Time{} + milliseconds(1));
  a.arm(Time{} + milliseconds(2));
  EXPECT_EQ(loop.next(), Time{} + milliseconds(1));
  loop.run(Time{} + milliseconds(1));
  EXPECT_EQ(order, "b");
  loop.run(Time{} + milliseconds(5));
  EXPECT_EQ(order, "bca");
  EXPECT_EQ(loop.next(), kNever);
}

TEST(Loop, TimerMayDestroyItself) {
  Loop loop;
  std::unique_ptr<Timer> timer;
  bool fired = false;
  timer = std::make_unique<Timer>(loop, [&] {
    timer.reset();
    fired = true;
  });
  timer->arm(Time{});
  loop.run(Time{});
  EXPECT_TRUE(fired);
}

TEST(Loop, DestroyedTimerDoesNotFire) {
  Loop loop;
  bool fired = false;
  {
    Timer timer(loop, [&] { fired = true; });
    timer.arm(Time{} + milliseconds(1));
  }
  loop.run(Time{} + milliseconds(2));
  EXPECT_FALSE(fired);
}

struct Counter : Flushable {
  int count = 0;
  std::string* order = nullptr;
  void flush() override {
    ++count;
    if (order != nullptr) *order += 'f';
  }
};

TEST(Loop, FlushesOnceAfterTasks) {
  Loop loop;
  std::string order;
  Counter counter;
  counter.order = &order;
  loop.mark(counter);
  loop.post([&] {
    order += '1';
    loop.mark(counter);
    loop.post([&] { order += '2'; });
  });
  loop.run(Time{});
  EXPECT_EQ(order, "12f");
  EXPECT_EQ(counter.count, 1);
}

TEST(Loop, DestroyedFlushableIsForgotten) {
  Loop loop;
  {
    Counter counter;
    loop.mark(counter);
  }
  loop.run(Time{});
  EXPECT_EQ(loop.next(), kNever);
}

TEST(Loop, WakesOnlyFromOutside) {
  Loop loop;
  int wakes = 0;
  loop.on_wake([&] { ++wakes; });
  loop.post([&] { loop.post([] {}); });
  EXPECT_EQ(wakes, 1);
  loop.run(Time{});
  EXPECT_EQ(wakes, 1);
}

TEST(Loop, EndlessWorkLeavesTheTick) {
  Loop loop;
  std::function<void()> again = [&] { loop.post(again); };
  struct Endless : Flushable {
    Loop* loop = nullptr;
    void flush() override { loop->mark(*this); }
  } endless;
  endless.loop = &loop;
  loop.mark(endless);
  loop.run(Time{});
  EXPECT_EQ(loop.next(), loop.now());
}

}  // namespace
}  // namespace moq
