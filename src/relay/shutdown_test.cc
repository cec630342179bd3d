#include "relay/shutdown.h"

#include <csignal>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moq::relay {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class Recorder final : public ShutdownEffects {
 public:
  void drain(const DrainOrder& order) override {
    calls.emplace_back("drain");
    orders.push_back(order);
  }
  void adopt() override { calls.emplace_back("adopt"); }
  void resume() override { calls.emplace_back("resume"); }
  void emptied() override { calls.emplace_back("emptied"); }
  void close_sessions() override { calls.emplace_back("close"); }
  void exit(int code) override { calls.push_back("exit " + std::to_string(code)); }

  std::vector<std::string> calls;
  std::vector<DrainOrder> orders;
};

class ShutdownTest : public testing::Test {
 protected:
  void pass(Duration time) { loop_.run(loop_.now() + time); }

  Loop loop_;
  Recorder effects_;
};

TEST_F(ShutdownTest, TheFirstSignalDrainsAndTheLastSessionEndsIt) {
  Shutdown shutdown(loop_, {}, effects_);
  EXPECT_TRUE(shutdown.running());
  shutdown.on_signal(SIGTERM);
  EXPECT_FALSE(shutdown.running());
  EXPECT_THAT(effects_.calls, ElementsAre("drain"));
  pass(24h);
  EXPECT_THAT(effects_.calls, ElementsAre("drain"));
  shutdown.drained();
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "emptied", "exit 0"));
}

TEST_F(ShutdownTest, TheSecondSignalEndsItAtOnce) {
  for (const auto& [first, second, code] :
       {std::tuple{SIGTERM, SIGTERM, "exit 143"}, std::tuple{SIGINT, SIGINT, "exit 130"},
        std::tuple{SIGTERM, SIGINT, "exit 130"}, std::tuple{SIGINT, SIGTERM, "exit 143"}}) {
    Recorder effects;
    Shutdown shutdown(loop_, {}, effects);
    shutdown.on_signal(first);
    shutdown.on_signal(second);
    EXPECT_THAT(effects.calls, ElementsAre("drain", code));
  }
}

TEST_F(ShutdownTest, NothingFollowsTheEnd) {
  Shutdown shutdown(loop_, {.timeout = 1s}, effects_);
  shutdown.on_signal(SIGINT);
  shutdown.drained();
  shutdown.on_signal(SIGINT);
  shutdown.drained();
  pass(1h);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "emptied", "exit 0"));
}

TEST_F(ShutdownTest, SessionsThatLeaveWhileRunningEndNothing) {
  Shutdown shutdown(loop_, {}, effects_);
  shutdown.drained();
  EXPECT_TRUE(shutdown.running());
  EXPECT_THAT(effects_.calls, IsEmpty());
}

TEST_F(ShutdownTest, AWindowClosesWhatIsLeft) {
  Shutdown shutdown(loop_, {.timeout = 10s}, effects_);
  shutdown.on_signal(SIGTERM);
  pass(10s - 1ns);
  EXPECT_THAT(effects_.calls, ElementsAre("drain"));
  pass(1ns);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "close"));
  shutdown.drained();
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "close", "emptied", "exit 0"));
}

TEST_F(ShutdownTest, SessionsThatCannotCloseAreNotWaitedFor) {
  Shutdown shutdown(loop_, {.timeout = 10s}, effects_);
  shutdown.on_signal(SIGTERM);
  pass(10s);
  pass(Shutdown::kCloseTime);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "close", "exit 0"));
}

TEST_F(ShutdownTest, AWindowOfZeroClosesAtOnceAndDoesNotHang) {
  Shutdown shutdown(loop_, {.timeout = 0s}, effects_);
  shutdown.on_signal(SIGTERM);
  pass(0s);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "close"));
}

TEST_F(ShutdownTest, TheSecondSignalEndsTheClosingToo) {
  Shutdown shutdown(loop_, {.timeout = 0s}, effects_);
  shutdown.on_signal(SIGTERM);
  pass(0s);
  shutdown.on_signal(SIGTERM);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "close", "exit 143"));
}

// --- Drains that are asked for.

