#include "relay/refusals.h"

#include <algorithm>

namespace moq::relay {

std::string_view to_string(Limit limit) {
  switch (limit) {
    case Limit::connections:
      return "connections";
    case Limit::handshakes:
      return "handshakes";
    case Limit::handshakes_per_address:
      return "handshakes_per_address";
    case Limit::sessions_per_root:
      return "sessions_per_root";
    case Limit::requests:
      return "requests";
    case Limit::fetches:
      return "fetches";
    case Limit::probes:
      return "probes";
    case Limit::announcements:
      return "announcements";
  }
  return "";
}

void Refusals::add(Limit limit, const log::Name& who, Time now) {
  const auto unsaid = paces_[static_cast<std::size_t>(limit)].add(now);
  if (!unsaid) return;
  if (*unsaid == 0) return log::warn("{}: the limit of {} is reached", who, to_string(limit));
  log::warn("{}: the limit of {} is reached, as it was {} more times since this was last said", who,
            to_string(limit), *unsaid);
}

Refusals::Counts Refusals::counts() const {
  Counts counts;
  std::ranges::transform(kLimits, counts.begin(), [this](Limit limit) {
    return std::pair{limit, paces_[static_cast<std::size_t>(limit)].count()};
  });
  return counts;
}

}  // namespace moq::relay
