#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "net/base/loop.h"
#include "net/model/cache.h"
#include "relay/memory.h"

namespace moq::relay {

/// Sizes the cache: by a bound that does not change, or so that as much memory as an operator
/// wants stays available to others. Then, every few seconds, it lets the cache grow into what
/// is idle, and shrink when that is needed elsewhere. Belongs to its loop's thread.
class CacheGovernor {
 public:
  struct Bounds {
    std::uint64_t capacity = 0;  ///< most bytes; 0: no bound
    std::uint64_t headroom = 0;  ///< bytes to leave available; 0: any
  };
  using Read = std::function<Memory()>;

  CacheGovernor(Loop& loop, std::shared_ptr<CacheBudget> budget, Read read);

  /// Holds from now on; without any, the cache has no bound.
  void set(const Bounds& bounds);

 private:
  /// The reference's.
  static constexpr Duration kInterval = std::chrono::seconds(5);

  void look();

  Loop& loop_;
  std::shared_ptr<CacheBudget> budget_;
  Read read_;
  Bounds bounds_;
  Timer timer_;
};

}  // namespace moq::relay
