#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/base/loop.h"
#include "net/base/time.h"

namespace moq::native {

/// The monotonic clock, as the Time that every EventLoop's Loop is driven with.
[[nodiscard]] Time monotonic_now();

/// A Loop on the monotonic clock, together with the Asio context that waits for
/// sockets: what one thread runs.
///
/// One turn is: wait for sockets or for the loop's next timer, read the clock
/// once, run one Asio handler, then one Loop tick. All methods
/// belong to the thread that runs it, except `post`, `post_all` and `stop`.
class EventLoop {
 public:
  using Task = std::function<void()>;

  EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop();

  [[nodiscard]] boost::asio::io_context& context() { return context_; }

  /// The loop. Asio handlers get at it through this call (or call `now` first):
  /// that is what tells it the time of this wake.
  [[nodiscard]] Loop& loop() {
    refresh();
    return loop_;
  }
  /// The time of this wake: one clock read for all who ask in it.
  [[nodiscard]] Time now() {
    refresh();
    return loop_.now();
  }

  /// Runs `task` in this loop's next tick. From any thread; the first of a batch
  /// wakes the loop.
  void post(Task task);
  /// As `post` for each in order, with one lock and one wake. Empties `tasks`.
  void post_all(std::vector<Task>& tasks);

  /// Runs until `stop`. Throws what handlers throw.
  void run();
  /// Makes `run` or `run_until` return after the current turn, or the next one
  /// return at once. From any thread.
  void stop();
  /// Runs until `done()` (asked before each turn), `stop`, or `timeout`. Returns
  /// what `done` says at the end.
  bool run_until(const std::function<bool()>& done, Duration timeout);

 private:
  void refresh() {
    if (!fresh_) read_clock();
  }
  void read_clock();
  void turn(Time limit);
  void arm(Time when);
  void arm_near(Time when);
  void take_posted();

  // Before context_: what Asio handlers own may hold timers of the loop.
  Loop loop_;
  bool fresh_ = false;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  /// Deadlines further away than kNear.
  boost::asio::steady_timer far_;
  Time far_armed_ = kNever;
  /// Nearer ones, which are many: Asio would set its timer anew once more after
  /// each, and a timer is the dearest of a sender's system calls.
  boost::asio::posix::stream_descriptor near_;
  Time near_armed_ = kNever;
  bool near_waiting_ = false;
  std::atomic<bool> stopping_{false};

  std::mutex mutex_;
  std::vector<Task> posted_;  // guarded by mutex_
  std::vector<Task> taken_;
};

/// One thread's messages to another's loop: collected during a tick, handed
/// over at its end with one lock and one wake. Belongs to the sending loop's
/// thread; `to` must outlive it.
class Outbox final : private Flushable {
 public:
  Outbox(Loop& from, EventLoop& to) : from_(from), to_(to) {}

  /// Runs `message` in a tick of the other loop, after those sent before.
  void send(EventLoop::Task message);

 private:
  void flush() override { to_.post_all(messages_); }

  Loop& from_;
  EventLoop& to_;
  std::vector<EventLoop::Task> messages_;
};

}  // namespace moq::native
