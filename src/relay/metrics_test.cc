#include "relay/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moq::relay {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

TEST(MetricsTest, SaysWhatADrainIsAbout) {
  DrainStatus status{.phase = Shutdown::Phase::draining,
                     .ending = true,
                     .age = 1s,
                     .time_left = {},
                     .took = {},
                     .counts = {}};
  status.counts.present[{"moq-lite-05", "quic"}] = {3, 1};
  status.counts.ended_ever["moq-lite-04"][DrainOutcome::peer_left] = 7;
  status.counts.goaways = 8;
  const std::string text = metrics_text(status);
  EXPECT_THAT(text, HasSubstr("# TYPE moq_relay_drain_phase gauge\n"));
  EXPECT_THAT(text, HasSubstr("moq_relay_drain_phase{phase=\"running\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("moq_relay_drain_phase{phase=\"draining\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("moq_relay_sessions{version=\"moq-lite-05\",transport=\"quic\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("moq_relay_drained_sessions_total{version=\"moq-lite-04\",outcome="
                              "\"left\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE moq_relay_goaways_total counter\n"));
  EXPECT_THAT(text, HasSubstr("moq_relay_goaways_total 8\n"));
  EXPECT_THAT(text, Not(HasSubstr("moq_relay_drain_seconds")));
  status.took = 2500ms;
  EXPECT_THAT(metrics_text(status), HasSubstr("moq_relay_drain_seconds 2.5\n"));
}

}  // namespace
}  // namespace moq::relay
