#include "common/logging.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace moq::apps {

namespace {

// Lines that may wait; what a burst needs, in about 2 MiB.
constexpr std::size_t kQueue = 8192;

void write(log::Level level, std::string_view line) {
  spdlog::default_logger_raw()->log(static_cast<spdlog::level::level_enum>(level), line);
}

constexpr bool same(log::Level ours, spdlog::level::level_enum theirs) {
  return static_cast<int>(ours) == static_cast<int>(theirs);
}
static_assert(same(log::Level::trace, spdlog::level::trace) &&
              same(log::Level::debug, spdlog::level::debug) &&
              same(log::Level::info, spdlog::level::info) &&
              same(log::Level::warn, spdlog::level::warn) &&
              same(log::Level::error, spdlog::level::err));

}  // namespace

Logging::Logging(log::Level least) {
  spdlog::init_thread_pool(kQueue, 1);
  auto logger = std::make_shared<spdlog::async_logger>(
      "", std::make_shared<spdlog::sinks::stderr_color_sink_mt>(), spdlog::thread_pool(),
      spdlog::async_overflow_policy::overrun_oldest);
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%f%z %^%5l%$ %v");
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
  log::set_sink(write, least);
}

void Logging::set_least(log::Level least) { log::set_sink(write, least); }

Logging::~Logging() {
  log::set_sink(nullptr, log::Level::off);
  spdlog::shutdown();
}

}  // namespace moq::apps
