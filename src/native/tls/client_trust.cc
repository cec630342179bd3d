#include "native/tls/client_trust.h"

#include <gnutls/crypto.h>

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

#include "native/tls/handles.h"
#include "native/tls/pem_file.h"
#include "native/tls/server_certificates.h"

namespace moq::native::tls {

namespace {

Result<Fingerprint> peer_fingerprint(gnutls_session_t session) {
  unsigned int count = 0;
  const gnutls_datum_t* chain = gnutls_certificate_get_peers(session, &count);
  if (chain == nullptr || count == 0) {
    return fail(TlsError::untrusted, "the server showed no certificate");
  }
  Fingerprint fingerprint{};
  const int code =
      gnutls_hash_fast(GNUTLS_DIG_SHA256, chain[0].data, chain[0].size, fingerprint.data());
  if (code < 0) return fail(TlsError::library, gnutls_strerror(code));
  return fingerprint;
}

Result<void> verify_pinned(gnutls_session_t session, const std::vector<Fingerprint>& pinned) {
  MOQ_TRY(const Fingerprint shown, peer_fingerprint(session));
  if (std::ranges::find(pinned, shown) != pinned.end()) return {};
  return fail(TlsError::untrusted,
              fmt::format("the server's certificate has the fingerprint {}, which is not the one "
                          "asked for",
                          to_hex(shown)));
}

Result<void> verify_chain(gnutls_session_t session, const std::string& name) {
  std::array<gnutls_typed_vdata_st, 2> expected{};
  std::string host = name;
  std::string purpose = GNUTLS_KP_TLS_WWW_SERVER;
  // GnuTLS compares a name that is an IP address with the certificate's IP names.
  expected[0] = {GNUTLS_DT_DNS_HOSTNAME, reinterpret_cast<unsigned char*>(host.data()), 0};
  expected[1] = {GNUTLS_DT_KEY_PURPOSE_OID, reinterpret_cast<unsigned char*>(purpose.data()), 0};
  unsigned int status = 0;
  const int code =
      gnutls_certificate_verify_peers(session, expected.data(), expected.size(), &status);
  if (code < 0) {
    return fail(TlsError::untrusted, fmt::format("cannot verify the certificate of {}: {}", name,
                                                 gnutls_strerror(code)));
  }
  if (status == 0) return {};
  gnutls_datum_t text{};
  std::string why = "unknown reason";
  if (gnutls_certificate_verification_status_print(
          status, gnutls_certificate_type_get2(session, GNUTLS_CTYPE_SERVER), &text, 0) >= 0) {
    why = take(text);
    why.erase(why.find_last_not_of(" \n") + 1);
  }
  std::string remedy;
  constexpr unsigned int kDates = GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED;
  if ((status & GNUTLS_CERT_UNEXPECTED_OWNER) != 0) {
    remedy = " Dial the name that it is for, or say that name with --client-tls-host-name";
  } else if ((status & kDates) == 0) {
    const auto shown = peer_fingerprint(session);
    remedy = fmt::format(
        " Trust its issuer with --client-tls-root, or, if you know it to be right, this "
        "certificate alone with --client-tls-fingerprint {}",
        shown ? to_hex(*shown) : "HEX");
  }
  return fail(TlsError::untrusted,
              fmt::format("the certificate of {} is not trusted: {}{}", name, why, remedy));
}

Result<void> check(const ClientConfig& config) {
  const bool roots = !config.root.empty() || config.system_roots.value_or(false);
  if (config.disable_verify && (roots || !config.fingerprint.empty())) {
    return fail(TlsError::configuration,
                "--client-tls-disable-verify accepts every certificate: it cannot go with "
                "--client-tls-fingerprint, --client-tls-root or --client-tls-system-roots");
  }
  if (!config.fingerprint.empty() && roots) {
    return fail(TlsError::configuration,
                "--client-tls-fingerprint looks at the certificate alone: it cannot go with "
                "--client-tls-root or --client-tls-system-roots");
  }
  if (config.cert.has_value() != config.key.has_value()) {
    return fail(TlsError::configuration,
                "--client-tls-cert and --client-tls-key go together: one of them is missing");
  }
  const bool verifies = !config.disable_verify && config.fingerprint.empty();
  if (verifies && config.root.empty() && !config.system_roots.value_or(true)) {
    return fail(
        TlsError::configuration,
        "no server could be trusted: give --client-tls-root or --client-tls-fingerprint, or "
        "leave --client-tls-system-roots on");
  }
  return {};
}

Result<void> add_roots(gnutls_certificate_credentials_st& credentials, const ClientConfig& config) {
  for (const std::string& path : config.root) {
    MOQ_TRY(const std::string text, read_pem_file(path, "root certificate"));
    const gnutls_datum_t data = datum(as_bytes(text));
    const int count =
        gnutls_certificate_set_x509_trust_mem(&credentials, &data, GNUTLS_X509_FMT_PEM);
    if (count <= 0) {
      return fail(TlsError::file,
                  fmt::format("{} holds no certificate in PEM ({}): --client-tls-root takes a file "
                              "with -----BEGIN CERTIFICATE-----",
                              path, gnutls_strerror(count)));
    }
  }
  if (!config.system_roots.value_or(config.root.empty())) return {};
  if (gnutls_certificate_set_x509_system_trust(&credentials) <= 0) {
    return fail(TlsError::configuration,
                "this system has no root certificates: install ca-certificates, or give "
                "--client-tls-root or --client-tls-fingerprint");
  }
  return {};
}

}  // namespace

Result<ClientContext> load_client_trust(const ClientConfig& config) {
  MOQ_CHECK_OK(check(config));
  ClientContext context;
  context.credentials = make_credentials();
  if (config.cert && config.key) {
    MOQ_CHECK_OK(add_identity_files(*context.credentials, *config.cert, *config.key,
                                    std::chrono::system_clock::now()));
  }
  if (config.disable_verify) return context;
  if (!config.fingerprint.empty()) {
    std::vector<Fingerprint> pinned;
    for (const std::string& text : config.fingerprint) {
      MOQ_TRY(const Fingerprint fingerprint, parse_fingerprint(text));
      pinned.push_back(fingerprint);
    }
    context.verify = [pinned](gnutls_session_t session, const std::string&) {
      return verify_pinned(session, pinned);
    };
    return context;
  }
  MOQ_CHECK_OK(add_roots(*context.credentials, config));
  context.verify = verify_chain;
  return context;
}

}  // namespace moq::native::tls
