#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "native/http3/codes.h"
#include "native/http3/session_impl.h"
#include "net/base/log.h"
#include "net/coding/writer.h"
#include "net/transport/error.h"

namespace moq::native::http3 {
namespace {

using transport::TransportError;

// RFC 9110 §15.
constexpr int kOk = 200;
constexpr int kNotFound = 404;
constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;
constexpr int kMethodNotAllowed = 405;
constexpr int kTooManyRequests = 429;
constexpr int kNotImplemented = 501;
constexpr int kUnavailable = 503;

bool is_success(int status) { return status / 100 == 2; }

/// What a client is told that asked for a session and got another answer.
std::string explain(int status) {
  switch (status) {
    case kUnauthorized:
      return "401: the server wants a token (?jwt=TOKEN), or does not accept this one";
    case kForbidden:
      return "403: the server does not allow this path with this token";
    case kNotFound:
      return "404: the server has no session at this path";
    case kMethodNotAllowed:
    case kNotImplemented:
      return fmt::format("{}: the server does not speak WebTransport here", status);
    case kUnavailable:
      return "503: the server takes no new sessions; try again later";
    default:
      return fmt::format("the server answered {}", status);
  }
}

}  // namespace

SessionImpl::SessionImpl(Connections& host, std::shared_ptr<quic::Connection> connection)
    : host_(&host),
      loop_(host.loop()),
      limits_(host.limits()),
      connection_(std::move(connection)),
      timer_(loop_, [this] { on_timer(); }),
      header_timer_(loop_, [this] { on_header_timer(); }) {}

SessionImpl::~SessionImpl() {
  connection_->set_handler(nullptr);
  if (control_) control_->set_handler(nullptr);
  while (!parts_.empty()) parts_.front().detach();
  while (!begun_.empty()) begun_.front().detach();
  if (phase_ != Phase::over) {
    connection_->close(static_cast<std::uint64_t>(Http3Error::no_error), "");
  }
}

// --- Beginning and end

void SessionImpl::start() {
  connection_->set_handler(this);
  no_session_ = later(loop_.now(), limits_.connect_timeout);
  timer_.arm(no_session_);
  std::vector<std::uint8_t> bytes;
  coding::Writer(bytes).varint(static_cast<std::uint64_t>(UniStreamType::control));
  append_frame(bytes, FrameType::settings, encode_settings(limits_));
  control_out_->push(bytes);
  control_ = connection_->open_uni({.band = transport::Priority::Band::control},
                                   std::make_unique<ByteQueueSource>(control_out_), this);
}

void SessionImpl::start_server() { start(); }

// The CONNECT follows the server's SETTINGS (RFC 9220 §3).
void SessionImpl::start_client(ConnectRequest request, Connections::Connected connected) {
  request_ = std::move(request);
  connected_ = std::move(connected);
  start();
}

void SessionImpl::give_up() {
  if (!std::exchange(connected_, nullptr)) return;
  close_connection(Error(Http3Error::no_error));
}

void SessionImpl::close_now(std::uint64_t code, std::string_view reason) {
  close(code, reason);
  close_connection(Error(Http3Error::no_error));
}

void SessionImpl::abandon() {
  handler_ = nullptr;
  close(0, {});
}

void SessionImpl::on_timer() {
  const auto keep = shared_from_this();
  if (deciding_ != nullptr) {
    log::info("http3: nobody decided on the request of {}", name());
    return answered(kUnavailable);
  }
  if (phase_ == Phase::negotiating && is_server()) {
    log::debug("http3: {} asked for no session", name());
    return close_connection(Error(Http3Error::no_error, "no session was asked for"));
  }
  if (phase_ == Phase::negotiating) {
    return refuse(Error(TransportError::unreachable,
                        "the server did not answer the request for a WebTransport session"));
  }
  close_connection(Error(Http3Error::no_error));
}

/// Closes with a code of HTTP/3's. What is left is let go of when QUIC says so.
void SessionImpl::close_connection(const Error& error) {
  if (phase_ == Phase::open) return;
  deciding_ = nullptr;
  connection_->close(error.code(), error.detail());
}

void SessionImpl::fail(const Error& error) {
  const auto keep = shared_from_this();
  if (phase_ == Phase::over) return;
  log::debug("http3: {} broke a rule: {}", name(), error.message());
  if (phase_ == Phase::open) end_session(error, false);
  deciding_ = nullptr;
  connection_->close(error.code(), error.detail());
  if (connected_) refuse(error);
}

/// A client's attempt has failed.
void SessionImpl::refuse(Error error) {
  const auto connected = std::exchange(connected_, nullptr);
  close_connection(Error(Http3Error::no_error));
  if (connected) connected(tl::unexpected<Error>(std::move(error)));
}

void SessionImpl::on_closed(const Error& error, bool by_peer) {
  const auto keep = shared_from_this();
  timer_.cancel();
  header_timer_.cancel();
  // Codes of QUIC's applications are HTTP/3's here.
  Error mine = error;
  if (&error.domain() == &error_domain(transport::ApplicationError{})) {
    if (error.code() == static_cast<std::uint64_t>(Http3Error::no_error)) {
      mine = Error(transport::ApplicationError{0}, error.detail());
    } else if (const auto code = from_http3(error.code())) {
      mine = Error(transport::ApplicationError{*code}, error.detail());
    } else {
      mine = Error(error_domain(Http3Error::no_error), error.code(), error.detail());
    }
  }
  if (phase_ == Phase::open) end_session(mine, by_peer);
  phase_ = Phase::over;
  end_parts();
  connect_ = nullptr;
  deciding_ = nullptr;
  requests_.clear();
  critical_.clear();
  if (connected_) refuse(std::move(mine));
  if (host_ != nullptr) std::exchange(host_, nullptr)->forget(*this);
}

void SessionImpl::on_send_stopped(std::uint64_t /*code*/) {
  fail(Error(Http3Error::closed_critical_stream, "the peer stopped a stream that HTTP/3 needs"));
}

// --- Streams of the peer

void SessionImpl::on_uni(std::shared_ptr<transport::RecvStream> stream) {
  on_bidi({.send = nullptr, .recv = std::move(stream)});
}

void SessionImpl::on_bidi(transport::Stream stream) {
  std::make_shared<RecvPart>(*this)->begin_incoming(std::move(stream));
}

// The timer is left to fire when all headers have come: most come at once, and it need
// not be set again for each.
void SessionImpl::begun(RecvPart& part) {
  begun_.push_back(part);
  if (header_timer_.when() == kNever) {
    header_timer_.arm(later(part.opened(), limits_.stream_header_timeout));
  }
}

void SessionImpl::on_header_timer() {
  const auto keep = shared_from_this();
  const Time now = loop_.now();
  while (!begun_.empty() && later(begun_.front().opened(), limits_.stream_header_timeout) <= now) {
    begun_.front().reject(static_cast<std::uint64_t>(Http3Error::request_incomplete));
  }
  if (begun_.empty()) return;
  header_timer_.arm(later(begun_.front().opened(), limits_.stream_header_timeout));
}

void SessionImpl::on_other_stream(RecvPart& part, std::uint64_t type, const Bytes& rest, bool fin) {
  const auto keep = shared_from_this();
  const auto broken = [&](Http3Error code, const char* why) {
    part.reject(static_cast<std::uint64_t>(code));
    fail(Error(code, why));
  };
  if (part.bidirectional()) {
    if (!is_server()) return broken(Http3Error::stream_creation_error, "the server sent a request");
    if (++requests_seen_ > limits_.max_requests) {
      return broken(Http3Error::excessive_load, "too many requests");
    }
    auto request = std::make_unique<RequestStream>(*this, part.take());
    RequestStream& ref = *request;
    requests_.emplace(&ref, std::move(request));
    std::vector<std::uint8_t> start;
    coding::Writer(start).varint(type);
    return ref.begin(start, rest, fin);
  }
  CriticalStream::Kind kind{};
  switch (static_cast<UniStreamType>(type)) {
    case UniStreamType::control:
      kind = CriticalStream::Kind::control;
      break;
    case UniStreamType::qpack_encoder:
      kind = CriticalStream::Kind::qpack_encoder;
      break;
    case UniStreamType::qpack_decoder:
      kind = CriticalStream::Kind::qpack_decoder;
      break;
    case UniStreamType::push:
      return broken(is_server() ? Http3Error::stream_creation_error : Http3Error::id_error,
                    "a push that nobody allowed");
    default:
      // Unknown types are none of our business (RFC 9114 §6.2).
      return part.reject(static_cast<std::uint64_t>(Http3Error::stream_creation_error));
  }
  auto& slot = critical_[kind];
  if (slot) {
    return broken(Http3Error::stream_creation_error, "a stream of which there can be only one");
  }
  slot = std::make_unique<CriticalStream>(*this, kind, part.take().recv);
  slot->begin(rest, fin);
}

void SessionImpl::on_session_stream(RecvPart& part) {
  // A client knows its session's number from the beginning; a server learns it.
  const bool early = phase_ == Phase::negotiating;
  if (part.session_id() % 4 != 0) {
    part.reject(static_cast<std::uint64_t>(Http3Error::id_error));
    return fail(Error(Http3Error::id_error, "a stream of a session that cannot be"));
  }
  if (phase_ == Phase::open && part.session_id() != session_id_) {
    return part.reject(static_cast<std::uint64_t>(Http3Error::wt_buffered_stream_rejected));
  }
  if (phase_ == Phase::closing || phase_ == Phase::over) {
    return part.reject(static_cast<std::uint64_t>(Http3Error::wt_session_gone));
  }
  if (!early && handler_ != nullptr) return announce(part);
  if (waiting_.size() >= limits_.max_early_streams) {
    return part.reject(static_cast<std::uint64_t>(Http3Error::wt_buffered_stream_rejected));
  }
  part.wait();
  waiting_.push_back(part.shared_from_this());
}

// --- The way to a session

Result<void> SessionImpl::on_settings(const Settings& settings) {
  peer_settings_ = settings;
  if (is_server() || !connected_) return {};
  // Servers of draft 02 leave ENABLE_CONNECT_PROTOCOL out.
  if (!settings.webtransport) {
    refuse(Error(TransportError::handshake,
                 "the server speaks HTTP/3, but not WebTransport; moqt:// may do"));
    return {};
  }
  auto stream = std::make_unique<RequestStream>(*this, request_);
  RequestStream* const key = stream.get();
  requests_.emplace(key, std::move(stream));
  return {};
}

std::optional<int> SessionImpl::answer(const RequestStream& stream, const Request& request) const {
  if (!request.is_webtransport()) {
    if (!request.protocol.empty()) return kNotImplemented;
    return request.method == "GET" || request.method == "HEAD" ? kNotFound : kMethodNotAllowed;
  }
  if (phase_ != Phase::negotiating || connect_ != nullptr || deciding_ != nullptr ||
      stream.id() < 0) {
    return kTooManyRequests;
  }
  // A client that asks again and again keeps busy who decides.
  if (decisions_ >= limits_.max_decisions) {
    return kTooManyRequests;
  }
  if (host_ == nullptr || loop_.now() >= no_session_) return kUnavailable;
  return std::nullopt;
}

void SessionImpl::refuse_request(RequestStream& stream, const char* what, int status) {
  log::debug("http3: {} asked for {}: {}", name(), what, status);
  stream.respond({.status = status, .protocol = {}}, true);
  stream.stop_reading();
}

void SessionImpl::on_request(RequestStream& stream, const Request& request) {
  const auto keep = shared_from_this();
  if (const auto status = answer(stream, request)) {
    const char* what = request.method == "CONNECT" ? "CONNECT" : "a page";
    return refuse_request(stream, request.is_webtransport() ? "CONNECT webtransport" : what,
                          *status);
  }
  request_ = request.connect;
  request_.client = name();
  deciding_ = &stream;
  stream.await_decision();
  const auto decide = host_->server().decide;
  if (!decide) return answered(kOk);
  timer_.arm(later(loop_.now(), limits_.decision_timeout));
  decide(request_, *connection_, [weak = weak_from_this(), number = ++decisions_](int status) {
    const auto self = weak.lock();
    if (self == nullptr || self->deciding_ == nullptr || self->decisions_ != number) return;
    self->answered(status);
  });
}

/// The decision on the request that waits for one.
void SessionImpl::answered(int status) {
  const auto keep = shared_from_this();
  RequestStream& stream = *std::exchange(deciding_, nullptr);
  if (host_ == nullptr) status = kUnavailable;
  if (!is_success(status)) {
    timer_.arm(std::max(no_session_, later(loop_.now(), limits_.close_timeout)));
    return refuse_request(stream, "CONNECT webtransport", status);
  }
  std::string protocol;
  for (const std::string& offered : request_.protocols) {
    const auto& ours = host_->server().protocols;
    if (std::ranges::find(ours, offered) == ours.end()) continue;
    protocol = offered;
    break;
  }
  stream.respond({.status = status, .protocol = protocol}, false);
  open_session(stream, std::move(protocol));
  std::shared_ptr<WebTransportSession> handle(
      this, [held = shared_from_this()](SessionImpl* self) { self->abandon(); });
  const auto accepted = host_->server().accepted;
  if (accepted) accepted(std::move(handle));
  if (connect_ != nullptr) connect_->tell_early_end();
}

void SessionImpl::on_response(RequestStream& stream, const Response& response) {
  const auto keep = shared_from_this();
  if (!connected_) return;
  if (!is_success(response.status)) {
    const bool forbidden = response.status == kUnauthorized || response.status == kForbidden;
    return refuse(Error(forbidden ? TransportError::forbidden : TransportError::refused,
                        explain(response.status)));
  }
  const auto& offered = request_.protocols;
  if (!response.protocol.empty() &&
      std::ranges::find(offered, response.protocol) == offered.end()) {
    return refuse(
        Error(TransportError::handshake, "the server chose a protocol that it was not offered"));
  }
  open_session(stream, response.protocol);
  std::shared_ptr<WebTransportSession> handle(
      this, [held = shared_from_this()](SessionImpl* self) { self->abandon(); });
  std::exchange(connected_, nullptr)(std::move(handle));
}

void SessionImpl::open_session(RequestStream& connect, std::string protocol) {
  timer_.cancel();
  phase_ = Phase::open;
  if (host_ != nullptr) host_->has_session(*this);
  connect_ = &connect;
  connect.become_session();
  protocol_ = std::move(protocol);
  session_id_ = static_cast<std::uint64_t>(connect.id());
  uni_header_ = StreamHeader::uni(session_id_);
  bidi_header_ = StreamHeader::bidi(session_id_);
}

void SessionImpl::on_request_failed(RequestStream& stream, const Error& error) {
  if (&stream == connect_) {
    end_session(error, false);
  } else if (connected_) {
    refuse(error);
  }
  on_request_over(stream);
}

void SessionImpl::on_request_over(RequestStream& stream) {
  if (!stream.over()) return;
  if (&stream == connect_) return finish_if_done();
  if (&stream == deciding_) {
    deciding_ = nullptr;
    timer_.arm(std::max(no_session_, later(loop_.now(), limits_.close_timeout)));
  }
  const auto it = requests_.find(&stream);
  if (it == requests_.end()) return;
  // It may be at work just now.
  loop_.post(
      [gone = std::shared_ptr<RequestStream>(std::move(it->second)), keep = shared_from_this()] {});
  requests_.erase(it);
}

void SessionImpl::finish_if_done() {
  if (phase_ == Phase::closing && connect_ != nullptr && connect_->over()) {
    close_connection(Error(Http3Error::no_error));
  }
}

}  // namespace moq::native::http3
