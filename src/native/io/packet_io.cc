#include "native/io/packet_io.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

namespace moq::native {

namespace {

constexpr std::string_view kRemedy = "write 192.0.2.1:4443 or [2001:db8::1]:4443";

sockaddr_in as_v4(const SocketAddress& address) {
  sockaddr_in v4{};
  std::memcpy(&v4, address.get(), sizeof(v4));
  return v4;
}

sockaddr_in6 as_v6(const SocketAddress& address) {
  sockaddr_in6 v6{};
  std::memcpy(&v6, address.get(), sizeof(v6));
  return v6;
}

SocketAddress from(const sockaddr_in& v4) {
  return {reinterpret_cast<const sockaddr*>(&v4), sizeof(v4)};
}

SocketAddress from(const sockaddr_in6& v6) {
  return {reinterpret_cast<const sockaddr*>(&v6), sizeof(v6)};
}

Result<std::uint16_t> parse_port(std::string_view whole, std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
    return fail(
        IoError{EINVAL},
        fmt::format("\"{}\": the port must be a number from 0 to 65535; {}", whole, kRemedy));
  }
  return port;
}

// "fe80::1%eth0" has a zone, by name or by number.
bool parse_v6(std::string host, sockaddr_in6& v6) {
  if (const auto percent = host.find('%'); percent != std::string::npos) {
    const std::string zone = host.substr(percent + 1);
    host.resize(percent);
    v6.sin6_scope_id = if_nametoindex(zone.c_str());
    if (v6.sin6_scope_id == 0) {
      const auto [end, error] =
          std::from_chars(zone.data(), zone.data() + zone.size(), v6.sin6_scope_id);
      if (error != std::errc{} || end != zone.data() + zone.size()) return false;
    }
  }
  return inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1;
}

}  // namespace

const ErrorDomain& error_domain(IoError) {
  static constexpr ErrorDomain kDomain{"io", [](std::uint64_t code) -> std::string_view {
                                         const char* text = strerrordesc_np(static_cast<int>(code));
                                         return text != nullptr ? text : "unknown";
                                       }};
  return kDomain;
}

SocketAddress::SocketAddress(const sockaddr* address, socklen_t size)
    : size_(std::min<socklen_t>(size, sizeof(storage_))) {
  std::memcpy(&storage_, address, size_);
}

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  const bool bracketed = text.starts_with('[');
  if (colon == std::string_view::npos || (bracketed && (colon < 2 || text[colon - 1] != ']'))) {
    return fail(IoError{EINVAL}, fmt::format("\"{}\" has no port; {}", text, kRemedy));
  }
  MOQ_TRY(const std::uint16_t port, parse_port(text, text.substr(colon + 1)));
  if (bracketed) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    if (parse_v6(std::string(text.substr(1, colon - 2)), v6)) return from(v6);
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    const std::string host(text.substr(0, colon));
    if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) return from(v4);
  }
  return fail(IoError{EINVAL},
              fmt::format("\"{}\" is no IP address with a port; {}", text, kRemedy));
}

std::uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(as_v4(*this).sin_port);
  if (family() == AF_INET6) return ntohs(as_v6(*this).sin6_port);
  return 0;
}

void SocketAddress::set_port(std::uint16_t port) {
  if (family() == AF_INET) {
    reinterpret_cast<sockaddr_in*>(&storage_)->sin_port = htons(port);
  } else if (family() == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(&storage_)->sin6_port = htons(port);
  }
}

bool SocketAddress::is_v4() const {
  if (family() == AF_INET) return true;
  if (family() != AF_INET6) return false;
  const sockaddr_in6 v6 = as_v6(*this);
  return IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
}

bool SocketAddress::is_any() const {
  const SocketAddress plain = unmapped();
  if (plain.family() == AF_INET) return as_v4(plain).sin_addr.s_addr == htonl(INADDR_ANY);
  if (plain.family() != AF_INET6) return true;
  const sockaddr_in6 v6 = as_v6(plain);
  return IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr);
}

SocketAddress SocketAddress::mapped() const {
  if (family() != AF_INET) return *this;
  const sockaddr_in v4 = as_v4(*this);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = v4.sin_port;
  v6.sin6_addr.s6_addr[10] = 0xff;
  v6.sin6_addr.s6_addr[11] = 0xff;
  std::memcpy(&v6.sin6_addr.s6_addr[12], &v4.sin_addr, 4);
  return from(v6);
}

SocketAddress SocketAddress::unmapped() const {
  if (family() != AF_INET6 || !is_v4()) return *this;
  const sockaddr_in6 v6 = as_v6(*this);
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = v6.sin6_port;
  std::memcpy(&v4.sin_addr, &v6.sin6_addr.s6_addr[12], 4);
  return from(v4);
}

std::string SocketAddress::host() const {
  const SocketAddress plain = unmapped();
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (plain.family() == AF_INET) {
    const sockaddr_in v4 = as_v4(plain);
    return inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  }
  if (plain.family() != AF_INET6) return {};
  const sockaddr_in6 v6 = as_v6(plain);
  std::string host = inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  if (v6.sin6_scope_id != 0) host += fmt::format("%{}", v6.sin6_scope_id);
  return host;
}

std::string SocketAddress::to_string() const {
  if (empty()) return "(none)";
  const bool bare = is_v4();
  return fmt::format("{}{}{}:{}", bare ? "" : "[", host(), bare ? "" : "]", port());
}

bool operator==(const SocketAddress& a, const SocketAddress& b) {
  if (a.size_ != b.size_ || a.family() != b.family()) return false;
  if (a.family() == AF_INET) {
    const sockaddr_in x = as_v4(a);
    const sockaddr_in y = as_v4(b);
    return x.sin_port == y.sin_port && x.sin_addr.s_addr == y.sin_addr.s_addr;
  }
  if (a.family() == AF_INET6) {
    const sockaddr_in6 x = as_v6(a);
    const sockaddr_in6 y = as_v6(b);
    return x.sin6_port == y.sin6_port && x.sin6_scope_id == y.sin6_scope_id &&
           std::memcmp(&x.sin6_addr, &y.sin6_addr, sizeof(x.sin6_addr)) == 0;
  }
  return std::memcmp(&a.storage_, &b.storage_, a.size_) == 0;
}

}  // namespace moq::native
