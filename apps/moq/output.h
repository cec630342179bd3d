#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "net/base/bytes.h"

namespace moq::apps {

/// Standard output, written by a thread of its own, so that a slow reader holds
/// up nothing but itself.
class Output {
 public:
  /// Bytes that may wait; more, and the writer is asked to pause.
  static constexpr std::size_t kHigh = 16U << 20;
  static constexpr std::size_t kLow = 4U << 20;

  /// `changed` is called from the writing thread when the output has become full
  /// enough to continue, is gone, or is flushed.
  Output(int fd, std::function<void()> changed);
  /// Writes what is left, unless the output is gone.
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// Queues a copy. False: the output is gone.
  bool write(ByteSpan bytes);
  /// Whether more waits than should.
  [[nodiscard]] bool full();
  [[nodiscard]] bool gone();
  /// Whether all that was written has been taken.
  [[nodiscard]] bool flushed();

 private:
  void run();

  int fd_;
  std::function<void()> changed_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::vector<std::uint8_t>> queue_;
  std::size_t queued_ = 0;
  bool full_ = false;
  bool gone_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace moq::apps
