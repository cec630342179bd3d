#include "native/http3/http_streams.h"

#include <utility>

#include "native/http3/codes.h"
#include "native/http3/session_impl.h"
#include "native/http3/settings.h"
#include "net/base/log.h"
#include "net/coding/reader.h"
#include "net/transport/error.h"

namespace moq::native::http3 {
namespace {

constexpr transport::Priority kControl{.band = transport::Priority::Band::control};

tl::unexpected<Error> unexpected_frame(std::string_view where) {
  return fail(Http3Error::frame_unexpected, "a frame that " + std::string(where) + " cannot have");
}

}  // namespace

// --- CriticalStream

void CriticalStream::begin(const Bytes& rest, bool fin) {
  stream_->set_handler(this);
  if (!rest.empty() || fin) on_data(rest, fin);
}

void CriticalStream::on_data(Bytes data, bool fin) {
  const auto keep = session_.shared_from_this();
  Result<void> read;
  switch (kind_) {
    case Kind::control:
      read = frames_.feed(data, *this);
      break;
    case Kind::qpack_encoder:
      read = session_.qpack().on_encoder_stream(data);
      break;
    case Kind::qpack_decoder:
      read = session_.qpack().on_decoder_stream(data);
      break;
  }
  if (!read) return session_.fail(read.error());
  if (fin) on_reset(0);
}

void CriticalStream::on_reset(std::uint64_t /*code*/) {
  // The end of the connection tells why by itself.
  if (!session_.quic().alive()) return;
  session_.fail(
      Error(Http3Error::closed_critical_stream, "the peer closed a stream that HTTP/3 needs"));
}

Result<FrameParser::Take> CriticalStream::on_frame(std::uint64_t type, std::uint64_t size) {
  const auto frame = static_cast<FrameType>(type);
  if (!settings_seen_ && frame != FrameType::settings) {
    return fail(Http3Error::missing_settings, "the control stream does not begin with SETTINGS");
  }
  if (is_reserved_frame(type)) return unexpected_frame("HTTP/3");
  switch (frame) {
    case FrameType::settings:
      if (std::exchange(settings_seen_, true)) return unexpected_frame("has come already and");
      break;
    case FrameType::data:
    case FrameType::headers:
    case FrameType::push_promise:
    case FrameType::webtransport_stream:
      return unexpected_frame("a control stream");
    case FrameType::max_push_id:
      // Nothing is ever pushed: the number means nothing.
      if (!session_.is_server()) return unexpected_frame("a client");
      return FrameParser::Take::skip;
    case FrameType::cancel_push:
      return fail(Http3Error::id_error, "there is no push to be cancelled");
    case FrameType::goaway:
      break;
    default:
      return FrameParser::Take::skip;
  }
  if (size > session_.limits().max_control_frame) {
    return fail(Http3Error::excessive_load, "a control frame that is too large");
  }
  return FrameParser::Take::whole;
}

Result<void> CriticalStream::on_whole_frame(std::uint64_t type, ByteSpan payload) {
  if (static_cast<FrameType>(type) == FrameType::goaway) return on_goaway(payload);
  MOQ_TRY(const Settings settings, decode_settings(payload, session_.limits()));
  return session_.on_settings(settings);
}

Result<void> CriticalStream::on_goaway(ByteSpan payload) {
  coding::Reader reader(payload);
  const auto id = reader.varint();
  if (!id || reader.remaining() != 0) return fail(Http3Error::frame_error, "GOAWAY of no form");
  // A server names a request stream of the client's (RFC 9114 §5.2).
  if (*id > last_goaway_ || (!session_.is_server() && *id % 4 != 0)) {
    return fail(Http3Error::id_error, "GOAWAY with an impossible ID");
  }
  last_goaway_ = *id;
  log::debug("http3: {} sent GOAWAY", session_.name());
  session_.on_peer_going_away();
  return {};
}

// --- RequestStream

RequestStream::RequestStream(SessionImpl& session, transport::Stream stream)
    : session_(session), server_(true), stream_(std::move(stream)) {
  session_.quic().attach(*stream_.send, kControl, std::make_unique<ByteQueueSource>(out_), this);
}

RequestStream::RequestStream(SessionImpl& session, const ConnectRequest& request)
    : session_(session), server_(false) {
  // The stream's number is not known yet, and does not matter without a dynamic table.
  const auto section = session.qpack().encode(0, request_fields(request));
  std::vector<std::uint8_t> frame;
  append_frame(frame, FrameType::headers, section);
  out_->push(frame);
  stream_ =
      session_.quic().open_bidi(kControl, std::make_unique<ByteQueueSource>(out_), this, this);
}

RequestStream::~RequestStream() {
  stream_.send->set_handler(nullptr);
  stream_.recv->set_handler(nullptr);
}

std::int64_t RequestStream::id() const { return session_.quic().stream_id(*stream_.recv); }

void RequestStream::begin(ByteSpan start, const Bytes& rest, bool fin) {
  const auto keep = session_.shared_from_this();
  stream_.recv->set_handler(this);
  if (const auto parsed = read(start, false); !parsed) return failed(parsed.error());
  if (!rest.empty() || fin) on_data(rest, fin);
}

void RequestStream::on_data(Bytes data, bool fin) {
  const auto keep = session_.shared_from_this();
  if (const auto parsed = read(data, fin); !parsed) failed(parsed.error());
}

Result<void> RequestStream::read(ByteSpan bytes, bool fin) {
  if (recv_over_) return {};
  MOQ_CHECK_OK(frames_.feed(bytes, *this));
  if (!fin || recv_over_) return {};
  recv_over_ = true;
  MOQ_CHECK_OK(frames_.finish());
  if (!headers_seen_) {
    return fail(server_ ? Http3Error::request_incomplete : Http3Error::message_error,
                "the stream ends before its header");
  }
  if (is_session_ || deciding_) MOQ_CHECK_OK(capsules_.finish());
  if (deciding_ && !early_end_) early_end_ = {0, {}};
  if (is_session_) session_.on_session_closed(0, {});
  session_.on_request_over(*this);
  return {};
}

void RequestStream::tell_early_end() {
  if (const auto end = std::exchange(early_end_, std::nullopt)) {
    session_.on_session_closed(end->first, end->second);
  }
}

void RequestStream::failed(const Error& error) {
  if (!is_stream_error(error)) return session_.fail(error);
  abort(error.code());
  session_.on_request_failed(*this, error);
}

void RequestStream::on_reset(std::uint64_t code) {
  if (!session_.quic().alive()) return;
  const auto keep = session_.shared_from_this();
  recv_over_ = true;
  if (is_session_) {
    session_.on_session_closed(from_http3(code).value_or(0), "the CONNECT stream was reset");
  } else if (!server_) {
    const Error error(error_domain(Http3Error::no_error), code, "the request was reset");
    abort(static_cast<std::uint64_t>(Http3Error::request_cancelled));
    return session_.on_request_failed(*this, error);
  } else {
    abort(static_cast<std::uint64_t>(Http3Error::request_cancelled));
  }
  session_.on_request_over(*this);
}

void RequestStream::on_send_finished() {
  const auto keep = session_.shared_from_this();
  send_over_ = true;
  session_.on_request_over(*this);
}

void RequestStream::on_send_stopped(std::uint64_t code) {
  const auto keep = session_.shared_from_this();
  send_over_ = true;
  if (is_session_) {
    session_.on_session_closed(from_http3(code).value_or(0), "the CONNECT stream was stopped");
  } else if (server_) {
    // Nobody waits for the answer.
    abort(static_cast<std::uint64_t>(Http3Error::request_cancelled));
  }
  session_.on_request_over(*this);
}

Result<FrameParser::Take> RequestStream::on_frame(std::uint64_t type, std::uint64_t size) {
  if (is_reserved_frame(type)) return unexpected_frame("HTTP/3");
  switch (static_cast<FrameType>(type)) {
    case FrameType::data:
      if (!headers_seen_ || trailers_seen_) return unexpected_frame("this part of a message");
      return is_session_ || deciding_ ? FrameParser::Take::parts : FrameParser::Take::skip;
    case FrameType::headers:
      // A CONNECT has no trailers (RFC 9114 §4.4).
      if (trailers_seen_ || is_session_ || deciding_)
        return unexpected_frame("this part of a message");
      if (headers_seen_) {
        trailers_seen_ = true;
        return FrameParser::Take::skip;
      }
      if (size > session_.limits().max_field_section) {
        return fail(Http3Error::excessive_load, "the header is too large");
      }
      return FrameParser::Take::whole;
    case FrameType::push_promise:
      if (!server_) return fail(Http3Error::id_error, "a push that nobody allowed");
      return unexpected_frame("a request");
    case FrameType::settings:
    case FrameType::goaway:
    case FrameType::max_push_id:
    case FrameType::cancel_push:
      return unexpected_frame("a request");
    case FrameType::webtransport_stream:
      return fail(Http3Error::frame_error, "WebTransport begins in the middle of a stream");
    default:
      return FrameParser::Take::skip;
  }
}

Result<void> RequestStream::on_whole_frame(std::uint64_t /*type*/, ByteSpan payload) {
  MOQ_TRY(const auto fields, session_.qpack().decode(id(), payload, session_.limits()));
  if (server_) {
    MOQ_TRY(const Request request, parse_request(fields));
    headers_seen_ = true;
    session_.on_request(*this, request);
    return {};
  }
  MOQ_TRY(const Response response, parse_response(fields));
  // 1xx: the answer is still to come (RFC 9110 §15.2).
  if (response.status / 100 == 1) return {};
  headers_seen_ = true;
  session_.on_response(*this, response);
  return {};
}

Result<void> RequestStream::on_frame_part(ByteSpan part) { return capsules_.feed(part, *this); }

void RequestStream::on_close_capsule(std::uint32_t code, std::string reason) {
  if (deciding_) {
    early_end_.emplace(code, std::move(reason));
    return;
  }
  session_.on_session_closed(code, std::move(reason));
}

void RequestStream::on_drain_capsule() {
  log::debug("http3: {} asks the session to end", session_.name());
  session_.on_peer_going_away();
}

void RequestStream::send(ByteSpan bytes) {
  if (out_->fin || send_over_) return;
  out_->push(bytes);
  stream_.send->ready();
}

void RequestStream::send_fin() {
  if (std::exchange(out_->fin, true) || send_over_) return;
  stream_.send->ready();
}

void RequestStream::respond(const Response& response, bool last) {
  std::vector<std::uint8_t> frame;
  append_frame(frame, FrameType::headers, session_.qpack().encode(id(), response_fields(response)));
  send(frame);
  if (last) send_fin();
}

void RequestStream::send_capsule(const std::vector<std::uint8_t>& capsule) {
  std::vector<std::uint8_t> frame;
  append_frame(frame, FrameType::data, capsule);
  send(frame);
}

void RequestStream::send_drain() {
  std::vector<std::uint8_t> capsule;
  append_drain_capsule(capsule);
  send_capsule(capsule);
}

void RequestStream::send_close(std::uint32_t code, std::string_view reason) {
  std::vector<std::uint8_t> capsule;
  append_close_capsule(capsule, code, reason);
  send_capsule(capsule);
  send_fin();
}

void RequestStream::stop_reading() {
  frames_.stop();
  if (!std::exchange(recv_over_, true)) {
    stream_.recv->stop(static_cast<std::uint64_t>(Http3Error::no_error));
  }
}

void RequestStream::abort(std::uint64_t http3_code) {
  frames_.stop();
  if (!std::exchange(send_over_, true)) stream_.send->reset(http3_code);
  if (!std::exchange(recv_over_, true)) stream_.recv->stop(http3_code);
}

}  // namespace moq::native::http3
