#include "net/ietf/request.h"

#include "net/ietf/session.h"

namespace moq::ietf {

Request::Request(Session& session, MessageKind kind)
    : Task(session), id_(session.take_request_id()), kind_(kind), ours_(true) {
  session.enter(*this);
}

Request::Request(Session& session, MessageKind kind, Arrival arrival)
    : Task(session), id_(arrival.id), kind_(kind), ours_(false) {
  session.enter(*this);
  if (arrival.stream.send == nullptr) {
    channel_ = std::make_unique<SharedChannel>(session);
    return;
  }
  auto stream = std::make_unique<StreamChannel>(session, static_cast<ChannelHandler&>(*this),
                                                std::move(arrival.stream),
                                                *std::move(arrival.reader), arrival.fin);
  stream_ = stream.get();
  channel_ = std::move(stream);
}

Request::~Request() { session().leave(*this); }

void Request::open_channel(const std::vector<std::uint8_t>& first) {
  if (session().traits().requests == RequestCarrier::request_streams) {
    auto stream =
        std::make_unique<StreamChannel>(session(), static_cast<ChannelHandler&>(*this), first);
    stream_ = stream.get();
    // What the peer reads, it ends by reading no more of the request's stream.
    if (kind_ == MessageKind::publish) stream_->end_when_stopped();
    channel_ = std::move(stream);
    return;
  }
  channel_ = std::make_unique<SharedChannel>(session());
  channel_->send(first);
}

void Request::resume() {
  if (stream_ != nullptr && !over_) stream_->resume();
}

Result<void> Request::on_message(const RawMessage& message) {
  const MessageKind about = ours_ && answered_ ? MessageKind::request_update : kind_;
  const MessageType* type = find_message(session().version(), message.type, about);
  // Updates are answered in between other messages, which are about the request.
  if (type == nullptr) type = find_message(session().version(), message.type, kind_);
  if (type == nullptr) {
    return fail(
        SessionError::protocol_violation,
        fmt::format("message type {:#x} on the stream of a {}", message.type, to_string(kind_)));
  }
  if (type->kind == MessageKind::request_update) {
    MOQ_CHECK_OK(session().take_update_id(message.body));
  }
  return dispatch(type->kind, message.body);
}

Result<void> Request::received_goaway(ByteSpan body) {
  MOQ_TRY(const auto message, decode<RequestGoaway>(session().version(), body));
  if (std::exchange(goaway_, true)) {
    return fail(SessionError::protocol_violation, "a second GOAWAY on a request's stream");
  }
  if (session().config().side == Side::server && !message.uri.empty()) {
    return fail(SessionError::protocol_violation, "a client's GOAWAY has a URI");
  }
  log::debug("{}: {} {} is to move", session().name(), to_string(kind_), id_);
  // Until the peer ends it, it runs.
  if (message.uri.empty()) {
    moves_ = true;
  } else {
    session().move_to(message.uri);
  }
  return {};
}

void Request::send_goaway(const std::string& uri, Duration timeout) {
  if (over_ || stream_ == nullptr || goaway_timer_ != nullptr) return;
  // A client has nowhere to send a server to.
  send(
      RequestGoaway{.uri = session().config().side == Side::client ? "" : uri, .timeout = timeout});
  goaway_timer_ = std::make_unique<Timer>(session().loop(), [this] {
    const auto hold = session().hold();
    gone(StreamError::going_away);
    cancel(StreamError::going_away);
  });
  if (timeout > Duration::zero()) goaway_timer_->arm(later(session().loop().now(), timeout));
}

Result<void> Request::dispatch(MessageKind kind, ByteSpan body) {
  if (kind == MessageKind::request_goaway) return received_goaway(body);
  if (kind != MessageKind::request_update) answered_ = true;
  return received(kind, body);
}

Result<std::optional<RequestUpdate>> Request::take_update(ByteSpan body) {
  MOQ_TRY(auto update, decode<RequestUpdate>(session().version(), body));
  MOQ_TRY(const bool known, session().take_tokens(update.tokens));
  if (known) return update;
  if (session().traits().updates_are_answered) {
    send_error(RequestErrorCode::malformed_auth_token, "a token's alias is not known");
  }
  return std::nullopt;
}

void Request::send_error(RequestErrorCode code, const std::string& reason) {
  send(RequestError{.request_id = id_,
                    .failure = {.code = wire_code(session().version(), kind_, code),
                                .reason = reason.substr(0, kMaxReason)}});
}

void Request::refuse(RequestErrorCode code, const std::string& reason) {
  if (over_) return;
  log::debug("{}: {} {} refused: {}", session().name(), to_string(kind_), id_, reason);
  send_error(code, reason);
  finish();
}

void Request::finish() {
  if (std::exchange(over_, true)) return;
  if (channel_ != nullptr) channel_->finish();
  session().retire(*this);
}

void Request::cancel(StreamError code) {
  if (std::exchange(over_, true)) return;
  if (channel_ != nullptr) channel_->cancel(code);
  session().retire(*this);
}

void Request::on_cancel(StreamError code) {
  if (over_) return;
  gone(code);
  cancel(StreamError::cancelled);
}

}  // namespace moq::ietf
