#pragma once

#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace moq::log {

/// In order of severity, as in `--log-level`.
enum class Level : unsigned char { trace, debug, info, warn, error, off };

/// Receives each line, from any thread, without its newline.
using Sink = void (*)(Level level, std::string_view line);

/// Sets where lines go and which are built at all. The library logs nothing
/// until this is called. May be called at any time, from any thread.
void set_sink(Sink sink, Level least);
[[nodiscard]] bool enabled(Level level);
/// Control characters, which may be a peer's, become '?': no peer writes lines of its own
/// or commands a terminal.
void write(Level level, std::string_view line);

/// `log::at(Level::debug, "session {}: {}", id, what)`; arguments are only
/// formatted when the level is on. Secrets (tokens, keys) are never passed.
template <typename... Args>
void at(Level level, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(level)) write(level, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::debug, format, std::forward<Args>(args)...);
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::info, format, std::forward<Args>(args)...);
}
template <typename... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::warn, format, std::forward<Args>(args)...);
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::error, format, std::forward<Args>(args)...);
}

}  // namespace moq::log
