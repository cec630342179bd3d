#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "net/base/log.h"
#include "net/base/time.h"
#include "relay/pace.h"

namespace moq::relay {

/// What the relay has limits for, whose passing it counts. docs/limits.md says what each is
/// and what the client gets to see.
enum class Limit : std::uint8_t {
  connections,
  handshakes,
  handshakes_per_address,
  sessions_per_root,
  requests,
  fetches,
  probes,
  announcements,
};

inline constexpr std::array kLimits = {Limit::connections,
                                       Limit::handshakes,
                                       Limit::handshakes_per_address,
                                       Limit::sessions_per_root,
                                       Limit::requests,
                                       Limit::fetches,
                                       Limit::probes,
                                       Limit::announcements};

/// As metrics name it: "sessions_per_root".
std::string_view to_string(Limit limit);

/// What was refused, counted, and told in the log, each limit at its Pace. Any thread.
class Refusals {
 public:
  using Counts = std::array<std::pair<Limit, std::uint64_t>, kLimits.size()>;

  /// One more. `now`, the time of some loop, is only compared with that of earlier calls;
  /// `who` is for the log.
  void add(Limit limit, const log::Name& who, Time now);

  /// Since the relay began, in the order of kLimits.
  [[nodiscard]] Counts counts() const;

 private:
  std::array<Pace, kLimits.size()> paces_;
};

}  // namespace moq::relay
