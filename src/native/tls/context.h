#pragma once

#include <gnutls/gnutls.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
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
  /// Whether clients are asked for a certificate, which must be issued by what the
  /// credentials trust. Clients without one are let in.
  bool asks_clients = false;
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

/// When the certificate ends that a client has shown; none if it has shown none. One
/// without an end has the latest time there is. For servers that ask, once the handshake
/// is over: it was verified then.
std::optional<std::chrono::sys_seconds> client_certificate_end(gnutls_session_t session);

/// Has a server's session ask its client, as ServerContext::asks_clients says.
void ask_client(gnutls_session_t session);

/// Verifies what the client has shown, inside of the handshake: no certificate, or one for
/// clients, in its time, of an issuer that is trusted.
Result<void> verify_client(gnutls_session_t session);

}  // namespace moq::native::tls
