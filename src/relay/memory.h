#pragma once

#include <cstdint>
#include <filesystem>

namespace moq::relay {

/// In bytes.
struct Memory {
  /// That this process may use: the machine's, or the least limit of the control groups
  /// that it is in, where that is lower.
  std::uint64_t total = 0;
  /// Of it, what could be used now without anything being swapped out: the kernel gives up
  /// its caches of files for it.
  std::uint64_t available = 0;
};

/// As the kernel tells of it in /proc and /sys, control groups of version 1 or 2; `root` is
/// where these are. What cannot be read is no limit.
[[nodiscard]] Memory read_memory(const std::filesystem::path& root = "/");

}  // namespace moq::relay
