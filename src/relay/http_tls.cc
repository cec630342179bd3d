#include "relay/http_tls.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstddef>
#include <ctime>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>

namespace moq::relay {

namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using native::tls::TlsError;

// "http/1.1", as ALPN has it (RFC 7301 §3.1).
constexpr unsigned char kProtocols[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int select_protocol(SSL* /*connection*/, const unsigned char** selected, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void* /*argument*/) {
  unsigned char* found = nullptr;
  const int result =
      SSL_select_next_proto(&found, size, kProtocols, sizeof kProtocols, offered, offered_size);
  *selected = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// A context for each certificate; the first begins all handshakes.
using Contexts = std::vector<ssl::context>;

int select_certificate(SSL* connection, int* /*alert*/, void* argument) {
  const char* asked = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
  if (asked == nullptr) return SSL_TLSEXT_ERR_OK;
  const std::string_view name = asked;
  for (ssl::context& context : *static_cast<Contexts*>(argument)) {
    X509* certificate = SSL_CTX_get0_certificate(context.native_handle());
    if (X509_check_host(certificate, name.data(), name.size(), 0, nullptr) == 1) {
      SSL_set_SSL_CTX(connection, context.native_handle());
      break;
    }
  }
  return SSL_TLSEXT_ERR_OK;
}

/// Has clients asked for certificates that `roots` have issued.
error_code ask_clients(ssl::context& context, const std::vector<std::string>& roots) {
  error_code error;
  for (const std::string& pem : roots) {
    if (!error) context.add_certificate_authority(boost::asio::buffer(pem), error);
  }
  if (!error) context.set_verify_mode(ssl::verify_peer, error);
  // A session that is resumed keeps the certificate that was verified once, whatever the roots
  // are now: each has a handshake of its own.
  SSL_CTX_set_session_cache_mode(context.native_handle(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.native_handle(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.native_handle(), 0);
  return error;
}

}  // namespace

Result<std::shared_ptr<ssl::context>> make_https_context(const HttpsIdentity& identity) {
  if (identity.certificates.empty()) {
    return fail(TlsError::configuration, "HTTPS needs a certificate");
  }
  const auto contexts = std::make_shared<Contexts>();
  for (const native::tls::Identity& certificate : identity.certificates) {
    ssl::context& context = contexts->emplace_back(ssl::context::tls_server);
    error_code error;
    context.set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 |
                            ssl::context::no_tlsv1_1 | SSL_OP_NO_RENEGOTIATION,
                        error);
    if (!error) context.use_certificate_chain(boost::asio::buffer(certificate.chain), error);
    if (!error) {
      context.use_private_key(boost::asio::buffer(certificate.key), ssl::context::pem, error);
    }
    if (!error && !identity.client_roots.empty()) {
      error = ask_clients(context, identity.client_roots);
    }
    if (error) {
      return fail(TlsError::library,
                  fmt::format("cannot use a certificate for HTTPS: {}", error.message()));
    }
    SSL_CTX_set_alpn_select_cb(context.native_handle(), select_protocol, nullptr);
  }
  SSL_CTX* first = contexts->front().native_handle();
  SSL_CTX_set_tlsext_servername_callback(first, select_certificate);
  SSL_CTX_set_tlsext_servername_arg(first, contexts.get());
  return std::shared_ptr<ssl::context>(contexts, &contexts->front());
}

std::optional<std::chrono::sys_seconds> client_certificate_end(SSL* connection) {
  const X509* certificate = SSL_get0_peer_certificate(connection);
  if (certificate == nullptr || SSL_get_verify_result(connection) != X509_V_OK) return {};
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return {};
  return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&end)));
}

}  // namespace moq::relay
