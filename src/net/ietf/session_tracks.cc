#include <algorithm>
#include <utility>

#include "net/ietf/fetch_request.h"
#include "net/ietf/mapping.h"
#include "net/ietf/namespace_requests.h"
#include "net/ietf/publish_request.h"
#include "net/ietf/remote_broadcast.h"
#include "net/ietf/session.h"
#include "net/ietf/tracks_publisher.h"

/// Session: what there is of tracks, namespaces and requests, for its parts.
namespace moq::ietf {

Result<void> Session::bind_alias(std::uint64_t alias, RemoteTrack& track) {
  const auto [at, anew] = aliases_.emplace(alias, &track);
  if (!anew) {
    return moq::fail(SessionError::duplicate_track_alias, fmt::format("track alias {}", alias));
  }
  retry_waiting();
  return {};
}

void Session::retry_waiting() {
  // Those whose track it is not wait on. Each call may retire any.
  std::vector<Task*> all;
  for (const auto& [stream, again] : waiting_streams_) all.push_back(stream);
  for (Task* stream : all) {
    const auto found = waiting_streams_.find(stream);
    if (closed_ || found == waiting_streams_.end()) continue;
    const auto again = found->second;
    again();
  }
}

void Session::release_alias(std::uint64_t alias) { aliases_.erase(alias); }

RemoteTrack* Session::track_of(std::uint64_t alias) const {
  const auto found = aliases_.find(alias);
  return found == aliases_.end() ? nullptr : found->second;
}

bool Session::claim_held(std::size_t size) {
  if (size > kMaxHeld - held_) return false;
  held_ += size;
  return true;
}

void Session::await_track(Task& stream, std::function<void()> again) {
  waiting_streams_[&stream] = std::move(again);
}

Result<std::shared_ptr<RemoteBroadcast>> Session::accept_namespace(const TrackNamespace& name) {
  if (const auto known = broadcasts_.find(name); known != broadcasts_.end()) {
    auto broadcast = known->second.lock();
    if (broadcast != nullptr && broadcast->published()) return broadcast;
  }
  if (traits().has_reserved_namespaces && is_reserved(name)) {
    return moq::fail(RequestErrorCode::does_not_exist, "the namespace is reserved");
  }
  const auto wire = to_path(name);
  if (!wire) return moq::fail(RequestErrorCode::uninterested, "the namespace is no path here");
  if (config_.subscribe == nullptr) {
    return moq::fail(RequestErrorCode::uninterested, "nothing is subscribed to here");
  }
  if (!Scope::allows(scope_.publish, *wire)) {
    return moq::fail(RequestErrorCode::unauthorized,
                     "\"" + wire->text() + "\" may not be published");
  }
  if (broadcasts_.size() >= limits().max_announced) {
    refused(SessionLimit::announcements);
    return moq::fail(RequestErrorCode::excessive_load, "too many namespaces");
  }
  auto broadcast = std::make_shared<RemoteBroadcast>(*this, name);
  if (const auto made = broadcast->publish(scope_.root.join(*wire)); !made) {
    return moq::fail(RequestErrorCode::internal, made.error().message());
  }
  broadcasts_[name] = broadcast;
  return broadcast;
}

void Session::forget_broadcast(const TrackNamespace& name) {
  const auto known = broadcasts_.find(name);
  if (known != broadcasts_.end() && known->second.expired()) broadcasts_.erase(known);
}

void Session::let_end(std::shared_ptr<RemoteBroadcast> broadcast) {
  if (broadcast == nullptr || broadcast.use_count() > 1) return;
  RemoteBroadcast* ref = broadcast.get();
  ending_.push_back(std::move(broadcast));
  ref->withdraw(
      [this, ref] { std::erase_if(ending_, [&](const auto& each) { return each.get() == ref; }); });
}

bool Session::announces_all() const {
  return authorized_ && config_.side == Side::client && config_.publish != nullptr;
}

bool Session::may_read(const Path& path) const {
  return path.has_prefix(scope_.root) && Scope::allows(scope_.subscribe, path.without(scope_.root));
}

bool Session::subscribed(const FullTrackName& track, const Request* except) const {
  return std::ranges::any_of(requests_, [&](const auto& entry) {
    const TrackPublisher* other = publisher(entry.second);
    return other != nullptr && other != except && !other->over() && other->name() == track;
  });
}

Result<Path> Session::readable(const TrackNamespace& name) const {
  const auto wire = to_path(name);
  if (!wire) return moq::fail(RequestErrorCode::does_not_exist, "the namespace is no path here");
  const Path path = scope_.root.join(*wire);
  if (config_.publish == nullptr || !may_read(path)) {
    return moq::fail(RequestErrorCode::unauthorized, "\"" + wire->text() + "\" may not be read");
  }
  return path;
}

Result<std::shared_ptr<Track>> Session::find_track(const FullTrackName& name) {
  MOQ_TRY(const Path path, readable(name.track_namespace));
  auto found = config_.publish->find(path, token());
  // What nobody else has may be the peer's own.
  if (found == nullptr && config_.side == Side::server) found = config_.publish->find(path);
  if (found == nullptr) {
    return moq::fail(RequestErrorCode::does_not_exist,
                     "there is no broadcast \"" + path.without(scope_.root).text() + "\"");
  }
  auto made = found->track(name.track_name);
  if (!made) return moq::fail(RequestErrorCode::does_not_exist, made.error().message());
  return *std::move(made);
}

FetchRequest* Session::fetch(std::uint64_t id) const {
  const auto found = requests_.find(id);
  if (found == requests_.end() || !found->second->ours()) return nullptr;
  if (found->second->kind() != MessageKind::fetch) return nullptr;
  return static_cast<FetchRequest*>(found->second);
}

TrackPublisher* Session::publisher(Request* request) {
  // The peer's SUBSCRIBE, or a PUBLISH of ours.
  const MessageKind kind = request->ours() ? MessageKind::publish : MessageKind::subscribe;
  return request->kind() == kind ? static_cast<TrackPublisher*>(request) : nullptr;
}

TrackPublisher* Session::subscription(std::uint64_t id) const {
  const auto found = requests_.find(id);
  return found == requests_.end() ? nullptr : publisher(found->second);
}

void Session::replace_publication(std::uint64_t id) {
  const auto found = requests_.find(id);
  if (found == requests_.end() || publisher(found->second) == nullptr) return;
  static_cast<PublishRequest*>(found->second)->replace();
}

void Session::withdraw_announcement(std::uint64_t id) {
  const auto found = requests_.find(id);
  if (found == requests_.end() || !found->second->ours()) return;
  static_cast<NamespaceAnnouncement&>(*found->second).withdraw();
}

bool Session::announces(const TrackNamespace& name) const {
  return std::ranges::any_of(requests_, [&](const auto& entry) {
    const Request* request = entry.second;
    return request->ours() && !request->over() &&
           request->kind() == MessageKind::publish_namespace &&
           static_cast<const NamespaceAnnouncement*>(request)->name() == name;
  });
}

bool Session::overlaps(const Request& request, const TrackNamespace& prefix) const {
  return std::ranges::any_of(requests_, [&](const auto& entry) {
    const Request* other = entry.second;
    if (other == &request || other->ours() || other->over()) return false;
    if (other->kind() != request.kind()) return false;
    const TrackNamespace& its = request.kind() == MessageKind::subscribe_tracks
                                    ? static_cast<const TracksPublisher*>(other)->prefix()
                                    : static_cast<const NamespacePublisher*>(other)->prefix();
    const std::size_t common = std::min(its.size(), prefix.size());
    return std::equal(its.begin(), its.begin() + static_cast<std::ptrdiff_t>(common),
                      prefix.begin());
  });
}

void Session::note(NamespaceReceiver& receiver, const TrackNamespace& name) {
  published_.emplace(name, &receiver);
}

void Session::forget(NamespaceReceiver& receiver, const TrackNamespace& name) {
  const auto [first, last] = published_.equal_range(name);
  const auto found =
      std::find_if(first, last, [&](const auto& each) { return each.second == &receiver; });
  if (found != last) published_.erase(found);
}

}  // namespace moq::ietf
