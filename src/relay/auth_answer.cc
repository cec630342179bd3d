#include "relay/auth_answer.h"

#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "relay/visitor.h"
#include "token/error.h"
#include "token/json.h"
#include "token/jwk_json.h"
#include "token/limits.h"

namespace moq::relay {

namespace {

using nlohmann::json;
using token::TokenError;

constexpr std::string_view kAnswer = "the service's answer";

tl::unexpected<Error> bad(std::string_view what) {
  return fail(TokenError::malformed, fmt::format("{}: {}", kAnswer, what));
}

bool is_plain(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

/// Percent-encoded, but for letters, digits, "-_.~" and what is in `keep`.
std::string encoded(std::string_view text, std::string_view keep = {}) {
  std::string out;
  for (const char c : text) {
    if (is_plain(static_cast<unsigned char>(c)) || keep.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

/// A member that may be missing or null; null then.
const json* member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

Result<std::optional<std::string>> text_of(const json& object, const char* name) {
  const json* value = member(object, name);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return bad(fmt::format("\"{}\" is no string", name));
  return std::optional(value->get<std::string>());
}

Result<std::vector<std::string>> prefixes_of(const json& object, const char* name) {
  std::vector<std::string> prefixes;
  const auto found = object.find(name);
  if (found == object.end()) return prefixes;
  if (!found->is_array()) return bad(fmt::format("\"{}\" is no list", name));
  if (found->size() > token::kMaxPrefixes) return bad(fmt::format("\"{}\" is too long", name));
  for (const json& prefix : *found) {
    if (!prefix.is_string()) return bad(fmt::format("\"{}\" has more than strings", name));
    prefixes.push_back(prefix.get<std::string>());
  }
  return prefixes;
}

Result<PublicAccess> access_of(const json& object) {
  PublicAccess access;
  MOQ_TRY(access.subscribe, prefixes_of(object, "subscribe"));
  MOQ_TRY(access.publish, prefixes_of(object, "publish"));
  return access;
}

}  // namespace

std::string auth_url(const std::string& base, const AuthQuestion& question) {
  std::string url =
      fmt::format("{}{}root={}", base, base.find('?') == std::string::npos ? "?" : "&",
                  encoded(question.path.text()));
  if (question.key_id) url += fmt::format("&kid={}", encoded(*question.key_id));
  if (question.certificate) url += "&mtls=true";
  if (!question.transport.empty()) url += fmt::format("&transport={}", question.transport);
  return url;
}

Result<AuthAnswer> read_auth_answer(std::string_view text) {
  MOQ_TRY(const json object, token::parse_json_object(text, TokenError::malformed, kAnswer));
  AuthAnswer answer;
  MOQ_TRY(const auto alias, text_of(object, "alias"));
  if (alias) {
    answer.alias = Path(*alias);
    if (answer.alias->text().size() > Path::kMaxSize || is_ambiguous(*answer.alias)) {
      return bad("\"alias\" is no path");
    }
  }
  MOQ_TRY(answer.tier, text_of(object, "tier"));
  if (const json* open_to_all = member(object, "public")) {
    if (!open_to_all->is_object()) return bad("\"public\" is no object");
    MOQ_TRY(answer.open_to_all, access_of(*open_to_all));
  }
  if (const json* key = member(object, "key")) {
    if (!key->is_object()) return bad("\"key\" is no object");
    auto read = token::jwk_from_json(*key);
    if (!read) return bad(read.error().detail());
    if (!read->operations.verify) return bad("the key may not verify tokens");
    answer.key = *std::move(read);
  }
  return answer;
}

std::string page_url(const std::string& base, std::string_view path) {
  return fmt::format("{}{}{}", base, base.ends_with('/') ? "" : "/", encoded(path, "/%"));
}

Result<PublicAccess> read_public_answer(std::string_view text) {
  MOQ_TRY(const json object, token::parse_json_object(text, TokenError::malformed, kAnswer));
  return access_of(object);
}

}  // namespace moq::relay
