#include "proxy/fate.h"

namespace moq::lossy {

namespace {

/// SplitMix64's step: all bits of the input reach all of the output.
std::uint64_t mix(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15U;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31U);
}

/// From 0 to 1, without 1.
double fraction(std::uint64_t random) {
  return static_cast<double>(random >> 11U) / static_cast<double>(std::uint64_t{1} << 53U);
}

}  // namespace

Fate fate(const Conditions& conditions, std::uint64_t flow, Way way, std::uint64_t packet) {
  const std::uint64_t stream =
      mix(mix(conditions.seed) ^ (flow * 2 + static_cast<std::uint64_t>(way)));
  const std::uint64_t random = mix(stream ^ packet);
  const double more = fraction(mix(random)) * static_cast<double>(conditions.jitter.count());
  return {.lost = fraction(random) < conditions.loss,
          .delay = conditions.delay + Duration(static_cast<Duration::rep>(more))};
}

}  // namespace moq::lossy
