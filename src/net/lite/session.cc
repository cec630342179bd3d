#include "net/lite/session.h"

#include <algorithm>
#include <utility>

#include "net/coding/print.h"
#include "net/lite/announce_publisher.h"
#include "net/lite/announce_subscriber.h"
#include "net/lite/control_streams.h"
#include "net/lite/fetch_publisher.h"
#include "net/lite/group_receiver.h"
#include "net/lite/incoming.h"
#include "net/lite/remote_track.h"
#include "net/lite/subscribe_publisher.h"
#include "net/model/error.h"
#include "net/transport/send_queue.h"

namespace moq::lite {

Session::Session(Loop& loop, std::shared_ptr<transport::Session> transport, Version version,
                 SessionConfig config, SessionEvents& events)
    : loop_(loop),
      transport_(std::move(transport)),
      version_(version),
      config_(std::move(config)),
      events_(&events),
      name_{.text = std::string(traits().name) + " " + transport_->peer_address(),
            .connection = transport_->id()},
      setup_timer_(loop, [this] { close(SessionError::control_message_timeout, "no SETUP came"); }),
      decision_timer_(
          loop, [this] { decided(moq::fail(SessionError::internal, "nobody decided in time")); }),
      header_timer_(loop, [this] { sweep_incoming(); }) {}

std::shared_ptr<Session> Session::create(Loop& loop, std::shared_ptr<transport::Session> transport,
                                         Version version, SessionConfig config,
                                         SessionEvents& events) {
  std::shared_ptr<Session> session(
      new Session(loop, std::move(transport), version, std::move(config), events));
  session->transport_->set_handler(session.get());
  if (auto stream = std::exchange(session->config_.session_stream, std::nullopt)) {
    session->session_stream_ =
        &session->add(std::make_unique<SessionStream>(*session, *std::move(stream)));
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
  header_timer_.cancel();
  transport_->set_handler(nullptr);
  if (!std::exchange(closed_, true)) {
    transport_->close(static_cast<std::uint64_t>(SessionError::no_error), "");
  }
}

Session::~Session() {
  abandon();
  // Streams refer to the session's tables until the last is gone.
  const auto tasks = std::exchange(tasks_, {});
  const auto retired = std::exchange(retired_, {});
}

void Session::start() {
  const auto keep = hold();
  if (session_stream_ != nullptr) session_stream_->resume();
  for (transport::Stream& stream : std::exchange(config_.waiting, {})) on_bidi(std::move(stream));
  if (closed_) return;
  if (traits().has_setup_stream) {
    send_setup();
    // The peer's may have come before this turn.
    if (!setup_received_) setup_timer_.arm(later(loop_.now(), limits().header_timeout));
  }
  // A server learns the path from the transport, or from SETUP.
  const bool path_in_setup = traits().has_setup_stream && !transport_->traits().carries_path;
  if (!asked_ && (config_.side == Side::client || !path_in_setup)) authorize(config_.path);
}

void Session::send_setup() {
  Setup setup{.probe = ProbeLevel::report};
  if (config_.side == Side::client && !transport_->traits().carries_path) {
    setup.path = config_.path.starts_with('/') ? config_.path : "/" + config_.path;
  }
  std::vector<std::uint8_t> bytes;
  append_type(bytes, UniType::setup);
  encode(bytes, version_, setup);
  auto queue = std::make_shared<transport::SendQueue>();
  queue->push(Bytes::copy_of(bytes));
  queue->finish();
  transport_->open_uni({.band = transport::Priority::Band::control},
                       std::make_unique<transport::QueueSource>(std::move(queue)), nullptr);
}

void Session::received_setup(const Bytes& message) {
  const auto setup = decode_body<Setup>(version_, message);
  if (!setup) return fail(setup.error());
  if (std::exchange(setup_received_, true)) {
    return close(SessionError::protocol_violation, "a second SETUP");
  }
  setup_timer_.cancel();
  peer_setup_ = *setup;
  if (setup->path && (config_.side == Side::client || transport_->traits().carries_path)) {
    return close(SessionError::protocol_violation, "SETUP has a path that it must not have");
  }
  if (setup->path && !setup->path->empty() && !setup->path->starts_with('/')) {
    return close(SessionError::protocol_violation, "the path in SETUP does not begin with '/'");
  }
  for (const auto& task : std::exchange(when_setup_, {})) task();
  // SETUP may come in the same turn as the request that has the path.
  const std::string path =
      transport_->traits().carries_path ? config_.path : setup->path.value_or("");
  // An empty path stands for none in some implementations.
  if (!asked_) return authorize(path.empty() ? "/" : path);
  if (authorized_) check_role();
}

bool Session::check_role() {
  const Role role = peer_setup_.role;
  const bool granted = role == Role::publisher    ? !scope_.publish.empty()
                       : role == Role::subscriber ? !scope_.subscribe.empty()
                                                  : true;
  if (!granted) {
    fail(Error(SessionError::unauthorized,
               fmt::format("nothing is granted to a {}", to_string(role))));
  }
  return granted;
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
  if (setup_received_ && !check_role()) return;
  authorized_ = true;
  start_announcements();
  if (events_ != nullptr) events_->on_ready();
  if (closed_) return;
  const std::vector<Task*> waiting(incoming_.begin(), incoming_.end());
  for (Task* stream : waiting) {
    if (incoming_.contains(stream)) static_cast<IncomingStream*>(stream)->authorized();
  }
}

void Session::start_announcements() {
  if (config_.subscribe == nullptr || goaway_received_) return;
  for (const Path& prefix : scope_.publish) {
    announcements_.push_back(&add(std::make_unique<AnnounceSubscriber>(*this, prefix)));
  }
}

std::size_t Session::announced() const {
  std::size_t sum = 0;
  for (const AnnounceSubscriber* stream : announcements_) sum += stream->active();
  return sum;
}

void Session::send_goaway(const std::string& uri, Duration /*timeout*/) {
  if (closed_ || !has_goaway() || std::exchange(goaway_sent_, true)) return;
  add(std::make_unique<GoawayStream>(*this, uri));
}

void Session::received_goaway(const std::string& uri) {
  if (std::exchange(goaway_received_, true)) {
    return close(SessionError::protocol_violation, "a second GOAWAY");
  }
  std::string where;
  // A query may have a token.
  if (!uri.empty()) coding::print_value(where, uri.substr(0, uri.find('?')));
  log::info("{}: the peer is going away{}{}", name_, uri.empty() ? "" : ": ", where);
  for (AnnounceSubscriber* stream : announcements_) stream->set_draining();
  if (events_ != nullptr) events_->on_goaway(uri);
  check_idle();
}

void Session::on_going_away() {
  // Where the version has a GOAWAY, that comes as well, and says where to go.
  if (closed_ || has_goaway() || goaway_received_) return;
  const auto keep = hold();
  received_goaway({});
}

void Session::check_idle() {
  if (!goaway_received_ || media_ != 0 || std::exchange(idle_posted_, true)) return;
  // What ends may be followed by something in the same turn.
  loop_.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->idle_posted_ = false;
    if (self->events_ != nullptr && !self->closed_ && self->media_ == 0) self->events_->on_idle();
  });
}

