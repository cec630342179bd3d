#include "native/client/resolve.h"

#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moq::native {
namespace {

using std::chrono_literals::operator""s;

TEST(ResolveTest, TakesAddressesAsTheyAre) {
  for (const char* host : {"127.0.0.1", "::1"}) {
    EventLoop events;
    std::optional<Result<std::vector<SocketAddress>>> result;
    const auto lookup = resolve(events, host, 4443, [&](auto outcome) { result = outcome; });
    ASSERT_TRUE(events.run_until([&] { return result.has_value(); }, 30s));
    ASSERT_TRUE(*result) << result->error().message();
    ASSERT_EQ((*result)->size(), 1U);
    EXPECT_EQ((*result)->front().host(), host);
    EXPECT_EQ((*result)->front().port(), 4443);
  }
}

TEST(ResolveTest, NamesTheHostThatHasNoAddress) {
  EventLoop events;
  std::optional<Result<std::vector<SocketAddress>>> result;
  // RFC 6761: never resolves.
  const auto lookup =
      resolve(events, "nothing.invalid", 1, [&](auto outcome) { result = outcome; });
  ASSERT_TRUE(events.run_until([&] { return result.has_value(); }, 60s));
  ASSERT_FALSE(*result);
  EXPECT_THAT(result->error().message(), testing::HasSubstr("\"nothing.invalid\""));
}

TEST(ResolveTest, IsForgottenWithItsHandle) {
  EventLoop events;
  bool called = false;
  auto lookup = resolve(events, "127.0.0.1", 1, [&](const auto&) { called = true; });
  lookup.reset();
  bool other = false;
  const auto second = resolve(events, "127.0.0.1", 1, [&](const auto&) { other = true; });
  EXPECT_TRUE(events.run_until([&] { return other; }, 30s));
  EXPECT_FALSE(called);
}

TEST(ResolveTest, TheLoopMayGoBeforeTheAnswer) {
  for (int i = 0; i < 20; ++i) {
    EventLoop events;
    auto lookup = resolve(events, "127.0.0.1", 1, [](const auto&) {});
  }
}

}  // namespace
}  // namespace moq::native
