#include "relay/bridge_home.h"

#include <utility>

#include "net/model/error.h"

namespace moq::relay::bridge {

/// A group on its way: where the other worker's copy of each subgroup ends.
class HomeTrack::Crossing final : private GroupReader {
 public:
  Crossing(HomeTrack& track, GroupId id, std::shared_ptr<Group> group, bool fetched)
      : track_(track), id_(id), group_(std::move(group)), fetched_(fetched) {
    group_->attach(*this);
    on_subgroups();
  }
  Crossing(const Crossing&) = delete;
  Crossing& operator=(const Crossing&) = delete;
  ~Crossing() {
    // Before the group, which may go with this.
    followers_.clear();
    if (is_linked()) unlink();
  }

  [[nodiscard]] const std::shared_ptr<Group>& group() const { return group_; }
  [[nodiscard]] bool fetched() const { return fetched_; }

  // Appends what is new, if anything is. Returns whether that was the end.
  bool tell(Bridge& bridge) {
    if (!std::exchange(dirty_, false)) return false;
    GroupGrown grown{.crossing = track_.crossing_, .group = id_};
    for (std::size_t i = followers_.size(); i < group_->subgroups().size(); ++i) {
      followers_.push_back(std::make_unique<Follower>(*this, *group_->subgroups()[i]));
    }
    for (const auto& follower : followers_) follower->tell(grown);
    if (group_->closed()) {
      grown.end = group_->aborted() ? GroupGrown::End::aborted : GroupGrown::End::finished;
      grown.abort_code = abort_code();
    }
    const bool ended = grown.end != GroupGrown::End::none;
    if (ended || !grown.subgroups.empty()) bridge.send(track_.reader_, std::move(grown));
    return ended;
  }

 private:
  class Follower final : private SubgroupReader {
   public:
    Follower(Crossing& owner, Subgroup& subgroup) : owner_(owner), subgroup_(subgroup) {
      subgroup_.attach(*this);
    }

    void tell(GroupGrown& grown) {
      if (ended_) return;
      SubgroupGrown mine{.id = subgroup_.id(), .info = subgroup_.info()};
      const auto& objects = subgroup_.objects();
      // The last object that was begun may have grown.
      for (std::size_t i = begun_ == 0 ? 0 : begun_ - 1; i < objects.size(); ++i) {
        Piece piece;
        if (i >= begun_) {
          piece.begins = objects[i];
          begun_ = i + 1;
          offset_ = 0;
        }
        take_payload(objects[i], piece);
        if (piece.begins || !piece.chunks.empty()) mine.pieces.push_back(std::move(piece));
      }
      mine.state = subgroup_.state();
      mine.abort_code = subgroup_.abort_code();
      ended_ = mine.state != Subgroup::State::open;
      if (!known_ || ended_ || !mine.pieces.empty()) grown.subgroups.push_back(std::move(mine));
      known_ = true;
    }

   private:
    void on_progress() override { owner_.on_subgroups(); }

    // The payload behind offset_. Chunks may have grown since they were told.
    void take_payload(const Object& object, Piece& piece) {
      std::uint64_t at = 0;
      for (const Bytes& chunk : object.payload) {
        const std::uint64_t end = at + chunk.size();
        if (end > offset_) {
          piece.chunks.push_back(chunk.slice(static_cast<std::size_t>(offset_ - at)));
          offset_ = end;
        }
        at = end;
      }
    }

    Crossing& owner_;
    Subgroup& subgroup_;
    std::size_t begun_ = 0;     // objects that were told
    std::uint64_t offset_ = 0;  // payload of the last of them that was
    bool known_ = false;
    bool ended_ = false;
  };

  void on_subgroups() override {
    dirty_ = true;
    track_.mark();
  }

  // The group's own, as far as its subgroups tell.
  [[nodiscard]] std::uint64_t abort_code() const {
    for (const auto& subgroup : group_->subgroups()) {
      if (subgroup->state() == Subgroup::State::aborted) return subgroup->abort_code();
    }
    return Group::kCancelledCode;
  }

