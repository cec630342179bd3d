#include "relay/memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace moq::relay {

namespace {

// The limit that applies from inside a container, where the group's own
// directory is the root of what is mounted. "max" is no number, and no limit.
std::uint64_t group_limit(std::uint64_t most) {
  for (const char* file :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::uint64_t limit = 0;
    if (std::ifstream(file) >> limit && limit > 0) most = std::min(most, limit);
  }
  return most;
}

}  // namespace

std::uint64_t total_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long size = ::sysconf(_SC_PAGE_SIZE);
  if (pages <= 0 || size <= 0) return group_limit(UINT64_MAX);
  return group_limit(static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size));
}

}  // namespace moq::relay
