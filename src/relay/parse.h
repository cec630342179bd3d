#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/time.h"

/// The spellings of values that people write in configuration. Each function
/// gives nothing for text that it does not understand; who asks says what was
/// expected, since only it knows where the text came from.
namespace moq::relay {

/// A host, by name or address, and a port.
struct HostPort {
  std::string host;  ///< without brackets; never empty
  std::uint16_t port = 0;

  friend bool operator==(const HostPort&, const HostPort&) = default;
  /// "[::]:443": brackets around what holds a colon.
  [[nodiscard]] std::string to_string() const;
};

/// A number of bytes, or a share of the memory that this process may use.
struct SizeLimit {
  std::uint64_t bytes = 0;
  double percent = 0;  ///< in (0, 100] when the size is a share; else 0

  friend bool operator==(const SizeLimit&, const SizeLimit&) = default;
  /// In bytes, given the memory that 100 % means.
  [[nodiscard]] std::uint64_t resolve(std::uint64_t memory) const;
};

/// "30s", "500ms", "1h 30m": humantime's units, nanoseconds to years. "0" needs
/// no unit; every other number does.
std::optional<Duration> parse_duration(std::string_view text);

/// "8GiB", "512MB", "1073741824" or "75%". Units with an "i" are powers of
/// 1024, the others of 1000; upper or lower case.
std::optional<SizeLimit> parse_size(std::string_view text);

/// "[::]:443", "127.0.0.1:4443" or "host.example:443".
std::optional<HostPort> parse_host_port(std::string_view text);

/// What may be a listener for this machine only: as parse_host_port for an IP address;
/// or a port alone ("9090", ":9090"), which is 127.0.0.1's.
std::optional<HostPort> parse_local_address(std::string_view text);

/// Whether this is a loopback address (127.0.0.0/8 or ::1), IPv4-mapped or not.
bool is_loopback(const HostPort& address);

/// Whether this is a URI with a scheme and a host, and without a fragment (RFC 3986 §3).
bool is_uri(std::string_view text);

/// Whether it names something by URL, and no file.
bool is_url(std::string_view name);

/// "true" or "false".
std::optional<bool> parse_bool(std::string_view text);

/// A decimal number without sign or unit.
std::optional<std::uint64_t> parse_count(std::string_view text);

/// The parts between commas, without the spaces around them. "" has one: "".
std::vector<std::string> split_list(std::string_view text);

/// What of `candidates` is most like `word` by edit distance; "" when nothing
/// is close enough to have been meant.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace moq::relay
