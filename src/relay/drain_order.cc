#include "relay/drain_order.h"

#include <fmt/format.h>

#include "net/session/drain.h"
#include "relay/parse.h"

namespace moq::relay {

namespace {

// What is quoted of a URI that is wrong: it may be long.
constexpr std::size_t kQuoted = 80;

std::string quoted(const std::string& uri) {
  return uri.size() <= kQuoted ? uri : uri.substr(0, kQuoted) + "...";
}

}  // namespace

std::optional<DrainMistake> mistake_in(const DrainOrder& order) {
  if (order.uris.size() > kMaxDrainUris) {
    return DrainMistake{
        "uri", fmt::format("found {} URIs, expected at most {}", order.uris.size(), kMaxDrainUris)};
  }
  for (const std::string& uri : order.uris) {
    if (uri.size() > Drain::kMaxUri) {
      return DrainMistake{"uri", fmt::format("found a URI of {} bytes, expected at most {}",
                                             uri.size(), Drain::kMaxUri)};
    }
    if (!is_uri(uri)) {
      return DrainMistake{
          "uri", fmt::format("found \"{}\", expected a URI such as \"https://relay2.example/\"",
                             quoted(uri))};
    }
  }
  // Whoever is told last is to have some time left.
  if (order.timeout && *order.timeout > Duration::zero() && order.spread >= *order.timeout) {
    return DrainMistake{"spread", "expected less than the timeout of the drain"};
  }
  return {};
}

}  // namespace moq::relay
