#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "native/client/url.h"
#include "native/io/event_loop.h"
#include "native/io/udp_socket.h"
#include "native/quic/endpoint.h"
#include "native/tls/client_trust.h"

namespace moq::native {

/// `[client]` of the configuration.
struct ClientConfig {
  /// Where the UDP socket is bound; the wildcard reaches IPv4 and IPv6.
  SocketAddress bind = *SocketAddress::parse("[::]:0");
  tls::ClientConfig tls;
  quic::Config quic;
  /// ALPN tokens to offer on raw QUIC, the preferred first. Not empty.
  std::vector<std::string> alpns;
  /// For resolution, all attempts and their handshakes together. Zero: no limit.
  Duration connect_timeout = std::chrono::seconds(30);
  /// Between the attempts on a host's addresses (RFC 8305 §5).
  Duration failover_delay = std::chrono::milliseconds(250);
};

/// Dials servers, all from one UDP socket. Belongs to its event loop's thread,
/// and must be gone before the loop is.
class Client {
 public:
  using Connected = std::function<void(Result<std::shared_ptr<quic::Connection>>)>;
  /// Keeps a dial going; letting go of it gives the dial up without a call.
  using Dial = std::shared_ptr<void>;

  /// Loads the trust settings and binds the socket.
  static Result<std::unique_ptr<Client>> create(EventLoop& events, ClientConfig config);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  /// Resolves the URL's host, dials its addresses, and hands over the session;
  /// `connected` is called once, from the loop. Path and query are the caller's
  /// to send. Fails at once (but from the loop) where the URL's scheme cannot be
  /// dialled. The dial must be let go of before the client.
  [[nodiscard]] Dial connect(const Url& url, Connected connected);

  [[nodiscard]] quic::Endpoint& endpoint() { return *endpoint_; }
  [[nodiscard]] const UdpSocket& socket() const { return *socket_; }

 private:
  class Dialling;

  Client(EventLoop& events, ClientConfig config);

  EventLoop& events_;
  ClientConfig config_;
  std::shared_ptr<const tls::ClientContext> tls_;
  std::unique_ptr<UdpSocket> socket_;
  std::unique_ptr<quic::Endpoint> endpoint_;
};

}  // namespace moq::native
