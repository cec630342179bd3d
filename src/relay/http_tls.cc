#include "relay/http_tls.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstddef>
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

}  // namespace

Result<std::shared_ptr<ssl::context>> make_https_context(
    const std::vector<native::tls::Identity>& certificates) {
  if (certificates.empty()) return fail(TlsError::configuration, "HTTPS needs a certificate");
  const auto contexts = std::make_shared<Contexts>();
  for (const native::tls::Identity& identity : certificates) {
    ssl::context& context = contexts->emplace_back(ssl::context::tls_server);
    error_code error;
    context.set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 |
                            ssl::context::no_tlsv1_1 | SSL_OP_NO_RENEGOTIATION,
                        error);
    if (!error) context.use_certificate_chain(boost::asio::buffer(identity.chain), error);
    if (!error) {
      context.use_private_key(boost::asio::buffer(identity.key), ssl::context::pem, error);
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

}  // namespace moq::relay
