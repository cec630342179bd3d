#include "net/model/cache.h"

namespace moq {

void CacheState::charge(std::uint64_t bytes) {
  const std::uint64_t used = budget->used.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  const std::uint64_t capacity = budget->capacity.load(std::memory_order_relaxed);
  if (capacity != 0 && used > capacity) evict();
}

void CacheState::release(std::uint64_t bytes, bool evicted) {
  if (evicted) budget->evicted.fetch_sub(bytes, std::memory_order_relaxed);
  budget->used.fetch_sub(bytes, std::memory_order_relaxed);
}

void CacheState::evict() {
  if (evicting) return;
  evicting = true;
  while (!groups.empty()) {
    const std::uint64_t capacity = budget->capacity.load(std::memory_order_relaxed);
    const std::uint64_t used = budget->used.load(std::memory_order_relaxed);
    // Other workers free theirs at the same time: the two counters may be
    // momentarily out of step.
    const std::uint64_t gone = budget->evicted.load(std::memory_order_relaxed);
    if (capacity == 0 || used <= gone || used - gone <= capacity) break;
    // Held, because leaving the index may be the end of it.
    const std::shared_ptr<Group> group = groups.front().shared_from_this();
    groups.pop_front();
    budget->evicted.fetch_add(group->charged_, std::memory_order_relaxed);
    group->evict(Cache::kEvictedCode);
    if (group->owner_ != nullptr) group->owner_->on_evicted(*group);
  }
  evicting = false;
}

}  // namespace moq
