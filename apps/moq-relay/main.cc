// moq-relay: the relay as a program.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "common/logging.h"
#include "native/io/event_loop.h"
#include "native/io/signals.h"
#include "relay/config.h"
#include "relay/live_config.h"
#include "relay/relay.h"

namespace {

constexpr int kFailure = 1;
constexpr int kWrongConfiguration = 2;

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

int check(const moq::relay::Config& config, const std::string& text) {
  for (const std::string& warning : config.warnings) {
    fmt::print(stderr, "moq-relay: warning: {}\n", warning);
  }
  if (const auto good = moq::relay::Relay::check(config); !good) {
    fmt::print(stderr, "moq-relay: {}\n", good.error().detail());
    return kWrongConfiguration;
  }
  fmt::print("{}", text);
  return 0;
}

/// What signals are for, as soon as it is there.
struct Running {
  std::unique_ptr<moq::relay::Relay> relay;
  std::unique_ptr<moq::relay::LiveConfig> config;

  void on_signal(int signal) const {
    if (signal == SIGHUP) return config->reload();
    relay->on_signal(signal);
  }
};

int serve(moq::native::EventLoop& events, Running& running,
          const std::vector<std::string>& arguments, const moq::relay::Loaded& loaded) {
  const moq::relay::Config& config = *loaded.config;
  const moq::apps::Logging logging(config.log.level,
                                   config.log.format == moq::relay::LogFormat::json
                                       ? moq::apps::Logging::Format::json
                                       : moq::apps::Logging::Format::text);
  for (const std::string& warning : config.warnings) moq::log::warn("{}", warning);
  int exit_code = kFailure;
  auto started = moq::relay::Relay::start(events, config, [&](int code) {
    exit_code = code;
    events.stop();
  });
  if (!started) {
    moq::log::error("{}", started.error().message());
    return kFailure;
  }
  running.relay = *std::move(started);
  running.config = std::make_unique<moq::relay::LiveConfig>(
      *running.relay, arguments, environment, loaded,
      [&logging](moq::log::Level level) { logging.set_least(level); });
  events.run();
  // Its workers have things to log to the last.
  running.config.reset();
  running.relay.reset();
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    moq::native::EventLoop events;
    Running running;
    // Before anything that takes time: a signal that comes during start-up is
    // kept, and drains as soon as the loop runs.
    const moq::native::SignalSet signals(events, {SIGINT, SIGTERM, SIGHUP},
                                         [&](int signal) { running.on_signal(signal); });
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const auto loaded = moq::relay::load_config(arguments, environment);
    for (const std::string& mistake : loaded.mistakes) {
      fmt::print(stderr, "moq-relay: {}\n", mistake);
    }
    if (!loaded.mistakes.empty()) return kWrongConfiguration;
    if (!loaded.config) {
      fmt::print("{}", loaded.text);
      return 0;
    }
    if (loaded.check) return check(*loaded.config, loaded.text);
    return serve(events, running, arguments, loaded);
  } catch (const std::exception& error) {
    fmt::print(stderr, "moq-relay: {}\n", error.what());
    return kFailure;
  }
}
