#pragma once

#include <openssl/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "native/tls/certificate.h"
#include "net/base/error.h"

namespace boost::asio::ssl {
class context;
}  // namespace boost::asio::ssl

namespace moq::relay {

/// What an HTTPS listener shows, and whom it trusts.
struct HttpsIdentity {
  /// The name that a client asks for (SNI) selects; the first is for all others. None:
  /// plain HTTP.
  std::vector<native::tls::Identity> certificates;
  /// PEM texts of certificates whose issues clients may show; empty: they are not asked.
  std::vector<std::string> client_roots = {};
};

/// What HTTPS connections are accepted with: TLS 1.2 or later, HTTP/1.1. A client's
/// certificate that does not verify ends the handshake. Fails with a TlsError if OpenSSL
/// does not take what it is given, or there is no certificate.
Result<std::shared_ptr<boost::asio::ssl::context>> make_https_context(
    const HttpsIdentity& identity);

/// The end of the certificate that a client has shown, which has been verified; none if it
/// has shown none. After the handshake.
std::optional<std::chrono::sys_seconds> client_certificate_end(SSL* connection);

}  // namespace moq::relay
