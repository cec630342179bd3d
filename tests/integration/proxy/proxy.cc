#include "proxy/proxy.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace moq::lossy {

namespace {

/// Asked of the kernel: whatever a server sends in one go waits there, not here.
constexpr native::UdpOptions kOptions{.buffer_size = 4 << 20};
/// The most that one UDP datagram can carry, and so one train of them.
constexpr std::size_t kMaxTrain = 65'000;
/// What a full socket is given before it is tried again; it says so itself, too.
constexpr Duration kFull = std::chrono::milliseconds(1);

Result<std::unique_ptr<native::UdpSocket>> open(native::EventLoop& events,
                                                const native::SocketAddress& address) {
  auto sockets = native::bind_udp(address, 1, kOptions);
  if (!sockets) return tl::unexpected(sockets.error());
  return std::make_unique<native::UdpSocket>(events, std::move(sockets->front()), kOptions);
}

}  // namespace

/// One client, and the socket that the server knows it by.
class Proxy::Flow final : private native::PacketHandler {
 public:
  Flow(Proxy& proxy, std::uint64_t number, const native::SocketAddress& client,
       std::unique_ptr<native::UdpSocket> socket)
      : proxy_(proxy), number_(number), client_(client), socket_(std::move(socket)) {
    socket_->set_handler(this);
  }

  [[nodiscard]] std::uint64_t number() const { return number_; }
  /// The next packet's, of one way.
  std::uint64_t count(Way way) { return packets_[static_cast<std::size_t>(way)]++; }
  bool send(Way way, std::uint8_t ecn, ByteSpan data, std::size_t segment) {
    return way == Way::up
               ? socket_->send(socket_->local_address(), proxy_.server_, ecn, data, segment)
               : proxy_.socket_->send(local, client_, ecn, data, segment);
  }

  /// Where the client sends to.
  native::SocketAddress local;
  std::size_t waiting = 0;
  Time last{};

 private:
  void on_packet(const native::ReceivedPacket& packet) override {
    // Whoever else finds the port is not in the conversation.
    if (packet.remote == proxy_.server_) proxy_.take(*this, Way::down, packet);
  }
  void on_packets_done() override { proxy_.on_packets_done(); }
  void on_writable() override { proxy_.on_writable(); }

  Proxy& proxy_;
  std::uint64_t number_;
  native::SocketAddress client_;
  std::unique_ptr<native::UdpSocket> socket_;
  std::array<std::uint64_t, 2> packets_{};
};

bool Proxy::ByAddress::operator()(const native::SocketAddress& a,
                                  const native::SocketAddress& b) const {
  if (a.size() != b.size()) return a.size() < b.size();
  return std::memcmp(a.get(), b.get(), a.size()) < 0;
}

Result<std::unique_ptr<Proxy>> Proxy::create(native::EventLoop& events,
                                             const native::SocketAddress& listen,
                                             const native::SocketAddress& server,
                                             const Conditions& conditions, Limits limits) {
  auto socket = open(events, listen);
  if (!socket) return tl::unexpected(socket.error());
  return std::unique_ptr<Proxy>(new Proxy(events, *std::move(socket), server, conditions, limits));
}

Proxy::Proxy(native::EventLoop& events, std::unique_ptr<native::UdpSocket> socket,
             const native::SocketAddress& server, const Conditions& conditions, Limits limits)
    : events_(events),
      server_(server),
      conditions_(conditions),
      limits_(limits),
      socket_(std::move(socket)) {
  socket_->set_handler(this);
  idle_.arm(later(events_.now(), limits_.idle));
}

Proxy::~Proxy() = default;

std::string Proxy::report() const {
  std::string text = fmt::format("{} flows", all_flows());
  for (const Way way : kWays) {
    const Counts& count = counts(way);
    text += fmt::format("; {}: {} packets, {} lost, {} delayed, {} overflowed",
                        way == Way::up ? "up" : "down", count.packets, count.lost, count.delayed,
                        count.overflow);
  }
  return text;
}

