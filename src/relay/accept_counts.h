#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "net/base/time.h"

namespace moq::relay {

/// Why a listener did not take a connection.
enum class AcceptFailure : unsigned char {
  connection,  ///< it died before it was taken; nobody's fault
  exhausted,   ///< the process or the machine is out of descriptors or memory
  unknown,
};
inline constexpr std::array kAcceptFailures = {AcceptFailure::connection, AcceptFailure::exhausted,
                                               AcceptFailure::unknown};
std::string_view to_string(AcceptFailure failure);

/// What became of the connections of a listener.
struct AcceptCounts {
  std::array<std::uint64_t, kAcceptFailures.size()> failures{};
  /// For how long it has been out of resources; zero if it is not.
  Duration stalled{};

  AcceptCounts& operator+=(const AcceptCounts& other);
};

}  // namespace moq::relay
