#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string_view>

namespace moq::bench {

using Random = std::mt19937_64;

/// An inclusive range from which each connection rolls its own value.
struct Range {
  std::uint64_t min = 0;
  std::uint64_t max = 0;

  /// "30", "24:60", "24..60" or "24-60"; ends in the wrong order are swapped.
  /// None where that is no range.
  static std::optional<Range> parse(std::string_view text);

  /// A value of the range, each as likely. The same for the same `random`.
  [[nodiscard]] std::uint64_t roll(Random& random) const;

  friend bool operator==(const Range&, const Range&) = default;
};

}  // namespace moq::bench
