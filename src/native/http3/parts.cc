#include "native/http3/parts.h"

#include <utility>

#include "native/http3/codes.h"
#include "native/http3/frame.h"
#include "native/http3/session_impl.h"

namespace moq::native::http3 {
namespace {
constexpr auto kGone = static_cast<std::uint64_t>(Http3Error::wt_session_gone);
}  // namespace

std::shared_ptr<void> Part::release() {
  session_ = nullptr;
  if (is_linked()) unlink();
  return std::exchange(self_, nullptr);
}

// --- SendPart

std::shared_ptr<SendPart> SendPart::dead(SessionImpl& session) {
  auto part = std::make_shared<SendPart>(session, nullptr);
  part->session_ = nullptr;
  return part;
}

void SendPart::begin_outgoing(std::shared_ptr<transport::SendStream> inner) {
  begin_incoming(std::move(inner));
  hold(shared_from_this());
}

void SendPart::begin_incoming(std::shared_ptr<transport::SendStream> inner) {
  inner_ = std::move(inner);
  session_->parts().push_back(*this);
}

void SendPart::ready() {
  if (session_ != nullptr) inner_->ready();
}

void SendPart::set_priority(const transport::Priority& priority) {
  if (session_ != nullptr) inner_->set_priority(priority);
}

void SendPart::reset(std::uint64_t code) {
  if (session_ == nullptr) return;
  const auto keep = release();
  handler_ = nullptr;
  inner_->reset(to_http3(code));
}

void SendPart::attach(const transport::Priority& priority,
                      std::unique_ptr<transport::SendSource> source,
                      transport::SendHandler* handler) {
  if (session_ == nullptr || std::exchange(attached_, true)) return;
  // The peer may have stopped it meanwhile, and ended its own part: nobody will call.
  if (session_->quic().stream_id(*inner_) < 0) {
    release();
    return;
  }
  hold(shared_from_this());
  handler_ = handler;
  session_->quic().attach(*inner_, priority,
                          std::make_unique<StreamSource>(StreamHeader(), std::move(source)), this);
}

void SendPart::on_send_finished() {
  const auto keep = release();
  if (auto* handler = std::exchange(handler_, nullptr)) handler->on_send_finished();
}

void SendPart::on_send_stopped(std::uint64_t code) {
  const auto keep = release();
  if (auto* handler = std::exchange(handler_, nullptr)) {
    handler->on_send_stopped(from_http3(code).value_or(0));
  }
}

void SendPart::session_over() {
  const auto keep = release();
  handler_ = nullptr;
  inner_->reset(kGone);
}

void SendPart::detach() {
  const auto keep = release();
  handler_ = nullptr;
  inner_->set_handler(nullptr);
}

// --- RecvPart

std::shared_ptr<RecvPart> RecvPart::dead(SessionImpl& session) {
  auto part = std::make_shared<RecvPart>(session);
  part->session_ = nullptr;
  return part;
}

void RecvPart::begin_incoming(transport::Stream stream) {
  inner_ = std::move(stream.recv);
  answer_ = std::move(stream.send);
  opened_ = session_->loop().now();
  hold(shared_from_this());
  session_->begun(*this);
  inner_->set_handler(this);
}

void RecvPart::begin_outgoing(std::shared_ptr<transport::RecvStream> inner,
                              transport::RecvHandler* handler) {
  inner_ = std::move(inner);
  handler_ = handler;
  had_handler_ = handler != nullptr;
  state_ = had_handler_ ? State::flowing : State::told;
  hold(shared_from_this());
  session_->parts().push_back(*this);
  // QUIC keeps what comes before there is a handler.
  if (had_handler_) inner_->set_handler(this);
}

void RecvPart::on_data(Bytes data, bool fin) {
  if (state_ == State::flowing) return deliver(std::move(data), fin);
  on_header_data(std::move(data), fin);
}

void RecvPart::on_header_data(Bytes data, bool fin) {
  if (session_ == nullptr) return;
  const auto keep = shared_from_this();
  fin_ = fin;
  while (state_ == State::type || state_ == State::session) {
    data = data.slice(varint_.take(data));
    if (!varint_.done()) {
      // Cut short: nobody has heard of it, and nobody will.
      if (fin) reject(static_cast<std::uint64_t>(Http3Error::request_incomplete));
      return;
    }
    const std::uint64_t value = varint_.finish();
    if (state_ == State::type) {
      const auto wanted = bidirectional()
                              ? static_cast<std::uint64_t>(FrameType::webtransport_stream)
                              : static_cast<std::uint64_t>(UniStreamType::webtransport);
      if (value != wanted) return session_->on_other_stream(*this, value, data, fin);
      state_ = State::session;
    } else {
      session_id_ = value;
      pending_ = data;
      state_ = State::waiting;
      unlink();
      session_->parts().push_back(*this);
      session_->on_session_stream(*this);
    }
  }
}

void RecvPart::on_reset(std::uint64_t code) {
  if (state_ != State::flowing) {
    return reject(static_cast<std::uint64_t>(Http3Error::request_cancelled));
  }
  const auto keep = release();
  if (auto* handler = std::exchange(handler_, nullptr)) {
    handler->on_reset(from_http3(code).value_or(0));
  }
}

void RecvPart::deliver(Bytes data, bool fin) {
  const auto keep = fin ? release() : shared_from_this();
  auto* handler = fin ? std::exchange(handler_, nullptr) : handler_;
  if (handler != nullptr) handler->on_data(std::move(data), fin);
}

transport::Stream RecvPart::take() {
  const auto keep = release();
  return {.send = std::move(answer_), .recv = inner_};
}

void RecvPart::reject(std::uint64_t http3_code) {
  const auto keep = release();
  inner_->stop(http3_code);
  if (answer_) answer_->reset(http3_code);
}

void RecvPart::wait() {
  if (!std::exchange(held_, true)) session_->quic().hold(*inner_, std::move(pending_), fin_);
}

void RecvPart::announced(bool kept) {
  if (session_ == nullptr) return;
  const auto keep = shared_from_this();
  if (!kept) return stop(0);
  if (!had_handler_) {
    state_ = State::told;
    return wait();
  }
  state_ = State::flowing;
  if (held_) {
    inner_->set_handler(this);
  } else if (!pending_.empty() || fin_) {
    deliver(std::exchange(pending_, {}), fin_);
  }
}

void RecvPart::set_handler(transport::RecvHandler* handler) {
  handler_ = handler;
  had_handler_ = true;
  if (session_ == nullptr || state_ != State::told) return;
  state_ = State::flowing;
  // From the loop's next turn on.
  inner_->set_handler(this);
}

void RecvPart::stop(std::uint64_t code) {
  if (session_ == nullptr) return;
  const auto keep = release();
  handler_ = nullptr;
  inner_->stop(to_http3(code));
}

void RecvPart::session_over() {
  const auto keep = release();
  inner_->stop(kGone);
  if (answer_) answer_->reset(kGone);
  if (auto* handler = std::exchange(handler_, nullptr)) handler->on_reset(0);
}

void RecvPart::detach() {
  const auto keep = release();
  handler_ = nullptr;
  inner_->set_handler(nullptr);
}

}  // namespace moq::native::http3
