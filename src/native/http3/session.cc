#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "native/http3/codes.h"
#include "native/http3/session_impl.h"
#include "net/base/log.h"
#include "net/coding/writer.h"
#include "net/transport/error.h"

namespace moq::native::http3 {

using transport::ApplicationError;

namespace {
// Datagrams name the session by a quarter of its number (RFC 9297 §2.1).
constexpr std::uint64_t kQuarter = 4;
// The last stream of a client's that there can be: no request is refused yet, and no
// client takes one of the session's streams for a request that is (RFC 9114 §5.2).
constexpr std::uint64_t kLastRequest = coding::kMaxVarint - 3;
}  // namespace

void SessionImpl::set_handler(transport::SessionHandler* handler) {
  handler_ = handler;
  if (handler == nullptr || (waiting_.empty() && !peer_going_away_ && (!end_ || end_told_))) return;
  loop_.post([self = shared_from_this()] {
    self->announce_waiting();
    self->tell_going_away();
    self->tell_end();
  });
}

transport::Traits SessionImpl::traits() const {
  return {.datagrams = max_datagram_size() > 0, .carries_path = true, .kind = "webtransport"};
}

// --- Streams

std::shared_ptr<transport::SendStream> SessionImpl::open_uni(
    const transport::Priority& priority, std::unique_ptr<transport::SendSource> source,
    transport::SendHandler* handler) {
  if (phase_ != Phase::open) return SendPart::dead(*this);
  auto part = std::make_shared<SendPart>(*this, handler);
  part->begin_outgoing(connection_->open_uni(
      priority, std::make_unique<StreamSource>(uni_header_, std::move(source)), part.get()));
  return part;
}

transport::Stream SessionImpl::open_bidi(const transport::Priority& priority,
                                         std::unique_ptr<transport::SendSource> source,
                                         transport::SendHandler* send_handler,
                                         transport::RecvHandler* recv_handler) {
  if (phase_ != Phase::open) return {.send = SendPart::dead(*this), .recv = RecvPart::dead(*this)};
  auto send = std::make_shared<SendPart>(*this, send_handler);
  auto recv = std::make_shared<RecvPart>(*this);
  transport::Stream stream = connection_->open_bidi(
      priority, std::make_unique<StreamSource>(bidi_header_, std::move(source)), send.get(),
      nullptr);
  send->begin_outgoing(std::move(stream.send));
  recv->begin_outgoing(std::move(stream.recv), recv_handler);
  return {.send = std::move(send), .recv = std::move(recv)};
}

void SessionImpl::attach(transport::SendStream& stream, const transport::Priority& priority,
                         std::unique_ptr<transport::SendSource> source,
                         transport::SendHandler* handler) {
  static_cast<SendPart&>(stream).attach(priority, std::move(source), handler);
}

void SessionImpl::announce(RecvPart& incoming) {
  const auto keep = shared_from_this();
  const auto part = incoming.shared_from_this();
  std::shared_ptr<SendPart> send;
  if (part->bidirectional()) {
    send = std::make_shared<SendPart>(*this, nullptr);
    send->begin_incoming(part->take_answer());
  }
  part->announcing();
  // Whoever keeps a part has one more reference to it.
  const long before = part.use_count();
  const long before_send = send.use_count();
  if (send) {
    handler_->on_bidi({.send = send, .recv = part});
  } else {
    handler_->on_uni(part);
  }
  if (send && send.use_count() <= before_send && !send->attached()) send->reset(0);
  part->announced(part.use_count() > before || part->has_handler());
}

void SessionImpl::announce_waiting() {
  if (phase_ != Phase::open) return;
  for (const auto& part : std::exchange(waiting_, {})) {
    if (handler_ == nullptr || phase_ != Phase::open) {
      waiting_.push_back(part);
    } else if (part->session_id() != session_id_) {
      part->reject(static_cast<std::uint64_t>(Http3Error::wt_buffered_stream_rejected));
    } else {
      announce(*part);
    }
  }
}

// --- Datagrams

bool SessionImpl::send_datagram(Bytes datagram) {
  if (phase_ != Phase::open || max_datagram_size() == 0) return false;
  std::array<std::uint8_t, coding::kMaxVarintSize> prefix{};
  const std::size_t size = coding::write_varint(session_id_ / kQuarter, prefix.data());
  return connection_->send_datagram_after({prefix.data(), size}, std::move(datagram));
}

std::size_t SessionImpl::max_datagram_size() const {
  // Until the peer's SETTINGS have come, its transport parameter speaks for it.
  if (peer_settings_ && !peer_settings_->datagrams) return 0;
  const std::size_t below = connection_->max_datagram_size();
  const std::size_t prefix = coding::varint_size(session_id_ / kQuarter);
  return below > prefix ? below - prefix : 0;
}

void SessionImpl::on_datagram(Bytes datagram) {
  const auto quarter = coding::read_varint(datagram);
  if (!quarter || quarter->value > coding::kMaxVarint / kQuarter) {
    return fail(Error(Http3Error::datagram_error, "a datagram of no request"));
  }
  // Of another session, or too early: lost, as datagrams may be.
  if (phase_ != Phase::open || quarter->value != session_id_ / kQuarter) return;
  if (handler_ != nullptr) handler_->on_datagram(datagram.slice(quarter->size));
}

// --- The end

void SessionImpl::going_away() {
  if (phase_ != Phase::open || std::exchange(going_away_, true)) return;
  connect_->send_drain();
  // A client's GOAWAY is about pushes.
  if (!is_server()) return;
  std::vector<std::uint8_t> payload;
  coding::Writer(payload).varint(kLastRequest);
  std::vector<std::uint8_t> frame;
  append_frame(frame, FrameType::goaway, payload);
  control_out_->push(frame);
  control_->ready();
}

void SessionImpl::on_peer_going_away() {
  if (std::exchange(peer_going_away_, true)) return;
  tell_going_away();
}

void SessionImpl::tell_going_away() {
  if (!peer_going_away_ || phase_ != Phase::open || handler_ == nullptr) return;
  const auto keep = shared_from_this();
  handler_->on_going_away();
}

void SessionImpl::close(std::uint64_t code, std::string_view reason) {
  if (phase_ != Phase::open) return;
  const auto clamped = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(code, std::numeric_limits<std::uint32_t>::max()));
  phase_ = Phase::closing;
  connect_->send_close(clamped, reason);
  timer_.arm(later(loop_.now(), limits_.close_timeout));
  loop_.post(
      [self = shared_from_this(), error = Error(ApplicationError{clamped}, std::string(reason))] {
        self->end_session(error, false);
        self->finish_if_done();
      });
}

