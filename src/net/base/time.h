#pragma once

#include <chrono>
#include <cstdint>

namespace moq {

/// A length of time. The library computes in nanoseconds; units at the edges
/// are in the type (`std::chrono::milliseconds`).
using Duration = std::chrono::nanoseconds;

/// The clock that this library reads: none. Its time points come from whoever
/// drives a Loop (the monotonic clock in programs, a counter in simulations).
struct LoopClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<LoopClock>;
  static constexpr bool is_steady = true;
};

/// A point in monotonic time. Its epoch has no meaning.
using Time = LoopClock::time_point;

/// "Never", for deadlines that are not set.
inline constexpr Time kNever = Time::max();

/// `when + delay` without overflow.
[[nodiscard]] constexpr Time later(Time when, Duration delay) {
  return delay > kNever - when ? kNever : when + delay;
}

}  // namespace moq