void Session::probe(std::uint64_t target_bitrate, ProbeRequest::Report report) {
  if (session_stream_ != nullptr && !closed_) return session_stream_->listen(report);
  if (!traits().has_probe || closed_) return;
  if (traits().has_setup_stream && !setup_received_) {
    when_setup_.emplace_back(
        [this, target_bitrate, report = std::move(report)] { probe(target_bitrate, report); });
    return;
  }
  if (traits().has_setup_stream && peer_setup_.probe == ProbeLevel::none) return;
  if (goaway_received_) return;
  add(std::make_unique<ProbeRequest>(*this, target_bitrate, std::move(report)));
}

// --- Streams of the peer

void Session::on_uni(std::shared_ptr<transport::RecvStream> stream) {
  on_bidi({.send = nullptr, .recv = std::move(stream)});
}

void Session::on_bidi(transport::Stream stream) {
  if (closed_) return;
  const bool request = stream.send != nullptr;
  auto task = std::make_unique<IncomingStream>(*this, std::move(stream));
  incoming_.insert(task.get());
  if (header_timer_.when() == kNever) {
    header_timer_.arm(later(loop_.now(), limits().header_timeout));
  }
  if (request) {
    add_of_peer(std::move(task));
  } else {
    add(std::move(task));
  }
}

void Session::sweep_incoming() {
  const auto keep = hold();
  const Time now = loop_.now();
  Time next = kNever;
  const std::vector<Task*> waiting(incoming_.begin(), incoming_.end());
  for (Task* task : waiting) {
    auto& stream = static_cast<IncomingStream&>(*task);
    // It waits for this side.
    if (stream.whole()) continue;
    const Time due = later(stream.since(), limits().header_timeout);
    if (due <= now) {
      stream.expire();
    } else {
      next = std::min(next, due);
    }
  }
  header_timer_.arm(next);
}

bool Session::too_many_requests() {
  if (peer_requests_ <= limits().max_requests) return false;
  if (!std::exchange(warned_requests_, true)) {
    log::debug("{}: has {} requests running: more are refused", name_, limits().max_requests);
  }
  refused(SessionLimit::requests);
  return true;
}

bool Session::knows(const transport::Stream& stream, std::uint64_t type) const {
  if (stream.send == nullptr) {
    return type == static_cast<std::uint64_t>(UniType::group) ||
           (type == static_cast<std::uint64_t>(UniType::setup) && traits().has_setup_stream);
  }
  switch (static_cast<BidiType>(type)) {
    case BidiType::announce:
    case BidiType::subscribe:
      return true;
    case BidiType::fetch:
      return traits().has_fetch;
    case BidiType::probe:
      return traits().has_probe;
    case BidiType::goaway:
      return traits().has_goaway;
    case BidiType::track:
      return traits().has_track_stream;
    case BidiType::session:
      break;
  }
  return false;
}

