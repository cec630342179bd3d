#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "native/io/event_loop.h"
#include "native/io/file_descriptor.h"
#include "native/io/packet_io.h"
#include "native/io/udp_bind.h"

namespace moq::native {

/// A UDP socket on an EventLoop, in batches both ways: recvmmsg with GRO,
/// sendmsg with GSO. Belongs to the loop's thread.
class UdpSocket final : public PacketWriter, private Flushable {
 public:
  /// System calls that receive, per wake, and the buffers that each fills. What
  /// is left waits for the next turn, so that a flood leaves time for the rest.
  static constexpr std::size_t kReceiveRounds = 4;
  static constexpr std::size_t kReceiveBatch = 16;
  /// Packets in one GSO send: the kernel's UDP_MAX_SEGMENTS.
  static constexpr std::size_t kMaxSegments = 64;

  struct Stats {
    std::uint64_t packets_received = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t packets_sent = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t send_calls = 0;
    std::uint64_t send_errors = 0;  ///< refused by the kernel, thus lost
  };

  /// Takes over a socket of `bind_udp`.
  UdpSocket(EventLoop& events, FileDescriptor socket, const UdpOptions& options = {});
  ~UdpSocket() override;

  /// Starts receiving for `handler`, which must outlive this or the next
  /// `set_handler`. nullptr: stop receiving. Not from within a handler's call.
  void set_handler(PacketHandler* handler);

  bool send(const SocketAddress& local, const SocketAddress& remote, std::uint8_t ecn,
            ByteSpan data, std::size_t segment_size) override;
  [[nodiscard]] std::size_t max_segments() const override { return gso_ ? kMaxSegments : 1; }
  [[nodiscard]] SocketAddress local_address() const override { return local_; }
  [[nodiscard]] const Stats& stats() const { return stats_; }

 private:
  struct Receiver;

  void flush() override;
  void wait_readable();
  void on_readable();
  std::size_t receive_batch();
  void deliver(Receiver& receiver, std::size_t message, std::size_t size);
  void wait_writable();
  int send_message(const SocketAddress& local, const SocketAddress& remote, std::uint8_t ecn,
                   ByteSpan data, std::size_t segment_size);
  bool send_one_by_one(const SocketAddress& local, const SocketAddress& remote, std::uint8_t ecn,
                       ByteSpan data, std::size_t segment_size);
  void count_sent(std::size_t size, std::size_t segment_size);
  void count_error(int error);

  EventLoop& events_;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::posix::stream_descriptor writable_;
  SocketAddress local_;
  bool gso_;
  bool reading_ = false;
  bool waiting_writable_ = false;
  int last_error_ = 0;
  PacketHandler* handler_ = nullptr;
  Stats stats_;
  // Asio may call a handler that was ready before this was destroyed.
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace moq::native
