#include <csignal>
#include <cstdio>
#include <exception>

#include <fmt/format.h>

#include "common/logging.h"
#include "moq-interop-client/options.h"
#include "moq-interop-client/run.h"

int main(int argc, char** argv) {
  // A reader of our output that goes away is no reason to leave sessions open.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    int exit_code = 0;
    const auto options = moq::interop::parse_options(argc, argv, exit_code);
    if (!options) return exit_code;
    const moq::apps::Logging logging(options->verbose ? moq::log::Level::debug
                                                      : moq::log::Level::error);
    return moq::interop::run(*options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "moq-interop-client: {}\n", error.what());
    return 1;
  }
}
