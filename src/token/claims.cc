#include "token/claims.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "token/error.h"
#include "token/json.h"
#include "token/limits.h"

namespace moq::token {
namespace {

using Json = nlohmann::json;

tl::unexpected<Error> wrong_type(std::string_view claim, std::string_view expected) {
  return fail(
      TokenError::bad_claims,
      fmt::format("the claim \"{}\" must be {}; sign a token that has it so", claim, expected));
}

Result<std::vector<std::string>> parse_prefixes(const Json& claims, const char* name) {
  constexpr std::string_view kExpected = "a string or a list of strings";
  std::vector<std::string> prefixes;
  const auto found = claims.find(name);
  if (found == claims.end()) return prefixes;
  if (found->is_string()) {
    prefixes.push_back(found->get<std::string>());
    return prefixes;
  }
  if (!found->is_array()) return wrong_type(name, kExpected);
  if (found->size() > kMaxPrefixes) {
    return fail(TokenError::too_large,
                fmt::format("the claim \"{}\" has {} prefixes at most", name, kMaxPrefixes));
  }
  for (const Json& each : *found) {
    if (!each.is_string()) return wrong_type(name, kExpected);
    prefixes.push_back(each.get<std::string>());
  }
  return prefixes;
}

Result<std::optional<UnixTime>> parse_time(const Json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end() || found->is_null()) return std::nullopt;
  // A number beyond 64 bits reads as a float.
  const bool fits = found->is_number_integer() &&
                    (!found->is_number_unsigned() ||
                     found->get<std::uint64_t>() <=
                         static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  if (!fits) return wrong_type(name, "a whole number of seconds since 1970");
  return UnixTime(std::chrono::seconds(found->get<std::int64_t>()));
}

/// Without those that another covers.
std::vector<Path> smallest(std::vector<Path> paths) {
  // A prefix sorts before what it covers, though not always right before it.
  std::ranges::sort(paths);
  std::vector<Path> kept;
  for (const Path& path : paths) {
    if (!Scope::allows(kept, path)) kept.push_back(path);
  }
  return kept;
}

/// Of what is granted at `below`, what there is at `at`, relative to it.
std::vector<Path> narrow(const std::vector<std::string>& granted, const Path& below,
                         const Path& at) {
  std::vector<Path> found;
  for (const std::string& text : granted) {
    const Path prefix = below.join(Path(text));
    if (prefix.has_prefix(at)) {
      found.push_back(prefix.without(at));
    } else if (at.has_prefix(prefix)) {
      found.emplace_back();
    }
  }
  return smallest(std::move(found));
}

bool covers(const Path& key_root, const std::vector<std::string>& allowed, const Path& root,
            const std::vector<std::string>& granted) {
  std::vector<Path> prefixes;
  for (const std::string& text : allowed) prefixes.push_back(key_root.join(Path(text)));
  return std::ranges::all_of(granted, [&](const std::string& text) {
    return Scope::allows(prefixes, root.join(Path(text)));
  });
}

}  // namespace

Result<Claims> Claims::parse(std::string_view json) {
  MOQ_TRY(const Json parsed, parse_json_object(json, TokenError::malformed, "the token's payload"));
  Claims claims;
  if (const auto found = parsed.find("root"); found != parsed.end()) {
    if (!found->is_string()) return wrong_type("root", "a string");
    claims.root = found->get<std::string>();
  }
  MOQ_TRY(claims.put, parse_prefixes(parsed, "put"));
  MOQ_TRY(claims.get, parse_prefixes(parsed, "get"));
  MOQ_TRY(claims.exp, parse_time(parsed, "exp"));
  MOQ_TRY(claims.iat, parse_time(parsed, "iat"));
  MOQ_TRY(claims.nbf, parse_time(parsed, "nbf"));
  if (const auto found = parsed.find("aud"); found != parsed.end() && !found->is_null()) {
    return fail(TokenError::audience, "the token has the claim \"aud\"; sign one without it");
  }
  return claims;
}

Result<std::string> Claims::to_json() const {
  nlohmann::ordered_json json;
  json["root"] = root;
  if (!put.empty()) json["put"] = put;
  if (!get.empty()) json["get"] = get;
  if (exp) json["exp"] = exp->time_since_epoch().count();
  if (iat) json["iat"] = iat->time_since_epoch().count();
  if (nbf) json["nbf"] = nbf->time_since_epoch().count();
  return dump_json(json, TokenError::bad_claims, "a path in the claims");
}

Result<void> Claims::require_grant() const {
  if (!put.empty() || !get.empty()) return {};
  return fail(TokenError::useless,
              "a token without \"put\" and \"get\" grants nothing; \"\" grants all below its root");
}

Result<void> Claims::require_valid_at(UnixTime now) const {
  if (exp && *exp <= now) {
    return fail(TokenError::expired, "the token has expired; sign a new one");
  }
  if (nbf && *nbf > now && *nbf - now > kClockTolerance) {
    return fail(TokenError::not_yet_valid,
                "the token is not valid yet; compare the clocks of this machine and the signer's");
  }
  return {};
}

Result<Scope> Claims::authorize(const Path& path) const {
  const Path granted(root);
  if (!path.has_prefix(granted) && !granted.has_prefix(path)) {
    return fail(TokenError::wrong_path,
                "the path is neither below nor above the token's root; connect to that root");
  }
  // How far the path goes beyond the root, and the root beyond the path; one is empty.
  const Path at = path.has_prefix(granted) ? path.without(granted) : Path();
  const Path below = granted.has_prefix(path) ? granted.without(path) : Path();
  Scope scope{.root = path, .publish = narrow(put, below, at), .subscribe = narrow(get, below, at)};
  if (scope.publish.empty() && scope.subscribe.empty()) {
    return fail(TokenError::wrong_path,
                "the token grants nothing below the path; connect to its root instead");
  }
  return scope;
}

Result<void> KeyScope::require_grant() const {
  if (!put.empty() || !get.empty()) return {};
  return fail(
      TokenError::bad_key,
      "a key's scope without \"put\" and \"get\" allows nothing; leave it out to allow all");
}

bool KeyScope::allows(const Claims& claims) const {
  return covers(Path(root), put, Path(claims.root), claims.put) &&
         covers(Path(root), get, Path(claims.root), claims.get);
}

}  // namespace moq::token
