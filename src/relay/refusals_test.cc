#include "relay/refusals.h"

#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moq::relay {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

std::vector<std::string>& lines() {
  static std::vector<std::string> all;
  return all;
}

class RefusalsTest : public testing::Test {
 protected:
  void SetUp() override {
    lines().clear();
    log::set_sink([](const log::Line& line) { lines().emplace_back(line.text); }, log::Level::info);
  }
  void TearDown() override { log::set_sink(nullptr, log::Level::off); }

  std::uint64_t count(Limit limit) const {
    for (const auto& [each, count] : refusals_.counts()) {
      if (each == limit) return count;
    }
    return 0;
  }

  Time now_{};
  Refusals refusals_;
  log::Name client_{.text = "[2001:db8::1]:50000", .connection = 17};
};

TEST_F(RefusalsTest, AreCountedByTheirLimit) {
  for (int i = 0; i < 3; ++i) refusals_.add(Limit::connections, client_, now_);
  refusals_.add(Limit::announcements, client_, now_);
  EXPECT_EQ(count(Limit::connections), 3U);
  EXPECT_EQ(count(Limit::announcements), 1U);
  EXPECT_EQ(count(Limit::handshakes), 0U);
}

TEST_F(RefusalsTest, AFloodIsALineASecond) {
  for (int i = 0; i < 1000; ++i) refusals_.add(Limit::connections, client_, now_ + i * 1ms);
  ASSERT_THAT(lines(), SizeIs(1));
  EXPECT_THAT(lines().front(), AllOf(HasSubstr("[2001:db8::1]:50000"), HasSubstr("connections")));
  refusals_.add(Limit::connections, client_, now_ + 1s);
  ASSERT_THAT(lines(), SizeIs(2));
  EXPECT_THAT(lines().back(), HasSubstr("999 more"));
  // Another limit has a line of its own.
  refusals_.add(Limit::requests, client_, now_ + 1s);
  EXPECT_THAT(lines(), SizeIs(3));
  refusals_.add(Limit::connections, client_, now_ + 1h);
  EXPECT_THAT(lines().back(), testing::Not(HasSubstr("more")));
}

TEST_F(RefusalsTest, EachLimitHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const Limit limit : kLimits) names.insert(to_string(limit));
  EXPECT_THAT(names, SizeIs(kLimits.size()));
  EXPECT_FALSE(names.contains(""));
}

}  // namespace
}  // namespace moq::relay
