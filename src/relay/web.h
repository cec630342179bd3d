#pragma once

#include <functional>
#include <string>
#include <vector>

#include "relay/http.h"

namespace moq::relay {

/// What the answers are made of; asked for each request, on the loop's thread.
struct WebState {
  /// SHA-256 of the leaf certificate, in hexadecimal; "" while there is none.
  std::function<std::string()> fingerprint;
  /// Whether new sessions are taken.
  std::function<bool()> ready;
};

/// GET /health: 200 as long as the process is there.
HttpRoute health_route();
/// GET /ready: 200, and 503 while the relay drains.
HttpRoute ready_route(std::function<bool()> ready);

/// What load balancers and browsers may ask for: /health, /ready, and
///
///   GET /certificate.sha256  the fingerprint, for WebTransport's
///                            serverCertificateHashes
std::vector<HttpRoute> web_routes(WebState state);

}  // namespace moq::relay
