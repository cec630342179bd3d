#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "native/io/packet_io.h"
#include "native/quic/keys.h"
#include "net/base/loop.h"

namespace moq::native::quic::testing {

/// What befalls packets that a socket sends.
struct LinkOptions {
  Duration delay = std::chrono::milliseconds(10);
  /// Added to the delay of each packet, evenly distributed: reorders them.
  Duration jitter{};
  double loss = 0;  ///< 0 to 1
  /// Bits per second of UDP payload; 0: no limit.
  std::uint64_t bitrate = 0;
  /// Bytes that wait for a limited link; what does not fit is lost.
  std::size_t queue = 64 * 1024;
  /// Larger UDP payloads are lost.
  std::size_t mtu = 1452;
};

class SimulatedNetwork;

/// A UDP socket of the simulation. Its options may be changed at any time.
class SimulatedSocket final : public PacketWriter {
 public:
  SimulatedSocket(SimulatedNetwork& network, SocketAddress address);
  SimulatedSocket(const SimulatedSocket&) = delete;
  SimulatedSocket& operator=(const SimulatedSocket&) = delete;
  ~SimulatedSocket() override;

  bool send(const SocketAddress& local, const SocketAddress& remote, std::uint8_t ecn,
            ByteSpan data, std::size_t segment_size) override;
  [[nodiscard]] std::size_t max_segments() const override { return segments; }
  [[nodiscard]] SocketAddress local_address() const override { return address_; }

  /// The address as others see it: a NAT's binding, which may change.
  void rebind(SocketAddress outside);
  /// The socket takes packets again, and says so.
  void unblock();

  LinkOptions link;  ///< of what it sends
  PacketHandler* handler = nullptr;
  std::size_t segments = 44;  ///< per send
  /// Sends that the socket still takes before it is full; none: it never is.
  std::optional<std::size_t> room;

  // What was sent:
  std::uint64_t sends = 0;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::size_t largest = 0;
  /// Sees each packet that leaves; returns false to lose it.
  std::function<bool(ByteSpan)> filter;

 private:
  friend class SimulatedNetwork;
  SimulatedNetwork& network_;
  SocketAddress address_;
  SocketAddress outside_;
  Time link_free_{};
};

/// Sockets on virtual time, in one thread. The same seed gives the same fates
/// to the same packets.
class SimulatedNetwork {
 public:
  explicit SimulatedNetwork(std::uint64_t seed) : engine_(seed) {}

  Loop& loop() { return loop_; }
  [[nodiscard]] Time now() const { return loop_.now(); }
  /// A generator of its own for an endpoint.
  Random random();

  /// Runs until nothing is left to do, or `duration` has passed.
  void run_for(Duration duration);
  /// Runs until `done`; false if that did not come within `limit` of virtual time.
  bool run_until(const std::function<bool()>& done, Duration limit = std::chrono::seconds(60));
  /// Hands `data` to whoever has `to` now, as if `from` had sent it.
  void inject(const SocketAddress& from, const SocketAddress& to, ByteSpan data);

 private:
  friend class SimulatedSocket;
  struct Packet {
    SocketAddress from;
    SocketAddress to;
    std::uint8_t ecn = 0;
    std::vector<std::uint8_t> data;
  };
  void post(SimulatedSocket& from, const SocketAddress& to, std::uint8_t ecn, ByteSpan data);
  void deliver_due();
  bool step(Time until);

  Loop loop_;
  std::mt19937_64 engine_;
  std::vector<SimulatedSocket*> sockets_;
  std::multimap<Time, Packet> flying_;
};

}  // namespace moq::native::quic::testing
