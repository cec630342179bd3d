#include "net/base/log.h"

#include <algorithm>
#include <atomic>
#include <string>

namespace moq::log {

namespace {
std::atomic<Sink> g_sink{nullptr};
std::atomic<Level> g_least{Level::off};

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
}  // namespace

void set_sink(Sink sink, Level least) {
  g_sink.store(sink, std::memory_order_release);
  g_least.store(sink == nullptr ? Level::off : least, std::memory_order_release);
}

bool enabled(Level level) { return level >= g_least.load(std::memory_order_relaxed); }

void write(const Line& line) {
  Sink sink = g_sink.load(std::memory_order_acquire);
  if (sink == nullptr) return;
  if (std::ranges::none_of(line.text, is_control)) return sink(line);
  std::string clean(line.text);
  std::ranges::replace_if(clean, is_control, '?');
  sink({.level = line.level, .connection = line.connection, .text = clean});
}

}  // namespace moq::log
