#include <csignal>
#include <cstdio>
#include <exception>

#include <fmt/format.h>

#include "common/logging.h"
#include "moq-bench/bench.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  int exit_code = 0;
  auto options = moq::bench::parse_options(argc, argv, exit_code);
  if (!options) return exit_code;
  const moq::apps::Logging logging(options->log_level);
  try {
    return moq::bench::Bench(*std::move(options)).run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "moq-bench: {}\n", error.what());
    return 1;
  }
}
