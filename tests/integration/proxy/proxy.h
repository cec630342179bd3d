#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "native/io/event_loop.h"
#include "native/io/udp_socket.h"
#include "net/base/bytes.h"
#include "net/base/loop.h"
#include "proxy/fate.h"

namespace moq::lossy {

/// What there is of everything, so that no client makes the proxy grow.
struct Limits {
  /// Packets of clients beyond these are not passed on.
  std::size_t flows = 4096;
  /// Packets, and their bytes, that are on their way; more are not taken.
  std::size_t waiting = 262'144;
  std::size_t waiting_bytes = std::size_t{256} << 20U;
  /// A flow without a packet for so long is let go; longer than QUIC's own timeouts.
  Duration idle = std::chrono::minutes(2);
};

/// What became of the packets of one way.
struct Counts {
  std::uint64_t packets = 0;   ///< that arrived
  std::uint64_t lost = 0;      ///< as the conditions have it
  std::uint64_t delayed = 0;   ///< that waited, and then went on
  std::uint64_t overflow = 0;  ///< lost to a limit: nobody asked for that
};

/// Passes UDP packets on between clients and a server, and loses and delays some on the
/// way. Each client's address has a socket of its own towards the server, so that the
/// server can tell them apart. Belongs to its loop's thread.
class Proxy final : private native::PacketHandler, private Flushable {
 public:
  /// Listens at `listen` (port 0: a free one).
  static Result<std::unique_ptr<Proxy>> create(native::EventLoop& events,
                                               const native::SocketAddress& listen,
                                               const native::SocketAddress& server,
                                               const Conditions& conditions, Limits limits);
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;
  ~Proxy();

  [[nodiscard]] native::SocketAddress address() const { return socket_->local_address(); }
  [[nodiscard]] const Counts& counts(Way way) const {
    return counts_[static_cast<std::size_t>(way)];
  }
  /// Flows at the moment, and there have been in all.
  [[nodiscard]] std::size_t flows() const { return flows_.size(); }
  [[nodiscard]] std::uint64_t all_flows() const { return next_flow_; }
  /// Packets on their way.
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  /// What became of all packets, on one line.
  [[nodiscard]] std::string report() const;

 private:
  class Flow;
  /// A packet on its way.
  struct Waiting {
    Time due;
    std::uint64_t order;
    Flow* flow;
    Way way;
    std::uint8_t ecn;
    std::vector<std::uint8_t> data;

    /// The heap's order: the last one is the least.
    friend bool operator<(const Waiting& a, const Waiting& b) {
      return std::pair(a.due, a.order) > std::pair(b.due, b.order);
    }
  };
  struct ByAddress {
    bool operator()(const native::SocketAddress& a, const native::SocketAddress& b) const;
  };

  Proxy(native::EventLoop& events, std::unique_ptr<native::UdpSocket> socket,
        const native::SocketAddress& server, const Conditions& conditions, Limits limits);

  void on_packet(const native::ReceivedPacket& packet) override;
  void on_packets_done() override { events_.loop().mark(*this); }
  void on_writable() override { events_.loop().mark(*this); }
  void flush() override { pass_on(); }

  Flow* flow_of(const native::SocketAddress& client);
  /// Decides what becomes of a packet.
  void take(Flow& flow, Way way, const native::ReceivedPacket& packet);
  /// Sends what is due.
  void pass_on();
  /// Takes those that may go in one system call; the number of them.
  std::size_t gather(Time now);
  void drop_idle();

  native::EventLoop& events_;
  native::SocketAddress server_;
  Conditions conditions_;
  Limits limits_;
  std::uint64_t next_flow_ = 0;
  std::uint64_t next_packet_ = 0;
  std::size_t waiting_bytes_ = 0;
  std::array<Counts, 2> counts_{};
  std::map<native::SocketAddress, std::unique_ptr<Flow>, ByAddress> flows_;
  /// A heap, the next one at the front.
  std::vector<Waiting> waiting_;
  std::vector<Waiting> batch_;
  std::vector<std::uint8_t> train_;
  std::unique_ptr<native::UdpSocket> socket_;
  Timer due_{events_.loop(), [this] { pass_on(); }};
  Timer idle_{events_.loop(), [this] { drop_idle(); }};
};

}  // namespace moq::lossy
