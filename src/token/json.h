#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "net/base/error.h"
#include "token/error.h"

/// JSON as strictly as signed text has to be read: two readers must not see
/// different things in it.
namespace moq::token {

/// An object (RFC 8259). Fails with `code` when the text is anything else, has a
/// name twice in one object (RFC 7519 §4 lets us refuse that), is not UTF-8, is
/// deeper than kMaxJsonDepth, or has anything but whitespace around it. `what`
/// names the text in the error, which repeats nothing of it.
Result<nlohmann::json> parse_json_object(std::string_view text, TokenError code,
                                         std::string_view what);

/// As text without spaces. Fails with `code` when a string in it is not UTF-8.
Result<std::string> dump_json(const nlohmann::ordered_json& json, TokenError code,
                              std::string_view what);

}  // namespace moq::token
