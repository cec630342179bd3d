#include "relay/memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>

namespace moq::relay {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kKibibyte = 1024;
constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();

/// Where a version of control groups has its numbers.
struct Group {
  fs::path top;      ///< where the hierarchy is mounted
  std::string path;  ///< of our group below it
  const char* limit;
  const char* used;
  const char* files;  ///< in memory.stat: of `used`, what is given up on demand
};

/// The number that a file consists of. "max" is none.
std::uint64_t number_in(const fs::path& file) {
  std::uint64_t value = 0;
  return std::ifstream(file) >> value ? value : kUnknown;
}

/// The number after `name` in a file of names and numbers.
std::uint64_t number_in(const fs::path& file, std::string_view name) {
  std::ifstream stream(file);
  std::string word;
  while (stream >> word) {
    if (word != name) continue;
    std::uint64_t value = 0;
    return stream >> value ? value : kUnknown;
  }
  return kUnknown;
}

Group our_group(const fs::path& root) {
  std::ifstream stream(root / "proc/self/cgroup");
  std::string v2;
  for (std::string line; std::getline(stream, line);) {
    // "4:memory:/path" of version 1; "0::/path" of version 2, where both may be mounted.
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controllers == ",,") v2 = line.substr(second + 1);
    if (controllers.find(",memory,") == std::string::npos) continue;
    return {.top = root / "sys/fs/cgroup/memory",
            .path = line.substr(second + 1),
            .limit = "memory.limit_in_bytes",
            .used = "memory.usage_in_bytes",
            .files = "total_inactive_file"};
  }
  return {.top = root / "sys/fs/cgroup",
          .path = v2,
          .limit = "memory.max",
          .used = "memory.current",
          .files = "inactive_file"};
}

void apply_limit(const Group& group, const fs::path& directory, Memory& memory) {
  const std::uint64_t limit = number_in(directory / group.limit);
  if (limit == kUnknown || limit == 0) return;
  memory.total = std::min(memory.total, limit);
  const std::uint64_t used = number_in(directory / group.used);
  if (used == kUnknown) return;
  const std::uint64_t files = number_in(directory / "memory.stat", group.files);
  const std::uint64_t kept = files == kUnknown ? used : used - std::min(used, files);
  memory.available = std::min(memory.available, limit - std::min(limit, kept));
}

}  // namespace

Memory read_memory(const fs::path& root) {
  const auto kibibytes = [&](const char* name) {
    const std::uint64_t value = number_in(root / "proc/meminfo", name);
    return value == kUnknown ? kUnknown : value * kKibibyte;
  };
  Memory memory{.total = kibibytes("MemTotal:"), .available = kibibytes("MemAvailable:")};
  const Group group = our_group(root);
  // The limits of all groups above hold, too. In a container the mount begins at our group,
  // or the path is not in it: its top is all there is to see.
  fs::path directory = group.top / fs::path(group.path).relative_path();
  for (;;) {
    apply_limit(group, directory, memory);
    if (directory == group.top || !directory.has_relative_path()) break;
    directory = directory.parent_path();
    if (directory.native().size() < group.top.native().size()) break;
  }
  if (directory != group.top) apply_limit(group, group.top, memory);
  memory.available = std::min(memory.available, memory.total);
  return memory;
}

}  // namespace moq::relay
