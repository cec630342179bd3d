#include "relay/certificates.h"

#include <utility>

#include "native/tls/pem_file.h"

namespace moq::relay {

Result<Certificates> load_certificates(const Config& config, const Certificates* before) {
  const Config::Server::Tls& tls = config.server.tls;
  native::tls::ServerConfig wanted{
      .cert = tls.cert, .key = tls.key, .generate = tls.generate, .root = tls.root};
  if (before != nullptr && before->generated_for == tls.generate)
    wanted.generated = before->quic.generated;
  Certificates certificates;
  MOQ_TRY(certificates.quic, native::tls::load_server_certificates(wanted));
  certificates.generated_for = tls.generate;
  certificates.https.certificates = certificates.quic.identities;
  if (!config.web.https_cert.empty()) {
    MOQ_TRY(auto own, native::tls::load_server_certificates(
                          {.cert = config.web.https_cert, .key = config.web.https_key}));
    certificates.https.certificates = std::move(own.identities);
  }
  for (const std::string& file : config.web.https_root) {
    MOQ_TRY(auto root, native::tls::read_pem_file(file, "root certificate"));
    certificates.https.client_roots.push_back(std::move(root));
  }
  // OpenSSL may not take what GnuTLS does.
  if (config.web.https_listen) MOQ_CHECK_OK(make_https_context(certificates.https));
  return certificates;
}

std::vector<std::string> certificate_files(const Config& config) {
  std::vector<std::string> files;
  for (const auto* list : {&config.server.tls.cert, &config.server.tls.key, &config.server.tls.root,
                           &config.web.https_cert, &config.web.https_key, &config.web.https_root}) {
    files.insert(files.end(), list->begin(), list->end());
  }
  return files;
}

}  // namespace moq::relay
