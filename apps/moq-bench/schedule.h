#pragma once

#include <cstdint>

#include "net/base/time.h"

namespace moq::bench {

/// When frames are due: frame n at start + n / fps, whatever became of those
/// before. So what is offered does not shrink when anything lags.
class Schedule {
 public:
  /// `fps` above 0.
  Schedule(Time start, std::uint64_t fps) : start_(start), fps_(fps) {}

  [[nodiscard]] Time due(std::uint64_t frame) const {
    const std::uint64_t seconds = frame / fps_;
    const std::uint64_t rest = frame % fps_;
    return start_ + std::chrono::seconds(seconds) +
           Duration(static_cast<Duration::rep>(rest * kSecond / fps_));
  }
  /// How many frames are due at `now` or before.
  [[nodiscard]] std::uint64_t due_by(Time now) const {
    if (now < start_) return 0;
    const auto elapsed = static_cast<std::uint64_t>((now - start_).count());
    const std::uint64_t about = elapsed / kSecond * fps_ + elapsed % kSecond * fps_ / kSecond;
    // Due times are rounded down.
    return due(about + 1) <= now ? about + 2 : about + 1;
  }

 private:
  static constexpr std::uint64_t kSecond = 1'000'000'000;

  Time start_;
  std::uint64_t fps_;
};

}  // namespace moq::bench
