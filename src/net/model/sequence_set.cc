#include "net/model/sequence_set.h"

#include <algorithm>

namespace moq {

bool SequenceSet::insert(std::uint64_t sequence) {
  // The first range that ends at or behind `sequence`; almost always none.
  auto it = ranges_.end();
  if (!ranges_.empty() && ranges_.back().last >= sequence) {
    it = std::ranges::lower_bound(ranges_, sequence, {}, &Range::last);
    if (it->first <= sequence) return false;
  }
  const bool joins_next = it != ranges_.end() && it->first == sequence + 1;
  const bool joins_previous = it != ranges_.begin() && (it - 1)->last + 1 == sequence;
  if (joins_previous && joins_next) {
    (it - 1)->last = it->last;
    ranges_.erase(it);
  } else if (joins_previous) {
    (it - 1)->last = sequence;
  } else if (joins_next) {
    it->first = sequence;
  } else {
    ranges_.insert(it, Range{sequence, sequence});
    if (ranges_.size() > kMaxRanges) {
      ranges_[1].first = ranges_[0].first;
      ranges_.erase(ranges_.begin());
    }
  }
  return true;
}

bool SequenceSet::contains(std::uint64_t sequence) const {
  const auto it = std::ranges::lower_bound(ranges_, sequence, {}, &Range::last);
  return it != ranges_.end() && it->first <= sequence;
}

}  // namespace moq
