#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/base/bytes.h"
#include "net/base/error.h"

namespace moq::native {

/// An IPv4 or IPv6 address with a port. IPv4 peers of a dual-stack socket are
/// kept in their IPv4-mapped form (::ffff:a.b.c.d).
class SocketAddress {
 public:
  SocketAddress() = default;
  SocketAddress(const sockaddr* address, socklen_t size);
  /// "127.0.0.1:4443" or "[::1]:4443". Names are not resolved.
  static Result<SocketAddress> parse(std::string_view text);

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage_); }
  [[nodiscard]] socklen_t size() const { return size_; }
  [[nodiscard]] int family() const { return storage_.ss_family; }
  [[nodiscard]] std::uint16_t port() const;
  void set_port(std::uint16_t port);
  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// Whether this is IPv4, mapped or not.
  [[nodiscard]] bool is_v4() const;
  /// Whether this is the wildcard (0.0.0.0 or ::), or empty.
  [[nodiscard]] bool is_any() const;
  /// IPv4 in its IPv4-mapped form, IPv4-mapped as IPv4; anything else unchanged.
  [[nodiscard]] SocketAddress mapped() const;
  [[nodiscard]] SocketAddress unmapped() const;
  /// The address without its port or brackets: "192.0.2.1", "::1".
  [[nodiscard]] std::string host() const;
  /// As `parse` reads it; mapped IPv4 is written as IPv4. "(none)" when empty.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const SocketAddress& a, const SocketAddress& b);

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

/// Failures of sockets and names; the code is errno's.
enum class IoError : int {};
const ErrorDomain& error_domain(IoError);

/// One received UDP payload (GRO batches are split already).
struct ReceivedPacket {
  SocketAddress local;
  SocketAddress remote;
  std::uint8_t ecn = 0;  ///< the two ECN bits of the IP header
  ByteSpan data;         ///< valid during the call only
};

/// Where a QUIC endpoint gets rid of its packets: a UDP socket, or a simulated
/// network.
class PacketWriter {
 public:
  virtual ~PacketWriter() = default;

  /// Sends `data` as packets of `segment_size` bytes (the last may be shorter)
  /// in one call where the kernel has GSO. Returns false if nothing was taken
  /// because the socket is full: keep the data, wait for
  /// `PacketHandler::on_writable`, and send it then. That is not a loss. Hard
  /// errors count as sent: QUIC recovers.
  virtual bool send(const SocketAddress& local, const SocketAddress& remote, std::uint8_t ecn,
                    ByteSpan data, std::size_t segment_size) = 0;

  /// Packets of one size that a single `send` takes at most (1: no GSO).
  [[nodiscard]] virtual std::size_t max_segments() const = 0;
  /// The address that the socket is bound to.
  [[nodiscard]] virtual SocketAddress local_address() const = 0;
};

/// Who takes the packets of a socket.
class PacketHandler {
 public:
  virtual void on_packet(const ReceivedPacket& packet) = 0;
  /// A batch of on_packet calls is over: what they gave rise to may run.
  virtual void on_packets_done() = 0;
  virtual void on_writable() = 0;

 protected:
  ~PacketHandler() = default;
};

}  // namespace moq::native
