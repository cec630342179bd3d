#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "net/base/time.h"

namespace moq {

class Loop;

/// A one-shot timer, owned by whom it calls. Destroying it cancels it. It may
/// be re-armed from its own callback. Belongs to its loop's thread.
class Timer {
 public:
  /// `callback` runs inside Loop::run() once the armed time has come.
  Timer(Loop& loop, std::function<void()> callback);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();

  /// Arms for `when`, replacing what was armed; kNever disarms.
  void arm(Time when);
  void cancel() { arm(kNever); }
  /// The armed time; kNever when none is.
  [[nodiscard]] Time when() const { return when_; }

 private:
  friend class Loop;
  Loop& loop_;
  std::function<void()> callback_;
  Time when_ = kNever;
  std::uint64_t order_ = 0;
};

/// Something that is flushed at most once at the end of a tick, however often
/// it was marked in it: a connection with packets to send.
class Flushable {
 public:
  Flushable() = default;
  Flushable(const Flushable&) = delete;
  Flushable& operator=(const Flushable&) = delete;

 protected:
  /// Unmarks itself.
  ~Flushable();
  virtual void flush() = 0;

 private:
  friend class Loop;
  Loop* marked_in_ = nullptr;
};

/// The order in which things happen on one thread: timers, posted tasks, and
/// flushes. It has no clock and never waits: a driver (an event loop, a
/// simulation) advances it, runs it, and sleeps until `next()`.
///
/// A tick is one `run(now)`: due timers in order of time, then posted tasks
/// until none is left, then flushes, and so on until nothing is ready, for at most
/// 16 rounds (what is left then is ready at once: `next() == now()`). All of a
/// tick sees the same `now()`. Not thread-safe.
class Loop {
 public:
  explicit Loop(Time start = Time{}) : now_(start) {}
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  /// The time of the current tick.
  [[nodiscard]] Time now() const { return now_; }

  /// Sets the time before outside events are handed in. Time never goes back.
  void advance(Time now) {
    if (now > now_) now_ = now;
  }

  /// Runs `task` later in this tick (or in the next), never inside this call.
  void post(std::function<void()> task);

  /// Destroys the posted tasks instead of running them: for drivers that shut down.
  void drop_tasks();

  /// Has `what->flush()` called once, after the tasks of this tick.
  void mark(Flushable& what);

  /// Advances to `now` and runs all that is ready. Not re-entrant.
  void run(Time now);

  /// When `run` has something to do: `now()` if at once, kNever if nothing is planned.
  [[nodiscard]] Time next() const;

  /// Called when work arrives outside `run`, so that a waiting driver can wake.
  void on_wake(std::function<void()> wake) { wake_ = std::move(wake); }

 private:
  friend class Timer;
  friend class Flushable;

  void schedule(Timer& timer, Time when);
  void wake();

  Time now_;
  bool running_ = false;
  std::uint64_t order_ = 0;
  std::set<std::pair<std::pair<Time, std::uint64_t>, Timer*>> timers_;
  std::vector<std::function<void()>> tasks_;
  std::vector<Flushable*> flushes_;
  std::vector<Flushable*> flushing_;
  std::function<void()> wake_;
};

}  // namespace moq
