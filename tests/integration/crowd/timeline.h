#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "net/base/time.h"

namespace moq::crowd {

/// Writes what happens to a file, a JSON object a line: `t`, in seconds of the monotonic
/// clock, and the rest. Each line is there for readers as soon as it is written.
class Timeline {
 public:
  /// Empty: nothing is written. Throws std::system_error if the file cannot be.
  explicit Timeline(const std::string& file);
  Timeline(const Timeline&) = delete;
  Timeline& operator=(const Timeline&) = delete;

  void add(Time at, const std::string& who, const std::string& event,
           const nlohmann::ordered_json& more);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

/// In seconds, to the microsecond; of a time, of the monotonic clock.
[[nodiscard]] double in_seconds(Duration duration);
[[nodiscard]] double in_seconds(Time at);

}  // namespace moq::crowd
