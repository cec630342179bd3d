#pragma once

#include <cstdint>

#include "net/base/log.h"

/// Log lines on standard error, for programs.
namespace moq::apps {

/// Sends what the library logs at `least` or above to standard error, with time, level and,
/// in a line about a connection, its id. Lines are written by a thread of their own, so that
/// no worker waits for a terminal or pipe; when that cannot keep up, the oldest lines go.
class Logging {
 public:
  enum class Format : std::uint8_t {
    /// "2026-02-03T04:05:06.789+01:00  info conn=17 moq-lite-05 [::1]:4443: connected", in
    /// colour on a terminal.
    text,
    /// {"time":"2026-02-03T03:05:06.789012Z","level":"info","conn":17,"message":"..."}: the
    /// time is UTC's (RFC 3339), `conn` is left out where a line is about none, and bytes of
    /// a peer's that are no UTF-8 become U+FFFD.
    json,
  };

  explicit Logging(log::Level least, Format format = Format::text);
  Logging(const Logging&) = delete;
  Logging& operator=(const Logging&) = delete;
  /// Changes what is logged. From any thread.
  void set_least(log::Level least) const;
  /// Writes what is still waiting, and stops.
  ~Logging();

 private:
  log::Sink sink_ = nullptr;
};

}  // namespace moq::apps
