#include "net/ietf/session.h"

#include <algorithm>
#include <utility>

#include "net/ietf/control_stream.h"
#include "net/ietf/datagram.h"
#include "net/ietf/fetch_publisher.h"
#include "net/ietf/fetch_request.h"
#include "net/ietf/incoming.h"
#include "net/ietf/mapping.h"
#include "net/ietf/namespace_requests.h"
#include "net/ietf/publish_receiver.h"
#include "net/ietf/remote_track.h"
#include "net/ietf/subscribe_publisher.h"
#include "net/ietf/track_status_publisher.h"
#include "net/ietf/tracks_publisher.h"
#include "net/model/error.h"
#include "net/transport/error.h"

namespace moq::ietf {

Session::Session(Loop& loop, std::shared_ptr<transport::Session> transport, Version version,
                 SessionConfig config, SessionEvents& events)
    : loop_(loop),
      transport_(std::move(transport)),
      version_(version),
      config_(std::move(config)),
      events_(&events),
      name_{.text = std::string(traits().name) + " " + transport_->peer_address(),
            .connection = transport_->id()},
      next_id_(config_.side == Side::client ? 0 : 1),
      max_id_(traits().has_max_request_id ? config_.peer_max_request_id : kNoLimit),
      granted_id_(traits().has_max_request_id ? kInitialMaxRequestId : kNoLimit),
      next_peer_id_(config_.side == Side::client ? 1 : 0),
      setup_timer_(loop, [this] { close(SessionError::control_message_timeout, "no SETUP came"); }),
      decision_timer_(
          loop, [this] { decided(moq::fail(SessionError::internal, "nobody decided in time")); }) {}

std::shared_ptr<Session> Session::create(Loop& loop, std::shared_ptr<transport::Session> transport,
                                         Version version, SessionConfig config,
                                         SessionEvents& events) {
  std::shared_ptr<Session> session(
      new Session(loop, std::move(transport), version, std::move(config), events));
  session->transport_->set_handler(session.get());
  if (auto stream = std::exchange(session->config_.session_stream, std::nullopt)) {
    session->control_ = std::make_unique<ControlStream>(*session, *std::move(stream));
    session->setup_received_ = true;
  }
  loop.post([weak = session->weak_from_this()] {
    const auto self = weak.lock();
    if (self != nullptr && !self->closed_) self->start();
  });
  return session;
}

void Session::abandon() {
  events_ = nullptr;
  deciding_ = false;
  setup_timer_.cancel();
  decision_timer_.cancel();
  transport_->set_handler(nullptr);
  if (!std::exchange(closed_, true)) {
    transport_->close(static_cast<std::uint64_t>(SessionError::no_error), "");
  }
}

Session::~Session() {
  abandon();
  // Requests refer to the session's tables until the last is gone.
  const auto tasks = std::exchange(tasks_, {});
  const auto retired = std::exchange(retired_, {});
  const auto ending = std::exchange(ending_, {});
}

void Session::start() {
  const auto keep = hold();
  const bool setup_done = traits().setup == SetupForm::client_and_server;
  for (const std::string& bytes : std::exchange(config_.setup_tokens, {})) {
    coding::Reader in(as_bytes(bytes), traits().integers);
    Token token;
    auto read = TokenCodec{}.read(in, token);
    if (read) read = take_setup_tokens({token});
    if (!read) return fail(read.error());
  }
  if (!setup_done) {
    if (control_ == nullptr) send_setup();
    // The peer's may have come before this turn.
    if (!setup_received_) setup_timer_.arm(later(loop_.now(), limits().header_timeout));
  }
  for (transport::Stream& stream : std::exchange(config_.waiting, {})) {
    if (stream.send == nullptr) {
      on_uni(std::move(stream.recv));
    } else {
      on_bidi(std::move(stream));
    }
  }
  // A server learns the path from the transport, or from SETUP, which may be over.
  const bool told = config_.side == Side::client || setup_done || transport_->traits().carries_path;
  if (!asked_ && told) authorize(config_.path);
}

void Session::send_setup() {
  SetupOptions options;
  if (config_.side == Side::client && !transport_->traits().carries_path) {
    options.path = config_.path.starts_with('/') ? config_.path : "/" + config_.path;
    if (!config_.authority.empty()) options.authority = config_.authority;
  }
  options.implementation = kImplementation;
  options.max_auth_token_cache_size = kMaxAuthTokenCache;
  control_ = std::make_unique<ControlStream>(*this, *encode(version_, Setup{.options = options}));
}

Result<void> Session::take_setup_tokens(const std::vector<Token>& tokens) {
  for (const Token& token : tokens) {
    MOQ_CHECK_OK(tokens_.apply_setup(token, traits().setup_alias_error));
  }
  return {};
}

Result<bool> Session::take_tokens(const std::vector<Token>& tokens) {
  bool known = true;
  for (const Token& token : tokens) {
    const auto taken = tokens_.apply(token);
    if (taken) continue;
    if (!taken.error().is(SessionError::unknown_auth_token_alias)) {
      return tl::unexpected<Error>(taken.error());
    }
    known = false;
  }
  return known;
}

Result<void> Session::received_setup(const SetupOptions& options) {
  if (std::exchange(setup_received_, true)) {
    return moq::fail(SessionError::protocol_violation, "a second SETUP");
  }
  setup_timer_.cancel();
  if (options.path && (config_.side == Side::client || transport_->traits().carries_path)) {
    return moq::fail(SessionError::invalid_path, "SETUP has a PATH that it must not have");
  }
  if (options.authority && (config_.side == Side::client || transport_->traits().carries_path)) {
    return moq::fail(SessionError::invalid_authority,
                     "SETUP has an AUTHORITY that it must not have");
  }
  MOQ_CHECK_OK(take_setup_tokens(options.tokens));
  std::string path = options.path.value_or("");
  if (!path.empty() && !path.starts_with('/')) {
    return moq::fail(SessionError::malformed_path, "the PATH in SETUP does not begin with '/'");
  }
  // SETUP may come in the same turn as the request that has the path.
  if (transport_->traits().carries_path) path = config_.path;
  if (!asked_) authorize(path.empty() ? "/" : path);
  return {};
}

void Session::authorize(const std::string& path) {
  asked_ = true;
  deciding_ = true;
  const Authorize ask = std::exchange(config_.authorize, nullptr);
  if (!ask) return decided(Scope{});
  decision_timer_.arm(later(loop_.now(), limits().decision_timeout));
  ask(path, [weak = weak_from_this()](Result<Scope> scope) {
    if (const auto self = weak.lock()) self->decided(std::move(scope));
  });
}

void Session::decided(Result<Scope> scope) {
  if (closed_ || !std::exchange(deciding_, false)) return;
  const auto keep = hold();
  decision_timer_.cancel();
  if (!scope) return fail(scope.error());
  scope_ = *std::move(scope);
  authorized_ = true;
  start_announcements();
  if (events_ != nullptr) events_->on_ready();
  // Each call may retire any.
  while (!closed_ && !awaiting_authorization_.empty()) {
    const auto then = std::move(awaiting_authorization_.begin()->second);
    awaiting_authorization_.erase(awaiting_authorization_.begin());
    then();
  }
  // Where requests come on the stream of SETUP, it was not read meanwhile.
  if (traits().setup == SetupForm::client_and_server && !closed_) control_->resume();
}

void Session::start_announcements() {
  // Whoever dials a relay has come to publish, or to ask; a relay only answers.
  if (config_.side == Side::server) return;
  if (config_.subscribe != nullptr) {
    for (const Path& prefix : scope_.publish) {
      (void)when_request_allowed([this, prefix] {
        namespaces_.push_back(&add(std::make_unique<NamespaceRequest>(*this, prefix)));
      });
    }
  }
  if (config_.publish != nullptr) add(std::make_unique<Announcer>(*this, Path(), token())).start();
}

std::size_t Session::announced() const {
  std::size_t sum = published_.size();
  for (const NamespaceRequest* request : namespaces_) sum += request->active();
  return sum;
}

void Session::when_authorized(Task& waiter, std::function<void()> then) {
  awaiting_authorization_[&waiter] = std::move(then);
}

// --- Requests

Result<void> Session::when_request_allowed(std::function<void()> make) {
  if (closed_) return moq::fail(StreamError::session_closed, "the session is closed");
  if (goaway_received_) return moq::fail(StreamError::going_away, "the session is draining");
  if (next_id_ < max_id_) {
    make();
    return {};
  }
  if (waiting_requests_.size() >= kMaxWaitingRequests) {
    return moq::fail(StreamError::too_far_behind, "too many requests wait for the peer's leave");
  }
  if (waiting_requests_.empty()) {
    if (const auto blocked = encode(version_, RequestsBlocked{.max_request_id = max_id_})) {
      send_control(*blocked);
    }
  }
  waiting_requests_.push_back(std::move(make));
  return {};
}

std::uint64_t Session::take_request_id() { return std::exchange(next_id_, next_id_ + 2); }

void Session::enter(Request& request) {
  requests_[request.id()] = &request;
  if (!request.ours()) ++peer_requests_;
}

void Session::leave(Request& request) {
  const auto found = requests_.find(request.id());
  if (found == requests_.end() || found->second != &request) return;
  requests_.erase(found);
  if (request.ours()) return;
  --peer_requests_;
  allow_more_requests();
}

bool Session::runs(std::uint64_t id, const Request& request) const {
  const auto found = requests_.find(id);
  return found != requests_.end() && found->second == &request;
}

void Session::send_control(const std::vector<std::uint8_t>& message) {
  if (closed_) return;
  // A drain may come before the session's first turn; SETUP goes before all.
  if (control_ == nullptr) send_setup();
  control_->send(message);
}

Result<void> Session::take_peer_id(std::uint64_t id) {
  if (id % 2 != next_peer_id_ % 2) {
    return moq::fail(SessionError::invalid_request_id,
                     fmt::format("request id {} is one of ours", id));
  }
  if (id >= granted_id_) {
    refused(SessionLimit::requests);
    return moq::fail(SessionError::too_many_requests,
                     fmt::format("request id {}, of {} that are allowed", id, granted_id_));
  }
  // Requests on streams of their own race; where there is one stream, they come in turn.
  const bool in_turn = traits().requests == RequestCarrier::control_stream;
  if (id < next_peer_id_ || early_ids_.contains(id) || (in_turn && id != next_peer_id_)) {
    return moq::fail(SessionError::invalid_request_id,
                     fmt::format("request id {} when {} is next", id, next_peer_id_));
  }
  early_ids_.insert(id);
  while (early_ids_.erase(next_peer_id_) != 0) next_peer_id_ += 2;
  if (early_ids_.size() > limits().max_requests) {
    return moq::fail(SessionError::invalid_request_id, "the peer leaves too many request ids out");
  }
  return {};
}

Result<void> Session::take_update_id(ByteSpan body) {
  MOQ_TRY(const auto update, decode<RequestUpdate>(version_, body));
  return take_peer_id(update.request_id);
}

void Session::allow_more_requests() {
  if (!traits().has_max_request_id || closed_) return;
  // Told when half of what was granted is used up.
  if (next_peer_id_ + kInitialMaxRequestId / 2 < granted_id_) return;
  if (peer_requests_ >= limits().max_requests) return;
  granted_id_ = next_peer_id_ + kInitialMaxRequestId;
  if (const auto message = encode(version_, MaxRequestId{.request_id = granted_id_})) {
    send_control(*message);
  }
}

template <typename R>
Result<void> Session::serve(const RawMessage& message, Arrival arrival) {
  MOQ_TRY(auto first, decode<typename R::First>(version_, message.body));
  MOQ_CHECK_OK(take_peer_id(first.request_id));
  arrival.id = first.request_id;
  bool tokens_known = true;
  if constexpr (requires { first.tokens; }) {
    MOQ_TRY(tokens_known, take_tokens(first.tokens));
  }
  allow_more_requests();
  const bool too_many = peer_requests_ >= limits().max_requests;
  const bool late = goaway_id_ && arrival.id >= *goaway_id_ && traits().has_goaway_request_id;
  R& request = add(std::make_unique<R>(*this, std::move(arrival), std::move(first)));
  if (!tokens_known) {
    request.refuse(RequestErrorCode::malformed_auth_token, "a token's alias is not known");
  } else if (late) {
    request.refuse(RequestErrorCode::going_away, "the session is draining");
  } else if (too_many) {
    refused(SessionLimit::requests);
    request.refuse(RequestErrorCode::excessive_load, "too many requests");
  } else {
    request.begin();
    request.resume();
  }
  return {};
}

Result<void> Session::begin_request(const RawMessage& message, transport::Stream stream,
                                    MessageReader reader, bool fin) {
  const MessageType* type = find_message(version_, message.type, Place::opens_request);
  if (type == nullptr) {
    return moq::fail(SessionError::protocol_violation,
                     fmt::format("a stream that begins with message type {:#x}", message.type));
  }
  return make_request(type->kind, message,
                      {.stream = std::move(stream), .reader = std::move(reader), .fin = fin});
}

Result<void> Session::make_request(MessageKind kind, const RawMessage& message, Arrival arrival) {
  switch (kind) {
    case MessageKind::subscribe:
      return serve<SubscribePublisher>(message, std::move(arrival));
    case MessageKind::publish_namespace:
      return serve<NamespaceReceiver>(message, std::move(arrival));
    case MessageKind::subscribe_namespace:
      return serve<NamespacePublisher>(message, std::move(arrival));
    case MessageKind::fetch:
      return serve<FetchPublisher>(message, std::move(arrival));
    case MessageKind::publish:
      return serve<PublishReceiver>(message, std::move(arrival));
    case MessageKind::track_status:
      return serve<TrackStatusPublisher>(message, std::move(arrival));
    case MessageKind::subscribe_tracks:
      return serve<TracksPublisher>(message, std::move(arrival));
    default:
      return moq::fail(SessionError::protocol_violation,
                       fmt::format("{} begins no request", to_string(kind)));
  }
}

// --- Streams of the peer

void Session::on_uni(std::shared_ptr<transport::RecvStream> stream) {
  if (!closed_) add(std::make_unique<IncomingData>(*this, std::move(stream)));
}

void Session::on_bidi(transport::Stream stream) {
  if (closed_) return;
  if (traits().requests == RequestCarrier::request_streams) {
    add(std::make_unique<IncomingRequest>(*this, std::move(stream)));
    return;
  }
  fail(Error(SessionError::protocol_violation, "a second bidirectional stream"));
}

void Session::on_datagram(Bytes datagram) {
  const auto keep = hold();
  auto decoded = decode_datagram(version_, datagram);
  if (!decoded) return fail(decoded.error());
  if (!*decoded) return;  // padding
  const ObjectDatagram& object = **decoded;
  RemoteTrack* track = track_of(object.track_alias);
  // One without payload says nothing that its group's streams do not say.
  if (track == nullptr || object.status != Status::normal) return;
  ++config_.traffic->received.frames;
  config_.traffic->received.bytes += object.payload.size();
  const auto& info = track->track().info();
  track->received_datagram(
      {.sequence = object.group,
       .object = object.object,
       .timestamp = timestamp_of(traits().properties, object.properties,
                                 info ? info->timescale : kDefaultTimescale, loop_.now()),
       .priority = object.priority ? std::optional(to_priority(*object.priority)) : std::nullopt,
       .properties_form = traits().properties.form,
       .properties = object.properties,
       .payload = object.payload});
}

// --- The end

namespace {

/// A stream that all has been written to.
class Lingering final : public Task, private transport::SendHandler {
 public:
  Lingering(Session& session, std::shared_ptr<transport::SendStream> stream)
      : Task(session),
        stream_(std::move(stream)),
        timer_(session.loop(), [this] { this->session().retire(*this); }) {
    stream_->set_handler(this);
    // A stream that the peer gave up before it was answered tells of no end.
    timer_.arm(later(session.loop().now(), session.limits().header_timeout));
  }
  ~Lingering() override { stream_->set_handler(nullptr); }

