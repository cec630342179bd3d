#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "native/io/event_loop.h"
#include "native/io/packet_io.h"

namespace moq::native {

/// Hands packets that arrived at one worker's socket to the worker whose
/// connection they belong to: copied, and in one message per tick. Belongs to
/// its loop's thread.
class Steering final : private Flushable {
 public:
  /// Packets on their way to one worker; more are dropped, as a full socket would.
  static constexpr std::size_t kMaxWaiting = 4096;

  /// A worker that packets can be sent to. `handler` is asked for on that
  /// worker's thread; null: it has none (any more).
  struct Target {
    EventLoop* events = nullptr;
    std::function<PacketHandler*()> handler;
  };

  /// The targets by worker number; their loops must outlive this.
  Steering(Loop& loop, std::vector<Target> targets);

  /// Drops packets for workers that do not exist.
  void send(std::size_t worker, const ReceivedPacket& packet);

 private:
  struct Packet {
    SocketAddress local;
    SocketAddress remote;
    std::uint8_t ecn;
    std::vector<std::uint8_t> data;
  };
  struct Queue {
    Target target;
    std::vector<Packet> packets;
    std::shared_ptr<std::atomic<std::size_t>> waiting =
        std::make_shared<std::atomic<std::size_t>>(0);
  };

  void flush() override;
  static void deliver(const Target& target, const std::vector<Packet>& packets);

  Loop& loop_;
  std::vector<Queue> queues_;
};

}  // namespace moq::native
