#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "net/base/time.h"

namespace moq::crowd {

/// What one viewer has seen of a track that it is to see every group of: each once, in
/// order, whole.
class Tally {
 public:
  struct Counts {
    std::uint64_t expected = 0;    ///< from the subscription's first group to the track's end
    std::uint64_t whole = 0;       ///< of the expected
    std::uint64_t lost = 0;        ///< expected, and nothing of it ever came
    std::uint64_t incomplete = 0;  ///< it has begun, and never became whole
    std::uint64_t duplicated = 0;  ///< deliveries of a group that had been delivered
    /// Groups that became whole after a later one.
    std::uint64_t out_of_order = 0;
    std::uint64_t wrong = 0;  ///< frames that are not what was published

    Counts& operator+=(const Counts& other);
    /// Whether all was as it had to be.
    [[nodiscard]] bool good() const;
  };

  /// The subscription's first group; once, before any group begins.
  void set_first(std::uint64_t sequence) { first_ = sequence; }
  [[nodiscard]] const std::optional<std::uint64_t>& first() const { return first_; }
  /// A group is delivered. False if it, or one of that number, was before.
  bool begin(std::uint64_t sequence);
  /// A frame is whole.
  void frame(Time at);
  void wrong_frame() { ++counts_.wrong; }
  void whole(std::uint64_t sequence);

  /// All groups before this one are whole; the first one at least.
  [[nodiscard]] std::uint64_t next() const { return next_; }
  /// The longest time without a frame, from the first one on.
  [[nodiscard]] Duration longest_pause() const { return longest_pause_; }
  /// When that began.
  [[nodiscard]] Time pause_began() const { return pause_began_; }
  /// What it comes to if the track has no group from `end` on.
  [[nodiscard]] Counts counts(std::uint64_t end) const;

 private:
  std::optional<std::uint64_t> first_;
  /// Every group that has begun, and whether it is whole.
  std::map<std::uint64_t, bool> groups_;
  std::uint64_t next_ = 0;
  std::optional<std::uint64_t> newest_whole_;
  std::optional<Time> last_frame_;
  Duration longest_pause_{};
  Time pause_began_{};
  Counts counts_;
};

}  // namespace moq::crowd
