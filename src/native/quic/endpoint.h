#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "native/io/packet_io.h"
#include "native/quic/admission.h"
#include "native/quic/config.h"
#include "native/quic/connection.h"
#include "native/quic/connection_id.h"
#include "native/quic/keys.h"
#include "native/quic/qlog.h"
#include "native/tls/context.h"
#include "net/base/loop.h"

namespace moq::native::quic {

/// What an endpoint is made of besides its loop and its socket.
struct EndpointOptions {
  Config config;  ///< for accepted connections
  Limits limits;
  /// Common to all workers of a server; made from `limits` when not set.
  std::shared_ptr<Admission> admission;
  std::shared_ptr<QlogDirectory> qlog;  ///< of accepted and dialled connections; null: off
  Keys keys;                            ///< common to all workers of a server, and to its successor
  Issuer issuer;  ///< distinct for each worker of each process that shares an address
  Random random = system_random();
  /// Takes the packets of connections that another worker of this generation
  /// has: to be handed to its endpoint's `on_packet`, copied. Empty: dropped.
  std::function<void(std::uint8_t worker, const ReceivedPacket& packet)> steer;
};

/// What a client says to connect.
struct ConnectOptions {
  SocketAddress remote;
  /// The name or address that was dialled: SNI unless it is an address, and
  /// what the server's certificate is judged by.
  std::string server_name;
  std::shared_ptr<const tls::ClientContext> tls;
  Config config;
};

/// The connections of one UDP socket, on one loop: a server's, a client's, or
/// both. Sans-I/O: packets come in by PacketHandler, go out by PacketWriter,
/// time comes from the loop.
class Endpoint final : public PacketHandler {
 public:
  using Accepted = std::function<void(std::shared_ptr<Connection>)>;
  using Connected = std::function<void(Result<std::shared_ptr<Connection>>)>;
  /// Letting go of it before `Connected` was called abandons the attempt.
  using Attempt = std::shared_ptr<void>;

  /// The loop and the writer must outlive the endpoint.
  Endpoint(Loop& loop, PacketWriter& writer, EndpointOptions options);
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  /// Ends all connections without a word to their peers; handlers hear of it
  /// from the loop.
  ~Endpoint();

  /// Takes connections from now on. `accepted` gets each one from the loop, once
  /// its handshake is complete; it sets the handler before it returns.
  void listen(std::shared_ptr<const tls::ServerContext> tls, Accepted accepted);
  /// Replaces the certificates for handshakes to come.
  void set_tls(std::shared_ptr<const tls::ServerContext> tls);

  /// Starts a handshake; `connected` is called once, from the loop. Errors:
  /// TransportError unreachable (no answer), refused, handshake (no common ALPN
  /// or version, certificate not accepted), or a QuicError.
  [[nodiscard]] Attempt connect(ConnectOptions options, Connected connected);

  /// New connections get CONNECTION_REFUSED from now on; those that are
  /// shaking hands still complete.
  void refuse_new();
  /// Takes new connections again.
  void accept_new();
  /// Closes all connections with an application code.
  void close_all(std::uint64_t code, std::string_view reason);
  /// Calls `done` from the loop once no connection is left and all closing
  /// packets have been handed to the socket.
  void when_closed(std::function<void()> done);

  [[nodiscard]] std::size_t connections() const;  ///< handshakes included
  [[nodiscard]] std::size_t handshakes() const;   ///< of clients that dialled us
  [[nodiscard]] std::size_t closing() const;      ///< ended, still answering strays

  void on_packet(const ReceivedPacket& packet) override;
  void on_packets_done() override;
  void on_writable() override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace moq::native::quic
