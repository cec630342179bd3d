#pragma once

#include <cstdint>

namespace moq::relay {

/// Bytes of memory that this process may use: the machine's, or the limit of
/// its control group where that is lower.
std::uint64_t total_memory();

}  // namespace moq::relay
