#include <algorithm>
#include <utility>

#include "native/quic/connection_impl.h"

namespace moq::native::quic {

StreamRecord* ConnectionImpl::find(std::int64_t key) {
  const auto it = streams_.find(key);
  return it == streams_.end() ? nullptr : &it->second;
}

void ConnectionImpl::push(Event event) {
  if (events_.empty()) {
    if (host_ != nullptr) {
      host_->dispatch_later(*this);
    } else {
      loop_.post([self = shared_from_this()] { self->dispatch(); });
    }
  }
  events_.push_back(std::move(event));
}

// --- Recording, inside ngtcp2's calls.

StreamRecord& ConnectionImpl::add_remote(std::int64_t id) {
  StreamRecord& record = streams_[id];
  record.id = id;
  record.recv = std::make_shared<RecvPart>(*this);
  record.recv->key = record.recv->id = id;
  if (ngtcp2_is_bidi_stream(id) != 0) {
    record.send = std::make_shared<SendPart>(*this, transport::Priority{}, false);
    record.send->key = record.send->id = id;
  }
  push({.kind = Event::Kind::opened, .key = id});
  return record;
}

void ConnectionImpl::on_stream_data(StreamRecord& record, std::uint32_t flags, ByteSpan data) {
  RecvPart* part = record.recv.get();
  const bool fin = (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0;
  if (part == nullptr || part->over) {
    ngtcp2_conn_extend_max_offset(conn_, data.size());
    return;
  }
  Bytes bytes = part->builder.append(data);
  if (part->batch == batch_) {
    Event& last = events_[part->event];
    if (last.data.empty() || bytes.empty() || last.data.join(bytes)) {
      if (last.data.empty()) last.data = std::move(bytes);
      last.fin = last.fin || fin;
      return;
    }
  }
  push({.kind = Event::Kind::data, .fin = fin, .key = record.id, .data = std::move(bytes)});
  part->batch = batch_;
  part->event = events_.size() - 1;
}

void ConnectionImpl::on_acked(StreamRecord& record, std::uint64_t offset, std::uint64_t size) {
  SendPart* part = record.send.get();
  if (part == nullptr || part->over) return;
  part->acked = offset + size;
  if (size == 0 || !part->fin_alone) part->fin_acked = part->fin_sent;
  if (part->source && part->source->wants_acks()) part->source->acked(part->acked);
  if (!part->finished()) return;
  part->over = true;
  push({.kind = Event::Kind::finished, .key = record.id});
}

// ngtcp2 has answered them with RESET_STREAM already.
void ConnectionImpl::take_stops() {
  for (const auto& [id, code] : std::exchange(stops_, {})) {
    StreamRecord* record = find(id);
    if (record == nullptr || !record->send || record->send->over) continue;
    SendPart& part = *record->send;
    part.over = true;
    stream_unschedule(part);
    push({.kind = Event::Kind::stopped, .key = id, .code = code});
  }
}

// --- Dispatching, from the loop.

void ConnectionImpl::dispatch() {
  const auto self = shared_from_this();
  auto events = std::exchange(events_, {});
  ++batch_;
  for (Event& event : events) {
    // Once we have closed, only what the peer sent before is of no interest.
    if (closing_) break;
    handle(event);
  }
  events.clear();
  if (events_.capacity() == 0) events_.swap(events);
  if (handler_ != nullptr && !closing_) {
    for (const std::int64_t key : std::exchange(unannounced_, {})) announce(key);
  }
  if (error_) {
    report_end();
  } else {
    loop_.mark(*this);
  }
}

void ConnectionImpl::handle(Event& event) {
  switch (event.kind) {
    case Event::Kind::established:
      established_told_ = true;
      if (alpn_.empty()) {
        established_told_ = false;
        close_transport(QuicError::no_application_protocol, "no ALPN");
      } else if (host_ != nullptr) {
        host_->established(*this);
      }
      return;
    case Event::Kind::datagram:
      if (handler_ != nullptr) handler_->on_datagram(std::move(event.data));
      return;
    case Event::Kind::opened:
      announce(event.key);
      return;
    case Event::Kind::closed:
      stream_gone(event.key, event.code);
      return;
    default:
      break;
  }
  const StreamRecord* record = find(event.key);
  if (record == nullptr) {
    if (conn_ != nullptr) ngtcp2_conn_extend_max_offset(conn_, event.data.size());
    return;
  }
  // The handler may end the connection, and with it the record.
  const auto send = record->send;
  const auto recv = record->recv;
  switch (event.kind) {
    case Event::Kind::data:
      deliver(recv, std::move(event.data), event.fin);
      return;
    case Event::Kind::reset:
      deliver_reset(recv, event.code);
      release_stuck(event.key);
      return;
    case Event::Kind::held: {
      auto held = std::exchange(recv->held, {});
      const bool fin = std::exchange(recv->held_fin, false);
      const auto reset = std::exchange(recv->held_reset, std::nullopt);
      while (!held.empty()) {
        Bytes data = std::move(held.front());
        held.pop_front();
        deliver(recv, std::move(data), fin && held.empty());
      }
      if (fin && !recv->over) deliver(recv, {}, true);
      if (reset) deliver_reset(recv, *reset);
      if (StreamRecord* left = find(event.key); left != nullptr && left->gone) {
        stream_gone(event.key, 0);
      }
      return;
    }
    case Event::Kind::finished:
      send_over(send, std::nullopt);
      return;
    case Event::Kind::stopped:
      // A stream that the peer opened and nobody has answered yet.
      if (!send->source && send->handler == nullptr) {
        send->stopped = event.code;
      } else {
        send_over(send, event.code);
        // Expired before it was opened: there is nothing else to wait for.
        if (event.key < 0) stream_gone(event.key, event.code);
      }
      return;
    default:
      return;
  }
}

void ConnectionImpl::announce(std::int64_t key) {
  const StreamRecord* record = find(key);
  if (record == nullptr) return;
  if (handler_ == nullptr) {
    unannounced_.push_back(key);
    return;
  }
  const auto send = record->send;
  const auto recv = record->recv;
  if (send) {
    handler_->on_bidi({.send = send, .recv = recv});
  } else {
    handler_->on_uni(recv);
  }
  // One reference is the record's, one is ours: nobody kept it.
  if (send && send.use_count() <= 2 && !send->source) send->reset(0);
  if (recv.use_count() <= 2 && recv->handler == nullptr) recv->stop(0);
}

void ConnectionImpl::return_credit(std::int64_t id, std::size_t size) {
  if (conn_ == nullptr || size == 0) return;
  ngtcp2_conn_extend_max_stream_offset(conn_, id, size);
  ngtcp2_conn_extend_max_offset(conn_, size);
}

void ConnectionImpl::deliver(const std::shared_ptr<RecvPart>& part, Bytes data, bool fin) {
  if (part->over) return return_credit(part->id, data.size());
  if (!part->had_handler || !part->held.empty()) {
    part->held_fin = part->held_fin || fin;
    if (!data.empty() && (part->held.empty() || !part->held.back().join(data))) {
      part->held.push_back(std::move(data));
    }
    return;
  }
  const std::size_t size = data.size();
  part->over = fin;
  if (part->handler != nullptr) part->handler->on_data(std::move(data), fin);
  return_credit(part->id, size - std::exchange(part->unread, 0));
}

void ConnectionImpl::deliver_reset(const std::shared_ptr<RecvPart>& part, std::uint64_t code) {
  if (part->over) return;
  if (!part->had_handler || !part->held.empty() || part->held_fin) {
    part->held_reset = code;
    return;
  }
  part->over = true;
  if (transport::RecvHandler* handler = std::exchange(part->handler, nullptr)) {
    handler->on_reset(code);
  }
}

void ConnectionImpl::send_over(const std::shared_ptr<SendPart>& part,
                               std::optional<std::uint64_t> code) {
  transport::SendHandler* handler = std::exchange(part->handler, nullptr);
  part->detach();
  if (handler == nullptr) return;
  if (code) {
    handler->on_send_stopped(*code);
  } else {
    handler->on_send_finished();
  }
}

// ngtcp2 has forgotten the stream. Its credit goes back to the peer once we have, too.
void ConnectionImpl::stream_gone(std::int64_t key, std::uint64_t code) {
  StreamRecord* record = find(key);
  if (record == nullptr) return;
  const auto send = record->send;
  const auto recv = record->recv;
  if (send && send->connection != nullptr) {
    send->over = true;
    send_over(send, code);
    record = find(key);
    if (record == nullptr) return;
  }
  const bool held =
      recv && !recv->over && (!recv->held.empty() || recv->held_fin || recv->held_reset);
  // Held for someone who can still ask for it: the record's reference, and ours.
  if (held && recv.use_count() > 2) {
    record->gone = true;
    return;
  }
  if (recv) {
    std::size_t size = 0;
    for (const Bytes& bytes : recv->held) size += bytes.size();
    return_credit(key, size);
    recv->connection = nullptr;
  }
  streams_.erase(key);
  if (conn_ == nullptr || key < 0 || ngtcp2_conn_is_local_stream(conn_, key) != 0) return;
  if (ngtcp2_is_bidi_stream(key) != 0) {
    ngtcp2_conn_extend_max_streams_bidi(conn_, 1);
  } else {
    ngtcp2_conn_extend_max_streams_uni(conn_, 1);
  }
}

// ngtcp2 (1.11 to 1.25 at least) never closes a unidirectional stream whose first
// frame was RESET_STREAM, so that its credit would be lost for good. We give it back,
// and put up with the few hundred bytes that ngtcp2 keeps, but not without end.
void ConnectionImpl::release_stuck(std::int64_t key) {
  constexpr std::size_t kMaxStuck = 16384;
  if (conn_ == nullptr || ngtcp2_is_bidi_stream(key) != 0 ||
      ngtcp2_conn_set_stream_user_data(conn_, key, nullptr) != 0) {
    return;
  }
  if (++stuck_ > kMaxStuck) {
    return close_transport(QuicError::internal_error, "too many streams were reset unbegun");
  }
  stream_gone(key, 0);
}

void ConnectionImpl::report_end() {
  if (end_told_) return;
  if (!std::exchange(established_told_, true) && host_ != nullptr) host_->established(*this);
  host_ = nullptr;
  auto streams = std::exchange(streams_, {});
  for (auto& [key, record] : streams) {
    if (record.send) record.send->detach();
    if (record.recv) record.recv->connection = nullptr;
  }
  for (auto& [key, record] : streams) {
    if (!record.recv || record.recv->over) continue;
    record.recv->over = true;
    if (transport::RecvHandler* handler = std::exchange(record.recv->handler, nullptr)) {
      handler->on_reset(0);
    }
  }
  if (handler_ == nullptr && !abandoned_) return;
  end_told_ = true;
  if (handler_ != nullptr) handler_->on_closed(*error_, by_peer_);
}

}  // namespace moq::native::quic
