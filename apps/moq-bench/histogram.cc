#include "moq-bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace moq::bench {

// Bucket b < 2 * kSub holds the value b. Above, each power of two has kSub
// buckets: b = shift * kSub + (value >> shift), with value >> shift in [kSub, 2 * kSub).
std::size_t Histogram::bucket_of(std::uint64_t micros) {
  const unsigned width = static_cast<unsigned>(std::bit_width(micros));
  const unsigned shift = width > kSubBits + 1 ? width - kSubBits - 1 : 0;
  return std::min<std::size_t>(shift * kSub + (micros >> shift), kBuckets - 1);
}

std::uint64_t Histogram::upper_end(std::size_t bucket) {
  const std::size_t shift = bucket < 2 * kSub ? 0 : bucket / kSub - 1;
  const std::uint64_t top = bucket - shift * kSub;
  return ((top + 1) << shift) - 1;
}

void Histogram::record(Duration value) {
  value = std::clamp(value, Duration::zero(), Duration(kMax));
  ++count_;
  max_ = std::max(max_, value);
  const auto micros = std::chrono::ceil<std::chrono::microseconds>(value).count();
  ++buckets_[bucket_of(static_cast<std::uint64_t>(micros))];
}

void Histogram::merge(const Histogram& other) {
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
}

Histogram Histogram::since(const Histogram& earlier) const {
  Histogram result;
  result.count_ = count_ - earlier.count_;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    result.buckets_[i] = buckets_[i] - earlier.buckets_[i];
    if (result.buckets_[i] != 0) {
      result.max_ = std::min<Duration>(std::chrono::microseconds(upper_end(i)), max_);
    }
  }
  return result;
}

Duration Histogram::quantile(double q) const {
  if (count_ == 0) return Duration::zero();
  const auto wanted =
      static_cast<std::uint64_t>(std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_)));
  const std::uint64_t rank = std::clamp<std::uint64_t>(wanted, 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min<Duration>(std::chrono::microseconds(upper_end(i)), max_);
  }
  return max_;
}

}  // namespace moq::bench
