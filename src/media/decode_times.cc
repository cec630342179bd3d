#include "media/decode_times.h"

#include <algorithm>

namespace moq::media {

std::size_t DecodeTimes::measure_depth(std::span<const std::int64_t> pts) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < pts.size(); ++i) {
    const auto later = std::count_if(pts.begin(), pts.begin() + static_cast<std::ptrdiff_t>(i),
                                     [&](std::int64_t other) { return other > pts[i]; });
    depth = std::max(depth, static_cast<std::size_t>(later));
  }
  return depth;
}

std::int64_t DecodeTimes::measure_interval(std::span<const std::int64_t> pts,
                                           std::int64_t fallback) {
  std::vector<std::int64_t> sorted(pts.begin(), pts.end());
  std::sort(sorted.begin(), sorted.end());
  std::int64_t interval = 0;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    const std::int64_t distance = sorted[i] - sorted[i - 1];
    if (distance > 0 && (interval == 0 || distance < interval)) interval = distance;
  }
  return interval == 0 ? fallback : interval;
}

DecodeTimes::Times DecodeTimes::next(std::int64_t pts) {
  if (!first_) first_ = pts;
  pending_.push(pts);
  std::int64_t dts = 0;
  if (count_ < depth_) {
    dts = *first_ - static_cast<std::int64_t>(depth_ - count_) * interval_;
    ++count_;
  } else {
    dts = pending_.top();
    pending_.pop();
  }
  return ascending(pts, dts);
}

DecodeTimes::Times DecodeTimes::next(std::int64_t pts, std::int64_t dts) {
  return ascending(pts, dts);
}

DecodeTimes::Times DecodeTimes::ascending(std::int64_t pts, std::int64_t dts) {
  Times times{pts, std::min(dts, pts), false};
  if (last_ && times.dts <= *last_) times.dts = *last_ + 1;
  if (times.dts > times.pts) {
    times.pts = times.dts;
    times.moved = true;
  }
  last_ = times.dts;
  return times;
}

}  // namespace moq::media
