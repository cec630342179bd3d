#include "relay/visitor.h"

#include <algorithm>
#include <utility>

#include "native/client/url.h"
#include "net/protocol/error.h"
#include "relay/query.h"

namespace moq::relay {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return lower(c); });
  return out;
}

/// The token of a query, or ""; the last one counts, and an empty one is none, as in the
/// reference. None if the query is not percent-encoded as it should be.
std::optional<std::string> token_of(std::string_view query) {
  const auto fields = read_query(query);
  if (!fields) return std::nullopt;
  std::string token;
  for (const auto& [name, value] : *fields) {
    if (name == "jwt" && !value.empty()) token = value;
  }
  return token;
}

tl::unexpected<Error> unauthorized(std::string reason) {
  return fail(SessionError::unauthorized, std::move(reason));
}

}  // namespace

bool is_ambiguous(const Path& path) {
  std::string_view rest = path.text();
  while (!rest.empty()) {
    const std::string_view segment = rest.substr(0, rest.find('/'));
    // To who takes it apart differently, it is what it stands for.
    const auto decoded = native::percent_decode(segment);
    if (!decoded || *decoded == "." || *decoded == "..") return true;
    if (decoded->find('/') != std::string::npos) return true;
    rest.remove_prefix(std::min(rest.size(), segment.size() + 1));
  }
  return false;
}

std::optional<std::vector<std::string>> read_domains(const std::vector<std::string>& domains) {
  std::vector<std::string> read;
  for (std::string_view domain : domains) {
    while (domain.starts_with('.')) domain.remove_prefix(1);
    if (domain.empty()) return std::nullopt;
    read.push_back("." + lower(domain));
  }
  std::ranges::stable_sort(read, std::ranges::greater{}, &std::string::size);
  return read;
}

Path path_of_host(std::string_view host, const std::vector<std::string>& domains) {
  if (const std::size_t colon = host.rfind(':');
      colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    host = host.substr(0, colon);
  }
  const std::string dotted = "." + lower(host);
  for (const std::string& domain : domains) {
    if (!dotted.ends_with(domain)) continue;
    // DNS names the narrowest first, a path the broadest.
    std::string path;
    std::string_view labels(dotted.data(), dotted.size() - domain.size());
    while (!labels.empty()) {
      const std::size_t dot = labels.rfind('.');
      path += std::string(labels.substr(dot + 1)) + "/";
      labels = labels.substr(0, dot);
    }
    return Path(path);
  }
  return {};
}

Result<Entrance> read_target(const Visitor& visitor, const std::vector<std::string>& domains) {
  const std::string_view target = visitor.target;
  const std::size_t mark = target.find('?');
  Path path(target.substr(0, mark));
  if (!domains.empty()) path = path_of_host(visitor.host, domains).join(path);
  if (path.text().size() > Path::kMaxSize) return unauthorized("the path is too long");
  if (is_ambiguous(path))
    return unauthorized(
        "the path has a segment that others may read as another: \".\", \"..\", or one with "
        "an encoded slash or a % that encodes nothing");
  auto token = token_of(mark == std::string_view::npos ? "" : target.substr(mark + 1));
  if (!token) return unauthorized("the query is not percent-encoded as it should be");
  return Entrance{.path = std::move(path), .token = *std::move(token)};
}

}  // namespace moq::relay
