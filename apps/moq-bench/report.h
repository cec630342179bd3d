#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "moq-bench/process_sampler.h"
#include "moq-bench/tally.h"
#include "net/base/time.h"

namespace moq::bench {

/// All counters at one time.
struct Moment {
  Time at{};
  std::uint64_t wall_ms = 0;  ///< since the Unix epoch
  Tally tally;
  Deliveries deliveries;
  ProcessSample self;
  std::optional<ProcessSample> relay;
};

/// What a run is, for whoever reads a report.
struct RunFacts {
  Time start{};
  /// Of the relay, before the first connection.
  std::optional<ProcessSample> relay_before;
  bool has_relay = false;
};

/// The JSON line: counters as they are at `now`; rates and percentiles of the time
/// from `since` to `now`. Its keys are documented in README.md.
[[nodiscard]] nlohmann::ordered_json report_line(const RunFacts& facts, std::string_view type,
                                                 std::string_view phase, const Moment& since,
                                                 const Moment& now);
/// The same for eyes, on one line.
[[nodiscard]] std::string progress_line(const nlohmann::ordered_json& line);
/// A table of the whole run. `line`: of type "summary".
[[nodiscard]] std::string summary_table(const nlohmann::ordered_json& line);
/// What of a summary --fail-on-loss objects to; empty: nothing.
[[nodiscard]] std::string losses(const nlohmann::ordered_json& line);

}  // namespace moq::bench
