// lossy-proxy: a network between clients and a server that loses and delays packets,
// the same ones for the same seed.

#include <csignal>

#include <chrono>
#include <cstdio>
#include <map>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "native/io/event_loop.h"
#include "native/io/signals.h"
#include "proxy/proxy.h"

namespace moq::lossy {
namespace {

struct Options {
  std::string listen = "127.0.0.1:0";
  std::string to;
  Conditions conditions;
};

/// In seconds.
void add_duration(CLI::App& app, const char* name, Duration& duration, const char* help) {
  app.add_option_function<double>(
         name,
         [&duration](double seconds) {
           duration = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
         },
         help)
      ->transform(CLI::Range(0.0, 60.0))
      ->transform(CLI::AsNumberWithUnit(std::map<std::string, double>{{"ms", 0.001}, {"s", 1}},
                                        CLI::AsNumberWithUnit::DEFAULT, "DURATION"));
}

int fail(const std::string& what) {
  fmt::print(stderr, "lossy-proxy: {}\n", what);
  return 1;
}

int run(const Options& options) {
  const auto listen = native::SocketAddress::parse(options.listen);
  const auto server = native::SocketAddress::parse(options.to);
  if (!listen) return fail("--listen: " + listen.error().message());
  if (!server) return fail("--to: " + server.error().message());
  native::EventLoop events;
  const native::SignalSet signals(events, {SIGINT, SIGTERM}, [&](int) { events.stop(); });
  const auto proxy = Proxy::create(events, *listen, *server, options.conditions, {});
  if (!proxy) return fail(options.listen + ": " + proxy.error().message());
  fmt::print("listening on {}\n", (*proxy)->address().to_string());
  std::fflush(stdout);
  events.run();
  fmt::print("{}\n", (*proxy)->report());
  return 0;
}

}  // namespace
}  // namespace moq::lossy

int main(int argc, char** argv) {
  moq::lossy::Options options;
  CLI::App app("lossy-proxy: a network that loses and delays packets, the same for the same seed");
  app.add_option("--listen", options.listen, "Address of its own; port 0: a free one")
      ->capture_default_str();
  app.add_option("--to", options.to, "Address of the server")->required();
  app.add_option("--seed", options.conditions.seed)->capture_default_str();
  app.add_option("--loss", options.conditions.loss, "Share of the packets, each way")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  moq::lossy::add_duration(app, "--delay", options.conditions.delay, "Of each packet, each way");
  moq::lossy::add_duration(app, "--jitter", options.conditions.jitter,
                           "At most so much more; some packets then overtake others");
  CLI11_PARSE(app, argc, argv);
  return moq::lossy::run(options);
}
