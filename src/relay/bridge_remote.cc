#include "relay/bridge_remote.h"

#include <algorithm>
#include <utility>

#include "net/model/error.h"

namespace moq::relay::bridge {

RemoteTrack::RemoteTrack(RemoteBroadcast& broadcast, const std::shared_ptr<Track>& track)
    : broadcast_(broadcast), crossing_(broadcast.bridge().add(*this)), track_(track), held_(track) {
  broadcast_.bridge().send(broadcast_.home(), Opened{crossing_, broadcast_.id(), track->name()});
  track->set_source(this);
}

RemoteTrack::~RemoteTrack() {
  if (const auto track = track_.lock(); track != nullptr && track->source() == this) {
    track->set_source(nullptr);
  }
  broadcast_.bridge().remove(crossing_);
  if (!aborted_) broadcast_.bridge().send(broadcast_.home(), Closed{crossing_});
}

void RemoteTrack::hold() {
  held_ = busy() ? track_.lock() : nullptr;
  if (!busy()) broadcast_.bridge().clean_up();
}

void RemoteTrack::on_demand(Track&, const std::optional<SubscribeOptions>& combined) {
  if (combined && !demand_) ++epoch_;
  demand_ = combined.has_value();
  // The track has aborted what was open; the home tells of it no more.
  if (!demand_) std::erase_if(groups_, [](const auto& item) { return !item.second.fetched; });
  broadcast_.bridge().send(broadcast_.home(), Demanded{crossing_, epoch_, combined});
  hold();
}

void RemoteTrack::on_fetch(Track&, std::uint64_t sequence) {
  fetches_.push_back(sequence);
  broadcast_.bridge().send(broadcast_.home(), Fetched{crossing_, sequence});
  hold();
}

void RemoteTrack::handle(Accepted& message) {
  answered_ = true;
  if (const auto track = track_.lock()) track->accept(message.info, message.largest);
  hold();
}

void RemoteTrack::handle(GroupBegun& message) {
  const auto track = track_.lock();
  if (track == nullptr) return;
  if (message.fetched) {
    std::erase(fetches_, message.sequence);
  } else if (!demand_ || message.epoch != epoch_) {
    return;
  }
  auto group = message.fetched ? track->create_fetched(message.sequence)
                               : track->create_group(message.sequence);
  // What is here already needs no second copy, and what is too old none at all.
  if (group) groups_.emplace(message.group, Copy{*std::move(group), message.fetched});
  hold();
}

void RemoteTrack::handle(GroupGrown& message) {
  const auto it = groups_.find(message.group);
  if (it == groups_.end()) return;
  const std::shared_ptr<Group> group = it->second.group;
  for (SubgroupGrown& grown : message.subgroups) {
    if (apply(*group, grown)) continue;
    // It was evicted here, or a limit of ours was passed.
    group->abort(Group::kCancelledCode);
    groups_.erase(message.group);
    return;
  }
  if (message.end == GroupGrown::End::none) return;
  if (message.end == GroupGrown::End::finished) {
    group->finish();
  } else {
    group->abort(message.abort_code);
  }
  groups_.erase(message.group);
}

bool RemoteTrack::apply(Group& group, SubgroupGrown& grown) {
  Subgroup* subgroup = group.find(grown.id);
  if (subgroup == nullptr) {
    const auto added = group.add(grown.id, grown.info);
    if (!added) return false;
    subgroup = *added;
  }
  if (grown.info.ends_group) subgroup->set_ends_group();
  for (Piece& piece : grown.pieces) {
    if (piece.begins && !subgroup->append_object(*std::move(piece.begins))) return false;
    for (Bytes& chunk : piece.chunks) {
      if (!subgroup->append_payload(std::move(chunk))) return false;
    }
  }
  if (grown.state == Subgroup::State::finished) subgroup->finish();
  if (grown.state == Subgroup::State::aborted) subgroup->abort(grown.abort_code);
  return true;
}

void RemoteTrack::handle(DatagramCame& message) {
  if (const auto track = track_.lock(); track != nullptr && message.epoch == epoch_ && demand_) {
    track->datagram(message.datagram);
  }
}

void RemoteTrack::handle(Dropped& message) {
  if (const auto track = track_.lock(); track != nullptr && message.epoch == epoch_ && demand_) {
    track->drop(message.first, message.last, message.code);
  }
}

void RemoteTrack::handle(Ended& message) {
  if (const auto track = track_.lock(); track != nullptr && message.epoch == epoch_ && demand_) {
    track->finish(message.end);
  }
}

void RemoteTrack::handle(FetchFailed& message) {
  std::erase(fetches_, message.sequence);
  if (const auto track = track_.lock()) track->fail_fetch(message.sequence, message.error);
  hold();
}

void RemoteTrack::handle(Aborted& message) {
  aborted_ = true;
  if (const auto track = track_.lock()) track->abort(message.error);
}

RemoteBroadcast::RemoteBroadcast(Bridge& bridge, std::size_t home, BroadcastId id)
    : bridge_(bridge), home_(home), id_(id) {
  Broadcast::Limits limits;
  limits.track.group.counted_elsewhere = true;
  broadcast_ = std::make_shared<Broadcast>(bridge.loop(), bridge.cache(), limits);
  broadcast_->set_source(this);
}

RemoteBroadcast::~RemoteBroadcast() {
  publication_.reset();
  broadcast_->set_source(nullptr);
  tracks_.clear();
  broadcast_->close(Error(ModelError::closed, "the broadcast has ended"));
}

Route RemoteBroadcast::route(Announced& message) const {
  return {.hops = std::move(message.hops),
          .peer = bridge_.token(),
          .tracks = std::move(message.tracks)};
}

Result<void> RemoteBroadcast::publish(Announced& message) {
  MOQ_TRY(publication_, bridge_.origin().publish(message.path, broadcast_, route(message)));
  return {};
}

Result<void> RemoteBroadcast::update(Announced& message) {
  if (publication_ == nullptr) return {};
  return publication_->update(route(message));
}

bool RemoteBroadcast::busy() const {
  return std::ranges::any_of(tracks_, [](const auto& item) { return item.second->busy(); });
}

void RemoteBroadcast::on_track(Broadcast&, const std::shared_ptr<Track>& track) {
  if (tracks_.size() >= sweep_at_) {
    std::erase_if(tracks_, [](const auto& item) { return item.second->gone(); });
    sweep_at_ = std::max<std::size_t>(16, 2 * tracks_.size());
  }
  auto remote = std::make_unique<RemoteTrack>(*this, track);
  const CrossingId crossing = remote->crossing();
  tracks_.emplace(crossing, std::move(remote));
}

}  // namespace moq::relay::bridge
