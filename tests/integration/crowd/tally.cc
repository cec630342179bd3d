#include "crowd/tally.h"

#include <algorithm>

namespace moq::crowd {

Tally::Counts& Tally::Counts::operator+=(const Counts& other) {
  expected += other.expected;
  whole += other.whole;
  lost += other.lost;
  incomplete += other.incomplete;
  duplicated += other.duplicated;
  out_of_order += other.out_of_order;
  wrong += other.wrong;
  return *this;
}

bool Tally::Counts::good() const {
  return whole == expected && lost + incomplete + duplicated + out_of_order + wrong == 0;
}

bool Tally::begin(std::uint64_t sequence) {
  if (!first_) first_ = sequence;
  // One from before the subscription's start is as little asked for as a second one.
  const bool anew = sequence >= *first_ && groups_.emplace(sequence, false).second;
  if (!anew) ++counts_.duplicated;
  return anew;
}

void Tally::frame(Time at) {
  if (last_frame_ && at - *last_frame_ > longest_pause_) {
    longest_pause_ = at - *last_frame_;
    pause_began_ = *last_frame_;
  }
  last_frame_ = at;
}

void Tally::whole(std::uint64_t sequence) {
  groups_[sequence] = true;
  if (newest_whole_ && sequence < *newest_whole_) ++counts_.out_of_order;
  newest_whole_ = std::max(newest_whole_.value_or(0), sequence);
  next_ = std::max(next_, first_.value_or(0));
  for (auto at = groups_.find(next_); at != groups_.end() && at->first == next_ && at->second;
       ++at) {
    ++next_;
  }
}

Tally::Counts Tally::counts(std::uint64_t end) const {
  Counts all = counts_;
  if (!first_) {
    // Who never began to watch has seen nothing of it.
    all.expected = all.lost = end;
    return all;
  }
  all.expected = end > *first_ ? end - *first_ : 0;
  std::uint64_t begun = 0;
  for (const auto& [sequence, whole] : groups_) {
    if (sequence >= end) {
      ++all.wrong;
      continue;
    }
    ++begun;
    all.whole += whole ? 1 : 0;
  }
  all.lost = all.expected - begun;
  all.incomplete = begun - all.whole;
  return all;
}

}  // namespace moq::crowd
