#pragma once

#include <string>
#include <string_view>

#include "relay/report.h"

namespace moq::relay {

/// What Prometheus calls its text format, as a media type.
inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

/// What is measured, in that format.
std::string metrics_text(const Measured& measured);

}  // namespace moq::relay
