#include "relay/metrics.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <sstream>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace moq::relay {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Phase = Shutdown::Phase;

using Families = std::vector<MetricFamily>;

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }
double number(std::uint64_t count) { return static_cast<double>(count); }

class Family {
 public:
  Family(MetricType type, std::string name, std::string help)
      : family_{.name = std::move(name), .help = std::move(help), .type = type, .metric = {}} {}

  Family& add(double value, std::vector<ClientMetric::Label> labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    family_.metric.push_back(std::move(metric));
    return *this;
  }
  MetricFamily take() { return std::move(family_); }

 private:
  MetricFamily family_;
};

MetricFamily phases(Phase now) {
  constexpr std::array kPhases = {Phase::running, Phase::draining, Phase::closing, Phase::empty};
  Family family(MetricType::Gauge, "moq_relay_drain_phase",
                "1 for the phase that the relay is in, 0 for the others.");
  for (const Phase phase : kPhases) {
    family.add(phase == now ? 1 : 0, {{"phase", std::string(to_string(phase))}});
  }
  return family.take();
}

MetricFamily sessions(const Census::Counts& counts) {
  Family family(MetricType::Gauge, "moq_relay_sessions", "Sessions that are there.");
  for (const auto& [kind, here] : counts.present) {
    family.add(static_cast<double>(here.sessions),
               {{"version", kind.version}, {"transport", kind.transport}});
  }
  return family.take();
}

MetricFamily drained(const Census::Counts& counts) {
  Family family(MetricType::Counter, "moq_relay_drained_sessions_total",
                "Sessions that drains ended, by how they ended.");
  for (const auto& [version, ended] : counts.ended_ever) {
    for (const auto& [outcome, count] : ended) {
      family.add(static_cast<double>(count),
                 {{"version", version}, {"outcome", std::string(to_string(outcome))}});
    }
  }
  return family.take();
}

void add_drain(Families& families, const DrainStatus& status) {
  families.push_back(phases(status.phase));
  families.push_back(sessions(status.counts));
  families.push_back(drained(status.counts));
  families.push_back(Family(MetricType::Counter, "moq_relay_goaways_total",
                            "GOAWAYs sent: sessions told to leave in versions that have one.")
                         .add(number(status.counts.goaways))
                         .take());
  if (!status.took) return;
  families.push_back(Family(MetricType::Gauge, "moq_relay_drain_seconds",
                            "Time from the beginning of the last drain to an empty relay.")
                         .add(seconds(*status.took))
                         .take());
}

/// A counter in both directions: what subscribers are sent is the role of a publisher.
MetricFamily directions(const Report& report, std::string name, std::string help,
                        std::uint64_t Traffic::*count) {
  Family family(MetricType::Counter, std::move(name), std::move(help));
  for (const auto& [tier, sum] : report.tiers) {
    family.add(number(sum.traffic.sent.*count), {{"tier", tier}, {"role", "publisher"}});
    family.add(number(sum.traffic.received.*count), {{"tier", tier}, {"role", "subscriber"}});
  }
  return family.take();
}

template <typename Count>
MetricFamily by_tier(const Report& report, MetricType type, std::string name, std::string help,
                     const Count& count, const std::vector<ClientMetric::Label>& more = {}) {
  Family family(type, std::move(name), std::move(help));
  for (const auto& [tier, sum] : report.tiers) {
    std::vector<ClientMetric::Label> labels{{"tier", tier}};
    labels.insert(labels.end(), more.begin(), more.end());
    family.add(number(count(sum)), std::move(labels));
  }
  return family.take();
}

/// What peers ask for, which has the role of what they are sent.
void add_demand(Families& families, const Report& report) {
  const auto add = [&](MetricType type, const char* name, const char* help, auto count) {
    families.push_back(by_tier(report, type, name, help, count, {{"role", "publisher"}}));
  };
  add(MetricType::Counter, "moq_relay_fetches_total", "Fetches that peers have begun.",
      [](const TierReport& tier) { return tier.traffic.fetches; });
  add(MetricType::Counter, "moq_relay_subscriptions_opened_total",
      "Subscriptions that peers have begun.",
      [](const TierReport& tier) { return tier.traffic.subscriptions; });
  add(MetricType::Gauge, "moq_relay_subscriptions", "Subscriptions of peers that run.",
      [](const TierReport& tier) { return tier.subscriptions; });
  add(MetricType::Gauge, "moq_relay_viewers", "Sessions with subscriptions that run.",
      [](const TierReport& tier) { return tier.viewers; });
}

