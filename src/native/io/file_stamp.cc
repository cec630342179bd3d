#include "native/io/file_stamp.h"

#include <sys/stat.h>

namespace moq::native {

FileStamp stamp_of(const std::string& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0) return {};
  return {.there = true,
          .device = found.st_dev,
          .inode = found.st_ino,
          .size = found.st_size,
          .changed = std::int64_t{found.st_ctim.tv_sec} * 1'000'000'000 + found.st_ctim.tv_nsec};
}

}  // namespace moq::native
