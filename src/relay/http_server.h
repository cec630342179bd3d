#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "native/io/event_loop.h"
#include "native/io/packet_io.h"
#include "net/base/error.h"

namespace moq::relay {

/// What one TCP listener lets its clients hold.
struct HttpLimits {
  /// Connections at once; more wait in the kernel's queue.
  std::size_t max_connections = 256;
  /// Bytes of a request's line and headers; more are answered with 431.
  std::size_t max_header = 8192;
  /// Bytes of a request's body, where a route reads it; more are answered with 413.
  std::size_t max_body = 65536;
  /// From the first byte of a request to its end, and for the answer to be taken.
  std::chrono::milliseconds request_timeout = std::chrono::seconds(10);
  /// Between requests of one connection.
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(30);
};

struct HttpRequest {
  std::string_view path;   ///< as it was sent: still encoded
  std::string_view query;  ///< without the question mark
  std::string_view body;   ///< of POST only
};

struct HttpAnswer {
  unsigned status = 200;
  std::string body = {};
  std::string_view type = "text/plain; charset=utf-8";
};

/// What is done about a path, by method; empty ones are answered with 405. HEAD is
/// answered as GET, without the body.
struct HttpRoute {
  using Handler = std::function<HttpAnswer(const HttpRequest& request)>;

  std::string_view path;
  Handler get;
  Handler post = {};
  Handler del = {};
};

/// Whose requests are answered.
enum class HttpAudience : unsigned char {
  everyone,  ///< every web page too (CORS)
  /// No web page: requests that a browser sends for one are answered with 403, so that
  /// no page that an operator visits reaches a listener of this machine.
  programs,
};

/// An HTTP/1.1 server on one TCP address, for short answers.
class HttpServer {
 public:
  /// Listens; "[::]" takes IPv4 as well. Handlers run on the loop's thread. Fails with an
  /// IoError that names the address. `events` must outlive this.
  static Result<std::unique_ptr<HttpServer>> listen(native::EventLoop& events,
                                                    const native::SocketAddress& address,
                                                    std::vector<HttpRoute> routes,
                                                    HttpAudience audience,
                                                    const HttpLimits& limits = {});
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// Stops listening and drops what is connected.
  ~HttpServer();

  /// Where it listens, with the port that the kernel chose for port 0.
  [[nodiscard]] const native::SocketAddress& address() const { return address_; }

 private:
  class Listener;
  HttpServer(std::shared_ptr<Listener> listener, const native::SocketAddress& address);

  std::shared_ptr<Listener> listener_;
  native::SocketAddress address_;
};

}  // namespace moq::relay
