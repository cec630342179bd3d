#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/base/error.h"

namespace moq::native {

/// What a URL's scheme says about how to reach its server.
enum class Carrier : std::uint8_t {
  raw_quic,      ///< moqt:, moql: MoQ directly on QUIC, by its own ALPN tokens
  webtransport,  ///< https: HTTP/3 WebTransport, or WebSocket
  /// http: as https on the same port, after the server's certificate
  /// fingerprint was fetched in the clear: for development.
  fetch_fingerprint,
};

enum class UrlError : int { invalid = 1, unknown_scheme = 2 };
const ErrorDomain& error_domain(UrlError);

/// Where a MoQ server is: RFC 3986, of which only what an address of a server
/// needs is taken. No user name, no fragment.
class Url {
 public:
  /// Longest text that is looked at, in bytes.
  static constexpr std::size_t kMaxSize = 8192;

  /// "moqt://host:port/path?query". Scheme and host become lower case; an
  /// omitted port is the scheme's (443, or 80 for http). Errors quote no query:
  /// it may hold a token.
  static Result<Url> parse(std::string_view text);

  [[nodiscard]] const std::string& scheme() const { return scheme_; }
  [[nodiscard]] Carrier carrier() const { return carrier_; }
  /// A name, or an IP address without brackets.
  [[nodiscard]] const std::string& host() const { return host_; }
  /// Whether `host` is an IP address: no SNI (RFC 6066 §3), no resolution.
  [[nodiscard]] bool host_is_address() const { return host_is_address_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Percent-encoded as it was written; empty, or with its leading slash.
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Without the question mark; empty when there is none.
  [[nodiscard]] const std::string& query() const { return query_; }

  /// "host", "host:8443" (not the scheme's port), "[::1]:8443": HTTP's authority.
  [[nodiscard]] std::string authority() const;
  /// Path and query as a request has them: at least "/".
  [[nodiscard]] std::string target() const;
  /// The whole, except the query, which may hold a token: for logs and errors.
  [[nodiscard]] std::string to_log() const;

 private:
  std::string scheme_;
  Carrier carrier_ = Carrier::raw_quic;
  std::string host_;
  bool host_is_address_ = false;
  std::uint16_t port_ = 0;
  std::uint16_t default_port_ = 0;
  std::string path_;
  std::string query_;
};

/// Resolves %XX. Fails on an incomplete escape.
Result<std::string> percent_decode(std::string_view text);

}  // namespace moq::native
