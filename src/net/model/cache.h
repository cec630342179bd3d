#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include <boost/intrusive/list.hpp>

#include "net/base/time.h"
#include "net/model/group.h"

namespace moq {

/// What all workers' caches share: the budget, and how much of it is used.
/// The only part of the model that several threads touch.
struct CacheBudget {
  /// Bytes of groups kept in all; 0: no limit.
  std::atomic<std::uint64_t> capacity{0};
  /// Upper bound on keeping a group that is not the latest, in nanoseconds.
  std::atomic<Duration::rep> duration{
      std::chrono::duration_cast<Duration>(std::chrono::seconds(30)).count()};
  /// Bytes that groups hold, evicted ones until their last reader lets go.
  std::atomic<std::uint64_t> used{0};
  /// The part of `used` that was evicted and waits for its last reader.
  std::atomic<std::uint64_t> evicted{0};
};

/// What a cache and its groups share; lives until the last of them is gone.
struct CacheState {
  using Groups =
      boost::intrusive::list<Group,
                             boost::intrusive::member_hook<Group, Group::Hook, &Group::cache_hook_>,
                             boost::intrusive::constant_time_size<false>>;

  explicit CacheState(std::shared_ptr<CacheBudget> shared) : budget(std::move(shared)) {}

  void charge(std::uint64_t bytes);
  void release(std::uint64_t bytes, bool evicted);
  void evict();

  std::shared_ptr<CacheBudget> budget;
  /// All groups that may be evicted: those that are the latest of their track
  /// are not here, and come to the end when a newer one arrives.
  Groups groups;
  bool evicting = false;
};

/// One worker's groups, oldest first. When the budget is overdrawn by a write,
/// the oldest of the writing worker that are not the latest of their track are
/// aborted, with the stream code TOO_FAR_BEHIND (0x5), leave their track's
/// index, and are freed as soon as no packet needs them.
///
/// Belongs to one thread; must outlive the tracks, but not the groups.
class Cache {
 public:
  static constexpr std::uint64_t kEvictedCode = 0x5;

  explicit Cache(std::shared_ptr<CacheBudget> budget)
      : state_(std::make_shared<CacheState>(std::move(budget))) {}
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  [[nodiscard]] Duration duration() const {
    return Duration(state_->budget->duration.load(std::memory_order_relaxed));
  }
  /// Bytes used by all workers.
  [[nodiscard]] std::uint64_t used() const {
    return state_->budget->used.load(std::memory_order_relaxed);
  }

 private:
  friend class Group;
  std::shared_ptr<CacheState> state_;
};

}  // namespace moq