void Proxy::on_packet(const native::ReceivedPacket& packet) {
  Flow* flow = flow_of(packet.remote);
  if (flow == nullptr) {
    Counts& count = counts_[static_cast<std::size_t>(Way::up)];
    ++count.packets;
    ++count.overflow;
    return;
  }
  flow->local = packet.local;
  take(*flow, Way::up, packet);
}

Proxy::Flow* Proxy::flow_of(const native::SocketAddress& client) {
  if (const auto found = flows_.find(client); found != flows_.end()) return found->second.get();
  if (flows_.size() >= limits_.flows) return nullptr;
  auto any = *native::SocketAddress::parse(server_.is_v4() ? "127.0.0.1:0" : "[::1]:0");
  auto socket = open(events_, any);
  if (!socket) return nullptr;
  auto flow = std::make_unique<Flow>(*this, next_flow_++, client, *std::move(socket));
  return flows_.emplace(client, std::move(flow)).first->second.get();
}

void Proxy::take(Flow& flow, Way way, const native::ReceivedPacket& packet) {
  Counts& count = counts_[static_cast<std::size_t>(way)];
  ++count.packets;
  flow.last = events_.now();
  const Fate what = fate(conditions_, flow.number(), way, flow.count(way));
  if (what.lost) {
    ++count.lost;
    return;
  }
  if (waiting_.size() >= limits_.waiting ||
      waiting_bytes_ + packet.data.size() > limits_.waiting_bytes) {
    ++count.overflow;
    return;
  }
  if (what.delay > Duration{}) ++count.delayed;
  waiting_bytes_ += packet.data.size();
  ++flow.waiting;
  waiting_.push_back({.due = later(events_.now(), what.delay),
                      .order = next_packet_++,
                      .flow = &flow,
                      .way = way,
                      .ecn = packet.ecn,
                      .data = {packet.data.begin(), packet.data.end()}});
  std::push_heap(waiting_.begin(), waiting_.end());
}

void Proxy::pass_on() {
  const Time now = events_.now();
  while (gather(now) > 0) {
    const Waiting& first = batch_.front();
    const bool sent = first.flow->send(first.way, first.ecn, ByteSpan(train_), first.data.size());
    for (Waiting& packet : batch_) {
      if (sent) {
        waiting_bytes_ -= packet.data.size();
        --packet.flow->waiting;
        continue;
      }
      packet.due = later(now, kFull);
      waiting_.push_back(std::move(packet));
      std::push_heap(waiting_.begin(), waiting_.end());
    }
  }
  due_.arm(waiting_.empty() ? kNever : waiting_.front().due);
}

std::size_t Proxy::gather(Time now) {
  batch_.clear();
  train_.clear();
  while (!waiting_.empty() && waiting_.front().due <= now) {
    const Waiting& next = waiting_.front();
    if (!batch_.empty()) {
      const Waiting& first = batch_.front();
      // All of a train are of one size; only its last one may be shorter.
      if (next.flow != first.flow || next.way != first.way || next.ecn != first.ecn ||
          next.data.size() > first.data.size() || batch_.back().data.size() != first.data.size() ||
          batch_.size() == native::UdpSocket::kMaxSegments ||
          train_.size() + next.data.size() > kMaxTrain) {
        break;
      }
    }
    std::pop_heap(waiting_.begin(), waiting_.end());
    batch_.push_back(std::move(waiting_.back()));
    waiting_.pop_back();
    train_.insert(train_.end(), batch_.back().data.begin(), batch_.back().data.end());
  }
  return batch_.size();
}

void Proxy::drop_idle() {
  const Time now = events_.now();
  std::erase_if(flows_, [&](const auto& entry) {
    const Flow& flow = *entry.second;
    return flow.waiting == 0 && later(flow.last, limits_.idle) <= now;
  });
  idle_.arm(later(now, limits_.idle / 4));
}

}  // namespace moq::lossy
