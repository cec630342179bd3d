#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include <sys/types.h>

#include "net/base/error.h"

namespace moq::bench {

/// What a process has used so far, as /proc says.
struct ProcessSample {
  double cpu = 0;         ///< seconds, to the nanosecond where the kernel says so
  double cpu_user = 0;    ///< seconds, in the kernel's ticks
  double cpu_system = 0;  ///< the same
  std::uint64_t rss = 0;  ///< bytes
  std::uint64_t threads = 0;
  std::uint64_t voluntary_switches = 0;  ///< of all its threads, ended ones too
  std::uint64_t involuntary_switches = 0;
};

/// Reads /proc of one process, which may be anyone's.
class ProcessSampler {
 public:
  explicit ProcessSampler(pid_t pid) : pid_(pid) {}

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// None when it has ended, or the number is another process's by now.
  std::optional<ProcessSample> sample();

 private:
  struct Switches {
    std::uint64_t voluntary = 0;
    std::uint64_t involuntary = 0;
  };

  void count_switches(ProcessSample& sample);

  pid_t pid_;
  std::optional<std::uint64_t> started_;
  std::map<pid_t, Switches> threads_;
  Switches ended_;
};

}  // namespace moq::bench
