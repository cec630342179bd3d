#pragma once

#include <cstdint>

#include "net/base/time.h"

namespace moq::lossy {

/// What a network does to packets.
struct Conditions {
  std::uint64_t seed = 1;
  /// How many of them it loses: 0 none, 1 all.
  double loss = 0;
  /// Each way.
  Duration delay{};
  /// At most so much more, anew for each packet: some overtake others.
  Duration jitter{};
};

enum class Way : std::uint8_t {
  up,    ///< from a client to the server
  down,  ///< from the server to a client
};
inline constexpr Way kWays[] = {Way::up, Way::down};

/// What becomes of one packet.
struct Fate {
  bool lost = false;
  Duration delay{};

  friend bool operator==(const Fate&, const Fate&) = default;
};

/// The fate of packet number `packet` of flow number `flow`, each counted from 0. It
/// depends on these and the seed only, never on what becomes of other packets: what a
/// flow meets is the same however the flows mix.
[[nodiscard]] Fate fate(const Conditions& conditions, std::uint64_t flow, Way way,
                        std::uint64_t packet);

}  // namespace moq::lossy
