#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "relay/http.h"

namespace boost::asio::ssl {
class context;
}  // namespace boost::asio::ssl

namespace moq::relay {

/// What one TCP listener lets its clients hold.
struct HttpLimits {
  /// Connections at once. For one more, one that waits for its client is dropped: of the
  /// address that has most of them, the one that has waited longest. If all are being
  /// answered, one of an address that has more of them than the newcomer's; otherwise the
  /// newcomer waits.
  std::size_t max_connections = 256;
  /// Bytes of a request's line and headers; more are answered with 431.
  std::size_t max_header = 8192;
  /// Bytes of a request's body, where a route reads it; more are answered with 413.
  std::size_t max_body = 65536;
  /// From the first byte of a request to its end, for TLS's handshake, and for each part of
  /// the answer to be taken.
  std::chrono::milliseconds request_timeout = std::chrono::seconds(10);
  /// Between requests of one connection.
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(30);
};

/// What a listener's connections have in common.
struct HttpService {
  std::vector<HttpRoute> routes;
  HttpAudience audience;
  HttpLimits limits;
  bool local = false;  ///< only this machine is served, so only names of it are answered
};

/// A client's connection: requests and answers in turn.
class HttpConnection {
 public:
  using Clock = std::chrono::steady_clock;

  virtual ~HttpConnection() = default;
  /// Serves until either side is done. Once; the object must outlive it.
  virtual boost::asio::awaitable<void> run() = 0;
  /// Drops the client, and gives up what is being worked on for it: handlers hold nothing
  /// any more. `run` returns later.
  virtual void close() = 0;
  /// Whether the client waits for an answer, or is taking it.
  [[nodiscard]] virtual bool answering() const = 0;
  /// Since when it is waited for the client.
  [[nodiscard]] virtual Clock::time_point waiting_since() const = 0;
};

/// `tls`: what is spoken below HTTP; null: nothing. `idle` is called whenever an answer is
/// over. `service` must outlive the connection.
std::shared_ptr<HttpConnection> make_http_connection(
    boost::asio::ip::tcp::socket socket, const HttpService& service,
    const std::shared_ptr<boost::asio::ssl::context>& tls, std::function<void()> idle);

}  // namespace moq::relay