void add_traffic(Families& families, const Report& report) {
  families.push_back(
      directions(report, "moq_relay_bytes_total", "Payload of media.", &Traffic::bytes));
  families.push_back(
      directions(report, "moq_relay_frames_total", "Frames (objects) of media.", &Traffic::frames));
  families.push_back(
      directions(report, "moq_relay_groups_total", "Groups of media.", &Traffic::groups));
  add_demand(families, report);
  families.push_back(by_tier(report, MetricType::Counter, "moq_relay_sessions_opened_total",
                             "Sessions that were let in.",
                             [](const TierReport& tier) { return tier.opened; }));
  families.push_back(
      by_tier(report, MetricType::Counter, "moq_relay_sessions_closed_total",
              "Those of them that have ended; subtract from opened for those that are there.",
              [](const TierReport& tier) { return tier.closed; }));
}

/// The middle and the ends of what connections have.
template <typename Value, typename Convert>
MetricFamily spread(std::string name, std::string help, std::vector<Value> values,
                    const Convert& convert) {
  constexpr std::array<std::pair<const char*, double>, 5> kPlaces = {
      {{"min", 0}, {"p10", 0.1}, {"median", 0.5}, {"p90", 0.9}, {"max", 1}}};
  Family family(MetricType::Gauge, std::move(name), std::move(help));
  std::ranges::sort(values);
  for (const auto& [place, share] : kPlaces) {
    if (values.empty()) break;
    const auto last = static_cast<double>(values.size() - 1);
    family.add(convert(values[static_cast<std::size_t>(std::lround(last * share))]),
               {{"of", place}});
  }
  return family.take();
}

void add_paths(Families& families, const Report& report) {
  const auto add = [&](const char* name, const char* help, std::uint64_t bytes) {
    families.push_back(Family(MetricType::Counter, name, help).add(number(bytes)).take());
  };
  add("moq_relay_quic_sent_bytes_total", "UDP payload sent.", report.paths.bytes_sent);
  add("moq_relay_quic_received_bytes_total", "UDP payload received.", report.paths.bytes_received);
  add("moq_relay_quic_lost_bytes_total", "Of what was sent, what is taken for lost.",
      report.paths.bytes_lost);
  families.push_back(spread("moq_relay_quic_rtt_seconds",
                            "Smoothed round trip times of the connections that are there.",
                            report.round_trips, seconds));
  families.push_back(spread("moq_relay_quic_bitrate",
                            "Bits per second that the connections that are there could send, as "
                            "their congestion control has it.",
                            report.bitrates, number));
}

void add_cache(Families& families, const Measured& measured) {
  const auto add = [&](const char* name, const char* help, std::uint64_t bytes) {
    families.push_back(Family(MetricType::Gauge, name, help).add(number(bytes)).take());
  };
  add("moq_relay_cache_used_bytes", "Media that is kept.", measured.cache_used);
  add("moq_relay_cache_evicted_bytes", "Of that, what only its last readers still have.",
      measured.cache_evicted);
  add("moq_relay_cache_capacity_bytes", "What may be kept; 0: no bound.", measured.cache_capacity);
}

void add_listeners(Families& families, const Measured& measured) {
  Family refused(MetricType::Counter, "moq_relay_refused_total",
                 "What a limit did not let in: docs/limits.md.");
  for (const auto& [limit, count] : measured.refused) {
    refused.add(number(count), {{"limit", std::string(to_string(limit))}});
  }
  families.push_back(refused.take());
  Family failures(MetricType::Counter, "moq_relay_accept_failures_total",
                  "Connections that TCP listeners could not take.");
  Family stalled(MetricType::Gauge, "moq_relay_accept_stalled_seconds",
                 "How long a TCP listener has been out of descriptors or memory; 0: it is not.");
  for (const auto& [name, counts] : measured.listeners) {
    for (const AcceptFailure failure : kAcceptFailures) {
      failures.add(number(counts.failures.at(static_cast<std::size_t>(failure))),
                   {{"listener", name}, {"class", std::string(to_string(failure))}});
    }
    stalled.add(seconds(counts.stalled), {{"listener", name}});
  }
  families.push_back(failures.take());
  families.push_back(stalled.take());
  families.push_back(
      Family(MetricType::Gauge, "moq_relay_uptime_seconds", "Time since the relay began to serve.")
          .add(seconds(measured.uptime))
          .take());
}

}  // namespace

std::string metrics_text(const Measured& measured) {
  std::vector<MetricFamily> families;
  add_drain(families, measured.drain);
  add_traffic(families, measured.report);
  add_paths(families, measured.report);
  add_cache(families, measured);
  add_listeners(families, measured);
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return text.str();
}

}  // namespace moq::relay
