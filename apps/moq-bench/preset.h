#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moq::bench {

/// Flags and their values, as they would be written on the command line.
using Settings = std::vector<std::pair<std::string, std::string>>;

/// Settings of a TOML file as the reference has them: `frame_size = "200:600"`,
/// `fps = { min = 24, max = 60 }`, `[client.tls]` with `disable_verify = true`.
/// Throws std::runtime_error with the line that is wrong.
[[nodiscard]] Settings read_settings(std::string_view text, std::string_view name);

/// The loads that have names, and what they are: those of the reference.
[[nodiscard]] std::vector<std::string> preset_names();
/// Empty if there is none of that name.
[[nodiscard]] std::string_view preset_text(std::string_view name);

}  // namespace moq::bench
