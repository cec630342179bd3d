#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "native/io/packet_io.h"
#include "native/quic/connection_id.h"
#include "native/quic/keys.h"
#include "net/base/loop.h"

namespace moq::native::quic {

class ConnectionImpl;
class QlogDirectory;

/// What is left of a connection that ended.
struct Remains {
  std::vector<ConnectionId> ids;  ///< by which packets for it may still come
  std::vector<ConnectionId> reset_tokens;
  /// CONNECTION_CLOSE, sent now and again for stray packets (RFC 9000 §10.2.1);
  /// empty: strays are ignored (§10.2.2).
  std::vector<std::uint8_t> packet;
  SocketAddress local;
  SocketAddress remote;
  Duration linger{};  ///< three PTOs; zero: forgotten at once
};

/// What a connection needs of its endpoint.
class Host {
 public:
  [[nodiscard]] virtual Loop& loop() = 0;
  [[nodiscard]] virtual const Random& random() = 0;
  [[nodiscard]] virtual PacketWriter& writer() = 0;
  /// Where connections are traced; null: nowhere.
  [[nodiscard]] virtual QlogDirectory* qlog() = 0;
  /// Room for a batch of packets, good until the caller returns to the loop.
  [[nodiscard]] virtual std::span<std::uint8_t> scratch() = 0;

  /// Issues an ID of ours and routes its packets to `connection`.
  [[nodiscard]] virtual ConnectionId issue(ConnectionImpl& connection) = 0;
  virtual void forget(const ConnectionId& id) = 0;
  [[nodiscard]] virtual std::array<std::uint8_t, 16> reset_token(const ConnectionId& id) = 0;
  /// A packet that ends in `token` (16 bytes) is the peer's stateless reset of
  /// `connection`: the rest of it says nothing.
  virtual void expect_reset(const ConnectionId& token, ConnectionImpl& connection) = 0;
  virtual void forget_reset(const ConnectionId& token, ConnectionImpl& connection) = 0;
  /// An address token for NEW_TOKEN; empty on failure.
  [[nodiscard]] virtual std::vector<std::uint8_t> make_token(const SocketAddress& remote) = 0;
  virtual void keep_token(const SocketAddress& remote, const std::string& server_name,
                          ByteSpan token) = 0;

  /// False while the socket is full: `connection.writable()` is called later, in
  /// the order of these calls.
  [[nodiscard]] virtual bool may_send(ConnectionImpl& connection) = 0;
  /// The socket took nothing of what `connection` sent.
  virtual void blocked(ConnectionImpl& connection) = 0;

  /// Has `connection.dispatch()` called from the loop.
  virtual void dispatch_later(ConnectionImpl& connection) = 0;
  /// The handshake is complete, or failed; once, from `dispatch`.
  virtual void established(ConnectionImpl& connection) = 0;
  /// The last call of a connection's life on the wire.
  virtual void ended(ConnectionImpl& connection, Remains remains) = 0;

 protected:
  ~Host() = default;
};

}  // namespace moq::native::quic
