#include "native/io/signals.h"

#include <csignal>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moq::native {
namespace {

using std::chrono_literals::operator""s;

TEST(SignalSetTest, TellsTwoDeliveriesApart) {
  EventLoop events;
  std::vector<int> seen;
  const SignalSet signals(events, {SIGINT, SIGTERM}, [&](int signal) { seen.push_back(signal); });
  // Before the loop runs, as during start-up.
  std::raise(SIGTERM);
  std::raise(SIGTERM);
  std::raise(SIGINT);
  EXPECT_TRUE(events.run_until([&] { return seen.size() == 3; }, 30s));
  EXPECT_THAT(seen, testing::UnorderedElementsAre(SIGTERM, SIGTERM, SIGINT));
  std::raise(SIGINT);
  EXPECT_TRUE(events.run_until([&] { return seen.size() == 4; }, 30s));
}

TEST(SignalSetTest, StopsDeliveringWhenDestroyed) {
  EventLoop events;
  std::vector<int> seen;
  const SignalSet outer(events, {SIGUSR1}, [&](int) { seen.push_back(1); });
  {
    const SignalSet inner(events, {SIGUSR1}, [&](int) { seen.push_back(2); });
    std::raise(SIGUSR1);
  }
  std::raise(SIGUSR1);
  EXPECT_TRUE(events.run_until([&] { return seen.size() >= 2; }, 30s));
  EXPECT_THAT(seen, testing::ElementsAre(1, 1));
}

}  // namespace
}  // namespace moq::native
