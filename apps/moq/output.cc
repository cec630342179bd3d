#include "moq/output.h"

#include <cerrno>
#include <utility>

#include <unistd.h>

namespace moq::apps {

Output::Output(int fd, std::function<void()> changed)
    : fd_(fd), changed_(std::move(changed)), thread_([this] { run(); }) {}

Output::~Output() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool Output::write(ByteSpan bytes) {
  const std::lock_guard lock(mutex_);
  if (gone_) return false;
  queue_.emplace_back(bytes.begin(), bytes.end());
  queued_ += bytes.size();
  if (queued_ > kHigh) full_ = true;
  wake_.notify_one();
  return true;
}

bool Output::full() {
  const std::lock_guard lock(mutex_);
  return full_;
}

bool Output::gone() {
  const std::lock_guard lock(mutex_);
  return gone_;
}

bool Output::flushed() {
  const std::lock_guard lock(mutex_);
  return gone_ || queued_ == 0;
}

void Output::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const std::vector<std::uint8_t> chunk = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    std::size_t done = 0;
    bool failed = false;
    while (done < chunk.size() && !failed) {
      const ssize_t n = ::write(fd_, chunk.data() + done, chunk.size() - done);
      if (n > 0) done += static_cast<std::size_t>(n);
      failed = n < 0 && errno != EINTR;
    }
    lock.lock();
    queued_ -= chunk.size();
    bool tell = queued_ == 0;
    if (full_ && queued_ < kLow) {
      full_ = false;
      tell = true;
    }
    if (failed) {
      gone_ = true;
      queue_.clear();
      queued_ = 0;
      tell = true;
    }
    if (!tell) continue;
    lock.unlock();
    changed_();
    lock.lock();
  }
}

}  // namespace moq::apps
