#include <csignal>

#include "common/logging.h"
#include "moq/client_app.h"

int main(int argc, char** argv) {
  // A reader of our output that goes away is seen by `write`.
  std::signal(SIGPIPE, SIG_IGN);
  int exit_code = 0;
  auto options = moq::apps::parse_options(argc, argv, exit_code);
  if (!options) return exit_code;
  const moq::apps::Logging logging(options->log_level);
  return moq::apps::ClientApp(*std::move(options)).run();
}
