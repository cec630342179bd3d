#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "native/tls/certificate.h"
#include "native/tls/context.h"

namespace moq::native::tls {

/// `[server.tls]` of the configuration.
struct ServerConfig {
  /// PEM files of certificate chains, leaf first, and of their keys, paired by
  /// index. The client's server name (SNI) selects, wildcards included; the
  /// first is for clients that send none, or one that no certificate has.
  std::vector<std::string> cert;
  std::vector<std::string> key;
  /// Names for one self-signed certificate, made anew by each `load`,
  std::vector<std::string> generate;
  /// unless this is there, which was made for the same names before.
  std::shared_ptr<const Identity> generated = nullptr;
  /// PEM files of certificates whose issues clients may show; empty: they are not asked.
  std::vector<std::string> root;
};

/// What a server needs of its certificates. The context's ALPN list is empty:
/// whoever knows the protocols fills it in.
struct ServerCertificates {
  ServerContext context;
  /// What was made for `generate`.
  std::shared_ptr<const Identity> generated = nullptr;
  /// Of each leaf, in the order of the configuration, the generated one last.
  std::vector<Fingerprint> fingerprints;
  /// The PEM form of the same, for other TLS stacks (the web listener).
  std::vector<Identity> identities;
};

/// Reads (or generates) all certificates and checks that they fit their keys.
/// Errors name the file. Certificates out of their validity only cause a warning.
Result<ServerCertificates> load_server_certificates(
    const ServerConfig& config,
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

/// Adds a chain and key read from these files to `credentials`.
Result<Identity> add_identity_files(gnutls_certificate_credentials_st& credentials,
                                    const std::string& cert_file, const std::string& key_file,
                                    std::chrono::system_clock::time_point now);

}  // namespace moq::native::tls
