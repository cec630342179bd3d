#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "native/io/event_loop.h"

namespace moq::interop {

/// A shell command that runs beside the loop, in a process group of its own. What it says
/// on standard output goes to standard error, which is not read by machines.
class Command {
 public:
  /// Starts it. Belongs to the thread of `events`, which must outlive it.
  Command(native::EventLoop& events, const std::string& text);
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  /// Kills its process group if it still runs.
  ~Command();

  /// Its exit status (128 and the number of the signal that ended it; 127: it could not be
  /// started); none while it runs.
  [[nodiscard]] std::optional<int> result() const { return *result_; }

 private:
  pid_t process_ = -1;
  std::shared_ptr<std::optional<int>> result_ = std::make_shared<std::optional<int>>();
  std::thread waiting_;
};

}  // namespace moq::interop
