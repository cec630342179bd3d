#include "net/model/broadcast.h"

#include <algorithm>
#include <utility>

#include "net/model/error.h"

namespace moq {

Broadcast::Broadcast(Loop& loop, Cache& cache, const Limits& limits)
    : loop_(loop), cache_(cache), limits_(limits) {}

Broadcast::~Broadcast() { close(ModelError::closed); }

Result<std::shared_ptr<Track>> Broadcast::create(const std::string& name) {
  if (closed_) return fail(ModelError::closed, name);
  const auto it = tracks_.find(name);
  if (it != tracks_.end() && !it->second.track->error()) return fail(ModelError::exists, name);
  return make(name, false);
}

Result<std::shared_ptr<Track>> Broadcast::track(const std::string& name) {
  if (closed_) return fail(ModelError::closed, name);
  const auto it = tracks_.find(name);
  if (it != tracks_.end() && !it->second.track->error()) return it->second.track;
  if (source_ == nullptr) return fail(ModelError::not_found, name);
  MOQ_TRY(auto track, make(name, true));
  source_->on_track(*this, track);
  return track;
}

Result<std::shared_ptr<Track>> Broadcast::make(const std::string& name, bool on_demand) {
  if (!tracks_.contains(name)) {
    if (tracks_.size() >= limits_.max_tracks) make_room();
    if (tracks_.size() >= limits_.max_tracks) return fail(ModelError::too_many, "tracks");
  }
  auto track = std::make_shared<Track>(loop_, cache_, name, limits_.track);
  tracks_[name] = {track, on_demand};
  return track;
}

void Broadcast::make_room() {
  std::erase_if(tracks_, [](const auto& item) { return item.second.track->error().has_value(); });
  if (tracks_.size() < limits_.max_tracks) return;
  const auto idle = std::ranges::find_if(
      tracks_, [](const auto& item) { return item.second.on_demand && item.second.track->idle(); });
  if (idle == tracks_.end()) return;
  const std::shared_ptr<Track> track = idle->second.track;
  tracks_.erase(idle);
  track->abort(Error(ModelError::closed, "nobody used the track"));
}

void Broadcast::close(const Error& error) {
  if (closed_) return;
  closed_ = error;
  while (!watchers_.empty()) {
    BroadcastWatcher& watcher = watchers_.front();
    watchers_.pop_front();
    watcher.on_broadcast_closed();
  }
  for (auto& [name, entry] : std::exchange(tracks_, {})) entry.track->abort(error);
}

void Broadcast::attach(BroadcastWatcher& watcher) {
  if (watcher.is_linked()) watcher.unlink();
  if (!closed_) watchers_.push_back(watcher);
}

}  // namespace moq
