#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace moq::log {

/// In order of severity, as in `--log-level`.
enum class Level : unsigned char { trace, debug, info, warn, error, off };

/// What lines call a connection, or the session on it. A line that has one among its
/// arguments is about that connection, and its sink is told so.
struct Name {
  std::string text;              ///< "moq-lite-05 [::1]:4443"
  std::uint64_t connection = 0;  ///< transport::Session::id; 0: none
};

struct Line {
  Level level;
  std::uint64_t connection;  ///< that it is about; 0: none
  std::string_view text;     ///< without a newline
};

/// Receives each line, from any thread.
using Sink = void (*)(const Line& line);

/// Sets where lines go and which are built at all. The library logs nothing
/// until this is called. May be called at any time, from any thread.
void set_sink(Sink sink, Level least);
[[nodiscard]] bool enabled(Level level);
/// Control characters, which may be a peer's, become '?': no peer writes lines of its own
/// or commands a terminal.
void write(const Line& line);

/// The connection of the first Name among the arguments.
inline std::uint64_t connection_in(const Name& name) { return name.connection; }
template <typename Other>
std::uint64_t connection_in(const Other& /*argument*/) {
  return 0;
}
template <typename... Args>
std::uint64_t connection_of(const Args&... args) {
  std::uint64_t found = 0;
  ((found = found != 0 ? found : connection_in(args)), ...);
  return found;
}

/// `log::at(Level::debug, "session {}: {}", id, what)`; arguments are only
/// formatted when the level is on. Secrets (tokens, keys) are never passed.
template <typename... Args>
void at(Level level, fmt::format_string<Args...> format, Args&&... args) {
  if (!enabled(level)) return;
  const std::uint64_t connection = connection_of(args...);
  write({.level = level,
         .connection = connection,
         .text = fmt::format(format, std::forward<Args>(args)...)});
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

template <>
struct fmt::formatter<moq::log::Name> : fmt::formatter<std::string_view> {
  auto format(const moq::log::Name& name, format_context& context) const {
    return formatter<std::string_view>::format(name.text, context);
  }
};
