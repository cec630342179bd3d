#include "native/server/steering.h"

#include <utility>

namespace moq::native {

Steering::Steering(Loop& loop, std::vector<Target> targets) : loop_(loop) {
  for (Target& target : targets) queues_.push_back({.target = std::move(target), .packets = {}});
}

void Steering::send(std::size_t worker, const ReceivedPacket& packet) {
  if (worker >= queues_.size()) return;
  Queue& queue = queues_[worker];
  if (queue.waiting->load(std::memory_order_relaxed) >= kMaxWaiting) return;
  queue.waiting->fetch_add(1, std::memory_order_relaxed);
  queue.packets.push_back(
      {packet.local, packet.remote, packet.ecn, {packet.data.begin(), packet.data.end()}});
  loop_.mark(*this);
}

void Steering::flush() {
  for (Queue& queue : queues_) {
    if (queue.packets.empty()) continue;
    queue.target.events->post([target = queue.target, waiting = queue.waiting,
                               packets = std::exchange(queue.packets, {})] {
      waiting->fetch_sub(packets.size(), std::memory_order_relaxed);
      deliver(target, packets);
    });
  }
}

void Steering::deliver(const Target& target, const std::vector<Packet>& packets) {
  PacketHandler* handler = target.handler();
  if (handler == nullptr) return;
  for (const Packet& packet : packets) {
    handler->on_packet({packet.local, packet.remote, packet.ecn, packet.data});
  }
  handler->on_packets_done();
}

}  // namespace moq::native
