#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace moq::bench {

/// Numbers, as ranges: as many as there are gaps between them.
class Numbers {
 public:
  /// Returns false if it was there already.
  bool insert(std::uint64_t number);
  [[nodiscard]] bool contains(std::uint64_t number) const;
  /// How many of them lie in [first, end).
  [[nodiscard]] std::uint64_t count(std::uint64_t first, std::uint64_t end) const;

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_;  ///< first and last of each
};

/// What became of the groups of one broadcast that one connection subscribed to.
///
/// The first group that is delivered, which a late joiner may get the tail of, is
/// only where counting begins: expected are those between it and the end. While
/// it runs, the end is the newest group that has begun; `settle` names the real one.
class Ledger {
 public:
  struct Counts {
    std::uint64_t begun = 0;         ///< deliveries, the first and doubles too
    std::uint64_t expected = 0;      ///< groups behind the first and before the end
    std::uint64_t present = 0;       ///< of those, the ones that have begun
    std::uint64_t complete = 0;      ///< of those, the ones that are whole
    std::uint64_t incomplete = 0;    ///< of those, the ones that ended without being whole
    std::uint64_t duplicated = 0;    ///< deliveries of a group that had been delivered
    std::uint64_t out_of_order = 0;  ///< first deliveries behind that of a later group
    [[nodiscard]] std::uint64_t lost() const { return expected - present; }
  };

  /// A group has begun to arrive.
  void begin(std::uint64_t sequence);
  /// A group that had begun has ended: whole, or not.
  void end(std::uint64_t sequence, bool whole);
  /// The publisher completed the groups before `end`, and what has not come by
  /// now never will. Groups at or after it count no more; those before it that
  /// are still open are incomplete. Without a subscription that ever began, the
  /// expectation is 0.
  void settle(std::uint64_t end);
  /// As `settle`, where the publisher's end is not known: before the newest.
  void settle();

  [[nodiscard]] Counts counts() const;
  [[nodiscard]] std::optional<std::uint64_t> first() const { return first_; }
  /// Whether all groups before `end` have come whole or have ended.
  [[nodiscard]] bool has_all(std::uint64_t end) const;

 private:
  std::optional<std::uint64_t> first_;
  std::uint64_t newest_ = 0;
  std::optional<std::uint64_t> end_;
  Numbers begun_;
  Numbers whole_;
  Numbers ended_;
  std::uint64_t deliveries_ = 0;
  std::uint64_t duplicated_ = 0;
  std::uint64_t out_of_order_ = 0;
};

}  // namespace moq::bench
