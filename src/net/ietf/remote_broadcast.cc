#include "net/ietf/remote_broadcast.h"

#include <algorithm>
#include <utility>

#include "net/ietf/session.h"
#include "net/model/error.h"

namespace moq::ietf {

RemoteBroadcast::RemoteBroadcast(Session& session, TrackNamespace name)
    : session_(session),
      name_(std::move(name)),
      broadcast_(std::make_shared<Broadcast>(session.loop(), *session.config().cache)) {
  broadcast_->set_source(this);
}

RemoteBroadcast::~RemoteBroadcast() {
  publication_.reset();
  broadcast_->set_source(nullptr);
  // Before their sources go: a track without a source would offer what it still has
  // to readers who wait for the latest.
  broadcast_->close(Error(ModelError::closed, "the publisher's session is gone"));
  tracks_.clear();
  session_.forget_broadcast(name_);
}

Route RemoteBroadcast::route() const {
  // An unknown hop stands for a way that the drafts do not tell of.
  return {.hops = {0},
          .peer = session_.token(),
          .draining = session_.goaway_received(),
          .tracks = published_.empty() ? nullptr
                                       : std::make_shared<const std::set<std::string>>(published_)};
}

Result<void> RemoteBroadcast::publish(const Path& path) {
  MOQ_TRY(publication_, session_.config().subscribe->publish(path, broadcast_, route()));
  return {};
}

void RemoteBroadcast::set_draining() { update_route(); }

void RemoteBroadcast::update_route() {
  // The hops do not change, so nothing can be wrong with them.
  if (publication_ != nullptr) (void)publication_->update(route());
}

void RemoteBroadcast::withdraw(std::function<void()> done) {
  publication_.reset();
  broadcast_->set_source(nullptr);
  done_ = std::move(done);
  check_idle();
}

void RemoteBroadcast::on_track(Broadcast& /*broadcast*/, const std::shared_ptr<Track>& track) {
  // Tracks that are gone are of no use any more. This may be a call from inside of one.
  for (auto it = tracks_.begin(); it != tracks_.end();) {
    const auto here = it++;
    if (!here->second->track().error()) continue;
    dead_.push_back(std::move(here->second));
    tracks_.erase(here);
  }
  if (!dead_.empty()) {
    session_.loop().post([this, alive = std::weak_ptr<int>(alive_)] {
      if (!alive.expired()) std::exchange(dead_, {}).clear();
    });
  }
  auto remote = std::make_unique<RemoteTrack>(
      session_, FullTrackName{.track_namespace = name_, .track_name = track->name()}, track,
      [this] { check_idle(); });
  RemoteTrack& ref = *remote;
  tracks_[track.get()] = std::move(remote);
  if (brought_by_ != nullptr) {
    ref.start(*std::exchange(brought_by_, nullptr));
  } else {
    ref.start();
  }
}

Result<RemoteTrack*> RemoteBroadcast::publish_track(const std::string& name,
                                                    TrackRequest& request) {
  brought_by_ = &request;
  auto track = broadcast_->track(name);
  if (track && brought_by_ != nullptr && (*track)->end()) {
    // One that has ended comes again.
    (*track)->abort(Error(ModelError::closed, "it is published anew"));
    track = broadcast_->track(name);
  }
  const bool anew = std::exchange(brought_by_, nullptr) == nullptr;
  if (!track) return fail(RequestErrorCode::excessive_load, track.error().message());
  const auto known = tracks_.find(track->get());
  if (!anew && (known == tracks_.end() || !known->second->start_instead(request))) {
    return fail(RequestErrorCode::duplicate_subscription, "it is subscribed to");
  }
  if (published_.size() < kMaxPublishedTracks && published_.insert(name).second) post_update();
  return tracks_.find(track->get())->second.get();
}

void RemoteBroadcast::forget_track(const std::string& name) {
  if (published_.erase(name) != 0) post_update();
}

void RemoteBroadcast::post_update() {
  if (std::exchange(update_posted_, true)) return;
  session_.loop().post([this, alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired()) return;
    update_posted_ = false;
    update_route();
  });
}

void RemoteBroadcast::check_idle() {
  if (!done_) return;
  const bool busy =
      std::ranges::any_of(tracks_, [](const auto& entry) { return entry.second->busy(); });
  if (busy) return;
  session_.loop().post([this, alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired() || !done_) return;
    std::exchange(done_, nullptr)();
  });
}

}  // namespace moq::ietf
