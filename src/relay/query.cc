#include "relay/query.h"

#include <algorithm>

#include "native/client/url.h"

namespace moq::relay {

std::optional<QueryFields> read_query(std::string_view query) {
  QueryFields fields;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    auto name = native::percent_decode(pair.substr(0, equals));
    auto value =
        native::percent_decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
    if (!name || !value) return std::nullopt;
    fields.emplace_back(*std::move(name), *std::move(value));
  }
  return fields;
}

}  // namespace moq::relay
