#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "net/base/time.h"

namespace moq::bench {

/// Durations by microseconds, in buckets that are at most 1/64 (1.6 %) of their
/// value wide, as in HdrHistogram: exact below 128 µs. A fixed 16 KiB, no
/// allocation; what is longer than kMax counts as kMax, what is negative as 0.
class Histogram {
 public:
  static constexpr Duration kMax = std::chrono::hours(1);

  void record(Duration value);
  /// Adds what `other` holds.
  void merge(const Histogram& other);
  /// What was recorded since `earlier`, a copy of this one. The maximum is then
  /// that of its highest bucket.
  [[nodiscard]] Histogram since(const Histogram& earlier) const;

  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// The longest that was recorded; zero when there is none.
  [[nodiscard]] Duration max() const { return max_; }
  /// The value that a share `q` in [0, 1] of all does not exceed: the upper end of
  /// its bucket, and never above the maximum. Zero when nothing was recorded.
  [[nodiscard]] Duration quantile(double q) const;

 private:
  static constexpr unsigned kSubBits = 6;
  static constexpr std::size_t kSub = std::size_t{1} << kSubBits;
  // Values up to 2^32 µs (71 minutes).
  static constexpr std::size_t kBuckets = (32 - kSubBits + 1) * kSub;

  static std::size_t bucket_of(std::uint64_t micros);
  static std::uint64_t upper_end(std::size_t bucket);

  std::uint64_t count_ = 0;
  Duration max_{};
  std::array<std::uint64_t, kBuckets> buckets_{};
};

}  // namespace moq::bench
