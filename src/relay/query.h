#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moq::relay {

/// Names and values, decoded, in the order in which they were written.
using QueryFields = std::vector<std::pair<std::string, std::string>>;

/// The fields of a query, without its question mark ("a=1&b"). None if one is not
/// percent-encoded as it should be.
std::optional<QueryFields> read_query(std::string_view query);

}  // namespace moq::relay
