#include "relay/pace.h"

#include "native/io/event_loop.h"
#include "net/base/log.h"

namespace moq::relay {

std::optional<std::uint64_t> Pace::add(Time now) {
  const std::uint64_t count = count_.fetch_add(1, std::memory_order_relaxed) + 1;
  const Time::rep time = now.time_since_epoch().count();
  Time::rep next = next_line_.load(std::memory_order_relaxed);
  // Of several threads at once, one writes the line.
  if (next > time || !next_line_.compare_exchange_strong(next, time + Duration(kInterval).count(),
                                                         std::memory_order_relaxed)) {
    return std::nullopt;
  }
  const std::uint64_t told = told_.exchange(count, std::memory_order_relaxed);
  return count > told ? count - told - 1 : 0;
}

void warn(Pace& pace, std::string_view what) {
  const auto unsaid = pace.add(native::monotonic_now());
  if (!unsaid) return;
  if (*unsaid == 0) return log::warn("{}", what);
  log::warn("{} ({} more failures since one was last told)", what, *unsaid);
}

}  // namespace moq::relay
