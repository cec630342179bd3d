#include "native/client/redirect.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <span>

#include <fmt/format.h>

namespace moq::native {

namespace {

/// A prefix of IPv6 addresses; IPv4 as mapped ones.
struct Prefix {
  const char* address;
  unsigned bits;
};

// RFC 6890, as far as hosts of a private network may have them.
constexpr std::array kLocal = {
    Prefix{"::", 128},                  // unspecified
    Prefix{"::1", 128},                 // loopback
    Prefix{"fc00::", 7},                // unique local
    Prefix{"fe80::", 10},               // link-local
    Prefix{"fec0::", 10},               // site-local, deprecated
    Prefix{"::ffff:0.0.0.0", 104},      // "this network"
    Prefix{"::ffff:10.0.0.0", 104},     // private
    Prefix{"::ffff:100.64.0.0", 106},   // shared by carriers
    Prefix{"::ffff:127.0.0.0", 104},    // loopback
    Prefix{"::ffff:169.254.0.0", 112},  // link-local, with the metadata of clouds
    Prefix{"::ffff:172.16.0.0", 108},   // private
    Prefix{"::ffff:192.168.0.0", 112},  // private
};

bool has_prefix(const in6_addr& address, const Prefix& prefix) {
  in6_addr wanted{};
  inet_pton(AF_INET6, prefix.address, &wanted);
  const unsigned whole = prefix.bits / 8;
  if (std::memcmp(address.s6_addr, wanted.s6_addr, whole) != 0) return false;
  const unsigned rest = prefix.bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return ((address.s6_addr[whole] ^ wanted.s6_addr[whole]) & mask) == 0;
}

/// How well a scheme keeps others from answering in the server's place.
int protection(const Url& url) { return url.carrier() == Carrier::fetch_fingerprint ? 0 : 1; }

}  // namespace

bool is_local(const SocketAddress& address) {
  const SocketAddress wide = address.unmapped().mapped();
  if (wide.family() != AF_INET6) return true;
  sockaddr_in6 in{};
  std::memcpy(&in, wide.get(), sizeof(in));
  return std::ranges::any_of(
      kLocal, [&](const Prefix& prefix) { return has_prefix(in.sin6_addr, prefix); });
}

Result<Url> redirect(const Url& current, const std::string& uri, Redirect policy) {
  if (policy == Redirect::ignore) return fail(UrlError::invalid, "redirects are switched off");
  MOQ_TRY(auto next, Url::parse(uri));
  if (protection(next) < protection(current)) {
    return fail(UrlError::invalid,
                fmt::format("{}: is weaker than {}:", next.scheme(), current.scheme()));
  }
  const bool same_host = next.host() == current.host();
  if (!same_host && policy == Redirect::same_host) {
    return fail(UrlError::invalid,
                fmt::format("\"{}\" is another host than \"{}\"", next.host(), current.host()));
  }
  // "https://relay/" names no more than "https://relay" does.
  const bool bare = next.path().empty() || next.path() == "/";
  if (!bare || !next.query().empty()) return next;
  std::string target = current.path();
  if (same_host && !current.query().empty()) target += "?" + current.query();
  return Url::parse(fmt::format("{}://{}{}", next.scheme(), next.authority(), target));
}

}  // namespace moq::native
