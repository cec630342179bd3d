#pragma once

#include <functional>
#include <string>
#include <vector>

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

  /// Watches these from now on, and no others. None: nothing is looked at.
  void set_files(std::vector<std::string> files);

 private:
  struct State {
    bool there = false;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified = 0;  ///< in nanoseconds, as is
    std::int64_t changed = 0;
    friend bool operator==(const State&, const State&) = default;
  };

  void look();
  [[nodiscard]] std::vector<State> states() const;

  Loop& loop_;
  std::function<void()> changed_;
  std::vector<std::string> files_;
  std::vector<State> seen_;
  Timer timer_;
};

}  // namespace moq::relay
