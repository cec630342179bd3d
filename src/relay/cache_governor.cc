#include "relay/cache_governor.h"

#include <algorithm>
#include <utility>

#include "net/base/log.h"

namespace moq::relay {

CacheGovernor::CacheGovernor(Loop& loop, std::shared_ptr<CacheBudget> budget, Read read)
    : loop_(loop),
      budget_(std::move(budget)),
      read_(std::move(read)),
      timer_(loop, [this] { look(); }) {}

void CacheGovernor::set(const Bounds& bounds) {
  bounds_ = bounds;
  if (bounds_.headroom != 0) return look();
  timer_.cancel();
  budget_->capacity = bounds_.capacity;
}

void CacheGovernor::look() {
  const std::uint64_t available = read_().available;
  const std::uint64_t used = budget_->used;
  std::uint64_t capacity = available > bounds_.headroom
                               ? used + (available - bounds_.headroom)
                               : used - std::min(used, bounds_.headroom - available);
  if (bounds_.capacity != 0) capacity = std::min(capacity, bounds_.capacity);
  log::at(log::Level::trace, "cache: {} bytes are used, {} are available: it may have {}", used,
          available, capacity);
  // Zero would be no bound.
  budget_->capacity = std::max<std::uint64_t>(capacity, 1);
  timer_.arm(later(loop_.now(), kInterval));
}

}  // namespace moq::relay
