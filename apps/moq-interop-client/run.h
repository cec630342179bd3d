#pragma once

#include "moq-interop-client/options.h"

namespace moq::interop {

/// Runs the cases, tells their results on standard output as they come, and returns the
/// program's exit status.
int run(const Options& options);

}  // namespace moq::interop
