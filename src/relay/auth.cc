#include "relay/auth.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "net/protocol/error.h"

namespace moq::relay {

namespace {

bool has_token(std::string_view query) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view item = query.substr(0, end);
    // An empty token is none, as in the reference.
    if (item.starts_with("jwt=") && item.size() > 4) return true;
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
  }
  return false;
}

// What of `prefixes` is left at `root`, relative to it and without what a
// shorter one covers.
std::vector<Path> below(const std::vector<std::string>& prefixes, const Path& root) {
  std::vector<Path> found;
  for (const std::string& text : prefixes) {
    const Path prefix(text);
    if (root.has_prefix(prefix)) return {Path()};
    if (prefix.has_prefix(root)) found.push_back(prefix.without(root));
  }
  // A prefix sorts before what it covers, though not always right before it.
  std::ranges::sort(found);
  std::vector<Path> kept;
  for (const Path& path : found) {
    if (!Scope::allows(kept, path)) kept.push_back(path);
  }
  return kept;
}

}  // namespace

Result<Scope> authorize_public(const PublicAccess& access, std::string_view target) {
  const std::size_t mark = target.find('?');
  const Path root(target.substr(0, mark));
  if (root.text().size() > Path::kMaxSize) {
    return fail(SessionError::unauthorized, "the path is too long");
  }
  if (mark != std::string_view::npos && has_token(target.substr(mark + 1))) {
    return fail(SessionError::unauthorized, "tokens cannot be verified here");
  }
  Scope scope{.root = root,
              .publish = below(access.publish, root),
              .subscribe = below(access.subscribe, root)};
  if (scope.publish.empty() && scope.subscribe.empty()) {
    return fail(SessionError::unauthorized,
                fmt::format("nothing at /{} is public, and there is no token", root.text()));
  }
  return scope;
}

}  // namespace moq::relay
