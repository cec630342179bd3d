#include "relay/report.h"

#include <iterator>

namespace moq::relay {

void Report::add(Report&& other) {
  for (const auto& [name, tier] : other.tiers) {
    TierReport& sum = tiers[name];
    sum.opened += tier.opened;
    sum.closed += tier.closed;
    sum.subscriptions += tier.subscriptions;
    sum.viewers += tier.viewers;
    sum.traffic += tier.traffic;
  }
  paths.bytes_sent += other.paths.bytes_sent;
  paths.bytes_received += other.paths.bytes_received;
  paths.bytes_lost += other.paths.bytes_lost;
  round_trips.insert(round_trips.end(), other.round_trips.begin(), other.round_trips.end());
  bitrates.insert(bitrates.end(), other.bitrates.begin(), other.bitrates.end());
  std::move(other.sessions.begin(), other.sessions.end(), std::back_inserter(sessions));
}

}  // namespace moq::relay
