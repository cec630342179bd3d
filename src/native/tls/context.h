#pragma once

#include <gnutls/gnutls.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/base/error.h"

namespace moq::native::tls {

/// Certificates, keys and trust, shared by sessions and never changed once one
/// uses them: a reload makes new ones.
using Credentials = std::shared_ptr<gnutls_certificate_credentials_st>;

/// Empty credentials. Throws std::bad_alloc.
Credentials make_credentials();

/// What a server shows its clients.
struct ServerContext {
  Credentials credentials;
  /// ALPN tokens, the preferred first. Clients that offer none of them are turned away.
  std::vector<std::string> alpns;
};

/// What a client offers, and what it demands of the server.
struct ClientContext {
  Credentials credentials;
  /// ALPN tokens, the preferred first.
  std::vector<std::string> alpns;
  /// Judges the server's certificate chain, inside the handshake. The name is
  /// the one that was dialled. Empty: any certificate will do.
  std::function<Result<void>(gnutls_session_t session, const std::string& server_name)> verify;
};

}  // namespace moq::native::tls
