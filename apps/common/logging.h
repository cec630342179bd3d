#pragma once

#include "net/base/log.h"

/// Log lines on standard error, for programs.
namespace moq::apps {

/// Sends what the library logs at `least` or above to standard error, with time
/// and level, in colour on a terminal. Lines are written by a thread of their
/// own, so that no worker waits for a terminal or pipe; when that cannot keep
/// up, the oldest lines go.
class Logging {
 public:
  explicit Logging(log::Level least);
  Logging(const Logging&) = delete;
  Logging& operator=(const Logging&) = delete;
  /// Changes what is logged. From any thread.
  static void set_least(log::Level least);
  /// Writes what is still waiting, and stops.
  ~Logging();
};

}  // namespace moq::apps
