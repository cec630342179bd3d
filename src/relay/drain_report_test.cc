#include "relay/drain_report.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/base/log.h"

namespace moq::relay {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const Census::Kind kKind{"moq-lite-05", "quic"};

std::vector<std::string>& lines() {
  static std::vector<std::string> all;
  return all;
}

class DrainReportTest : public testing::Test {
 protected:
  void SetUp() override {
    lines().clear();
    log::set_sink([](const log::Line& line) { lines().emplace_back(line.text); }, log::Level::info);
    census_.drain_begins();
  }
  void TearDown() override { log::set_sink(nullptr, log::Level::off); }

  void come(int count) {
    for (int i = 0; i < count; ++i) census_.came(kKind);
  }
  void leave(DrainOutcome outcome) { census_.left(kKind, false, outcome); }
  void pass(Duration time) { loop_.run(loop_.now() + time); }

  Loop loop_;
  Census census_;
  DrainReport report_{loop_, census_, false};
};

TEST_F(DrainReportTest, CountsInSentences) {
  EXPECT_EQ(drain_status(census_.counts()), "draining: 0 sessions left");
  come(1);
  census_.handshakes(0, 2);
  EXPECT_EQ(drain_status(census_.counts()), "draining: 1 session and 2 handshakes left");
  EXPECT_EQ(drain_details(census_.counts()),
            "1 session remains, 0 told, 2 handshakes; gone: 0 left, 0 deadline, 0 lost, 0 closed");
}

TEST_F(DrainReportTest, HasALineASecondAndASummary) {
  come(3);
  report_.begin(true);
  EXPECT_THAT(lines(), IsEmpty());
  census_.told(kKind, true);
  pass(1s);
  leave(DrainOutcome::peer_left);
  leave(DrainOutcome::lost);
  pass(1s);
  leave(DrainOutcome::deadline);
  pass(250ms);
  report_.end();
  report_.end();
  pass(10s);
  EXPECT_THAT(
      lines(),
      ElementsAre(
          "draining for 1 s: 3 sessions remain, 1 told; gone: 0 left, 0 deadline, 0 lost, 0 closed",
          "draining for 2 s: 1 session remains, 1 told; gone: 1 left, 0 deadline, 1 lost, 0 closed",
          "drained in 2.250 s: 1 left, 1 deadline, 1 lost, 0 closed"));
  EXPECT_EQ(report_.took(), 2250ms);
  EXPECT_FALSE(report_.age());
}

TEST_F(DrainReportTest, ADrainThatIsCutOffTookNoTime) {
  come(1);
  report_.begin(true);
  report_.end();
  EXPECT_THAT(lines(), ElementsAre(testing::StartsWith("the drain is cut off after 0.000 s: 1")));
  EXPECT_FALSE(report_.took());
}

TEST_F(DrainReportTest, ADrainThatIsCalledOffSaysNoMore) {
  come(1);
  report_.begin(false);
  pass(500ms);
  EXPECT_EQ(report_.age(), 500ms);
  report_.cancel("serving");
  pass(10s);
  EXPECT_THAT(lines(), SizeIs(1));
  EXPECT_FALSE(report_.took());
  EXPECT_FALSE(report_.age());
}

}  // namespace
}  // namespace moq::relay
