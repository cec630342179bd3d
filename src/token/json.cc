#include "token/json.h"

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "token/limits.h"

namespace moq::token {
namespace {

using Json = nlohmann::json;

/// Sees each name as it is read: in the finished object only the last one is left.
class Strictness {
 public:
  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    switch (event) {
      case Json::parse_event_t::object_start:
      case Json::parse_event_t::array_start:
        too_deep_ = too_deep_ || static_cast<std::size_t>(depth) >= kMaxJsonDepth;
        names_.emplace_back();
        break;
      case Json::parse_event_t::object_end:
      case Json::parse_event_t::array_end:
        names_.pop_back();
        break;
      case Json::parse_event_t::key:
        repeats_ = !names_.back().insert(parsed.get<std::string>()).second || repeats_;
        break;
      case Json::parse_event_t::value:
        break;
    }
    return true;
  }
  [[nodiscard]] bool repeats() const { return repeats_; }
  [[nodiscard]] bool too_deep() const { return too_deep_; }

 private:
  std::vector<std::set<std::string>> names_;
  bool repeats_ = false;
  bool too_deep_ = false;
};

tl::unexpected<Error> not_json(TokenError code, std::string_view what) {
  return fail(code, fmt::format("{} is not JSON; was it cut off, or changed?", what));
}

}  // namespace

Result<Json> parse_json_object(std::string_view text, TokenError code, std::string_view what) {
  // The parser takes a zero for the end of the text, and skips a byte order mark.
  if (text.find('\0') != std::string_view::npos || text.starts_with("\xef\xbb\xbf")) {
    return not_json(code, what);
  }
  Strictness strictness;
  const auto look = [&strictness](int depth, Json::parse_event_t event, const Json& parsed) {
    return strictness(depth, event, parsed);
  };
  Json parsed = Json::parse(text, look, /*allow_exceptions=*/false);
  if (strictness.too_deep()) {
    return fail(code, fmt::format("{} is JSON more than {} levels deep", what, kMaxJsonDepth));
  }
  if (parsed.is_discarded()) return not_json(code, what);
  if (strictness.repeats()) {
    return fail(code, fmt::format("{} has the same name twice in one JSON object", what));
  }
  if (!parsed.is_object()) return fail(code, fmt::format("{} is no JSON object", what));
  return parsed;
}

Result<std::string> dump_json(const nlohmann::ordered_json& json, TokenError code,
                              std::string_view what) {
  try {
    return json.dump();
  } catch (const nlohmann::ordered_json::type_error&) {
    return fail(code, fmt::format("{} has text that is not UTF-8", what));
  }
}

}  // namespace moq::token
