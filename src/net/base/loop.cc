#include "net/base/loop.h"

#include <algorithm>

namespace moq {

namespace {
// Bounds a tick, so that a driver gets to read its sockets between bursts of work.
constexpr int kMaxRounds = 16;
}  // namespace

Timer::Timer(Loop& loop, std::function<void()> callback)
    : loop_(loop), callback_(std::move(callback)) {}

Timer::~Timer() { cancel(); }

void Timer::arm(Time when) {
  if (when != when_) loop_.schedule(*this, when);
}

Flushable::~Flushable() {
  if (marked_in_ == nullptr) return;
  std::ranges::replace(marked_in_->flushes_, this, nullptr);
  std::ranges::replace(marked_in_->flushing_, this, nullptr);
}

Loop::~Loop() {
  for (Flushable* item : flushes_) {
    if (item != nullptr) item->marked_in_ = nullptr;
  }
}

void Loop::schedule(Timer& timer, Time when) {
  if (timer.when_ != kNever) timers_.erase({{timer.when_, timer.order_}, &timer});
  timer.when_ = when;
  if (when == kNever) return;
  timer.order_ = ++order_;
  timers_.insert({{when, timer.order_}, &timer});
  if (timers_.begin()->second == &timer) wake();
}

void Loop::post(std::function<void()> task) {
  tasks_.push_back(std::move(task));
  wake();
}

void Loop::drop_tasks() {
  // Destroying a task may post another.
  while (!tasks_.empty()) std::exchange(tasks_, {}).clear();
}

void Loop::mark(Flushable& what) {
  if (what.marked_in_ != nullptr) return;
  what.marked_in_ = this;
  flushes_.push_back(&what);
  wake();
}

void Loop::wake() {
  if (!running_ && wake_) wake_();
}

Time Loop::next() const {
  if (!tasks_.empty() || !flushes_.empty()) return now_;
  return timers_.empty() ? kNever : timers_.begin()->first.first;
}

void Loop::run(Time now) {
  advance(now);
  running_ = true;
  for (int round = 0; round < kMaxRounds && next() <= now_; ++round) {
    while (!timers_.empty() && timers_.begin()->first.first <= now_) {
      Timer& timer = *timers_.begin()->second;
      timers_.erase(timers_.begin());
      timer.when_ = kNever;
      // A copy: the callback may destroy its timer.
      auto callback = timer.callback_;
      callback();
    }
    while (!tasks_.empty()) {
      auto tasks = std::exchange(tasks_, {});
      for (auto& task : tasks) task();
    }
    flushing_ = std::exchange(flushes_, {});
    for (std::size_t i = 0; i < flushing_.size(); ++i) {
      Flushable* item = flushing_[i];
      if (item == nullptr) continue;
      item->marked_in_ = nullptr;
      item->flush();
    }
    flushing_.clear();
  }
  running_ = false;
}

}  // namespace moq
