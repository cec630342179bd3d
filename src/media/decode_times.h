#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <span>
#include <vector>

namespace moq::media {

/// Gives decoding times to frames that only carry presentation times, in
/// decoding order. With pictures reordered by at most `depth`, the decoding
/// times are the presentation times in ascending order, delayed by `depth`
/// frames: ascending, and never after the presentation.
class DecodeTimes {
 public:
  /// How many earlier frames are shown after a later one, at most.
  static std::size_t measure_depth(std::span<const std::int64_t> pts);
  /// The least distance of two presentation times; `fallback` with fewer than two.
  static std::int64_t measure_interval(std::span<const std::int64_t> pts, std::int64_t fallback);

  /// `interval`: of frames, microseconds; the first times lie that far apart.
  /// `earliest`: the least presentation time, when that is not the first frame's.
  DecodeTimes(std::size_t depth, std::int64_t interval,
              std::optional<std::int64_t> earliest = std::nullopt)
      : depth_(depth), interval_(interval), first_(earliest) {}

  struct Times {
    std::int64_t pts = 0;
    std::int64_t dts = 0;
    /// `pts` had to be moved: the frame came later than `depth` allows.
    bool moved = false;
  };
  Times next(std::int64_t pts);
  /// As `next`, with a decoding time that is known.
  Times next(std::int64_t pts, std::int64_t dts);

 private:
  Times ascending(std::int64_t pts, std::int64_t dts);

  std::size_t depth_;
  std::int64_t interval_;
  std::size_t count_ = 0;
  std::optional<std::int64_t> first_;
  std::optional<std::int64_t> last_;
  std::priority_queue<std::int64_t, std::vector<std::int64_t>, std::greater<>> pending_;
};

}  // namespace moq::media