 private:
  void on_send_finished() override { session().retire(*this); }
  void on_send_stopped(std::uint64_t /*code*/) override { session().retire(*this); }

  std::shared_ptr<transport::SendStream> stream_;
  Timer timer_;
};

}  // namespace

void Session::linger(std::shared_ptr<transport::SendStream> stream) {
  if (closed_) return stream->set_handler(nullptr);
  add(std::make_unique<Lingering>(*this, std::move(stream)));
}

void Session::retire(Task& task) {
  const auto found = tasks_.find(&task);
  if (found == tasks_.end()) return;
  waiting_streams_.erase(&task);
  awaiting_authorization_.erase(&task);
  if (task.of_media() && --media_ == 0) {
    if (control_ != nullptr) media_end_ = control_->queue().pushed();
    check_idle();
  }
  retired_.push_back(std::move(found->second));
  tasks_.erase(found);
  if (retired_.size() > 1) return;
  loop_.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    // Destroying one may retire others.
    const auto dead = std::exchange(self->retired_, {});
  });
}

void Session::fail(const Error& error) {
  const Error failure = to_session_error(error);
  log::warn("{}: closing: {}", name_, failure.message());
  close(static_cast<SessionError>(failure.code()), failure.detail());
}

void Session::close(SessionError code, std::string_view reason) {
  if (closed_) return;
  deciding_ = false;
  transport_->close(static_cast<std::uint64_t>(code), reason);
  loop_.post([weak = weak_from_this(), error = Error(code, std::string(reason))] {
    if (const auto self = weak.lock()) self->end(error, false);
  });
}

void Session::on_closed(const Error& error, bool by_peer) {
  const auto keep = hold();
  const bool named = &error.domain() == &error_domain(transport::ApplicationError{});
  end(named ? Error(error_domain(SessionError::no_error), error.code(), error.detail()) : error,
      by_peer);
}

void Session::end(const Error& error, bool by_peer) {
  if (std::exchange(closed_, true)) return;
  setup_timer_.cancel();
  decision_timer_.cancel();
  // Readers of the peer's tracks hear of the end before the owner does.
  auto tasks = std::exchange(tasks_, {});
  for (auto& [key, task] : tasks) retired_.push_back(std::move(task));
  std::exchange(retired_, {}).clear();
  std::exchange(ending_, {}).clear();
  control_.reset();
  if (events_ != nullptr) events_->on_closed(error, by_peer);
}

}  // namespace moq::ietf