  HomeTrack& track_;
  GroupId id_;
  std::shared_ptr<Group> group_;
  bool fetched_;
  bool dirty_ = false;
  std::vector<std::unique_ptr<Follower>> followers_;
};

HomeTrack::HomeTrack(Bridge& bridge, std::size_t reader, const Opened& opened)
    : bridge_(bridge),
      reader_(reader),
      crossing_(opened.crossing),
      broadcast_(opened.broadcast),
      name_(opened.track) {}

HomeTrack::~HomeTrack() = default;

std::shared_ptr<Track> HomeTrack::track() {
  if (auto known = track_.lock(); known != nullptr && !known->error()) return known;
  const auto broadcast = bridge_.home_broadcast(broadcast_);
  auto found =
      broadcast != nullptr
          ? broadcast->track(name_)
          : Result<std::shared_ptr<Track>>(fail(ModelError::not_found, "the broadcast has ended"));
  if (!found) {
    abort(found.error());
    return nullptr;
  }
  track_ = *found;
  return *std::move(found);
}

void HomeTrack::open() {
  const auto found = track();
  if (found == nullptr) return;
  // Held until it has answered: it may be there for this question alone.
  found->when_info([this, found, alive = std::weak_ptr(alive_)](const Result<TrackInfo>& info) {
    if (alive.expired()) return;
    if (info) {
      bridge_.send(reader_, Accepted{crossing_, *info, found->largest()});
    } else {
      abort(info.error());
    }
  });
}

void HomeTrack::demand(const Demanded& demanded) {
  if (over_) return;
  if (!demanded.options) {
    subscription_.reset();
    std::erase_if(groups_, [](const auto& item) { return !item.second->fetched(); });
    return;
  }
  const auto found = track();
  if (found == nullptr) return;
  epoch_ = demanded.epoch;
  const bool same = subscription_ != nullptr && &subscription_->track() == found.get();
  if (same && !(reached_end_ && subscription_->options().end != demanded.options->end)) {
    return subscription_->update(*demanded.options);
  }
  reached_end_ = false;
  // The new one first, so that there is no moment without demand.
  subscription_ = found->subscribe(*demanded.options, *this);
}

void HomeTrack::fetch(std::uint64_t sequence) {
  if (over_) return;
  const auto found = track();
  if (found == nullptr) return;
  found->fetch(sequence, [this, found, sequence, alive = std::weak_ptr(alive_)](
                             const Result<std::shared_ptr<Group>>& group) {
    if (alive.expired()) return;
    if (group) {
      cross(*group, true);
    } else {
      bridge_.send(reader_, FetchFailed{crossing_, sequence, group.error()});
    }
  });
}

void HomeTrack::on_info(const TrackInfo& info) {
  bridge_.send(reader_, Accepted{crossing_, info, subscription_->track().largest()});
}

void HomeTrack::on_group(std::shared_ptr<Group> group) {
  for (const auto& [id, crossing] : groups_) {
    if (crossing->group() == group && !crossing->fetched()) return;
  }
  cross(std::move(group), false);
}

void HomeTrack::cross(std::shared_ptr<Group> group, bool fetched) {
  const GroupId id = bridge_.next_group();
  bridge_.send(reader_, GroupBegun{crossing_, id, group->sequence(), epoch_, fetched});
  groups_.emplace(id, std::make_unique<Crossing>(*this, id, std::move(group), fetched));
}

void HomeTrack::on_datagram(const Datagram& datagram) {
  bridge_.send(reader_, DatagramCame{crossing_, epoch_, datagram});
}

void HomeTrack::on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) {
  bridge_.send(reader_, Dropped{crossing_, epoch_, first, last, code});
}

void HomeTrack::on_end(std::uint64_t end) {
  // That the end which the reader asked for is reached, it sees for itself.
  const auto& track_end = subscription_->track().end();
  reached_end_ = subscription_->options().end.has_value();
  if (track_end && *track_end <= end) bridge_.send(reader_, Ended{crossing_, epoch_, *track_end});
}

void HomeTrack::on_abort(const Error& error) { abort(error); }

void HomeTrack::abort(const Error& error) {
  if (std::exchange(over_, true)) return;
  tell_progress();
  bridge_.send(reader_, Aborted{crossing_, error});
  bridge_.forget(*this);
}

void HomeTrack::mark() {
  if (!std::exchange(marked_, true)) bridge_.has_progress(*this);
}

void HomeTrack::tell_progress() {
  marked_ = false;
  for (auto it = groups_.begin(); it != groups_.end();) {
    it = it->second->tell(bridge_) ? groups_.erase(it) : std::next(it);
  }
}

}  // namespace moq::relay::bridge
