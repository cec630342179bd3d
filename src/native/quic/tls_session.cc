#include "native/quic/tls_session.h"

#include <arpa/inet.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>

#include "net/transport/error.h"

namespace moq::native::quic {
namespace {

// AES-128-GCM first: the cheapest where there is AES in hardware, by a factor
// of two over ChaCha20.
constexpr const char* kPriority =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"
    "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1:"
    "%DISABLE_TLS13_COMPAT_MODE:%SERVER_PRECEDENCE";

// Parsed once: it costs more than the rest of a session's setup.
gnutls_priority_t priority() {
  static const gnutls_priority_t kParsed = [] {
    gnutls_priority_t parsed = nullptr;
    if (gnutls_priority_init(&parsed, kPriority, nullptr) != GNUTLS_E_SUCCESS) {
      throw std::runtime_error("GnuTLS does not know our priority string");
    }
    return parsed;
  }();
  return kParsed;
}

bool is_address(const std::string& name) {
  std::array<std::uint8_t, 16> out{};
  return inet_pton(AF_INET, name.c_str(), out.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), out.data()) == 1;
}

tl::unexpected<Error> tls_failure(const char* what, int code) {
  return fail(transport::TransportError::handshake,
              fmt::format("{}: {}", what, gnutls_strerror(code)));
}

}  // namespace

TlsSession::~TlsSession() {
  if (session_ != nullptr) gnutls_deinit(session_);
}

TlsSession& TlsSession::of(gnutls_session_t session) {
  auto* reference = static_cast<ngtcp2_crypto_conn_ref*>(gnutls_session_get_ptr(session));
  return *static_cast<TlsSession*>(reference->user_data);
}

Result<void> TlsSession::init(unsigned flags, const tls::Credentials& credentials,
                              const std::vector<std::string>& alpns, unsigned alpn_flags) {
  if (const int rv = gnutls_init(&session_, flags); rv != GNUTLS_E_SUCCESS) {
    return tls_failure("TLS session", rv);
  }
  if (const int rv = gnutls_priority_set(session_, priority()); rv != GNUTLS_E_SUCCESS) {
    return tls_failure("TLS priorities", rv);
  }
  if (const int rv = gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials.get());
      rv != GNUTLS_E_SUCCESS) {
    return tls_failure("TLS credentials", rv);
  }
  std::vector<gnutls_datum_t> tokens;
  for (const std::string& alpn : alpns) {
    tokens.push_back({reinterpret_cast<unsigned char*>(const_cast<char*>(alpn.data())),
                      static_cast<unsigned>(alpn.size())});
  }
  if (const int rv = gnutls_alpn_set_protocols(session_, tokens.data(),
                                               static_cast<unsigned>(tokens.size()), alpn_flags);
      rv != GNUTLS_E_SUCCESS) {
    return tls_failure("ALPN", rv);
  }
  reference_.user_data = this;
  reference_.get_conn = [](ngtcp2_crypto_conn_ref* reference) {
    return static_cast<TlsSession*>(reference->user_data)->connection_;
  };
  gnutls_session_set_ptr(session_, &reference_);
  return {};
}

Result<std::unique_ptr<TlsSession>> TlsSession::server(
    std::shared_ptr<const tls::ServerContext> context) {
  std::unique_ptr<TlsSession> tls(new TlsSession);
  tls->server_ = std::move(context);
  MOQ_CHECK_OK(tls->init(GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET, tls->server_->credentials,
                         tls->server_->alpns,
                         GNUTLS_ALPN_MANDATORY | GNUTLS_ALPN_SERVER_PRECEDENCE));
  gnutls_handshake_set_hook_function(tls->session_, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_POST,
                                     on_client_hello);
  if (tls->server_->asks_clients) {
    tls::ask_client(tls->session_);
    gnutls_session_set_verify_function(tls->session_, on_verify);
  }
  if (ngtcp2_crypto_gnutls_configure_server_session(tls->session_) != 0) {
    return fail(transport::TransportError::handshake, "QUIC does not go with this GnuTLS");
  }
  return tls;
}

Result<std::unique_ptr<TlsSession>> TlsSession::client(
    std::shared_ptr<const tls::ClientContext> context, std::string server_name) {
  std::unique_ptr<TlsSession> tls(new TlsSession);
  tls->client_ = std::move(context);
  tls->server_name_ = std::move(server_name);
  MOQ_CHECK_OK(tls->init(GNUTLS_CLIENT, tls->client_->credentials, tls->client_->alpns,
                         GNUTLS_ALPN_MANDATORY));
  const std::string& name = tls->server_name_;
  if (!name.empty() && !is_address(name)) {
    if (const int rv =
            gnutls_server_name_set(tls->session_, GNUTLS_NAME_DNS, name.data(), name.size());
        rv != GNUTLS_E_SUCCESS) {
      return tls_failure("server name", rv);
    }
  }
  gnutls_session_set_verify_function(tls->session_, on_verify);
  if (ngtcp2_crypto_gnutls_configure_client_session(tls->session_) != 0) {
    return fail(transport::TransportError::handshake, "QUIC does not go with this GnuTLS");
  }
  return tls;
}

void TlsSession::bind(ngtcp2_conn* connection) {
  connection_ = connection;
  ngtcp2_conn_set_tls_native_handle(connection, session_);
}

// A client that offers no ALPN at all gets past GnuTLS's own check.
int TlsSession::on_client_hello(gnutls_session_t session, unsigned /*type*/, unsigned /*when*/,
                                unsigned /*incoming*/, const gnutls_datum_t* /*message*/) {
  gnutls_datum_t chosen{};
  return gnutls_alpn_get_selected_protocol(session, &chosen) == GNUTLS_E_SUCCESS
             ? 0
             : GNUTLS_E_NO_APPLICATION_PROTOCOL;
}

int TlsSession::on_verify(gnutls_session_t session) {
  TlsSession& tls = of(session);
  Result<void> verdict;
  if (tls.server_ != nullptr) {
    verdict = tls::verify_client(session);
  } else if (tls.client_->verify) {
    verdict = tls.client_->verify(session, tls.server_name_);
  }
  if (verdict) return 0;
  tls.verify_error_ = std::move(verdict).error();
  return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
}

std::optional<std::chrono::sys_seconds> TlsSession::client_certificate_end() const {
  if (server_ == nullptr || !server_->asks_clients) return std::nullopt;
  return tls::client_certificate_end(session_);
}

std::string TlsSession::alpn() const {
  gnutls_datum_t chosen{};
  if (gnutls_alpn_get_selected_protocol(session_, &chosen) != GNUTLS_E_SUCCESS) return {};
  return {reinterpret_cast<const char*>(chosen.data), chosen.size};
}

std::string TlsSession::server_name() const {
  if (client_) return server_name_;
  // 255 is the longest DNS name.
  std::array<char, 256> name{};
  std::size_t size = name.size();
  unsigned type = 0;
  if (gnutls_server_name_get(session_, name.data(), &size, &type, 0) != GNUTLS_E_SUCCESS ||
      type != GNUTLS_NAME_DNS) {
    return {};
  }
  return {name.data(), strnlen(name.data(), size)};
}

}  // namespace moq::native::quic
