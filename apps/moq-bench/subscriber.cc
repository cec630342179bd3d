#include "moq-bench/subscriber.h"

#include <algorithm>
#include <utility>

#include "native/io/event_loop.h"
#include "net/base/log.h"

namespace moq::bench {

/// A group on its way. Used again for another when it is over.
class Subscriber::Follower final : public SubgroupReader {
 public:
  explicit Follower(Subscriber& subscriber) : subscriber_(subscriber) {}

  void follow(std::shared_ptr<Group> group) {
    group_ = std::move(group);
    seen_ = 0;
    group_frames_ = 0;
    intact_ = true;
    group_->only().attach(*this);
    on_progress();
  }
  void release() {
    if (is_linked()) unlink();
    group_.reset();
  }

  [[nodiscard]] bool over() const { return group_->only().state() != Subgroup::State::open; }
  /// Ended as the publisher ended it, with all that its stamps promise.
  /// Without a frame there is no stamp, and nothing is promised: no publisher does that.
  [[nodiscard]] bool whole() const {
    return group_->only().state() == Subgroup::State::finished && intact_ && seen_ != 0 &&
           seen_ == group_frames_ && seen_ == group_->only().objects().size();
  }
  [[nodiscard]] std::uint64_t sequence() const { return group_->sequence(); }

 private:
  void on_progress() override {
    const Subgroup& frames = group_->only();
    for (; seen_ < frames.objects().size(); ++seen_) {
      const Object& object = frames.objects()[seen_];
      if (!object.complete()) break;
      if (!subscriber_.frame(*group_, object, group_frames_)) intact_ = false;
    }
    if (over()) subscriber_.context_.loop.mark(subscriber_);
  }

  Subscriber& subscriber_;
  std::shared_ptr<Group> group_;
  std::size_t seen_ = 0;
  std::uint32_t group_frames_ = 0;
  bool intact_ = true;
};

Subscriber::Subscriber(const SubscriberContext& context, std::string path, bool slow)
    : context_(context), path_(std::move(path)), source_(hash_of(path_)), slow_(slow) {}

Subscriber::~Subscriber() { detach(); }

void Subscriber::attach(const std::shared_ptr<Broadcast>& broadcast) {
  if (broadcast == broadcast_) return;
  auto track = broadcast->track(kTrack);
  if (!track) {
    log::warn("{}: {}", path_, track.error().message());
    return;
  }
  if (subscription_ == nullptr) ++context_.tally.subscriptions;
  broadcast_ = broadcast;
  subscription_ = (*track)->subscribe(
      {.ordered = context_.ordered, .max_latency = context_.max_latency}, *this);
}

void Subscriber::detach() {
  if (subscription_ == nullptr) return;
  --context_.tally.subscriptions;
  subscription_.reset();
  broadcast_.reset();
}

void Subscriber::on_group(std::shared_ptr<Group> group) {
  if (spare_.empty()) spare_.push_back(std::make_unique<Follower>(*this));
  open_.push_back(std::move(spare_.back()));
  spare_.pop_back();
  if (!slow_) ledger_.begin(group->sequence());
  open_.back()->follow(std::move(group));
}

void Subscriber::on_abort(const Error& error) {
  log::debug("{}: the subscription has ended: {}", path_, error.message());
  context_.loop.post([this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) detach();
  });
}

bool Subscriber::frame(const Group& group, const Object& object, std::uint32_t& group_frames) {
  if (slow_) {
    context_.tally.slow_bytes_recv += object.size;
    return true;
  }
  ++context_.tally.frames_recv;
  context_.tally.bytes_recv += object.size;
  const auto stamp = context_.pattern.check(object);
  if (!stamp || stamp->source != source_ || stamp->group != group.sequence()) {
    ++context_.tally.frames_corrupt;
    return false;
  }
  group_frames = stamp->group_frames;
  const Time now = native::monotonic_now();
  if (measuring_) {
    longest_pause_ = std::max(longest_pause_, now - last_frame_);
    last_frame_ = now;
  }
  // A first group may have been there long before it was asked for.
  if (stamp->due >= measure_from_ && stamp->due < measure_until_ &&
      stamp->clock == context_.clock && group.sequence() != ledger_.first()) {
    context_.tally.latency.record(now - stamp->due);
  }
  return true;
}

void Subscriber::flush() {
  over_.clear();
  for (std::size_t i = 0; i < open_.size();) {
    if (!open_[i]->over()) {
      ++i;
      continue;
    }
    if (!slow_) ledger_.end(open_[i]->sequence(), open_[i]->whole());
    over_.push_back(open_[i]->sequence());
    open_[i]->release();
    spare_.push_back(std::move(open_[i]));
    open_[i] = std::move(open_.back());
    open_.pop_back();
  }
  if (!group_over_) return;
  for (const std::uint64_t sequence : over_) group_over_(sequence);
}

void Subscriber::begin_measuring(Time now) {
  measuring_ = true;
  measure_from_ = last_frame_ = now;
  longest_pause_ = Duration::zero();
}

void Subscriber::end_measuring(Time now) {
  longest_pause_ = longest_pause(now);
  measuring_ = false;
  measure_until_ = now;
}

Duration Subscriber::longest_pause(Time now) const {
  return measuring_ ? std::max(longest_pause_, now - last_frame_) : longest_pause_;
}

}  // namespace moq::bench
