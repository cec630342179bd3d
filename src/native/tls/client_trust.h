#pragma once

#include <optional>
#include <string>
#include <vector>

#include "native/tls/certificate.h"
#include "native/tls/context.h"

namespace moq::native::tls {

/// `[client.tls]` of the configuration: which servers a client trusts, and how
/// it shows itself.
struct ClientConfig {
  /// PEM files of certificates to trust.
  std::vector<std::string> root;
  /// Trust the system's roots as well. Default: only when `root` is empty.
  std::optional<bool> system_roots;
  /// Trust exactly the servers whose leaf certificate has one of these SHA-256
  /// fingerprints; names and dates are then not looked at. Not with roots.
  std::vector<std::string> fingerprint;
  /// The client's own certificate chain and key (PEM files), both or none.
  std::optional<std::string> cert;
  std::optional<std::string> key;
  /// Accept every certificate. Not with anything that says whom to trust.
  bool disable_verify = false;
  /// Send and verify this name instead of the URL's host.
  std::optional<std::string> host_name;
};

/// Loads the trust settings. The context's ALPN list is empty: whoever knows the
/// protocols fills it in. `host_name` is for the caller, who passes the name to
/// the handshake; an IP address there is matched with the certificate's IP names.
Result<ClientContext> load_client_trust(const ClientConfig& config);

}  // namespace moq::native::tls
