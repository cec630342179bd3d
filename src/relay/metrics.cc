#include "relay/metrics.h"

#include <array>
#include <chrono>
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

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

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

}  // namespace

std::string metrics_text(const DrainStatus& status) {
  std::vector<MetricFamily> families = {phases(status.phase), sessions(status.counts),
                                        drained(status.counts)};
  families.push_back(Family(MetricType::Counter, "moq_relay_goaways_total",
                            "GOAWAYs sent: sessions told to leave in versions that have one.")
                         .add(static_cast<double>(status.counts.goaways))
                         .take());
  if (status.took) {
    families.push_back(Family(MetricType::Gauge, "moq_relay_drain_seconds",
                              "Time from the beginning of the last drain to an empty relay.")
                           .add(seconds(*status.took))
                           .take());
  }
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return text.str();
}

}  // namespace moq::relay
