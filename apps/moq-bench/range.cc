#include "moq-bench/range.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace moq::bench {

namespace {

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> number(std::string_view text) {
  text = trim(text);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Range> Range::parse(std::string_view text) {
  for (const std::string_view separator : {"..", ":", "-"}) {
    const auto at = text.find(separator);
    if (at == std::string_view::npos) continue;
    const auto first = number(text.substr(0, at));
    const auto second = number(text.substr(at + separator.size()));
    if (!first || !second) return std::nullopt;
    return Range{std::min(*first, *second), std::max(*first, *second)};
  }
  const auto value = number(text);
  if (!value) return std::nullopt;
  return Range{*value, *value};
}

std::uint64_t Range::roll(Random& random) const {
  if (max <= min) return min;
  const std::uint64_t span = max - min + 1;  // 0: all of them
  const std::uint64_t value = random();
  return span == 0 ? value : min + value % span;
}

}  // namespace moq::bench
