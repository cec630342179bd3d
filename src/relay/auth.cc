#include "relay/auth.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "net/protocol/error.h"
#include "relay/query.h"

namespace moq::relay {

namespace {

/// The token of a query, or ""; the last one counts, and an empty one is none, as in the
/// reference. None if the query is not percent-encoded as it should be.
std::optional<std::string> token_of(std::string_view query) {
  const auto fields = read_query(query);
  if (!fields) return std::nullopt;
  std::string token;
  for (const auto& [name, value] : *fields) {
    if (name == "jwt") token = value;
  }
  return token;
}

/// Whether it has "." or ".." in it, which are other paths to some programs.
bool has_dots(const Path& path) {
  std::string_view rest = path.text();
  while (!rest.empty()) {
    const std::string_view segment = rest.substr(0, rest.find('/'));
    if (segment == "." || segment == "..") return true;
    rest.remove_prefix(std::min(rest.size(), segment.size() + 1));
  }
  return false;
}

tl::unexpected<Error> unauthorized(std::string reason) {
  return fail(SessionError::unauthorized, std::move(reason));
}

}  // namespace

Result<std::shared_ptr<const Access>> Access::open(const Config::Auth& config) {
  std::unique_ptr<TokenKeys> keys;
  if (!config.key.empty()) {
    MOQ_TRY(keys, open_key_file(config.key));
  } else if (!config.key_dir.empty()) {
    MOQ_TRY(keys, open_key_directory(config.key_dir));
  }
  return std::make_shared<const Access>(config.public_access, std::move(keys));
}

Result<Grant> Access::authorize(std::string_view target, token::UnixTime now) const {
  const std::size_t mark = target.find('?');
  const Path root(target.substr(0, mark));
  if (root.text().size() > Path::kMaxSize) return unauthorized("the path is too long");
  if (has_dots(root)) return unauthorized("the path has \".\" or \"..\" in it");
  const auto token = token_of(mark == std::string_view::npos ? "" : target.substr(mark + 1));
  if (!token) return unauthorized("the query is not percent-encoded as it should be");
  if (token->empty()) {
    auto scope = token::Claims{.put = public_.publish, .get = public_.subscribe}.authorize(root);
    if (!scope) return unauthorized("nothing at this path is public, and there is no token");
    return Grant{.scope = *std::move(scope), .expires = {}};
  }
  if (keys_ == nullptr) return unauthorized("tokens cannot be verified here");
  const auto key = keys_->find(*token);
  if (!key) return unauthorized(key.error().detail());
  const auto claims = (*key)->verify(*token, now);
  if (!claims) return unauthorized(claims.error().detail());
  auto scope = claims->authorize(root);
  if (!scope) return unauthorized(scope.error().detail());
  return Grant{.scope = *std::move(scope), .expires = claims->exp};
}

token::UnixTime unix_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace moq::relay
