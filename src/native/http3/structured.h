#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/base/error.h"

namespace moq::native::http3 {

/// The strings of a Structured Field list (RFC 9651 §3.1), without their parameters,
/// at most 64 (the rest is ignored). Members of other types are left out. Fails with
/// H3_MESSAGE_ERROR where it is no list at all.
Result<std::vector<std::string>> parse_string_list(std::string_view text);
/// The string that a Structured Field item is (RFC 9651 §3.3.3), without its
/// parameters; empty if it is something else.
[[nodiscard]] std::string parse_string_item(std::string_view text);
/// "a" as an item, quoted. Characters outside of printable ASCII are left out.
[[nodiscard]] std::string quote_string(std::string_view text);
/// "a", "b" as a list.
[[nodiscard]] std::string quote_list(const std::vector<std::string>& texts);

}  // namespace moq::native::http3
