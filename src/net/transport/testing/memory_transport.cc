#include "net/transport/testing/memory_transport.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <vector>

#include "net/transport/scheduler.h"

namespace moq::transport::testing {
namespace {

constexpr std::size_t kPacket = 1200;

enum class Kind : std::uint8_t { data, reset, stop, acked, datagram, going_away, closed };

struct Frame {
  Kind kind = Kind::data;
  std::uint64_t stream = 0;  ///< the id, with bit 0: opened by the second end; bit 1: uni
  Bytes data;
  bool fin = false;
  std::uint64_t code = 0;  ///< reset, stop, closed; the offset for acked
};

class End;

class MemSend final : public SendStream, public Schedulable {
 public:
  MemSend(End* end, std::uint64_t id, const Priority& priority)
      : Schedulable(priority), end_(end), id_(id) {}
  void ready() override;
  void set_handler(SendHandler* handler) override { handler_ = handler; }
  void set_priority(const Priority& priority) override;
  void reset(std::uint64_t code) override;

  End* end_;
  std::uint64_t id_;
  std::unique_ptr<SendSource> source_;
  SendHandler* handler_ = nullptr;
  std::uint64_t offset_ = 0;
  bool fin_sent_ = false;
};

class MemRecv final : public RecvStream {
 public:
  MemRecv(End* end, std::uint64_t id) : end_(end), id_(id) {}
  void set_handler(RecvHandler* handler) override;
  void stop(std::uint64_t code) override;
  void deliver(Bytes data, bool fin);
  void deliver_reset(std::uint64_t code);

  End* end_;
  std::uint64_t id_;
  RecvHandler* handler_ = nullptr;
  bool had_handler_ = false;
  std::weak_ptr<MemRecv> self_;
  std::deque<std::pair<Bytes, bool>> early_;
  std::optional<std::uint64_t> early_reset_;

 private:
  void deliver_early();
};

class End final : public MemorySession, private Flushable {
 public:
  End(Loop& loop, const MemoryOptions& options, bool second)
      : loop_(loop),
        options_(options),
        second_(second),
        inbox_timer_(loop, [this] { receive(); }),
        send_timer_(loop, [this] { loop_.mark(*this); }) {}
  ~End() override {
    if (peer_ != nullptr) {
      // After close() the news is on its way already.
      if (!closed_) peer_->lost();
      peer_->peer_ = nullptr;
    }
    detach_all();
  }

  void set_handler(SessionHandler* handler) override { handler_ = handler; }
  [[nodiscard]] Traits traits() const override {
    return {.datagrams = options_.datagrams, .carries_path = options_.carries_path};
  }

  std::shared_ptr<SendStream> open_uni(const Priority& priority, std::unique_ptr<SendSource> source,
                                       SendHandler* handler) override {
    return open(priority, std::move(source), handler, true);
  }

  Stream open_bidi(const Priority& priority, std::unique_ptr<SendSource> source,
                   SendHandler* send_handler, RecvHandler* recv_handler) override {
    auto send = open(priority, std::move(source), send_handler, false);
    auto recv = std::make_shared<MemRecv>(closed_ ? nullptr : this, send->id_);
    recv->set_handler(recv_handler);
    if (!closed_) recvs_[send->id_] = recv;
    return {send, recv};
  }

  void attach(SendStream& stream, const Priority& priority, std::unique_ptr<SendSource> source,
              SendHandler* handler) override {
    auto& send = static_cast<MemSend&>(stream);
    send.source_ = std::move(source);
    send.handler_ = handler;
    send.set_priority(priority);
    send.ready();
  }

  bool send_datagram(Bytes datagram) override {
    if (closed_ || !options_.datagrams || datagram.size() > max_datagram_size()) return false;
    post({.kind = Kind::datagram, .data = std::move(datagram)});
    return true;
  }
  [[nodiscard]] std::size_t max_datagram_size() const override {
    return options_.datagrams ? kPacket : 0;
  }

  void close(std::uint64_t code, std::string_view reason) override {
    if (closed_) return;
    post({.kind = Kind::closed, .data = Bytes::copy_of(reason), .code = code});
    shut(Error(ApplicationError{code}, std::string(reason)), false);
  }

  void going_away() override {
    if (!closed_ && options_.carries_going_away) post({.kind = Kind::going_away});
  }
  void probe_peer() override { probed_ = true; }
  [[nodiscard]] PathStats path_stats() const override {
    return {.smoothed_rtt = 2 * options_.delay, .bitrate = options_.bitrate};
  }
  [[nodiscard]] std::string_view protocol() const override { return options_.protocol; }
  [[nodiscard]] std::string peer_address() const override { return second_ ? "first" : "second"; }
  [[nodiscard]] std::uint64_t id() const override { return id_; }

