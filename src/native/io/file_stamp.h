#pragma once

#include <cstdint>
#include <string>

namespace moq::native {

/// What tells a file from the one that was there before it: that it was written to,
/// replaced, removed, or is reached by a link that leads elsewhere now.
struct FileStamp {
  bool there = false;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t changed = 0;  ///< nanoseconds (st_ctim): no program can set this one

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// Follows links. A file that cannot be looked at is not there.
FileStamp stamp_of(const std::string& file);

}  // namespace moq::native
