#include "relay/accept_counts.h"

#include <algorithm>
#include <cstddef>

namespace moq::relay {

std::string_view to_string(AcceptFailure failure) {
  constexpr std::array<std::string_view, kAcceptFailures.size()> kNames = {"connection",
                                                                           "exhausted", "unknown"};
  return kNames.at(static_cast<std::size_t>(failure));
}

AcceptCounts& AcceptCounts::operator+=(const AcceptCounts& other) {
  for (std::size_t i = 0; i < failures.size(); ++i) failures[i] += other.failures[i];
  stalled = std::max(stalled, other.stalled);
  return *this;
}

}  // namespace moq::relay
