#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "native/io/packet_io.h"
#include "native/quic/error.h"
#include "net/transport/transport.h"

namespace moq::native::quic {

/// A QUIC connection whose handshake is complete, as a MoQ session over raw
/// QUIC; also what HTTP/3 is built on.
///
/// Held by a shared_ptr from the endpoint; letting go of it closes the
/// connection with code 0 and calls no handler any more. It may outlive its
/// endpoint, and is closed then. Errors given to `on_closed`:
/// `transport::ApplicationError` (a code of the protocol on top, of either
/// side), `QuicError` (RFC 9000 codes of either side), `transport::TransportError`
/// (the peer vanished).
class Connection : public transport::Session {
 public:
  /// The QUIC stream ID of a stream of this connection (RFC 9000 §2.1); -1 for
  /// one that is not opened yet or is over.
  [[nodiscard]] virtual std::int64_t stream_id(const transport::SendStream& stream) const = 0;
  [[nodiscard]] virtual std::int64_t stream_id(const transport::RecvStream& stream) const = 0;

  /// What comes on `stream` from now on is kept as before its first `set_handler`,
  /// without returning credit, until `set_handler` is called again. `unread` is kept
  /// before it, and `fin` with it: the end of what `on_data` has brought, inside of which
  /// this is called then.
  virtual void hold(transport::RecvStream& stream, Bytes unread, bool fin) = 0;

  /// As `transport::Session::send_datagram`, with `prefix` before it, of which at most
  /// kMaxDatagramPrefix bytes are taken.
  virtual bool send_datagram_after(ByteSpan prefix, Bytes datagram) = 0;
  static constexpr std::size_t kMaxDatagramPrefix = 8;

  /// Whether the connection has not ended. Once it has, streams hear of a reset, and then
  /// the handler of the end.
  [[nodiscard]] virtual bool alive() const = 0;

  /// CONNECTION_CLOSE with a code of the transport itself.
  virtual void close_transport(QuicError code, std::string_view reason) = 0;

  [[nodiscard]] virtual bool is_server() const = 0;
  /// The name that the client dialled, as TLS carried it (SNI); may be empty.
  [[nodiscard]] virtual std::string_view server_name() const = 0;
  /// Server: when the client's certificate ends, which it has shown and which has been
  /// verified; none if it has shown none, or was not asked.
  [[nodiscard]] virtual std::optional<std::chrono::sys_seconds> client_certificate_end() const = 0;
  /// The peer's address now; it changes when the peer migrates.
  [[nodiscard]] virtual const SocketAddress& remote_address() const = 0;
};

}  // namespace moq::native::quic
