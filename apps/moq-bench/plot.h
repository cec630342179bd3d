#pragma once

#include <string>
#include <vector>

#include "net/base/error.h"

namespace moq::bench {

/// A self-contained HTML page with the timelines of a run: no network, no other
/// file. `lines`: the JSON lines of the run, the summary last; `title` and
/// `command` are shown as they are.
[[nodiscard]] std::string plot_page(const std::vector<std::string>& lines, const std::string& title,
                                    const std::string& command);

}  // namespace moq::bench
