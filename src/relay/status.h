#pragma once

#include <string>

#include "relay/report.h"

namespace moq::relay {

/// The answer of GET /drain.
std::string drain_json(const DrainStatus& status);

/// The answer of GET /status: what the live page shows. Times are in seconds.
std::string status_json(const Measured& measured);

}  // namespace moq::relay
