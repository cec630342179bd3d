#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "net/base/loop.h"
#include "relay/census.h"

namespace moq::relay {

/// "draining: 3 sessions left": for the service manager.
[[nodiscard]] std::string drain_status(const Census::Counts& counts);
/// "3 sessions remain, 2 told; gone: 4 left, 0 deadline, 1 lost, 0 closed": for people.
[[nodiscard]] std::string drain_details(const Census::Counts& counts);

/// What is said of a drain: a line a second in the log, or a line that changes on a
/// terminal; a summary in the end; and what the service manager shows and waits for.
/// Belongs to the loop's thread.
class DrainReport {
 public:
  static constexpr Duration kInterval = std::chrono::seconds(1);
  /// How much longer the service manager is asked to wait for a process that it stops,
  /// each time that sessions have gone.
  static constexpr Duration kExtension = std::chrono::seconds(30);

  /// `terminal`: standard error is one. The census must outlive this.
  DrainReport(Loop& loop, const Census& census, bool terminal)
      : loop_(loop), census_(census), terminal_(terminal), timer_(loop, [this] { tick(); }) {}

  /// A drain begins; `ending`: the process ends with it.
  void begin(bool ending);
  /// The process will end with the drain under way, or is empty already.
  void adopt();
  /// It is over: all have left, or the process does not wait for more. Idempotent.
  void end();
  /// It was called off: `serving` is what the service manager shows from now on.
  void cancel(const std::string& serving);

  /// Since when the drain is under way, if it is.
  [[nodiscard]] std::optional<Duration> age() const;
  /// How long the last drain took that left nobody, if there was one.
  [[nodiscard]] std::optional<Duration> took() const { return took_; }

 private:
  void tick();
  void clear_line() const;

  Loop& loop_;
  const Census& census_;
  const bool terminal_;
  Timer timer_;
  std::optional<Time> since_;
  std::optional<Duration> took_;
  bool ending_ = false;
  std::uint64_t gone_ = 0;  ///< at the last tick
};

}  // namespace moq::relay
