#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "net/base/time.h"

namespace moq::native::quic {

/// Which signal governs how much is in flight.
enum class CongestionControl : std::uint8_t {
  loss,   ///< Cubic: fills queues until they drop packets
  delay,  ///< BBR: follows the delivery rate, keeps queues short
};

/// How a connection behaves. Durations of zero switch a feature off where that
/// is said; all sizes are in bytes.
struct Config {
  CongestionControl congestion_control = CongestionControl::delay;

  /// The connection ends when nothing was heard for this long; the lower of the
  /// two sides' values holds. Zero: never.
  Duration idle_timeout = std::chrono::seconds(30);
  /// A PING after this much silence, or a third of the idle timeout if that is
  /// less. Zero: none.
  Duration keep_alive = std::chrono::seconds(5);
  /// A handshake that takes longer fails.
  Duration handshake_timeout = std::chrono::seconds(10);

  /// Streams of each kind that the peer may have open at once. A group is a stream.
  std::uint64_t max_streams = 1024;
  /// Flow control: what the peer may have unread on a stream, and at first on all.
  std::uint64_t stream_window = std::uint64_t{2} << 20;
  std::uint64_t connection_window = std::uint64_t{4} << 20;
  /// How far the connection's window may grow with the path's bandwidth-delay product.
  std::uint64_t max_connection_window = std::uint64_t{16} << 20;

  /// Probe for packets larger than 1200 bytes.
  bool mtu_discovery = true;
  /// Hand many packets to the kernel in one call, where it can.
  bool gso = true;
  /// Whether DATAGRAM frames (RFC 9221) are taken.
  bool datagrams = true;
  /// Datagrams that wait for the congestion controller; the oldest make room.
  std::size_t max_queued_datagrams = 64;
  /// A datagram that waited longer is dropped.
  Duration datagram_patience = std::chrono::milliseconds(50);

  /// Received packets that make us send an ACK at once; fewer wait for the ACK
  /// delay (25 ms). Most of a sender's cost is in the ACKs it reads.
  std::size_t ack_threshold = 10;
};

/// What a server puts up with: the first two over all its endpoints (Admission), the
/// others at each of them.
struct Limits {
  /// Clients' connections, handshakes included. More are refused with CONNECTION_REFUSED.
  std::size_t max_connections = 100000;
  /// Handshakes under way with one IPv4 address, or one /64 of IPv6. Beyond half of it,
  /// clients have to prove their address (Retry) first, so that nobody else takes all of
  /// it; beyond all of it, they are refused with CONNECTION_REFUSED. At least 1.
  std::size_t max_handshakes_per_address = 1024;
  /// Handshakes under way, beyond which clients have to prove their address
  /// (Retry) first.
  std::size_t max_unproven_handshakes = 64;
  /// Handshakes under way, beyond which further Initial packets are dropped.
  std::size_t max_handshakes = 2048;
  /// Ended connections that still answer stray packets; the oldest make room.
  std::size_t max_closing = 1024;
  /// Packets a second that are answered without any state: version negotiation,
  /// Retry, refusals and stateless resets.
  std::size_t max_stateless_answers = 1000;
  /// Address tokens (NEW_TOKEN) that are kept for the next dial, one a server.
  std::size_t max_kept_tokens = 64;
};

}  // namespace moq::native::quic
