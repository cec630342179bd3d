#pragma once

#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "native/tls/context.h"
#include "net/base/error.h"

namespace moq::native::quic {

/// One TLS 1.3 handshake, driven by ngtcp2.
class TlsSession {
 public:
  static Result<std::unique_ptr<TlsSession>> server(
      std::shared_ptr<const tls::ServerContext> context);
  static Result<std::unique_ptr<TlsSession>> client(
      std::shared_ptr<const tls::ClientContext> context, std::string server_name);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession();

  /// Ties the session to the connection that drives it, and back.
  void bind(ngtcp2_conn* connection);

  /// The protocol that both sides agreed on; empty when there is none.
  [[nodiscard]] std::string alpn() const;
  /// SNI: sent by a client, received by a server.
  [[nodiscard]] std::string server_name() const;
  /// When the client's certificate ends: see tls::client_certificate_end.
  [[nodiscard]] std::optional<std::chrono::sys_seconds> client_certificate_end() const;
  /// Why the peer's certificate was turned down, if it was.
  [[nodiscard]] const std::optional<Error>& verify_error() const { return verify_error_; }

 private:
  TlsSession() = default;
  Result<void> init(unsigned flags, const tls::Credentials& credentials,
                    const std::vector<std::string>& alpns, unsigned alpn_flags);
  static int on_client_hello(gnutls_session_t session, unsigned type, unsigned when,
                             unsigned incoming, const gnutls_datum_t* message);
  static int on_verify(gnutls_session_t session);
  static TlsSession& of(gnutls_session_t session);

  gnutls_session_t session_ = nullptr;
  ngtcp2_crypto_conn_ref reference_{};
  ngtcp2_conn* connection_ = nullptr;
  std::shared_ptr<const tls::ServerContext> server_;
  std::shared_ptr<const tls::ClientContext> client_;
  std::string server_name_;
  std::optional<Error> verify_error_;
};

}  // namespace moq::native::quic
