#pragma once

#include <string_view>

#include "net/base/error.h"
#include "net/base/loop.h"
#include "relay/drain_order.h"

namespace moq::relay {

/// What ending takes.
class ShutdownEffects {
 public:
  /// Takes no new session, and asks all that there are to leave as `order` says.
  /// Followed by Shutdown::drained() as soon as none is left, not inside this call.
  virtual void drain(const DrainOrder& order) = 0;
  /// A signal has come while a drain that was asked for is under way, or over: the
  /// process will end with it.
  virtual void adopt() = 0;
  /// Asks nobody any more, lets those stay that are there, and takes new sessions.
  virtual void resume() = 0;
  /// Time is up: closes the sessions that are still there.
  virtual void close_sessions() = 0;
  /// The last session has left.
  virtual void emptied() = 0;
  /// Ends the process with `code`. The last call.
  virtual void exit(int code) = 0;

 protected:
  ~ShutdownEffects() = default;
};

enum class ShutdownError : unsigned char {
  draining = 1,  ///< a drain is under way, or its relay empty
  ending,        ///< a signal has come, which nothing takes back
};
const ErrorDomain& error_domain(ShutdownError);

/// How a relay is emptied and ended, by signals and by whoever asks for a drain:
///
///   running --signal--> draining --last session left--> exit 0
///                          |  `--timeout over--> closing --> exit 0
///                          `--second signal--> exit 128 + signal, at once
///
///   running --request--> draining, closing, empty: the same without an exit
///                           |  `--signal--> it is the first: that drain goes on as the
///                           |              signal's; an empty relay exits 0
///                           `--cancel--> running
///
/// Each delivered signal counts once; two that the kernel made one are one.
/// A signal that comes during start-up is delivered with the loop's first tick,
/// and drains what there is by then.
class Shutdown {
 public:
  enum class Phase : unsigned char {
    running,
    draining,  ///< sessions may stay, and are asked to leave
    closing,   ///< their time is up
    empty,     ///< all have left, and no signal has come
    over,      ///< the process ends
  };

  /// How long closed sessions may take to say so.
  static constexpr Duration kCloseTime = std::chrono::seconds(1);

  /// `order`: of drains that a signal begins.
  Shutdown(Loop& loop, DrainOrder order, ShutdownEffects& effects);

  /// Changes what drains that have yet to begin are like.
  void set_order(const DrainOrder& order) { order_ = order; }
  [[nodiscard]] const DrainOrder& order() const { return order_; }

  /// SIGINT or SIGTERM was delivered.
  void on_signal(int signal);
  /// Begins a drain that does not end the process. Fails if there is one.
  Result<void> request(const DrainOrder& order);
  /// Ends a requested drain, or takes new sessions again after it. Nothing happens when
  /// there is none. Fails once a signal has come.
  Result<void> cancel();
  /// No session is left.
  void drained();

  [[nodiscard]] Phase phase() const { return phase_; }
  /// Whether new sessions are taken.
  [[nodiscard]] bool running() const { return phase_ == Phase::running; }
  /// Whether a signal has come.
  [[nodiscard]] bool ending() const { return ending_; }
  /// When the drain's time is up; kNever: it has no end, or there is none.
  [[nodiscard]] Time deadline() const { return phase_ == Phase::draining ? timer_.when() : kNever; }

 private:
  void begin(const DrainOrder& order);
  void time_is_up();
  void end(int code);

  Loop& loop_;
  DrainOrder order_;
  ShutdownEffects& effects_;
  Phase phase_ = Phase::running;
  bool ending_ = false;
  Timer timer_;
};
[[nodiscard]] std::string_view to_string(Shutdown::Phase phase);

}  // namespace moq::relay
