#include <gnutls/x509.h>

#include <array>

#include "native/tls/certificate.h"
#include "native/tls/context.h"
#include "native/tls/handles.h"

/// The certificates that clients show.
namespace moq::native::tls {

std::optional<std::chrono::sys_seconds> client_certificate_end(gnutls_session_t session) {
  unsigned int count = 0;
  const gnutls_datum_t* chain = gnutls_certificate_get_peers(session, &count);
  if (chain == nullptr || count == 0) return std::nullopt;
  const CertificateHandle leaf = make_certificate();
  // It was read before, to be verified.
  if (gnutls_x509_crt_import(leaf.get(), &chain[0], GNUTLS_X509_FMT_DER) < 0) return std::nullopt;
  const std::time_t end = gnutls_x509_crt_get_expiration_time(leaf.get());
  if (end == static_cast<std::time_t>(-1)) return std::chrono::sys_seconds::max();
  return std::chrono::sys_seconds(std::chrono::seconds(end));
}

void ask_client(gnutls_session_t session) {
  gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
}

Result<void> verify_client(gnutls_session_t session) {
  unsigned int count = 0;
  if (gnutls_certificate_get_peers(session, &count) == nullptr || count == 0) return {};
  std::array<gnutls_typed_vdata_st, 1> wanted{};
  wanted[0].type = GNUTLS_DT_KEY_PURPOSE_OID;
  wanted[0].data = reinterpret_cast<unsigned char*>(const_cast<char*>(GNUTLS_KP_TLS_WWW_CLIENT));
  unsigned int status = 0;
  const int code = gnutls_certificate_verify_peers(session, wanted.data(), wanted.size(), &status);
  if (code < 0) return fail(TlsError::untrusted, gnutls_strerror(code));
  if (status == 0) return {};
  gnutls_datum_t text{};
  std::string why = "it does not verify";
  if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) >= 0) {
    why = take(text);
  }
  return fail(TlsError::untrusted, "the client's certificate: " + why);
}

}  // namespace moq::native::tls
