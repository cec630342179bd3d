#pragma once

#include <functional>
#include <string>
#include <vector>

#include "native/io/file_stamp.h"
#include "net/base/loop.h"

namespace moq::relay {

/// Notices that files change: that they are written to, replaced, or reached by a link that
/// leads elsewhere now. Looks once a second, which works on every file system, and for
/// files that are not there yet. Belongs to the loop's thread.
class FileWatch {
 public:
  static constexpr Duration kInterval = std::chrono::seconds(1);

  /// `changed` is called once for all changes of a look.
  FileWatch(Loop& loop, std::function<void()> changed);
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  /// Files as they were at some time.
  struct Seen {
    std::vector<std::string> files;
    std::vector<native::FileStamp> stamps;
  };
  static Seen look_at(std::vector<std::string> files);

  /// Watches these and no others, for changes since they were looked at. None: nothing is.
  void watch(Seen seen);

 private:
  void look();

  Loop& loop_;
  std::function<void()> changed_;
  Seen seen_;
  Timer timer_;
};

}  // namespace moq::relay
