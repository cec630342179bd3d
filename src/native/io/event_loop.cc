#include "native/io/event_loop.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include <boost/asio/post.hpp>

namespace moq::native {

namespace asio = boost::asio;

Time monotonic_now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return Time{std::chrono::duration_cast<Duration>(now)};
}

EventLoop::EventLoop()
    : loop_(monotonic_now()), work_(asio::make_work_guard(context_)), timer_(context_) {}

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
  if (next <= loop_.now()) {
    for (int i = 0; i < kMaxHandlers && context_.poll_one() != 0; ++i) {
    }
  } else {
    arm(next);
    context_.run_one();
    for (int i = 1; i < kMaxHandlers && context_.poll_one() != 0; ++i) {
    }
  }
  refresh();
  loop_.run(loop_.now());
}

void EventLoop::arm(Time when) {
  // A timer that fires too early costs one wake; moving it each time that the
  // next deadline moves later would cost a system call each.
  if (when >= armed_) return;
  armed_ = when;
  timer_.expires_at(std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(when.time_since_epoch())));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) armed_ = kNever;
  });
}

void Outbox::send(EventLoop::Task message) {
  messages_.push_back(std::move(message));
  from_.mark(*this);
}

}  // namespace moq::native
