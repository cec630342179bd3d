#include "net/ietf/parameter.h"

#include <algorithm>

namespace moq::ietf::detail {

namespace {

// By what the id says, in the form where it says something.
Result<void> skip(Reader& in) {
  MOQ_TRY(const std::uint64_t size, in.varint());
  if (size > kMaxKeyValue) return fail(CodingError::too_large);
  return in.bytes(size).map([](ByteSpan) {});
}

}  // namespace

Result<void> pass_over(Reader& in, const VersionInfo& version, const ParameterRules& rules,
                       std::uint64_t id) {
  const bool defined = std::ranges::find(version.parameter_ids, id) != version.parameter_ids.end();
  if ((defined ? rules.misplaced : rules.unknown) == OnUnknown::violation) {
    return fail(CodingError::unknown_parameter, std::to_string(id));
  }
  if (id % 2 != 0) return skip(in);
  return in.varint().map([](std::uint64_t) {});
}

Result<std::uint64_t> read_id(Reader& in, const ParameterRules& rules, std::uint64_t previous) {
  MOQ_TRY(const std::uint64_t number, in.varint());
  if (!rules.delta_types) return number;
  if (number > std::numeric_limits<std::uint64_t>::max() - previous) {
    return fail(CodingError::invalid_value, "a parameter's id beyond 64 bits");
  }
  return previous + number;
}

}  // namespace moq::ietf::detail
