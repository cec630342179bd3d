#include <algorithm>

#include "native/quic/endpoint_impl.h"

namespace moq::native::quic {

// RFC 9000 §10.2: the closing and the draining period, without a connection.
void Endpoint::Impl::linger(Remains remains) {
  if (!remains.packet.empty()) {
    send_alone({.local = remains.local, .remote = remains.remote, .bytes = remains.packet});
  }
  if (options_.limits.max_closing == 0) return;
  if (closing_.size() >= options_.limits.max_closing) bury(closing_.begin());
  const Time until = loop_.now() + remains.linger;
  closing_.push_back({.remains = std::move(remains), .until = until});
  const auto entry = std::prev(closing_.end());
  for (const ConnectionId& id : entry->remains.ids) routes_.emplace(id, entry);
  if (closing_timer_.when() > until) closing_timer_.arm(until);
}

void Endpoint::Impl::stray(ClosingIterator entry) {
  if (entry->remains.packet.empty() || ++entry->strays < entry->answer_at) return;
  entry->answer_at *= 2;
  if (entry->answer_at == 0 || !writable_) return;
  const Remains& remains = entry->remains;
  writer_.send(remains.local, remains.remote, 0, remains.packet, remains.packet.size());
}

void Endpoint::Impl::bury(ClosingIterator entry) {
  for (const ConnectionId& id : entry->remains.ids) routes_.erase(id);
  closing_.erase(entry);
}

void Endpoint::Impl::bury_expired() {
  Time next = kNever;
  for (auto entry = closing_.begin(); entry != closing_.end();) {
    const auto current = entry++;
    if (current->until <= loop_.now()) {
      bury(current);
    } else {
      next = std::min(next, current->until);
    }
  }
  closing_timer_.arm(next);
}

void Endpoint::Impl::send_alone(Outgoing packet) {
  if (writable_ &&
      writer_.send(packet.local, packet.remote, 0, packet.bytes, packet.bytes.size())) {
    return;
  }
  writable_ = false;
  if (outbox_.size() < options_.limits.max_closing) outbox_.push_back(std::move(packet));
}

void Endpoint::Impl::check_closed() {
  if (when_closed_.empty() || !connections_.empty() || !outbox_.empty()) return;
  for (auto& done : std::exchange(when_closed_, {})) loop_.post(std::move(done));
}

}  // namespace moq::native::quic
