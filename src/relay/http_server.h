#pragma once

#include <memory>
#include <vector>

#include "native/io/event_loop.h"
#include "native/io/packet_io.h"
#include "net/base/error.h"
#include "relay/accept_counts.h"
#include "relay/http.h"
#include "relay/http_connection.h"
#include "relay/http_tls.h"

namespace moq::relay {

/// An HTTP/1.1 server on one TCP address, with TLS or without.
class HttpServer {
 public:
  /// Listens; "[::]" takes IPv4 as well. Handlers run on the loop's thread. Fails with an
  /// IoError that names the address. `events` must outlive this. `identity`: of HTTPS;
  /// without certificates, it is plain HTTP.
  static Result<std::unique_ptr<HttpServer>> listen(native::EventLoop& events,
                                                    const native::SocketAddress& address,
                                                    std::vector<HttpRoute> routes,
                                                    HttpAudience audience,
                                                    const HttpLimits& limits = {},
                                                    const HttpsIdentity& identity = {});
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// Stops listening, drops what is connected, and gives up what is being worked on.
  ~HttpServer();

  /// Of HTTPS: what holds from the next handshake on. Fails, and changes nothing, if
  /// OpenSSL does not take it.
  Result<void> set_identity(const HttpsIdentity& identity);

  /// Where it listens, with the port that the kernel chose for port 0.
  [[nodiscard]] const native::SocketAddress& address() const { return address_; }
  [[nodiscard]] AcceptCounts accepts() const;

 private:
  class Listener;
  HttpServer(std::shared_ptr<Listener> listener, const native::SocketAddress& address);

  std::shared_ptr<Listener> listener_;
  native::SocketAddress address_;
};

}  // namespace moq::relay
