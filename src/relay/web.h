#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "native/io/event_loop.h"
#include "native/io/packet_io.h"
#include "net/base/error.h"

namespace moq::relay {

/// What one TCP listener lets its clients hold.
struct WebLimits {
  /// Connections at once; more wait in the kernel's queue.
  std::size_t max_connections = 256;
  /// Bytes of a request's line and headers; more are answered with 431.
  std::size_t max_header = 8192;
  /// From the first byte of a request to the end of its headers, and for the
  /// answer to be taken.
  std::chrono::milliseconds request_timeout = std::chrono::seconds(10);
  /// Between requests of one connection.
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(30);
};

/// What the answers are made of; asked for each request, on the loop's thread.
struct WebState {
  /// SHA-256 of the leaf certificate, in hexadecimal; "" while there is none.
  std::function<std::string()> fingerprint;
  /// Whether new sessions are taken.
  std::function<bool()> ready;
};

/// HTTP/1.1 for load balancers and browsers, on one TCP address:
///
///   GET /health              200 as long as the process is there
///   GET /ready               200, and 503 while draining
///   GET /certificate.sha256  the fingerprint, for WebTransport's
///                            serverCertificateHashes
///
/// Every answer may be read by every web page (CORS). HEAD and OPTIONS work as
/// they should. Request bodies are not read.
class Web {
 public:
  /// Listens; "[::]" takes IPv4 as well. Fails with an IoError that names the
  /// address. `events` must outlive this.
  static Result<std::unique_ptr<Web>> listen(native::EventLoop& events,
                                             const native::SocketAddress& address, WebState state,
                                             const WebLimits& limits = {});
  Web(const Web&) = delete;
  Web& operator=(const Web&) = delete;
  /// Stops listening and drops what is connected.
  ~Web();

  /// Where it listens, with the port that the kernel chose for port 0.
  [[nodiscard]] const native::SocketAddress& address() const { return address_; }

 private:
  class Listener;
  Web(std::shared_ptr<Listener> listener, const native::SocketAddress& address);

  std::shared_ptr<Listener> listener_;
  native::SocketAddress address_;
};

}  // namespace moq::relay
