#pragma once

#include <vector>

#include "net/model/path.h"

namespace moq {

/// What a peer may do: paths on its session are relative to `root`, and below it
/// it may only use these prefixes (relative to `root` too; an empty list allows
/// nothing, an empty path everything).
struct Scope {
  Path root;
  std::vector<Path> publish{Path{}};    ///< what the peer may announce
  std::vector<Path> subscribe{Path{}};  ///< what the peer may read

  [[nodiscard]] static bool allows(const std::vector<Path>& prefixes, const Path& path) {
    for (const Path& prefix : prefixes) {
      if (path.has_prefix(prefix)) return true;
    }
    return false;
  }
};

}  // namespace moq
