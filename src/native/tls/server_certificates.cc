#include "native/tls/server_certificates.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "native/tls/handles.h"
#include "native/tls/name_selector.h"
#include "native/tls/pem_file.h"
#include "net/base/log.h"

namespace moq::native::tls {

namespace {

using std::chrono::system_clock;

// A chain longer than this is a mistake, or an attempt to waste memory.
constexpr unsigned int kMaxChain = 16;

struct Chain {
  std::array<gnutls_x509_crt_t, kMaxChain> list{};
  unsigned int count = kMaxChain;

  Chain() = default;
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;
  ~Chain() {
    for (unsigned int i = 0; i < count; ++i) gnutls_x509_crt_deinit(list.at(i));
  }
};

void warn_about_validity(gnutls_x509_crt_t leaf, const std::string& where,
                         system_clock::time_point now) {
  const auto seconds = system_clock::to_time_t(now);
  if (gnutls_x509_crt_get_expiration_time(leaf) < seconds) {
    log::warn("{}: this certificate has expired: clients will refuse it; renew it", where);
  } else if (gnutls_x509_crt_get_activation_time(leaf) > seconds) {
    log::warn("{}: this certificate is not valid yet; check the clock of this machine", where);
  }
}

Result<void> add_identity(gnutls_certificate_credentials_st& credentials, const Identity& identity,
                          const std::string& cert_name, const std::string& key_name,
                          system_clock::time_point now) {
  Chain chain;
  gnutls_datum_t data = datum(as_bytes(identity.chain));
  int code =
      gnutls_x509_crt_list_import(chain.list.data(), &chain.count, &data, GNUTLS_X509_FMT_PEM,
                                  GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
  if (code <= 0) {
    chain.count = 0;
    return fail(TlsError::file,
                fmt::format("{} holds no certificate chain in PEM ({}): it takes the server's "
                            "certificate (-----BEGIN CERTIFICATE-----) and its issuers, at most {}",
                            cert_name, gnutls_strerror(code), kMaxChain));
  }
  chain.count = static_cast<unsigned int>(code);
  const KeyHandle key = make_key();
  data = datum(as_bytes(identity.key));
  code = gnutls_x509_privkey_import2(key.get(), &data, GNUTLS_X509_FMT_PEM, nullptr,
                                     GNUTLS_PKCS_PLAIN);
  if (code < 0) {
    return fail(TlsError::file,
                fmt::format("{} holds no private key in PEM ({}): an encrypted one has to be "
                            "decrypted first (openssl pkey -in {} -out KEY.pem)",
                            key_name, gnutls_strerror(code), key_name));
  }
  code = gnutls_certificate_set_x509_key(&credentials, chain.list.data(),
                                         static_cast<int>(chain.count), key.get());
  if (code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH) {
    return fail(TlsError::file,
                fmt::format("the private key in {} does not belong to the certificate in {}",
                            key_name, cert_name));
  }
  if (code < 0) {
    return fail(TlsError::file,
                fmt::format("{} with {}: {}", cert_name, key_name, gnutls_strerror(code)));
  }
  warn_about_validity(chain.list[0], cert_name, now);
  return {};
}

Result<void> add_client_roots(gnutls_certificate_credentials_st& credentials,
                              const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    MOQ_TRY(const std::string text, read_pem_file(file, "root certificate"));
    const gnutls_datum_t data = datum(as_bytes(text));
    const int count =
        gnutls_certificate_set_x509_trust_mem(&credentials, &data, GNUTLS_X509_FMT_PEM);
    if (count > 0) continue;
    return fail(TlsError::file,
                fmt::format("{} holds no certificate in PEM ({}): tls.root takes files with the "
                            "certificates (-----BEGIN CERTIFICATE-----) that issue clients theirs",
                            file, gnutls_strerror(count)));
  }
  return {};
}

}  // namespace

Result<Identity> add_identity_files(gnutls_certificate_credentials_st& credentials,
                                    const std::string& cert_file, const std::string& key_file,
                                    system_clock::time_point now) {
  Identity identity;
  MOQ_TRY(identity.chain, read_pem_file(cert_file, "certificate"));
  MOQ_TRY(identity.key, read_pem_file(key_file, "private key"));
  MOQ_CHECK_OK(add_identity(credentials, identity, cert_file, key_file, now));
  return identity;
}

Result<ServerCertificates> load_server_certificates(const ServerConfig& config,
                                                    system_clock::time_point now) {
  if (config.cert.size() != config.key.size()) {
    return fail(
        TlsError::configuration,
        fmt::format("tls.cert names {} file(s) and tls.key {}: each certificate needs its key",
                    config.cert.size(), config.key.size()));
  }
  if (config.cert.empty() && config.generate.empty()) {
    return fail(TlsError::configuration,
                "a server needs a certificate: set tls.cert and tls.key, or tls.generate = "
                "[\"localhost\"] for a self-signed one");
  }
  ServerCertificates result;
  result.context.credentials = make_credentials();
  for (std::size_t i = 0; i < config.cert.size(); ++i) {
    MOQ_TRY(auto identity,
            add_identity_files(*result.context.credentials, config.cert[i], config.key[i], now));
    result.identities.push_back(std::move(identity));
  }
  if (!config.generate.empty()) {
    result.generated = config.generated;
    if (result.generated == nullptr) {
      MOQ_TRY(auto made, generate_self_signed(config.generate, now));
      result.generated = std::make_shared<const Identity>(std::move(made));
    }
    const Identity& identity = *result.generated;
    MOQ_CHECK_OK(add_identity(*result.context.credentials, identity, "the generated certificate",
                              "its key", now));
    result.identities.push_back(identity);
  }
  for (const Identity& identity : result.identities) {
    MOQ_TRY(const Fingerprint fingerprint, fingerprint_of(identity.chain));
    result.fingerprints.push_back(fingerprint);
  }
  MOQ_CHECK_OK(add_client_roots(*result.context.credentials, config.root));
  result.context.asks_clients = !config.root.empty();
  if (result.identities.size() > 1) {
    MOQ_TRY(result.context.credentials,
            select_by_name(std::move(result.context.credentials), result.identities));
  }
  return result;
}

}  // namespace moq::native::tls
