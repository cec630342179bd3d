#include "moq-bench/ledger.h"

#include <algorithm>
#include <iterator>

namespace moq::bench {

bool Numbers::insert(std::uint64_t number) {
  auto next = ranges_.upper_bound(number);
  if (next != ranges_.begin()) {
    const auto before = std::prev(next);
    if (number <= before->second) return false;
    if (number == before->second + 1) {
      before->second = number;
      if (next != ranges_.end() && next->first == number + 1) {
        before->second = next->second;
        ranges_.erase(next);
      }
      return true;
    }
  }
  std::uint64_t last = number;
  if (next != ranges_.end() && next->first == number + 1) {
    last = next->second;
    next = ranges_.erase(next);
  }
  ranges_.emplace_hint(next, number, last);
  return true;
}

bool Numbers::contains(std::uint64_t number) const {
  const auto next = ranges_.upper_bound(number);
  return next != ranges_.begin() && number <= std::prev(next)->second;
}

std::uint64_t Numbers::count(std::uint64_t first, std::uint64_t end) const {
  std::uint64_t total = 0;
  for (const auto& [from, last] : ranges_) {
    const std::uint64_t low = std::max(from, first);
    if (low >= end || last < low) continue;
    total += std::min(last, end - 1) - low + 1;
  }
  return total;
}

void Ledger::begin(std::uint64_t sequence) {
  ++deliveries_;
  if (!first_) {
    first_ = newest_ = sequence;
    begun_.insert(sequence);
    return;
  }
  if (!begun_.insert(sequence)) {
    ++duplicated_;
  } else if (sequence < newest_) {
    ++out_of_order_;
  }
  newest_ = std::max(newest_, sequence);
}

void Ledger::end(std::uint64_t sequence, bool whole) {
  ended_.insert(sequence);
  // One whole delivery is enough, whatever became of another.
  if (whole) whole_.insert(sequence);
}

void Ledger::settle(std::uint64_t end) { end_ = end; }

void Ledger::settle() { end_ = newest_; }

Ledger::Counts Ledger::counts() const {
  Counts counts{.begun = deliveries_, .duplicated = duplicated_, .out_of_order = out_of_order_};
  const std::uint64_t end = end_.value_or(newest_);
  if (!first_ || end <= *first_ + 1) return counts;
  const std::uint64_t from = *first_ + 1;
  counts.expected = end - from;
  counts.present = begun_.count(from, end);
  counts.complete = whole_.count(from, end);
  // Those that are still open are given up once it is settled.
  counts.incomplete = (end_ ? counts.present : ended_.count(from, end)) - counts.complete;
  return counts;
}

bool Ledger::has_all(std::uint64_t end) const {
  if (!first_ || end <= *first_ + 1) return true;
  return ended_.count(*first_ + 1, end) == end - *first_ - 1;
}

}  // namespace moq::bench