bool Session::may_accept(const transport::Stream& stream, std::uint64_t type) const {
  if (authorized_) return true;
  return stream.send == nullptr || static_cast<BidiType>(type) == BidiType::goaway;
}

template <typename T>
void Session::serve(transport::Stream stream, const Bytes& message, MessageReader reader,
                    bool fin) {
  add_of_peer(std::make_unique<T>(*this, std::move(stream), std::move(reader))).start(message, fin);
}

void Session::accept(transport::Stream stream, std::uint64_t type, const Bytes& message,
                     MessageReader reader, bool fin) {
  if (stream.send == nullptr) {
    return accept_uni(std::move(stream.recv), static_cast<UniType>(type), message,
                      std::move(reader), fin);
  }
  switch (static_cast<BidiType>(type)) {
    case BidiType::announce:
      return serve<AnnouncePublisher>(std::move(stream), message, std::move(reader), fin);
    case BidiType::subscribe:
      return serve<SubscribePublisher>(std::move(stream), message, std::move(reader), fin);
    case BidiType::probe:
      return serve<ProbePublisher>(std::move(stream), message, std::move(reader), fin);
    case BidiType::goaway:
      return serve<GoawayStream>(std::move(stream), message, std::move(reader), fin);
    case BidiType::track:
      return serve<TrackPublisher>(std::move(stream), message, std::move(reader), fin);
    case BidiType::fetch:
      return add_of_peer(std::make_unique<FetchPublisher>(*this, std::move(stream)))
          .start(message, fin);
    case BidiType::session:
      break;  // not known: refused before
  }
}

void Session::accept_uni(std::shared_ptr<transport::RecvStream> stream, UniType type,
                         const Bytes& message, MessageReader reader, bool fin) {
  if (type == UniType::setup) {
    stream->set_handler(nullptr);
    return received_setup(message);
  }
  add(std::make_unique<GroupReceiver>(*this, std::move(stream)))
      .start(message, reader.take_rest(), fin);
}

void Session::on_datagram(Bytes datagram) {
  // Whatever is wrong with it, a datagram is only dropped (§"Datagrams").
  if (!traits().has_datagrams) return;
  const auto decoded = decode_datagram(version_, datagram);
  if (!decoded) return;
  const auto found = subscriptions_.find(decoded->header.subscribe_id);
  if (found == subscriptions_.end()) return;
  ++config_.traffic->received.frames;
  config_.traffic->received.bytes += decoded->payload.size();
  found->second->received_datagram({.sequence = decoded->header.sequence,
                                    .timestamp = decoded->header.timestamp,
                                    .payload = decoded->payload});
}

bool Session::may_read(const Path& path) const {
  return path.has_prefix(scope_.root) && Scope::allows(scope_.subscribe, path.without(scope_.root));
}

Result<std::shared_ptr<Track>> Session::find_track(const std::string& broadcast,
                                                   const std::string& track) {
  const Path path = scope_.root.join(Path(broadcast));
  if (config_.publish == nullptr || !may_read(path)) {
    return moq::fail(StreamError::not_found, "\"" + broadcast + "\" may not be read");
  }
  const auto found = config_.publish->find(path, token());
  if (found == nullptr) {
    return moq::fail(StreamError::not_found, "there is no broadcast \"" + broadcast + "\"");
  }
  auto made = found->track(track);
  if (!made) return moq::fail(stream_error_for(made.error()), made.error().message());
  return *std::move(made);
}

Result<void> Session::claim_peer_subscribe_id(std::uint64_t id) {
  if (peer_subscribe_ids_.insert(id).second) return {};
  return moq::fail(SessionError::protocol_violation,
                   "subscribe id " + std::to_string(id) + " is in use");
}

// --- The end

void Session::retire(Task& task) {
  const auto found = tasks_.find(&task);
  if (found == tasks_.end()) return;
  incoming_.erase(&task);
  if (task.of_peer_) --peer_requests_;
  if (task.of_media() && --media_ == 0) check_idle();
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

void Session::left(std::string_view how) {
  // Streams hear of a closed connection before the session does: it may be that.
  loop_.post([weak = weak_from_this(), error = Error(SessionError::no_error, std::string(how))] {
    const auto self = weak.lock();
    if (self == nullptr || self->closed_) return;
    self->transport_->close(static_cast<std::uint64_t>(SessionError::no_error), "");
    self->end(error, true);
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
  header_timer_.cancel();
  // Readers of the peer's tracks hear of the end before the owner does.
  auto tasks = std::exchange(tasks_, {});
  for (auto& [key, task] : tasks) retired_.push_back(std::move(task));
  incoming_.clear();
  std::exchange(retired_, {}).clear();
  if (events_ != nullptr) events_->on_closed(error, by_peer);
}

}  // namespace moq::lite
