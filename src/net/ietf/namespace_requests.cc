#include "net/ietf/namespace_requests.h"

#include <algorithm>
#include <utility>

#include "net/ietf/mapping.h"
#include "net/ietf/session.h"

namespace moq::ietf {

namespace {

Error unexpected(MessageKind kind, MessageKind about) {
  return {SessionError::protocol_violation,
          std::string(to_string(kind)) + " about a " + std::string(to_string(about))};
}

}  // namespace

// --- SUBSCRIBE_NAMESPACE, ours

NamespaceRequest::NamespaceRequest(Session& session, const Path& prefix)
    : Request(session, MessageKind::subscribe_namespace), prefix_(prefix) {
  open(SubscribeNamespace{.request_id = id(), .prefix = to_namespace(prefix)});
}

NamespaceRequest::~NamespaceRequest() { session().forget(*this); }

void NamespaceRequest::set_draining() {
  for (auto& [suffix, broadcast] : active_) {
    if (broadcast != nullptr) broadcast->set_draining();
  }
}

Result<void> NamespaceRequest::received(MessageKind kind, ByteSpan body) {
  switch (kind) {
    case MessageKind::request_ok:
      MOQ_CHECK_OK(decode<RequestOk>(session().version(), body));
      return {};
    case MessageKind::request_error: {
      MOQ_TRY(const auto error, decode<RequestError>(session().version(), body));
      log::info("{}: what there is below \"{}\" is not told: {}", session().name(), prefix_.text(),
                error.failure.reason);
      finish();
      return {};
    }
    case MessageKind::namespace_added: {
      MOQ_TRY(const auto message, decode<NamespaceAdded>(session().version(), body));
      if (active_.contains(message.suffix)) return {};
      if (active_.size() >= session().limits().max_announced) {
        if (!std::exchange(warned_, true)) {
          log::debug("{}: announces more than {} broadcasts: the rest is ignored", session().name(),
                     session().limits().max_announced);
        }
        session().refused(SessionLimit::announcements);
        return {};
      }
      auto& slot = active_[message.suffix];
      const auto suffix = to_path(message.suffix);
      if (!suffix) return {};
      const Path wire = prefix_.join(*suffix);
      if (session().announces(to_namespace(wire))) return {};
      slot = std::make_shared<RemoteBroadcast>(session(), to_namespace(wire));
      if (!slot->publish(session().scope().root.join(wire))) slot.reset();
      return {};
    }
    case MessageKind::namespace_done: {
      MOQ_TRY(const auto message, decode<NamespaceDone>(session().version(), body));
      if (!active_.contains(message.suffix) && !warned_) {
        return fail(SessionError::protocol_violation, "NAMESPACE_DONE without NAMESPACE");
      }
      withdraw(message.suffix);
      return {};
    }
    default:
      return tl::unexpected<Error>(unexpected(kind, this->kind()));
  }
}

void NamespaceRequest::withdraw(const TrackNamespace& suffix) {
  const auto found = active_.find(suffix);
  if (found == active_.end()) return;
  auto broadcast = std::move(found->second);
  active_.erase(found);
  session().let_end(std::move(broadcast));
}

void NamespaceRequest::withdraw_all() {
  while (!active_.empty()) withdraw(TrackNamespace(active_.begin()->first));
}

void NamespaceRequest::gone(StreamError /*code*/) { withdraw_all(); }

// --- PUBLISH_NAMESPACE, ours

NamespaceAnnouncement::NamespaceAnnouncement(Session& session, TrackNamespace name)
    : Request(session, MessageKind::publish_namespace), name_(std::move(name)) {
  open(PublishNamespace{.request_id = id(), .track_namespace = name_});
}

void NamespaceAnnouncement::withdraw() {
  if (session().traits().has_cancel_messages) {
    send(PublishNamespaceDone{.track_namespace = name_, .request_id = id()});
  }
  finish();
}

Result<void> NamespaceAnnouncement::received(MessageKind kind, ByteSpan body) {
  if (kind == MessageKind::request_ok) {
    MOQ_CHECK_OK(decode<RequestOk>(session().version(), body));
    return {};
  }
  if (kind != MessageKind::request_error)
    return tl::unexpected<Error>(unexpected(kind, this->kind()));
  MOQ_TRY(const auto error, decode<RequestError>(session().version(), body));
  log::info("{}: a namespace is not taken: {}", session().name(), error.failure.reason);
  finish();
  return {};
}

Announcer::Announcer(Session& session, const Path& prefix, PeerToken except)
    : Task(session), prefix_(prefix), except_(except) {}

Announcer::~Announcer() {
  watch_.reset();
  for (const auto& [path, request] : told_) session().withdraw_announcement(request);
}

void Announcer::start() {
  watch_ = session().config().publish->watch(session().scope().root.join(prefix_), *this, except_);
}

void Announcer::on_announcements(const std::vector<Announcement>& changes) {
  for (const Announcement& change : changes) {
    const bool there = change.broadcast != nullptr && session().may_read(change.path) &&
                       is_encodable(to_namespace(change.path.without(session().scope().root)));
    const auto known = told_.find(change.path);
    if (there == (known != told_.end())) continue;
    if (!there) {
      session().withdraw_announcement(known->second);
      told_.erase(known);
      continue;
    }
    const Path path = change.path;
    // One that goes before it may be told is never told.
    (void)session().when_request_allowed([this, path, alive = std::weak_ptr(alive_)] {
      if (alive.expired() || told_.contains(path)) return;
      const auto request = &session().add(std::make_unique<NamespaceAnnouncement>(
          session(), to_namespace(path.without(session().scope().root))));
      told_[path] = request->id();
    });
  }
}

// --- PUBLISH_NAMESPACE of the peer's

NamespaceReceiver::NamespaceReceiver(Session& session, Arrival arrival, PublishNamespace message)
    : Request(session, MessageKind::publish_namespace, std::move(arrival)),
      name_(std::move(message.track_namespace)) {}

NamespaceReceiver::~NamespaceReceiver() { session().forget(*this, name_); }

void NamespaceReceiver::begin() {
  if (session().announces(name_)) {
    return refuse(RequestErrorCode::uninterested, "it comes from here");
  }
  auto broadcast = session().accept_namespace(name_);
  if (!broadcast) return refuse(request_error_of(broadcast.error()), broadcast.error().detail());
  broadcast_ = *std::move(broadcast);
  session().note(*this, name_);
  send(RequestOk{.request_id = id()});
}

Result<void> NamespaceReceiver::received(MessageKind kind, ByteSpan body) {
  if (kind != MessageKind::request_update || !session().traits().updates_are_answered)
    return tl::unexpected<Error>(unexpected(kind, this->kind()));
  MOQ_TRY(const auto update, take_update(body));
  if (update) {
    send(RequestUpdateOk{.request_id = update->request_id});
  } else {
    on_fin();
  }
  return {};
}

void NamespaceReceiver::on_fin() {
  session().forget(*this, name_);
  session().let_end(std::move(broadcast_));
  finish();
}

void NamespaceReceiver::gone(StreamError /*code*/) { session().let_end(std::move(broadcast_)); }

// --- SUBSCRIBE_NAMESPACE of the peer's

NamespacePublisher::NamespacePublisher(Session& session, Arrival arrival,
                                       SubscribeNamespace message)
    : Request(session, MessageKind::subscribe_namespace, std::move(arrival)),
      prefix_(std::move(message.prefix)) {}

NamespacePublisher::~NamespacePublisher() = default;

void NamespacePublisher::begin() {
  const auto prefix = to_path(prefix_);
  if (!prefix) return refuse(RequestErrorCode::does_not_exist, "the prefix is no path here");
  if (session().overlaps(*this, prefix_)) {
    return refuse(RequestErrorCode::prefix_overlap, "another subscription has this prefix");
  }
  path_ = session().scope().root.join(*prefix);
  send(RequestOk{.request_id = id()});
  start();
}

void NamespacePublisher::start() {
  if (session().config().publish == nullptr) return;
  // A relay tells the peer of its own, too; whoever dials one has only its own to tell.
  const PeerToken except = session().config().side == Side::server ? nullptr : session().token();
  if (session().traits().has_subscribe_tracks) {
    watch_ = session().config().publish->watch(path_, *this, except);
    return;
  }
  // Which of the tracks it wants, the peer says in its answers.
  tracks_ = std::make_unique<TrackAnnouncer>(session());
  tracks_->start(path_, false);
  if (session().announces_all()) return;
  announcer_ =
      std::make_unique<Announcer>(session(), path_.without(session().scope().root), except);
  announcer_->start();
}

void NamespacePublisher::on_announcements(const std::vector<Announcement>& changes) {
  for (const Announcement& change : changes) {
    const bool there = change.broadcast != nullptr && session().may_read(change.path) &&
                       is_encodable(to_namespace(change.path.without(path_)));
    if (there == told_.contains(change.path)) continue;
    TrackNamespace suffix = to_namespace(change.path.without(path_));
    if (there) {
      told_.insert(change.path);
      send(NamespaceAdded{.suffix = std::move(suffix)});
    } else {
      told_.erase(change.path);
      send(NamespaceDone{.suffix = std::move(suffix)});
    }
  }
}

Result<void> NamespacePublisher::received(MessageKind kind, ByteSpan body) {
  if (kind == MessageKind::request_update && session().traits().updates_are_answered) {
    return received_update(body);
  }
  return tl::unexpected<Error>(unexpected(kind, this->kind()));
}

Result<void> NamespacePublisher::received_update(ByteSpan body) {
  MOQ_TRY(const auto taken, take_update(body));
  if (!taken) {
    stop();
    finish();
    return {};
  }
  const RequestUpdate& update = *taken;
  const bool moved = update.prefix && *update.prefix != prefix_;
  if (moved) {
    const auto prefix = to_path(*update.prefix);
    prefix_ = *update.prefix;
    if (!prefix || session().overlaps(*this, prefix_)) {
      stop();
      refuse(prefix ? RequestErrorCode::prefix_overlap : RequestErrorCode::does_not_exist,
             "the new prefix cannot be had");
      return {};
    }
    stop();
    told_.clear();
    path_ = session().scope().root.join(*prefix);
  }
  send(RequestUpdateOk{.request_id = update.request_id});
  // Suffixes are relative to the new prefix from here on.
  if (moved) start();
  return {};
}

void NamespacePublisher::on_fin() {
  stop();
  finish();
}

void NamespacePublisher::gone(StreamError /*code*/) { stop(); }

void NamespacePublisher::stop() {
  watch_.reset();
  announcer_.reset();
  tracks_.reset();
}

}  // namespace moq::ietf
