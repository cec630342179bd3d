#pragma once

#include <ngtcp2/ngtcp2.h>

#include <chrono>
#include <cstdint>

#include "net/base/time.h"

namespace moq::native::quic {

// ngtcp2 treats the far end of its range as "never", and nothing says that it
// has no special meaning for zero, at which simulations start.
inline constexpr std::uint64_t kClockOffset = 1'000'000'000;

/// The library's time as ngtcp2 has it: nanoseconds.
[[nodiscard]] inline ngtcp2_tstamp to_timestamp(Time time) {
  return static_cast<ngtcp2_tstamp>(time.time_since_epoch().count()) + kClockOffset;
}

[[nodiscard]] inline Time to_time(ngtcp2_tstamp timestamp) {
  if (timestamp >= static_cast<ngtcp2_tstamp>(INT64_MAX)) return kNever;
  const auto ns = static_cast<std::int64_t>(timestamp) - static_cast<std::int64_t>(kClockOffset);
  return Time(Duration(ns < 0 ? 0 : ns));
}

}  // namespace moq::native::quic
