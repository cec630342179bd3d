#include "native/quic/testing/simulated_network.h"

#include <algorithm>
#include <set>

namespace moq::native::quic::testing {

SimulatedSocket::SimulatedSocket(SimulatedNetwork& network, SocketAddress address)
    : network_(network), address_(address), outside_(address) {
  network_.sockets_.push_back(this);
}

SimulatedSocket::~SimulatedSocket() { std::erase(network_.sockets_, this); }

bool SimulatedSocket::send(const SocketAddress& /*local*/, const SocketAddress& remote,
                           std::uint8_t ecn, ByteSpan data, std::size_t segment_size) {
  if (room) {
    if (*room == 0) return false;
    --*room;
  }
  ++sends;
  while (!data.empty()) {
    const ByteSpan packet = data.first(std::min(segment_size, data.size()));
    data = data.subspan(packet.size());
    ++packets;
    bytes += packet.size();
    largest = std::max(largest, packet.size());
    if (!filter || filter(packet)) network_.post(*this, remote, ecn, packet);
  }
  return true;
}

void SimulatedSocket::rebind(SocketAddress outside) { outside_ = outside; }

void SimulatedSocket::unblock() {
  room.reset();
  handler->on_writable();
}

Random SimulatedNetwork::random() {
  return [engine = std::make_shared<std::mt19937_64>(engine_())](std::span<std::uint8_t> out) {
    for (auto& byte : out) byte = static_cast<std::uint8_t>((*engine)());
  };
}

void SimulatedNetwork::post(SimulatedSocket& from, const SocketAddress& to, std::uint8_t ecn,
                            ByteSpan data) {
  const LinkOptions& link = from.link;
  if (data.size() > link.mtu) return;
  if (std::uniform_real_distribution<double>(0, 1)(engine_) < link.loss) return;
  Time leaves = now();
  if (link.bitrate > 0) {
    const auto transmission = [&link](std::size_t size) {
      return Duration(static_cast<std::int64_t>(size * 8 * 1'000'000'000 / link.bitrate));
    };
    leaves = std::max(from.link_free_, now());
    if (leaves - now() > transmission(link.queue)) return;
    leaves += transmission(data.size());
    from.link_free_ = leaves;
  }
  Duration jitter{};
  if (link.jitter > Duration{}) {
    jitter = Duration(std::uniform_int_distribution<std::int64_t>(0, link.jitter.count())(engine_));
  }
  flying_.emplace(leaves + link.delay + jitter,
                  Packet{from.outside_, to, ecn, {data.begin(), data.end()}});
}

void SimulatedNetwork::inject(const SocketAddress& from, const SocketAddress& to, ByteSpan data) {
  flying_.emplace(now(), Packet{from, to, 0, {data.begin(), data.end()}});
}

void SimulatedNetwork::deliver_due() {
  std::set<PacketHandler*> touched;
  while (!flying_.empty() && flying_.begin()->first <= now()) {
    const auto node = flying_.extract(flying_.begin());
    const Packet& packet = node.mapped();
    const auto socket = std::ranges::find_if(sockets_, [&packet](const SimulatedSocket* candidate) {
      return candidate->outside_ == packet.to && candidate->handler != nullptr;
    });
    if (socket == sockets_.end()) continue;
    (*socket)->handler->on_packet({.local = (*socket)->address_,
                                   .remote = packet.from,
                                   .ecn = packet.ecn,
                                   .data = packet.data});
    touched.insert((*socket)->handler);
  }
  for (PacketHandler* handler : touched) handler->on_packets_done();
}

bool SimulatedNetwork::step(Time until) {
  Time next = loop_.next();
  if (!flying_.empty()) next = std::min(next, flying_.begin()->first);
  if (next > until) {
    loop_.run(std::max(until, now()));
    return false;
  }
  loop_.advance(next);
  deliver_due();
  loop_.run(now());
  return true;
}

void SimulatedNetwork::run_for(Duration duration) {
  const Time until = now() + duration;
  while (step(until)) {
  }
}

bool SimulatedNetwork::run_until(const std::function<bool()>& done, Duration limit) {
  const Time until = now() + limit;
  while (!done()) {
    if (!step(until)) return done();
  }
  return true;
}

}  // namespace moq::native::quic::testing
