#include "relay/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moq::relay {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

TEST(MetricsTest, SaysWhatADrainIsAbout) {
  Measured measured;
  DrainStatus& status = measured.drain;
  status = {.phase = Shutdown::Phase::draining,
            .ending = true,
            .age = 1s,
            .time_left = {},
            .took = {},
            .counts = {}};
  status.counts.present[{"moq-lite-05", "quic"}] = {3, 1};
  status.counts.ended_ever["moq-lite-04"][DrainOutcome::peer_left] = 7;
  status.counts.goaways = 8;
  const std::string text = metrics_text(measured);
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
  EXPECT_THAT(metrics_text(measured), HasSubstr("moq_relay_drain_seconds 2.5\n"));
}

TEST(MetricsTest, SplitsTrafficByTierAndRole) {
  Measured measured;
  TierReport& tier = measured.report.tiers["region/\"sjc\""];
  tier = {.opened = 5, .closed = 2, .subscriptions = 4, .viewers = 3, .traffic = {}};
  tier.traffic.sent = {.bytes = 1000, .frames = 10, .groups = 2};
  tier.traffic.received = {.bytes = 500, .frames = 5, .groups = 1};
  tier.traffic.subscriptions = 9;
  tier.traffic.fetches = 6;
  const std::string text = metrics_text(measured);
  const std::string name = "tier=\"region/\\\"sjc\\\"\"";
  EXPECT_THAT(text, HasSubstr("moq_relay_bytes_total{" + name + ",role=\"publisher\"} 1000\n"));
  EXPECT_THAT(text, HasSubstr("moq_relay_frames_total{" + name + ",role=\"subscriber\"} 5\n"));
  // What peers ask for has the role of what they are sent.
  const std::string sent = "{" + name + ",role=\"publisher\"} ";
  EXPECT_THAT(text, HasSubstr("moq_relay_viewers" + sent + "3\n"));
  EXPECT_THAT(text, HasSubstr("moq_relay_subscriptions" + sent + "4\n"));
  EXPECT_THAT(text, HasSubstr("moq_relay_subscriptions_opened_total" + sent + "9\n"));
  EXPECT_THAT(text, HasSubstr("moq_relay_fetches_total" + sent + "6\n"));
  EXPECT_THAT(text, HasSubstr("moq_relay_sessions_closed_total{" + name + "} 2\n"));
}

TEST(MetricsTest, ShowsThePathsOfConnections) {
  Measured measured;
  measured.report.round_trips = {30ms, 10ms, 20ms};
  measured.report.paths.bytes_lost = 7;
  const std::string text = metrics_text(measured);
  EXPECT_THAT(text, HasSubstr("moq_relay_quic_rtt_seconds{of=\"min\"} 0.01\n"));
  EXPECT_THAT(text, HasSubstr("moq_relay_quic_rtt_seconds{of=\"median\"} 0.02\n"));
  EXPECT_THAT(text, HasSubstr("moq_relay_quic_rtt_seconds{of=\"max\"} 0.03\n"));
  EXPECT_THAT(text, Not(HasSubstr("moq_relay_quic_bitrate{")));
  EXPECT_THAT(text, HasSubstr("moq_relay_quic_lost_bytes_total 7\n"));
}

TEST(MetricsTest, ShowsListenersAndLimits) {
  Measured measured;
  AcceptCounts counts{.failures = {3, 2, 1}, .stalled = 4s};
  measured.listeners.emplace_back("web", counts);
  Refusals refusals;
  refusals.add(Limit::sessions_per_root, {}, {});
  measured.refused = refusals.counts();
  const std::string text = metrics_text(measured);
  EXPECT_THAT(text, HasSubstr("moq_relay_accept_failures_total{listener=\"web\",class="
                              "\"exhausted\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("moq_relay_accept_stalled_seconds{listener=\"web\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("moq_relay_refused_total{limit=\"sessions_per_root\"} 1\n"));
}

TEST(ReportTest, AddsUp) {
  Report one;
  one.tiers["a"].traffic.sent.bytes = 1;
  one.tiers["b"].opened = 1;
  Report other;
  other.tiers["a"].traffic.sent.bytes = 2;
  other.round_trips = {1ms};
  other.paths.bytes_sent = 5;
  other.sessions.resize(2);
  one.add(std::move(other));
  EXPECT_EQ(one.tiers["a"].traffic.sent.bytes, 3U);
  EXPECT_EQ(one.tiers["b"].opened, 1U);
  EXPECT_EQ(one.round_trips.size(), 1U);
  EXPECT_EQ(one.paths.bytes_sent, 5U);
  EXPECT_EQ(one.sessions.size(), 2U);
}

}  // namespace
}  // namespace moq::relay
