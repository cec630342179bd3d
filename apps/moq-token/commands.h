#pragma once

#include "moq-token/options.h"

namespace moq::token_cli {

/// Does what the options ask for. Returns the process's exit status, and says on
/// standard error why it is not 0.
int run(const Options& options);

}  // namespace moq::token_cli
