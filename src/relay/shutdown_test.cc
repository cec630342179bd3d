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
  void drain() override { calls.emplace_back("drain"); }
  void close_sessions() override { calls.emplace_back("close"); }
  void exit(int code) override { calls.push_back("exit " + std::to_string(code)); }

  std::vector<std::string> calls;
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
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "exit 0"));
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
  Shutdown shutdown(loop_, 1s, effects_);
  shutdown.on_signal(SIGINT);
  shutdown.drained();
  shutdown.on_signal(SIGINT);
  shutdown.drained();
  pass(1h);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "exit 0"));
}

TEST_F(ShutdownTest, SessionsThatLeaveWhileRunningEndNothing) {
  Shutdown shutdown(loop_, {}, effects_);
  shutdown.drained();
  EXPECT_TRUE(shutdown.running());
  EXPECT_THAT(effects_.calls, IsEmpty());
}

TEST_F(ShutdownTest, AWindowClosesWhatIsLeft) {
  Shutdown shutdown(loop_, 10s, effects_);
  shutdown.on_signal(SIGTERM);
  pass(10s - 1ns);
  EXPECT_THAT(effects_.calls, ElementsAre("drain"));
  pass(1ns);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "close"));
  shutdown.drained();
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "close", "exit 0"));
}

TEST_F(ShutdownTest, SessionsThatCannotCloseAreNotWaitedFor) {
  Shutdown shutdown(loop_, 10s, effects_);
  shutdown.on_signal(SIGTERM);
  pass(10s);
  pass(Shutdown::kCloseTime);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "close", "exit 0"));
}

TEST_F(ShutdownTest, AWindowOfZeroClosesAtOnceAndDoesNotHang) {
  Shutdown shutdown(loop_, 0s, effects_);
  shutdown.on_signal(SIGTERM);
  pass(0s);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "close"));
}

TEST_F(ShutdownTest, TheSecondSignalEndsTheClosingToo) {
  Shutdown shutdown(loop_, 0s, effects_);
  shutdown.on_signal(SIGTERM);
  pass(0s);
  shutdown.on_signal(SIGTERM);
  EXPECT_THAT(effects_.calls, ElementsAre("drain", "close", "exit 143"));
}

}  // namespace
}  // namespace moq::relay
