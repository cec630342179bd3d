#include "net/base/log.h"

#include <atomic>

namespace moq::log {

namespace {
std::atomic<Sink> g_sink{nullptr};
std::atomic<Level> g_least{Level::off};
}  // namespace

void set_sink(Sink sink, Level least) {
  g_sink.store(sink, std::memory_order_release);
  g_least.store(sink == nullptr ? Level::off : least, std::memory_order_release);
}

bool enabled(Level level) { return level >= g_least.load(std::memory_order_relaxed); }

void write(Level level, std::string_view line) {
  if (Sink sink = g_sink.load(std::memory_order_acquire); sink != nullptr) sink(level, line);
}

}  // namespace moq::log
