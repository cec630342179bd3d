#pragma once

#include <optional>

#include "net/base/loop.h"
#include "net/base/time.h"

namespace moq::relay {

/// What ending takes.
class ShutdownEffects {
 public:
  /// Takes no new session, and asks all that there are to leave. Once; followed
  /// by Shutdown::drained() as soon as none is left, not inside this call.
  virtual void drain() = 0;
  /// Time is up: closes the sessions that are still there.
  virtual void close_sessions() = 0;
  /// Ends the process with `code`. The last call.
  virtual void exit(int code) = 0;

 protected:
  ~ShutdownEffects() = default;
};

/// How signals end a relay:
///
///   running --signal--> draining --last session left--> exit 0
///                          |  `--window over--> closing --> exit 0
///                          `--second signal--> exit 128 + signal, at once
///
/// Each delivered signal counts once; two that the kernel made one are one.
/// A signal that comes during start-up is delivered with the loop's first tick,
/// and drains what there is by then.
class Shutdown {
 public:
  /// How long closed sessions may take to say so.
  static constexpr Duration kCloseTime = std::chrono::seconds(1);

  /// `window`: how long sessions may stay; none: until they leave. A window of
  /// zero closes them at once.
  Shutdown(Loop& loop, std::optional<Duration> window, ShutdownEffects& effects);

  /// SIGINT or SIGTERM was delivered.
  void on_signal(int signal);
  /// No session is left.
  void drained();

  /// Whether new sessions are taken.
  [[nodiscard]] bool running() const { return phase_ == Phase::running; }

 private:
  enum class Phase : unsigned char { running, draining, closing, over };
  void time_is_up();
  void end(int code);

  Loop& loop_;
  std::optional<Duration> window_;
  ShutdownEffects& effects_;
  Phase phase_ = Phase::running;
  Timer timer_;
};

}  // namespace moq::relay
