#include <algorithm>
#include <utility>

#include "native/quic/connection_impl.h"

namespace moq::native::quic {

// --- The public parts of streams.

void SendPart::ready() {
  if (connection != nullptr) connection->stream_ready(*this);
}

void SendPart::set_priority(const transport::Priority& priority) {
  if (connection != nullptr) connection->stream_priority(*this, priority);
}

void SendPart::reset(std::uint64_t code) {
  if (connection != nullptr) connection->stream_reset(*this, code);
}

void SendPart::detach() {
  if (connection == nullptr) return;
  connection->stream_unschedule(*this);
  connection = nullptr;
  over = true;
  id = -1;
  handler = nullptr;
  source.reset();
}

void RecvPart::set_handler(transport::RecvHandler* next) {
  handler = next;
  if (std::exchange(had_handler, true)) return;
  if (connection != nullptr && (!held.empty() || held_fin || held_reset)) {
    connection->stream_handled(*this);
  }
}

void RecvPart::stop(std::uint64_t code) {
  handler = nullptr;
  had_handler = true;
  if (connection != nullptr) connection->stream_stop(*this, code);
}

// --- What they ask of their connection.

void ConnectionImpl::stream_ready(SendPart& part) {
  if (conn_ == nullptr || part.over || part.fin_sent || part.blocked || part.waiting ||
      !part.source) {
    return;
  }
  scheduler_.add(part);
  loop_.mark(*this);
}

void ConnectionImpl::stream_unschedule(SendPart& part) {
  (part.waiting ? waiting_[part.uni ? 1 : 0] : scheduler_).remove(part);
  part.waiting = false;
}

void ConnectionImpl::stream_priority(SendPart& part, const transport::Priority& priority) {
  (part.waiting ? waiting_[part.uni ? 1 : 0] : scheduler_).set_priority(part, priority);
}

void ConnectionImpl::stream_reset(SendPart& part, std::uint64_t code) {
  // Held while its record goes.
  const StreamRecord* record = find(part.key);
  const auto keep = record != nullptr ? record->send : nullptr;
  const std::int64_t key = part.key;
  if (part.id >= 0 && conn_ != nullptr) {
    ngtcp2_conn_shutdown_stream_write(conn_, 0, part.id,
                                      std::min<std::uint64_t>(code, NGTCP2_MAX_VARINT));
    loop_.mark(*this);
  }
  part.detach();
  if (key >= 0 || record == nullptr) return;
  // It never was on the wire.
  if (record->recv) record->recv->connection = nullptr;
  streams_.erase(key);
}

void ConnectionImpl::stream_handled(RecvPart& part) {
  push({.kind = Event::Kind::held, .key = part.key});
}

void ConnectionImpl::stream_stop(RecvPart& part, std::uint64_t code) {
  if (part.over) return;
  part.over = true;
  code = std::min<std::uint64_t>(code, NGTCP2_MAX_VARINT);
  if (part.id < 0) {
    part.stop_on_open = code;
    return;
  }
  for (const Bytes& bytes : std::exchange(part.held, {})) return_credit(part.id, bytes.size());
  if (conn_ == nullptr) return;
  ngtcp2_conn_shutdown_stream_read(conn_, 0, part.id, code);
  loop_.mark(*this);
  const StreamRecord* record = find(part.key);
  if (record != nullptr && record->gone) stream_gone(part.key, 0);
}

// --- transport::Session.

void ConnectionImpl::set_handler(transport::SessionHandler* handler) {
  handler_ = handler;
  if (handler == nullptr || (unannounced_.empty() && (!error_ || end_told_))) return;
  if (host_ != nullptr) {
    host_->dispatch_later(*this);
  } else {
    loop_.post([self = shared_from_this()] { self->dispatch(); });
  }
}

transport::Traits ConnectionImpl::traits() const {
  return {.datagrams = max_datagram_size() > 0, .carries_path = false};
}

std::shared_ptr<SendPart> ConnectionImpl::add_local(const transport::Priority& priority,
                                                    std::unique_ptr<transport::SendSource> source,
                                                    transport::SendHandler* handler, bool uni) {
  auto part = std::make_shared<SendPart>(*this, priority, uni);
  if (conn_ == nullptr || closing_) {
    part->connection = nullptr;
    part->over = true;
    return part;
  }
  part->key = next_key_--;
  part->source = std::move(source);
  part->handler = handler;
  streams_[part->key].send = part;
  return part;
}

std::shared_ptr<transport::SendStream> ConnectionImpl::open_uni(
    const transport::Priority& priority, std::unique_ptr<transport::SendSource> source,
    transport::SendHandler* handler) {
  auto part = add_local(priority, std::move(source), handler, true);
  part->ready();
  return part;
}

transport::Stream ConnectionImpl::open_bidi(const transport::Priority& priority,
                                            std::unique_ptr<transport::SendSource> source,
                                            transport::SendHandler* send_handler,
                                            transport::RecvHandler* recv_handler) {
  auto send = add_local(priority, std::move(source), send_handler, false);
  auto recv = std::make_shared<RecvPart>(*this);
  recv->had_handler = recv_handler != nullptr;
  recv->handler = recv_handler;
  if (send->over) {
    recv->connection = nullptr;
  } else {
    recv->key = send->key;
    streams_[send->key].recv = recv;
  }
  send->ready();
  return {.send = std::move(send), .recv = std::move(recv)};
}

void ConnectionImpl::attach(transport::SendStream& stream, const transport::Priority& priority,
                            std::unique_ptr<transport::SendSource> source,
                            transport::SendHandler* handler) {
  auto& part = static_cast<SendPart&>(stream);
  if (part.connection != this || part.source) return;
  part.source = std::move(source);
  part.handler = handler;
  part.set_priority(priority);
  if (part.stopped) {
    push({.kind = Event::Kind::stopped, .key = part.key, .code = *part.stopped});
  } else {
    part.ready();
  }
}

std::size_t ConnectionImpl::max_datagram_size() const {
  if (conn_ == nullptr || !established_ || !setup_.config.datagrams) return 0;
  const ngtcp2_transport_params* peer = ngtcp2_conn_get_remote_transport_params(conn_);
  if (peer == nullptr) return 0;
  // Type and length of the frame; first byte, packet number and AEAD tag of the packet.
  constexpr std::size_t kFrame = 3;
  constexpr std::size_t kPacket = 1 + 4 + 16;
  const std::size_t overhead = kFrame + kPacket + ngtcp2_conn_get_dcid(conn_)->datalen;
  const std::size_t payload = ngtcp2_conn_get_path_max_tx_udp_payload_size(conn_);
  const std::uint64_t frame = peer->max_datagram_frame_size;
  if (frame <= kFrame || payload <= overhead) return 0;
  return static_cast<std::size_t>(std::min<std::uint64_t>(frame - kFrame, payload - overhead));
}

bool ConnectionImpl::send_datagram(Bytes datagram) {
  return send_datagram_after({}, std::move(datagram));
}

bool ConnectionImpl::send_datagram_after(ByteSpan prefix, Bytes datagram) {
  prefix = prefix.first(std::min(prefix.size(), kMaxDatagramPrefix));
  if (closing_ || prefix.size() + datagram.size() > max_datagram_size()) return false;
  if (setup_.config.max_queued_datagrams == 0) return true;
  if (datagrams_.size() >= setup_.config.max_queued_datagrams) datagrams_.pop_front();
  Datagram& queued = datagrams_.emplace_back();
  queued.queued = loop_.now();
  std::ranges::copy(prefix, queued.prefix.begin());
  queued.prefix_size = static_cast<std::uint8_t>(prefix.size());
  queued.bytes = std::move(datagram);
  loop_.mark(*this);
  return true;
}

void ConnectionImpl::hold(transport::RecvStream& stream, Bytes unread, bool fin) {
  auto& part = static_cast<RecvPart&>(stream);
  part.handler = nullptr;
  part.had_handler = false;
  if (!unread.empty()) {
    part.unread += unread.size();
    part.held.push_front(std::move(unread));
  }
  if (!fin) return;
  part.held_fin = true;
  part.over = false;
}

std::int64_t ConnectionImpl::stream_id(const transport::SendStream& stream) const {
  return static_cast<const SendPart&>(stream).id;
}

std::int64_t ConnectionImpl::stream_id(const transport::RecvStream& stream) const {
  return static_cast<const RecvPart&>(stream).id;
}

}  // namespace moq::native::quic
