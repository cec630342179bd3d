#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/base/time.h"

namespace moq::relay {

/// Counts what happens, and says when the log is to be told of it: once a second at most, so
/// that a flood does not fill it. Any thread.
class Pace {
 public:
  /// One more. If the log is to have a line of it, how many have gone unsaid since the last
  /// one. `now`, the time of some loop, is only compared with that of earlier calls.
  std::optional<std::uint64_t> add(Time now);

  /// Since the beginning.
  [[nodiscard]] std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  static constexpr Duration kInterval = std::chrono::seconds(1);

  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> told_{0};    ///< of `count_`, when the log was last told
  std::atomic<Time::rep> next_line_{-1};  ///< not before; -1: at any time
};

/// Counts a failure now, and warns of `what` it was, at its pace.
void warn(Pace& pace, std::string_view what);

}  // namespace moq::relay