  [[nodiscard]] std::size_t open_streams() const override {
    std::size_t count = sends_.size();
    for (const auto& [id, recv] : recvs_) count += sends_.contains(id) ? 0U : 1U;
    return count;
  }
  void vanish() override {
    if (peer_ != nullptr) peer_->peer_ = nullptr;
    peer_ = nullptr;
    inbox_.clear();
  }
  [[nodiscard]] bool probed() const override { return probed_; }

  // --- From the streams.

  void ready(MemSend& stream) {
    scheduler_.add(stream);
    if (!send_limited()) loop_.mark(*this);
  }
  void changed(MemSend& stream, const Priority& priority) {
    scheduler_.set_priority(stream, priority);
  }
  void reset(MemSend& stream, std::uint64_t code) {
    const bool opened = !waiting_.contains(&stream);
    if (opened) post({.kind = Kind::reset, .stream = stream.id_, .code = code});
    done(stream);
  }
  void stop(MemRecv& stream, std::uint64_t code) {
    post({.kind = Kind::stop, .stream = stream.id_, .code = code});
    recvs_.erase(stream.id_);
  }

  void post_later(std::function<void()> task) { loop_.post(std::move(task)); }

  End* peer_ = nullptr;

 private:
  static constexpr std::uint64_t kUni = 2;

  [[nodiscard]] bool ours(std::uint64_t id) const { return ((id & 1) != 0) == second_; }

  std::shared_ptr<MemSend> open(const Priority& priority, std::unique_ptr<SendSource> source,
                                SendHandler* handler, bool uni) {
    const std::uint64_t id = (next_id_++ << 2) | (uni ? kUni : 0) | (second_ ? 1 : 0);
    auto stream = std::make_shared<MemSend>(closed_ ? nullptr : this, id, priority);
    // On a session that is over, the source goes at once, as with QUIC.
    if (closed_) return stream;
    stream->source_ = std::move(source);
    stream->handler_ = handler;
    sends_[id] = stream;
    waiting_[stream.get()] = true;
    stream->ready();
    return stream;
  }

  [[nodiscard]] bool send_limited() const { return send_timer_.when() != kNever; }

  /// Whether the stream is open or may be opened now.
  bool admit(MemSend& stream) {
    if (!waiting_.contains(&stream)) return true;
    const bool uni = (stream.id_ & kUni) != 0;
    auto& open = uni ? open_uni_ : open_bidi_;
    const std::size_t reserve = stream.priority().band == Priority::Band::control ? 0 : 1;
    if (open + reserve >= options_.max_streams) return false;
    ++open;
    waiting_.erase(&stream);
    return true;
  }

  void flush() override {
    if (closed_ || send_limited()) return;
    std::vector<MemSend*> refused;
    while (!scheduler_.empty()) {
      const std::size_t filled = fill_packet(refused);
      if (filled == 0) break;
      if (options_.bitrate != 0) {
        const auto busy = Duration(filled * 8 * std::nano::den / options_.bitrate);
        send_timer_.arm(loop_.now() + busy);
        break;
      }
    }
    for (MemSend* stream : refused) scheduler_.add(*stream);
  }

  std::size_t fill_packet(std::vector<MemSend*>& refused) {
    std::size_t filled = 0;
    while (filled < kPacket && !scheduler_.empty()) {
      auto& stream = static_cast<MemSend&>(*scheduler_.best());
      if (auto code = stream.source_->expired()) {
        auto keep = sends_.at(stream.id_);
        SendHandler* handler = stream.handler_;
        reset(stream, *code);
        keep->handler_ = handler;
        loop_.post([keep, code] { stopped(*keep, *code); });
        filled = std::max<std::size_t>(filled, 1);
        continue;
      }
      if (!admit(stream)) {
        scheduler_.remove(stream);
        refused.push_back(&stream);
        continue;
      }
      const std::size_t room = kPacket - filled;
      const auto [size, fin] = take(stream, room);
      filled += size + (fin ? 1 : 0);
      if (fin || size < room) {
        scheduler_.remove(stream);
      } else {
        scheduler_.took_turn(stream);
      }
    }
    return filled;
  }

  static void stopped(MemSend& stream, std::uint64_t code) {
    if (SendHandler* handler = std::exchange(stream.handler_, nullptr)) {
      handler->on_send_stopped(code);
    }
  }

