#include "relay/parse.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "native/io/packet_io.h"

namespace moq::relay {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Cuts the characters for which `accept` holds off the front of `text`.
template <typename Accept>
std::string_view take(std::string_view& text, Accept accept) {
  std::size_t size = 0;
  while (size < text.size() && accept(text[size])) ++size;
  const std::string_view taken = text.substr(0, size);
  text.remove_prefix(size);
  return taken;
}

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return {};
  return value;
}

struct TimeUnit {
  std::string_view names;  // separated and surrounded by spaces
  std::uint64_t nanoseconds;
};

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kDay = 86'400 * kSecond;

// As humantime spells them; its month is 30.44 days and its year 365.25.
constexpr std::array kTimeUnits = {
    TimeUnit{" nanos nsec ns ", 1},
    TimeUnit{" usec us ", 1'000},
    TimeUnit{" millis msec ms ", 1'000'000},
    TimeUnit{" seconds second secs sec s ", kSecond},
    TimeUnit{" minutes minute mins min m ", 60 * kSecond},
    TimeUnit{" hours hour hrs hr h ", 3600 * kSecond},
    TimeUnit{" days day d ", kDay},
    TimeUnit{" weeks week w ", 7 * kDay},
    TimeUnit{" months month M ", 2'630'016 * kSecond},
    TimeUnit{" years year yrs yr y ", 31'557'600 * kSecond},
};

std::optional<std::uint64_t> time_unit(std::string_view name) {
  if (name.empty()) return {};
  const std::string wanted = fmt::format(" {} ", name);
  for (const TimeUnit& unit : kTimeUnits) {
    if (unit.names.find(wanted) != std::string_view::npos) return unit.nanoseconds;
  }
  return {};
}

std::optional<double> size_unit(std::string_view name) {
  std::string unit(name);
  std::ranges::transform(unit, unit.begin(), lower);
  if (unit.ends_with('b')) unit.pop_back();
  if (unit.empty()) return 1.0;
  const bool binary = unit.size() == 2 && unit[1] == 'i';
  if (unit.size() != 1 && !binary) return {};
  const std::size_t power = std::string_view("kmgtpe").find(unit[0]);
  if (power == std::string_view::npos) return {};
  return std::pow(binary ? 1024.0 : 1000.0, static_cast<double>(power + 1));
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string HostPort::to_string() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

std::uint64_t SizeLimit::resolve(std::uint64_t memory) const {
  if (percent == 0) return bytes;
  return static_cast<std::uint64_t>(static_cast<double>(memory) * percent / 100.0);
}

std::optional<Duration> parse_duration(std::string_view text) {
  text = trim(text);
  if (text == "0") return Duration{};
  if (text.empty()) return {};
  std::uint64_t total = 0;
  while (!text.empty()) {
    const auto count = number<std::uint64_t>(take(text, is_digit));
    take(text, is_space);
    const auto unit = time_unit(take(text, [](char c) { return !is_digit(c) && !is_space(c); }));
    take(text, is_space);
    std::uint64_t part = 0;
    if (!count || !unit || __builtin_mul_overflow(*count, *unit, &part) ||
        __builtin_add_overflow(total, part, &total)) {
      return {};
    }
  }
  if (total > static_cast<std::uint64_t>(Duration::max().count())) return {};
  return Duration(static_cast<Duration::rep>(total));
}

std::optional<SizeLimit> parse_size(std::string_view text) {
  text = trim(text);
  const std::string_view digits = take(text, [](char c) { return is_digit(c) || c == '.'; });
  const auto value = number<double>(digits);
  const std::string_view unit = trim(text);
  if (!value) return {};
  if (unit == "%") {
    if (*value <= 0 || *value > 100) return {};
    return SizeLimit{.percent = *value};
  }
  // A plain number is taken exactly; a double is not exact beyond 2^53.
  if (unit.empty() || unit == "B" || unit == "b") {
    const auto bytes = number<std::uint64_t>(digits);
    if (!bytes || *bytes == 0) return {};
    return SizeLimit{.bytes = *bytes};
  }
  const auto factor = size_unit(unit);
  if (!factor) return {};
  const double bytes = *value * *factor;
  if (bytes < 1 || bytes >= static_cast<double>(std::numeric_limits<std::int64_t>::max())) {
    return {};
  }
  return SizeLimit{.bytes = static_cast<std::uint64_t>(bytes)};
}

std::optional<HostPort> parse_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {};
  const auto port = number<std::uint16_t>(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  if (!port || host.empty()) return {};
  if (host.front() == '[') {
    if (!native::SocketAddress::parse(text)) return {};
    return HostPort{std::string(host.substr(1, host.size() - 2)), *port};
  }
  const auto allowed = [](char c) {
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' || c == '.' || c == '_';
  };
  if (!std::ranges::all_of(host, allowed)) return {};
  // What looks like an address has to be one: "127.0.0.300" is no host name.
  const bool numeric = std::ranges::all_of(host, [](char c) { return is_digit(c) || c == '.'; });
  if (numeric && !native::SocketAddress::parse(text)) return {};
  return HostPort{std::string(host), *port};
}

std::optional<HostPort> parse_local_address(std::string_view text) {
  std::string_view port = text;
  if (port.starts_with(':')) port.remove_prefix(1);
  if (const auto number_only = number<std::uint16_t>(port))
    return HostPort{"127.0.0.1", *number_only};
  if (!native::SocketAddress::parse(text)) return {};
  return parse_host_port(text);
}

bool is_loopback(const HostPort& address) {
  const auto parsed = native::SocketAddress::parse(address.to_string());
  if (!parsed) return false;
  const std::string host = parsed->unmapped().host();
  return host == "::1" || (parsed->is_v4() && host.starts_with("127."));
}

bool is_uri(std::string_view text) {
  const auto is_letter = [](char c) { return lower(c) >= 'a' && lower(c) <= 'z'; };
  const std::string_view scheme = take(text, [&](char c) {
    return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
  if (scheme.empty() || !is_letter(scheme.front()) || !text.starts_with("://")) return false;
  text.remove_prefix(3);
  const auto allowed = [](char c) {
    return c > ' ' && c < 0x7f &&
           std::string_view("#\"<>\\^`{|}").find(c) == std::string_view::npos;
  };
  const std::string_view authority = text.substr(0, text.find_first_of("/?"));
  return !authority.empty() && authority.front() != ':' && std::ranges::all_of(text, allowed);
}

std::optional<bool> parse_bool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return {};
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  return number<std::uint64_t>(text);
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t comma = text.find(',');
    parts.emplace_back(trim(text.substr(0, comma)));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  // Half of a word may be wrong, but no more than four letters of it.
  std::size_t best = std::min<std::size_t>(4, word.size() / 2) + 1;
  std::string found;
  for (const std::string& candidate : candidates) {
    if (const std::size_t distance = edit_distance(word, candidate); distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

bool is_url(std::string_view name) { return name.find("://") != std::string_view::npos; }

}  // namespace moq::relay
