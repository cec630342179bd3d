#pragma once

#include <string>
#include <vector>

#include "native/tls/server_certificates.h"
#include "net/base/error.h"
#include "relay/config.h"
#include "relay/http_tls.h"

namespace moq::relay {

/// What a relay shows its clients: one set for QUIC, and one for HTTPS, which is the same
/// unless HTTPS has certificates of its own.
struct Certificates {
  native::tls::ServerCertificates quic;
  HttpsIdentity https;
  std::vector<std::string> generated_for;  ///< the names of what was generated
};

/// Reads them all. What is generated is made once: `before` has what was made. Errors name
/// the file.
Result<Certificates> load_certificates(const Config& config, const Certificates* before = nullptr);

/// The files that they are made of.
std::vector<std::string> certificate_files(const Config& config);

}  // namespace moq::relay