void SessionImpl::on_session_closed(std::uint64_t code, std::string reason) {
  const auto keep = shared_from_this();
  if (connect_ == nullptr) return;
  if (phase_ == Phase::open) {
    for (char& c : reason) {
      if (c < 0x20 || c == 0x7f) c = '?';
    }
    end_session(Error(ApplicationError{code}, std::move(reason)), true);
  }
  connect_->send_fin();
  finish_if_done();
}

/// What the session had ends with it, and its owner hears of it.
void SessionImpl::end_session(const Error& error, bool by_peer) {
  if (end_) return;
  if (phase_ == Phase::open) {
    phase_ = Phase::closing;
    timer_.arm(later(loop_.now(), limits_.close_timeout));
  }
  end_.emplace(error, by_peer);
  end_parts();
  tell_end();
}

void SessionImpl::end_parts() {
  waiting_.clear();
  while (!parts_.empty()) parts_.front().session_over();
  while (!begun_.empty()) begun_.front().session_over();
}

void SessionImpl::tell_end() {
  if (!end_ || end_told_ || handler_ == nullptr) return;
  end_told_ = true;
  const auto keep = shared_from_this();
  std::exchange(handler_, nullptr)->on_closed(end_->first, end_->second);
}

}  // namespace moq::native::http3
