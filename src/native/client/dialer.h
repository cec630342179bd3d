#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "native/client/url.h"
#include "native/http3/webtransport.h"
#include "native/io/event_loop.h"
#include "native/io/udp_socket.h"
#include "native/quic/endpoint.h"
#include "native/tls/client_trust.h"

namespace moq::native {

/// `[client]` of the configuration.
struct DialerConfig {
  /// Where the UDP socket is bound; the wildcard reaches IPv4 and IPv6.
  SocketAddress bind = *SocketAddress::parse("[::]:0");
  tls::ClientConfig tls;
  quic::Config quic;
  /// Protocols to offer, the preferred first: ALPN tokens on raw QUIC, subprotocols of
  /// WebTransport, where none may be offered.
  std::vector<std::string> alpns;
  http3::Limits http3_limits;
  /// For resolution, all attempts and their handshakes, and WebTransport's, together. Zero: no
  /// limit.
  Duration connect_timeout = std::chrono::seconds(30);
  /// Between the attempts on a host's addresses (RFC 8305 §5).
  Duration failover_delay = std::chrono::milliseconds(250);
};

/// What a dial is to keep to.
struct DialOptions {
  /// Leaves out addresses of this machine and of private networks (`is_local`): a name
  /// that somebody else gave must not lead there.
  bool public_only = false;
  /// From a UDP port that no dial has used: a load balancer that goes by addresses would
  /// lead the old one back to the server that is being left. Not where the configuration
  /// names the port.
  bool new_port = false;
};

/// Makes connections: a dialer, or what stands for one in a test.
class Connector {
 public:
  using Connected = std::function<void(Result<std::shared_ptr<transport::Session>>)>;
  /// Keeps a dial going; letting go of it gives the dial up without a call.
  using Dial = std::shared_ptr<void>;

  Connector() = default;
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;
  virtual ~Connector() = default;

  /// `connected` is called once, from the loop.
  [[nodiscard]] virtual Dial connect(const Url& url, const DialOptions& options,
                                     Connected connected) = 0;
};

/// Dials servers, from one UDP port unless a dial asks for another. Belongs to its event
/// loop's thread, and must be gone before the loop is.
class Dialer final : public Connector {
 public:
  /// Loads the trust settings and binds the socket.
  static Result<std::unique_ptr<Dialer>> create(EventLoop& events, DialerConfig config);
  ~Dialer() override;

  /// Resolves the URL's host, dials its addresses, and hands over the session;
  /// `connected` is called once, from the loop. Where the session's traits say that it
  /// does not carry the path, path and query are the caller's to send. The dial must be
  /// let go of before the client.
  ///
  /// moqt: and moql: are raw QUIC; https: is WebTransport; http: is as https:, but trusts
  /// the certificate whose fingerprint the server tells over HTTP on the same port, unless
  /// the configuration says whom to trust.
  [[nodiscard]] Dial connect(const Url& url, const DialOptions& options,
                             Connected connected) override;
  [[nodiscard]] Dial connect(const Url& url, Connected connected) {
    return connect(url, {}, std::move(connected));
  }

  /// Connections that there are, those included that are being made or closed.
  [[nodiscard]] std::size_t connections() const;
  /// UDP ports that are open: that of the next dial, and those still in use.
  [[nodiscard]] std::size_t ports() const { return ports_.size(); }
  /// That of the next dial.
  [[nodiscard]] const UdpSocket& socket() const;

 private:
  class Dialling;
  /// A UDP port, and the connections from there.
  struct Port;

  Dialer(EventLoop& events, DialerConfig config);

  Result<std::shared_ptr<Port>> open_port();
  /// Closes ports that nobody uses any more but for the next dial's.
  void close_unused();
  /// Trust as configured, for a carrier.
  [[nodiscard]] std::shared_ptr<const tls::ClientContext> tls_for(Carrier carrier,
                                                                  tls::ClientContext trust) const;

  EventLoop& events_;
  DialerConfig config_;
  tls::ClientContext trust_;
  std::vector<std::shared_ptr<Port>> ports_;  ///< the last is that of the next dial
};

}  // namespace moq::native
