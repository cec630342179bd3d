// moq-token: makes keys, signs and verifies tokens.

#include <csignal>
#include <cstdio>
#include <exception>

#include <fmt/format.h>

#include "moq-token/commands.h"

int main(int argc, char** argv) {
  // A reader of our output that goes away is seen by who writes.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    int exit_code = 0;
    const auto options = moq::token_cli::parse_options(argc, argv, exit_code);
    if (!options) return exit_code;
    return moq::token_cli::run(*options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "moq-token: {}\n", error.what());
    return 1;
  }
}
