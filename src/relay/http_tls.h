#pragma once

#include <memory>
#include <vector>

#include "native/tls/certificate.h"
#include "net/base/error.h"

namespace boost::asio::ssl {
class context;
}  // namespace boost::asio::ssl

namespace moq::relay {

/// What HTTPS connections are accepted with: TLS 1.2 or later, HTTP/1.1. The name that a
/// client asks for (SNI) selects the certificate; the first is for all others. Fails with
/// a TlsError if OpenSSL does not take one of them, or there is none.
Result<std::shared_ptr<boost::asio::ssl::context>> make_https_context(
    const std::vector<native::tls::Identity>& certificates);

}  // namespace moq::relay
