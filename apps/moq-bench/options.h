#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include "common/client_flags.h"
#include "moq-bench/range.h"

namespace moq::bench {

/// What the command line, the environment and a file ask for, checked.
struct Options : apps::ClientOptions {
  std::string name = "bench";
  Duration startup = std::chrono::seconds(10);
  std::optional<Duration> duration;
  Duration report = std::chrono::seconds(1);

  Range connections{1, 1};
  Range broadcasts{1, 1};
  Range subscribe{0, 0};
  Range fps{30, 30};
  Range frame_size{1200, 1200};
  Range group_size{60, 60};

  /// One publisher and so many subscribers; 0: as the ranges say.
  std::uint64_t fanout = 0;
  /// Subscribers that stop reading, of those that there are.
  std::uint64_t slow = 0;
  bool bulk = false;
  Duration max_latency = std::chrono::seconds(5);
  std::uint64_t threads = 0;  ///< 0: two, or one on a single core
  std::uint64_t seed = 0;

  std::string output;
  std::string plot;
  pid_t relay_pid = 0;  ///< 0: none
  bool fail_on_loss = false;

  /// As it was called, but for what a URL may hold of secrets.
  std::string command;
};

/// Parses `argv`. Prints help, version or the error itself and sets `exit_code`
/// then.
std::optional<Options> parse_options(int argc, const char* const* argv, int& exit_code);

}  // namespace moq::bench
