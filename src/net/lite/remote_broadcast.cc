#include "net/lite/remote_broadcast.h"

#include <algorithm>
#include <utility>

#include "net/lite/session.h"
#include "net/model/error.h"

namespace moq::lite {

RemoteBroadcast::RemoteBroadcast(Session& session, Origin& origin, std::string wire_path)
    : session_(session),
      wire_path_(std::move(wire_path)),
      broadcast_(std::make_shared<Broadcast>(origin.loop(), *session.config().cache)) {
  broadcast_->set_source(this);
}

RemoteBroadcast::~RemoteBroadcast() {
  publication_.reset();
  broadcast_->set_source(nullptr);
  // Before their sources go: a track without a source would offer what it still has
  // to readers who wait for the latest.
  broadcast_->close(Error(ModelError::closed, "the publisher's session is gone"));
  tracks_.clear();
}

Result<void> RemoteBroadcast::publish(Origin& origin, const Path& path, const Route& route) {
  route_ = route;
  publisher_ = route.hops.empty() ? 0 : route.hops.front();
  if (publication_ != nullptr) {
    return publication_->update(route);
  }
  MOQ_TRY(publication_, origin.publish(path, broadcast_, route));
  return {};
}

void RemoteBroadcast::set_draining() {
  route_.draining = true;
  // The hops do not change, so nothing can be wrong with them.
  if (publication_ != nullptr) (void)publication_->update(route_);
}

void RemoteBroadcast::withdraw(std::function<void()> done) {
  publication_.reset();
  broadcast_->set_source(nullptr);
  done_ = std::move(done);
  check_idle();
}

void RemoteBroadcast::on_track(Broadcast& /*broadcast*/, const std::shared_ptr<Track>& track) {
  // Tracks that are gone are of no use any more, answered or not. This may be a call
  // from inside one of them.
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
  auto remote =
      std::make_unique<RemoteTrack>(session_, wire_path_, track, [this] { check_idle(); });
  RemoteTrack& ref = *remote;
  tracks_[track.get()] = std::move(remote);
  ref.start();
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

}  // namespace moq::lite