  std::pair<std::size_t, bool> take(MemSend& stream, std::size_t room) {
    std::array<ByteSpan, 16> slices;
    std::vector<std::uint8_t> bytes;
    bool fin = false;
    while (bytes.size() < room) {
      const Pull pull = stream.source_->pull(slices);
      std::size_t size = 0;
      bool whole = true;
      for (std::size_t i = 0; i < pull.count; ++i) {
        const std::size_t n = std::min(slices[i].size(), room - bytes.size());
        bytes.insert(bytes.end(), slices[i].begin(), slices[i].begin() + n);
        size += n;
        whole = whole && n == slices[i].size();
      }
      fin = pull.fin && whole;
      if (size == 0 && !fin) break;
      stream.source_->sent(size, fin);
      if (fin) break;
    }
    if (bytes.empty() && !fin) return {0, false};
    stream.offset_ += bytes.size();
    stream.fin_sent_ = fin;
    post({.stream = stream.id_, .data = Bytes::copy_of(bytes), .fin = fin});
    return {bytes.size(), fin};
  }

  void post(Frame frame) {
    if (peer_ != nullptr) peer_->enqueue(std::move(frame));
  }
  void enqueue(Frame frame) {
    inbox_.emplace_back(loop_.now() + options_.delay, std::move(frame));
    if (inbox_timer_.when() == kNever) inbox_timer_.arm(inbox_.front().first);
  }
  void receive() {
    const std::weak_ptr<int> alive = alive_;
    while (!inbox_.empty() && inbox_.front().first <= loop_.now() && !closed_) {
      const Frame frame = std::move(inbox_.front().second);
      inbox_.pop_front();
      handle(frame);
      if (alive.expired()) return;
    }
    if (!inbox_.empty() && !closed_) inbox_timer_.arm(inbox_.front().first);
  }

  void handle(const Frame& frame) {
    switch (frame.kind) {
      case Kind::data:
      case Kind::reset: {
        auto recv = find_recv(frame.stream);
        if (!recv) return;
        if (frame.kind == Kind::reset || frame.fin) recvs_.erase(frame.stream);
        if (frame.kind == Kind::reset) {
          recv->deliver_reset(frame.code);
        } else {
          post({.kind = Kind::acked,
                .stream = frame.stream,
                .fin = frame.fin,
                .code = frame.data.size()});
          recv->deliver(frame.data, frame.fin);
        }
        return;
      }
      case Kind::stop:
        if (auto it = sends_.find(frame.stream); it != sends_.end()) {
          auto send = it->second;
          SendHandler* handler = send->handler_;
          reset(*send, frame.code);
          if (handler != nullptr) handler->on_send_stopped(frame.code);
        }
        return;
      case Kind::acked:
        if (auto it = sends_.find(frame.stream); it != sends_.end()) {
          auto send = it->second;
          acked_[frame.stream] += frame.code;
          if (send->source_->wants_acks()) send->source_->acked(acked_[frame.stream]);
          if (frame.fin) {
            SendHandler* handler = send->handler_;
            done(*send);
            if (handler != nullptr) handler->on_send_finished();
          }
        }
        return;
      case Kind::datagram:
        if (handler_ != nullptr) handler_->on_datagram(frame.data);
        return;
      case Kind::going_away:
        if (handler_ != nullptr) handler_->on_going_away();
        return;
      case Kind::closed:
        shut(Error(ApplicationError{frame.code}, std::string(frame.data.text())), true);
        return;
    }
  }

  std::shared_ptr<MemRecv> find_recv(std::uint64_t id) {
    if (auto it = recvs_.find(id); it != recvs_.end()) return it->second;
    if (ours(id) || seen_.contains(id) || handler_ == nullptr) return nullptr;
    seen_.insert({id, true});
    auto recv = std::make_shared<MemRecv>(this, id);
    recv->self_ = recv;
    recvs_[id] = recv;
    if ((id & kUni) != 0) {
      handler_->on_uni(recv);
    } else {
      auto send = std::make_shared<MemSend>(this, id, Priority{});
      sends_[id] = send;
      handler_->on_bidi({send, recv});
      if (send.use_count() == 2) send->reset(0);
    }
    if (closed_) return nullptr;
    if (recv.use_count() == 2) recv->stop(0);
    return recv;
  }

