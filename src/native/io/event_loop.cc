#include "native/io/event_loop.h"

#include <sys/timerfd.h>

#include <algorithm>
#include <chrono>
#include <iterator>

#include <boost/asio/post.hpp>

namespace moq::native {

namespace asio = boost::asio;

namespace {
// Pacing and acknowledgements come within this; loss and idle timers do not.
constexpr Duration kNear = std::chrono::milliseconds(2);

timespec to_timespec(Time time) {
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  return {.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(since - seconds).count()};
}
}  // namespace

Time monotonic_now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return Time{std::chrono::duration_cast<Duration>(now)};
}

EventLoop::EventLoop()
    : loop_(monotonic_now()),
      work_(asio::make_work_guard(context_)),
      far_(context_),
      near_(context_, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {}

EventLoop::~EventLoop() {
  // What was posted and never ran may own sockets of context_: it goes first.
  posted_.clear();
  taken_.clear();
  loop_.drop_tasks();
}

void EventLoop::read_clock() {
  fresh_ = true;
  loop_.advance(monotonic_now());
}

void EventLoop::post(Task task) {
  bool first = false;
  {
    const std::scoped_lock lock(mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(task));
  }
  if (first) asio::post(context_, [this] { take_posted(); });
}

void EventLoop::post_all(std::vector<Task>& tasks) {
  if (tasks.empty()) return;
  bool first = false;
  {
    const std::scoped_lock lock(mutex_);
    first = posted_.empty();
    if (first) {
      posted_.swap(tasks);
    } else {
      std::ranges::move(tasks, std::back_inserter(posted_));
    }
  }
  tasks.clear();
  if (first) asio::post(context_, [this] { take_posted(); });
}

void EventLoop::take_posted() {
  {
    const std::scoped_lock lock(mutex_);
    taken_.swap(posted_);
  }
  Loop& in_time = loop();
  for (Task& task : taken_) in_time.post(std::move(task));
  taken_.clear();
}

void EventLoop::stop() {
  stopping_.store(true, std::memory_order_release);
  asio::post(context_, [] {});
}

void EventLoop::run() {
  while (!stopping_.exchange(false, std::memory_order_acq_rel)) turn(kNever);
}

bool EventLoop::run_until(const std::function<bool()>& done, Duration timeout) {
  const Time limit = later(now(), timeout);
  while (!stopping_.exchange(false, std::memory_order_acq_rel)) {
    if (done()) return true;
    if (loop_.now() >= limit) return false;
    turn(limit);
  }
  return done();
}

void EventLoop::turn(Time limit) {
  const Time next = std::min(loop_.next(), limit);
  fresh_ = false;
  // One handler a turn: to ask for a second is a system call, and what is ready
  // already costs the next turn none.
  if (next <= loop_.now()) {
    context_.poll_one();
  } else {
    arm(next);
    context_.run_one();
  }
  refresh();
  loop_.run(loop_.now());
}

void EventLoop::arm(Time when) {
  // A timer that fires too early costs one wake; moving it each time that the
  // next deadline moves later would cost a system call each.
  if (when >= std::min(near_armed_, far_armed_)) return;
  if (when - loop_.now() < kNear) return arm_near(when);
  far_armed_ = when;
  far_.expires_at(std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(when.time_since_epoch())));
  far_.async_wait([this](const boost::system::error_code& error) {
    if (!error) far_armed_ = kNever;
  });
}

void EventLoop::arm_near(Time when) {
  near_armed_ = when;
  const itimerspec spec{.it_interval = {}, .it_value = to_timespec(when)};
  timerfd_settime(near_.native_handle(), TFD_TIMER_ABSTIME, &spec, nullptr);
  if (near_waiting_) return;
  near_waiting_ = true;
  near_.async_wait(asio::posix::descriptor_base::wait_read,
                   [this](const boost::system::error_code& error) {
                     near_waiting_ = false;
                     if (!error) near_armed_ = kNever;
                   });
}

void Outbox::send(EventLoop::Task message) {
  messages_.push_back(std::move(message));
  from_.mark(*this);
}

}  // namespace moq::native
