#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/time.h"

namespace moq::relay {

/// How a relay is to be emptied: as configured, or as an operator asks for it.
struct DrainOrder {
  /// How long sessions may stay; none: until they leave. Zero: not at all, and nobody is
  /// told to go elsewhere.
  std::optional<Duration> timeout;
  /// Where to go instead, for one session after the other in turns; empty: nowhere in
  /// particular.
  std::vector<std::string> uris;
  /// The time over which sessions that publish nothing are told, evenly and at random, so
  /// that not all of them come to another relay at once. Zero: at once.
  Duration spread{};

  friend bool operator==(const DrainOrder&, const DrainOrder&) = default;
};

/// URIs of one order.
inline constexpr std::size_t kMaxDrainUris = 64;

/// What of an order cannot be.
struct DrainMistake {
  std::string_view field;  ///< "uri" or "spread"
  std::string what;
};

/// The first mistake in `order`; none: it can be carried out.
std::optional<DrainMistake> mistake_in(const DrainOrder& order);

}  // namespace moq::relay
