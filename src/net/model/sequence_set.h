#pragma once

#include <cstddef>
#include <cstdint>

#include <boost/container/small_vector.hpp>

namespace moq {

/// Which group sequences have been delivered, in bounded space: ascending ranges,
/// of which the lowest are joined, over the gap between them, when there are
/// more than kMaxRanges. So nothing is delivered twice, and what is missing far
/// behind is not delivered any more.
class SequenceSet {
 public:
  static constexpr std::size_t kMaxRanges = 64;

  /// Adds `sequence`. Returns false if it was there already.
  bool insert(std::uint64_t sequence);
  [[nodiscard]] bool contains(std::uint64_t sequence) const;

 private:
  struct Range {
    std::uint64_t first;
    std::uint64_t last;
  };
  boost::container::small_vector<Range, 1> ranges_;
};

}  // namespace moq
