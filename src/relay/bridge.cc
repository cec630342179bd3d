#include "relay/bridge.h"

#include <utility>

#include "net/base/log.h"
#include "relay/bridge_home.h"
#include "relay/bridge_remote.h"

namespace moq::relay {

using bridge::BroadcastId;
using bridge::CrossingId;
using bridge::HomeTrack;
using bridge::RemoteBroadcast;
using bridge::RemoteTrack;

Bridge::Bridge(Loop& loop, Origin& origin, Cache& cache)
    : loop_(loop),
      origin_(origin),
      cache_(cache),
      // Routes from bridges have this token: they are not told of again.
      watch_(origin.watch(Path(), *this, token(), 0, WatchTracks::yes)) {}

Bridge::~Bridge() {
  watch_.reset();
  // From here on nobody is told anything.
  for (auto& [worker, peer] : peers_) peer.send = nullptr;
  home_tracks_.clear();
  retired_.clear();
  for (auto& [worker, peer] : peers_) peer.broadcasts.clear();
}

void Bridge::connect(std::size_t worker, Send send) { peers_[worker].send = std::move(send); }

void Bridge::send(std::size_t worker, bridge::Message message) {
  const auto peer = peers_.find(worker);
  if (peer == peers_.end() || !peer->second.send) return;
  peer->second.waiting.push_back(std::move(message));
  loop_.mark(*this);
}

void Bridge::has_progress(HomeTrack& track) {
  progress_.emplace_back(track.reader(), track.crossing());
  loop_.mark(*this);
}

void Bridge::forget(const HomeTrack& track) {
  loop_.post(
      [this, crossing = Crossing(track.reader(), track.crossing()), alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) home_tracks_.erase(crossing);
      });
}

void Bridge::flush() {
  for (const Crossing& crossing : std::exchange(progress_, {})) {
    if (const auto it = home_tracks_.find(crossing); it != home_tracks_.end()) {
      it->second->tell_progress();
    }
  }
  for (auto& [worker, peer] : peers_) {
    if (!peer.waiting.empty()) peer.send(std::exchange(peer.waiting, {}));
  }
}

std::shared_ptr<Broadcast> Bridge::home_broadcast(BroadcastId id) const {
  const auto it = home_broadcasts_.find(id);
  return it == home_broadcasts_.end() ? nullptr : it->second.lock();
}

CrossingId Bridge::add(RemoteTrack& track) {
  remote_tracks_.emplace(++last_crossing_, &track);
  return last_crossing_;
}

void Bridge::on_announcements(const std::vector<Announcement>& changes) {
  for (const Announcement& change : changes) {
    Home& home = homes_[change.path];
    const bool same = home.id != 0 && home.broadcast.lock() == change.broadcast;
    if (!same) home_broadcasts_.erase(home.id);
    if (change.broadcast == nullptr) {
      homes_.erase(change.path);
      for (auto& [worker, peer] : peers_) send(worker, bridge::Withdrawn{change.path});
      continue;
    }
    if (!same) home = {++last_broadcast_, change.broadcast, {}, {}};
    home.hops = change.hops;
    home.tracks = change.tracks;
    home_broadcasts_[home.id] = change.broadcast;
    for (auto& [worker, peer] : peers_) {
      send(worker, bridge::Announced{change.path, home.id, change.hops, change.tracks});
    }
  }
}

void Bridge::receive(std::size_t from, Messages messages) {
  if (!peers_.contains(from)) return;
  for (bridge::Message& message : messages) {
    std::visit([&](auto& kind) { handle(from, kind); }, message);
  }
}

void Bridge::handle(std::size_t from, bridge::Announced& message) {
  auto& broadcasts = peers_.at(from).broadcasts;
  auto& known = broadcasts[message.path];
  if (known != nullptr && known->id() == message.broadcast) {
    if (const auto updated = known->update(message); !updated) {
      log::debug("bridge: {}: {}", message.path.text(), updated.error().message());
    }
    return;
  }
  auto old =
      std::exchange(known, std::make_shared<RemoteBroadcast>(*this, from, message.broadcast));
  if (const auto published = known->publish(message); !published) {
    log::warn("bridge: cannot publish {} of worker {}: {}", message.path.text(), from,
              published.error().message());
    broadcasts.erase(message.path);
  }
  // Last, so that the path is never without.
  if (old != nullptr) retire(std::move(old));
}

void Bridge::handle(std::size_t from, bridge::Withdrawn& message) {
  auto node = peers_.at(from).broadcasts.extract(message.path);
  if (!node.empty()) retire(std::move(node.mapped()));
}

void Bridge::retire(std::shared_ptr<RemoteBroadcast> broadcast) {
  broadcast->withdraw();
  retired_.push_back(std::move(broadcast));
  clean_up();
}

void Bridge::clean_up() {
  if (retired_.empty() || std::exchange(clean_up_posted_, true)) return;
  loop_.post([this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    clean_up_posted_ = false;
    std::vector<std::shared_ptr<RemoteBroadcast>> unused;
    std::erase_if(retired_, [&](const auto& broadcast) {
      if (broadcast->busy()) return false;
      unused.push_back(broadcast);
      return true;
    });
  });
}

void Bridge::handle(std::size_t from, bridge::Opened& message) {
  const Crossing crossing(from, message.crossing);
  auto& track = home_tracks_[crossing];
  track = std::make_unique<HomeTrack>(*this, from, message);
  track->open();
}

void Bridge::handle(std::size_t from, bridge::Demanded& message) {
  const auto it = home_tracks_.find({from, message.crossing});
  if (it != home_tracks_.end()) it->second->demand(message);
}

void Bridge::handle(std::size_t from, bridge::Fetched& message) {
  const auto it = home_tracks_.find({from, message.crossing});
  if (it != home_tracks_.end()) it->second->fetch(message.sequence);
}

void Bridge::handle(std::size_t from, bridge::Closed& message) {
  home_tracks_.erase({from, message.crossing});
}

template <typename Message>
void Bridge::handle(std::size_t /*from*/, Message& message) {
  const auto it = remote_tracks_.find(message.crossing);
  if (it == remote_tracks_.end()) return;
  RemoteTrack& track = *it->second;
  track.handle(message);
  if constexpr (std::is_same_v<Message, bridge::Aborted>) {
    track.broadcast().drop(message.crossing);
    clean_up();
  }
}

}  // namespace moq::relay
