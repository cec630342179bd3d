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
  std::atomic<std::uint64_t> used{0};
};

/// One worker's groups, oldest arrival first. When the budget is overdrawn, the
/// oldest that are not the latest of their track are aborted, with the stream
/// code TOO_FAR_BEHIND (0x5), and freed as soon as no packet needs them.
class Cache {
 public:
  static constexpr std::uint64_t kEvictedCode = 0x5;

  explicit Cache(std::shared_ptr<CacheBudget> budget) : budget_(std::move(budget)) {}
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  [[nodiscard]] Duration duration() const {
    return Duration(budget_->duration.load(std::memory_order_relaxed));
  }
  [[nodiscard]] std::uint64_t used() const { return budget_->used.load(std::memory_order_relaxed); }

 private:
  friend class Group;
  void add(Group& group);
  void charge(std::uint64_t bytes);
  void release(std::uint64_t bytes);
  void evict();

  using Groups = boost::intrusive::list<
      Group,
      boost::intrusive::member_hook<Group,
                                    boost::intrusive::list_member_hook<
                                        boost::intrusive::link_mode<boost::intrusive::auto_unlink>>,
                                    &Group::cache_hook>,
      boost::intrusive::constant_time_size<false>>;

  std::shared_ptr<CacheBudget> budget_;
  Groups groups_;
  bool evicting_ = false;
};

}  // namespace moq
