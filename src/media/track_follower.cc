#include "media/track_follower.h"

#include <algorithm>

#include "net/model/flat_group.h"

namespace moq::media {

/// A group being read.
class TrackFollower::Follow final : public SubgroupReader {
 public:
  Follow(TrackFollower& follower, std::shared_ptr<Group> group)
      : follower_(follower), group_(std::move(group)), objects_(group_->only()) {
    objects_.attach(*this);
  }

  [[nodiscard]] const Group& group() const { return *group_; }
  [[nodiscard]] bool finished() const { return objects_.state() == Subgroup::State::finished; }
  [[nodiscard]] bool open() const { return objects_.state() == Subgroup::State::open; }
  [[nodiscard]] std::size_t delivered() const { return delivered_; }

  /// The next object, if it is whole.
  const Object* next() {
    if (delivered_ >= objects_.objects().size()) return nullptr;
    const Object& object = objects_.objects()[delivered_];
    if (!object.complete()) return nullptr;
    ++delivered_;
    return &object;
  }
  /// Whether there is anything to show for it.
  [[nodiscard]] bool started() const {
    return !objects_.objects().empty() && objects_.objects().front().complete();
  }

 private:
  void on_progress() override { follower_.loop_.mark(follower_); }

  TrackFollower& follower_;
  std::shared_ptr<Group> group_;
  Subgroup& objects_;
  std::size_t delivered_ = 0;
};

TrackFollower::TrackFollower(const std::shared_ptr<Track>& track, const SubscribeOptions& options,
                             Sink& sink, const Limits& limits)
    : loop_(track->loop()),
      sink_(sink),
      limits_(limits),
      max_latency_(options.max_latency),
      timer_(loop_, [this] { loop_.mark(*this); }) {
  subscription_ = track->subscribe(options, *this);
}

TrackFollower::~TrackFollower() = default;

void TrackFollower::resume() {
  paused_ = false;
  loop_.mark(*this);
}

void TrackFollower::on_group(std::shared_ptr<Group> group) {
  const std::uint64_t sequence = group->sequence();
  if (over_ || groups_.contains(sequence)) return;
  // The subscription knows where it begins, whatever arrives first.
  if (!next_)
    next_ =
        std::min(subscription_ ? subscription_->start().value_or(sequence) : sequence, sequence);
  if (sequence < *next_) return;
  if (info_ && info_->has_subgroups) group = flatten(loop_, group);
  groups_.emplace(sequence, std::make_unique<Follow>(*this, std::move(group)));
  loop_.mark(*this);
}

void TrackFollower::on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t) {
  if (last < first) return;
  auto& end = dropped_.try_emplace(first, last).first->second;
  end = std::max(end, last);
  // Ranges far ahead are worth nothing; forgetting one only means to wait.
  if (dropped_.size() > limits_.max_groups) dropped_.erase(std::prev(dropped_.end()));
  loop_.mark(*this);
}

void TrackFollower::on_end(std::uint64_t end) {
  end_ = end;
  ended_at_ = loop_.now();
  loop_.mark(*this);
}

void TrackFollower::on_abort(const Error& error) {
  error_ = error;
  loop_.mark(*this);
}

bool TrackFollower::over_limits() const {
  if (groups_.size() > limits_.max_groups) return true;
  std::uint64_t bytes = 0;
  for (const auto& [sequence, follow] : groups_) {
    bytes += follow->group().bytes();
    if (bytes > limits_.max_bytes) return true;
  }
  return false;
}

Time TrackFollower::deadline() const {
  if (error_) return loop_.now();
  for (const auto& [sequence, follow] : groups_) {
    const bool newer = sequence > *next_;
    if (newer && follow->started()) return later(follow->group().arrival(), max_latency_);
  }
  // The last group may take its time: if its track is given up, so is it.
  if (end_ && !groups_.contains(*next_)) return later(ended_at_, max_latency_);
  return kNever;
}

void TrackFollower::advance(std::uint64_t next) {
  next_ = next;
  dropped_.erase(dropped_.begin(), dropped_.upper_bound(next));
}

bool TrackFollower::deliver(Follow& follow, const std::weak_ptr<bool>& alive) {
  while (const Object* object = follow.next()) {
    const bool first = follow.delivered() == 1;
    if (first) ++stats_.groups;
    const bool gap = std::exchange(gap_, false);
    sink_.on_object(follow.group().sequence(), first, gap, *object);
    if (alive.expired() || paused_) return false;
  }
  return !follow.open();
}

void TrackFollower::flush() {
  const std::weak_ptr<bool> alive = alive_;
  while (!over_ && !paused_) {
    if (next_) {
      // Before `advance` forgets it: a range that begins at or below the next group.
      const auto drop = dropped_.upper_bound(*next_);
      if (drop != dropped_.begin()) {
        const auto [first, last] = *std::prev(drop);
        if (last >= *next_ && !groups_.contains(*next_)) {
          stats_.lost_groups += last - *next_ + 1;
          gap_ = true;
          // `last` is below 2^62 on every wire; the sum cannot wrap where it matters.
          advance(last == UINT64_MAX ? last : last + 1);
          while (!groups_.empty() && groups_.begin()->first < *next_)
            groups_.erase(groups_.begin());
          if (last == UINT64_MAX) break;
          continue;
        }
      }
    }
    if (!groups_.empty() && groups_.begin()->first == *next_) {
      Follow& follow = *groups_.begin()->second;
      const bool done = deliver(follow, alive);
      if (alive.expired() || paused_) return;
      if (done) {
        if (!follow.finished()) {
          ++stats_.lost_groups;
          gap_ = true;
        }
        groups_.erase(groups_.begin());
        advance(*next_ + 1);
        continue;
      }
    }
    const bool complete = end_ && (next_ ? *next_ >= *end_ : *end_ == 0);
    if (complete || (error_ && groups_.empty()) ||
        (end_ && groups_.empty() && loop_.now() >= deadline())) {
      over_ = true;
      timer_.cancel();
      sink_.on_end(complete ? std::nullopt : error_);
      return;
    }
    if (!next_) {
      // Ended, but not at once: nothing may have been delivered yet.
      if (end_) timer_.arm(later(ended_at_, max_latency_));
      return;
    }
    const Time when = over_limits() ? loop_.now() : deadline();
    if (when > loop_.now()) {
      timer_.arm(when);
      return;
    }
    // Give up what is missing: on to the oldest newer group.
    if (!groups_.empty() && groups_.begin()->first == *next_) groups_.erase(groups_.begin());
    const std::uint64_t next = groups_.empty() ? end_.value_or(*next_ + 1) : groups_.begin()->first;
    stats_.lost_groups += next - *next_;
    gap_ = true;
    advance(next);
  }
}

}  // namespace moq::media
