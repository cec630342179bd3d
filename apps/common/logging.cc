#include "common/logging.h"

#include <chrono>
#include <iterator>
#include <memory>
#include <string>

#include <fmt/chrono.h>
#include <spdlog/async.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

namespace moq::apps {

namespace {

// Lines that may wait; what a burst needs, in about 2 MiB.
constexpr std::size_t kQueue = 8192;

spdlog::level::level_enum level_of(const log::Line& line) {
  return static_cast<spdlog::level::level_enum>(line.level);
}

constexpr bool same(log::Level ours, spdlog::level::level_enum theirs) {
  return static_cast<int>(ours) == static_cast<int>(theirs);
}
static_assert(same(log::Level::trace, spdlog::level::trace) &&
              same(log::Level::debug, spdlog::level::debug) &&
              same(log::Level::info, spdlog::level::info) &&
              same(log::Level::warn, spdlog::level::warn) &&
              same(log::Level::error, spdlog::level::err));

void write_text(const log::Line& line) {
  auto* const logger = spdlog::default_logger_raw();
  if (line.connection == 0) return logger->log(level_of(line), line.text);
  logger->log(level_of(line), "conn={} {}", line.connection, line.text);
}

std::string_view json_level(log::Level level) {
  switch (level) {
    case log::Level::trace:
      return "trace";
    case log::Level::debug:
      return "debug";
    case log::Level::info:
      return "info";
    case log::Level::warn:
      return "warn";
    default:
      return "error";
  }
}

/// As RFC 3339 has it, in microseconds.
std::string utc_now() {
  const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  return fmt::format("{:%FT%T}.{:06}Z", second, (now - second).count());
}

void write_json(const log::Line& line) {
  nlohmann::ordered_json object{{"time", utc_now()}, {"level", json_level(line.level)}};
  if (line.connection != 0) object["conn"] = line.connection;
  object["message"] = line.text;
  const std::string text =
      object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  spdlog::default_logger_raw()->log(level_of(line), spdlog::string_view_t(text));
}

spdlog::sink_ptr sink_of(Logging::Format format) {
  if (format == Logging::Format::json) return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  return std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
}

}  // namespace

Logging::Logging(log::Level least, Format format) {
  const bool json = format == Format::json;
  spdlog::init_thread_pool(kQueue, 1);
  auto logger = std::make_shared<spdlog::async_logger>(
      "", sink_of(format), spdlog::thread_pool(), spdlog::async_overflow_policy::overrun_oldest);
  logger->set_pattern(json ? "%v" : "%Y-%m-%dT%H:%M:%S.%f%z %^%5l%$ %v");
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
  sink_ = json ? write_json : write_text;
  log::set_sink(sink_, least);
}

void Logging::set_least(log::Level least) const { log::set_sink(sink_, least); }

Logging::~Logging() {
  log::set_sink(nullptr, log::Level::off);
  spdlog::shutdown();
}

}  // namespace moq::apps
