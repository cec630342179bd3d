#pragma once

#include <optional>

#include "net/base/time.h"
#include "relay/census.h"
#include "relay/shutdown.h"

namespace moq::relay {

/// How a relay stands, for /drain and /metrics.
struct DrainStatus {
  Shutdown::Phase phase = Shutdown::Phase::running;
  bool ending = false;                ///< a signal has come
  std::optional<Duration> age;        ///< of the drain under way
  std::optional<Duration> time_left;  ///< of the drain under way, if it has a timeout
  std::optional<Duration> took;       ///< by the last drain that left nobody
  Census::Counts counts;
};

}  // namespace moq::relay
