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
  Entry& entry = entries_[static_cast<std::size_t>(limit)];
  const std::uint64_t count = entry.count.fetch_add(1, std::memory_order_relaxed) + 1;
  const Time::rep time = now.time_since_epoch().count();
  Time::rep next = entry.next_line.load(std::memory_order_relaxed);
  // Of several threads at once, one writes the line.
  if (next > time || !entry.next_line.compare_exchange_strong(
                         next, time + Duration(kLogInterval).count(), std::memory_order_relaxed)) {
    return;
  }
  const std::uint64_t told = entry.told.exchange(count, std::memory_order_relaxed);
  const std::uint64_t more = count > told ? count - told - 1 : 0;
  if (more == 0) return log::warn("{}: the limit of {} is reached", who, to_string(limit));
  log::warn("{}: the limit of {} is reached, as it was {} more times since this was last said", who,
            to_string(limit), more);
}

Refusals::Counts Refusals::counts() const {
  Counts counts;
  std::ranges::transform(kLimits, counts.begin(), [this](Limit limit) {
    return std::pair{
        limit, entries_[static_cast<std::size_t>(limit)].count.load(std::memory_order_relaxed)};
  });
  return counts;
}

}  // namespace moq::relay
