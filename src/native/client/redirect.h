#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "native/client/url.h"
#include "native/io/packet_io.h"

/// Where a GOAWAY may send a client. Its URI comes from a server that may be wrong, or
/// not what it seems: following it must not open ways that the user has not chosen.
namespace moq::native {

/// What a client makes of a GOAWAY's URI.
enum class Redirect : std::uint8_t {
  same_host,  ///< follows it to another port or path of the host that it is connected to
  follow,     ///< follows it to any host
  ignore,     ///< dials its current URL again, wherever the URI points
};

/// Whether an address is of this machine or of a network that is not the Internet:
/// loopback, private (RFC 1918, RFC 4193), shared (RFC 6598), link-local, unspecified;
/// IPv4 in its mapped form (::ffff:0:0/96), too.
[[nodiscard]] bool is_local(const SocketAddress& address);

/// The URL to dial after a GOAWAY with `uri`, not empty, on a session at `current`. An
/// error says why the URI is refused:
///
/// - it is no URL of a MoQ server, or `policy` ignores it;
/// - its scheme protects less than the current one (http: trusts whoever answers);
/// - its host is another, and `policy` is same_host.
///
/// A URI without path keeps the current path, and, on the same host, the query with its
/// token. A token never goes to another host: that one needs its own, in the URI.
///
/// Names are not resolved here: whoever dials the URL has to refuse local addresses if
/// the current server's is public (DialOptions::public_only).
Result<Url> redirect(const Url& current, const std::string& uri, Redirect policy);

}  // namespace moq::native