TEST_F(ShutdownTest, ARequestEmptiesTheRelayAndKeepsItRunning) {
  Shutdown shutdown(loop_, {.timeout = 10s}, effects_);
  const DrainOrder order{.timeout = 5s, .uris = {"https://b.example/"}, .spread = 1s};
  ASSERT_TRUE(shutdown.request(order));
  EXPECT_EQ(shutdown.phase(), Shutdown::Phase::draining);
  EXPECT_EQ(effects_.orders, std::vector{order});
  EXPECT_EQ(shutdown.deadline(), loop_.now() + 5s);
  shutdown.drained();
  EXPECT_EQ(shutdown.phase(), Shutdown::Phase::empty);
  pass(1h);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "emptied"));
  EXPECT_FALSE(shutdown.running());
}

TEST_F(ShutdownTest, OneDrainAtATime) {
  Shutdown shutdown(loop_, {}, effects_);
  ASSERT_TRUE(shutdown.request({}));
  EXPECT_TRUE(shutdown.request({}).error().is(ShutdownError::draining));
  shutdown.drained();
  EXPECT_TRUE(shutdown.request({}).error().is(ShutdownError::draining));
  ASSERT_TRUE(shutdown.cancel());
  EXPECT_TRUE(shutdown.request({}));
}

TEST_F(ShutdownTest, TheNextSignalIsTheFirstAndAdoptsTheDrain) {
  Shutdown shutdown(loop_, {.timeout = 10s}, effects_);
  ASSERT_TRUE(shutdown.request({.timeout = 60s}));
  pass(20s);
  shutdown.on_signal(SIGTERM);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "adopt"));
  // Its deadline stays what it was.
  pass(20s);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "adopt"));
  pass(20s);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "adopt", "close"));
  shutdown.drained();
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "adopt", "close", "emptied", "exit 0"));
}

TEST_F(ShutdownTest, ASecondSignalAfterARequestEndsAtOnce) {
  Shutdown shutdown(loop_, {}, effects_);
  ASSERT_TRUE(shutdown.request({}));
  shutdown.on_signal(SIGINT);
  shutdown.on_signal(SIGTERM);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "adopt", "exit 143"));
}

TEST_F(ShutdownTest, ASignalEndsAnEmptyRelayAtOnce) {
  Shutdown shutdown(loop_, {}, effects_);
  ASSERT_TRUE(shutdown.request({}));
  shutdown.drained();
  shutdown.on_signal(SIGTERM);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "emptied", "adopt", "exit 0"));
}

TEST_F(ShutdownTest, ACancelTakesNewSessionsAndEndsTheDeadline) {
  for (const bool empty : {false, true}) {
    Recorder effects;
    Shutdown shutdown(loop_, {}, effects);
    ASSERT_TRUE(shutdown.request({.timeout = 5s}));
    if (empty) shutdown.drained();
    ASSERT_TRUE(shutdown.cancel());
    EXPECT_TRUE(shutdown.running());
    EXPECT_EQ(shutdown.deadline(), kNever);
    pass(1h);
    EXPECT_EQ(effects.calls.back(), "resume");
    // And the next signal finds a relay that runs.
    shutdown.on_signal(SIGTERM);
    EXPECT_EQ(effects.calls.back(), "drain");
  }
}

TEST_F(ShutdownTest, ACancelOfNothingIsNothing) {
  Shutdown shutdown(loop_, {}, effects_);
  EXPECT_TRUE(shutdown.cancel());
  EXPECT_THAT(effects_.calls, IsEmpty());
}

TEST_F(ShutdownTest, NothingTakesASignalBack) {
  Shutdown shutdown(loop_, {}, effects_);
  ASSERT_TRUE(shutdown.request({}));
  shutdown.on_signal(SIGTERM);
  EXPECT_TRUE(shutdown.cancel().error().is(ShutdownError::ending));
  EXPECT_TRUE(shutdown.request({}).error().is(ShutdownError::ending));
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "adopt"));
}

TEST_F(ShutdownTest, ARequestOfZeroClosesAtOnceAndWaitsForTheSessions) {
  Shutdown shutdown(loop_, {}, effects_);
  ASSERT_TRUE(shutdown.request({.timeout = 0s}));
  pass(0s);
  pass(1h);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "close"));
  // A signal does not wait for those that cannot close.
  shutdown.on_signal(SIGTERM);
  pass(Shutdown::kCloseTime);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "close", "adopt", "exit 0"));
}

}  // namespace
}  // namespace moq::relay