  /// Forgets a send stream: its credit is free, its source is destroyed.
  void done(MemSend& stream) {
    scheduler_.remove(stream);
    const bool waited = waiting_.erase(&stream) != 0;
    const auto keep = sends_.extract(stream.id_);
    acked_.erase(stream.id_);
    if (!waited && ours(stream.id_)) {
      auto& open = (stream.id_ & kUni) != 0 ? open_uni_ : open_bidi_;
      --open;
      loop_.mark(*this);
    }
    stream.end_ = nullptr;
    stream.source_.reset();
    stream.handler_ = nullptr;
  }

  void lost() { shut(Error(TransportError::lost), false); }

  void shut(const Error& error, bool by_peer) {
    if (closed_) return;
    closed_ = true;
    loop_.post([this, error, by_peer, alive = std::weak_ptr<int>(alive_)] {
      if (alive.expired()) return;
      auto recvs = std::move(recvs_);
      detach_all();
      for (auto& [id, recv] : recvs) {
        recv->end_ = nullptr;
        recv->deliver_reset(0);
        if (alive.expired()) return;
      }
      if (handler_ != nullptr) handler_->on_closed(error, by_peer);
    });
  }

  void detach_all() {
    for (auto& [id, recv] : recvs_) recv->end_ = nullptr;
    recvs_.clear();
    auto sends = std::move(sends_);
    for (auto& [id, send] : sends) {
      scheduler_.remove(*send);
      send->end_ = nullptr;
      send->source_.reset();
      send->handler_ = nullptr;
    }
    waiting_.clear();
  }

  Loop& loop_;
  MemoryOptions options_;
  bool second_;
  const std::uint64_t id_ = next_session_id();
  SessionHandler* handler_ = nullptr;
  Scheduler scheduler_;
  std::uint64_t next_id_ = 0;
  std::map<std::uint64_t, std::shared_ptr<MemSend>> sends_;
  std::map<std::uint64_t, std::shared_ptr<MemRecv>> recvs_;
  std::map<std::uint64_t, bool> seen_;
  std::map<MemSend*, bool> waiting_;
  std::map<std::uint64_t, std::uint64_t> acked_;
  std::size_t open_uni_ = 0;
  std::size_t open_bidi_ = 0;
  std::deque<std::pair<Time, Frame>> inbox_;
  Timer inbox_timer_;
  Timer send_timer_;
  bool closed_ = false;
  bool probed_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

void MemSend::ready() {
  if (end_ != nullptr && source_ != nullptr && !fin_sent_) end_->ready(*this);
}
void MemSend::set_priority(const Priority& priority) {
  if (end_ != nullptr) end_->changed(*this, priority);
}
void MemSend::reset(std::uint64_t code) {
  if (end_ != nullptr) end_->reset(*this, code);
}

void MemRecv::set_handler(RecvHandler* handler) {
  handler_ = handler;
  if (std::exchange(had_handler_, true) || end_ == nullptr || early_.empty()) return;
  end_->post_later([self = self_] {
    if (auto stream = self.lock()) stream->deliver_early();
  });
}
void MemRecv::deliver_early() {
  while (!early_.empty()) {
    auto [data, fin] = std::move(early_.front());
    early_.pop_front();
    if (handler_ != nullptr) handler_->on_data(std::move(data), fin);
  }
  if (early_reset_) deliver_reset(*early_reset_);
}
void MemRecv::stop(std::uint64_t code) {
  handler_ = nullptr;
  had_handler_ = true;
  if (end_ != nullptr) std::exchange(end_, nullptr)->stop(*this, code);
}
void MemRecv::deliver(Bytes data, bool fin) {
  if (!had_handler_ || !early_.empty()) {
    early_.emplace_back(std::move(data), fin);
    return;
  }
  if (fin) end_ = nullptr;
  if (handler_ != nullptr) handler_->on_data(std::move(data), fin);
}
void MemRecv::deliver_reset(std::uint64_t code) {
  if (!had_handler_ || !early_.empty()) {
    early_reset_ = code;
    return;
  }
  end_ = nullptr;
  if (RecvHandler* handler = std::exchange(handler_, nullptr)) handler->on_reset(code);
}

}  // namespace

std::pair<std::unique_ptr<MemorySession>, std::unique_ptr<MemorySession>> memory_pair(
    Loop& loop, const MemoryOptions& options) {
  auto first = std::make_unique<End>(loop, options, false);
  auto second = std::make_unique<End>(loop, options, true);
  first->peer_ = second.get();
  second->peer_ = first.get();
  return {std::move(first), std::move(second)};
}

}  // namespace moq::transport::testing
