// Track: what its subscriptions are told, and when.

#include <algorithm>
#include <limits>
#include <utility>

#include "net/model/error.h"
#include "net/model/track.h"

namespace moq {

/// A walk over the subscriptions in which a reader may end any of them, begin
/// new ones (which come last), or start another walk: whoever leaves the list
/// corrects all walks in progress.
class Track::Walk {
 public:
  explicit Walk(Track& track)
      : track_(track.weak_from_this().lock()), walks_(track.walks_), outer_(track.walks_) {
    walks_ = this;
    next_ = track.subscriptions_.empty() ? nullptr : &track.subscriptions_.front();
  }
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;
  ~Walk() { walks_ = outer_; }

  /// The next subscription; null behind the last.
  Subscription* step(Track& track) {
    current_ = next_;
    if (current_ != nullptr) next_ = after(track, *current_);
    return current_;
  }
  /// The subscription of the last step; null once it has ended.
  [[nodiscard]] Subscription* current() const { return current_; }

  static void leave(Track& track, Subscription& subscription) {
    for (Walk* walk = track.walks_; walk != nullptr; walk = walk->outer_) {
      if (walk->current_ == &subscription) walk->current_ = nullptr;
      if (walk->next_ == &subscription) walk->next_ = after(track, subscription);
    }
  }

 private:
  static Subscription* after(Track& track, Subscription& subscription) {
    const auto it = std::next(track.subscriptions_.iterator_to(subscription));
    return it == track.subscriptions_.end() ? nullptr : &*it;
  }

  std::shared_ptr<Track> track_;  ///< its last subscription may take it along
  Walk*& walks_;
  Walk* outer_;
  Subscription* current_ = nullptr;
  Subscription* next_ = nullptr;
};

Subscription::Subscription(std::shared_ptr<Track> track, const SubscribeOptions& options,
                           TrackReader& reader)
    : track_(std::move(track)), options_(options), reader_(reader) {}

Subscription::~Subscription() {
  Track::Walk::leave(*track_, *this);
  unlink();
  track_->loop_.mark(*track_);
}

void Subscription::update(const SubscribeOptions& options) {
  if (options == options_) return;
  options_ = options;
  if (start_ && options.start) start_ = floor_ = options.start;
  due_ = true;
  track_->post_catch_up();
  track_->loop_.mark(*track_);
}

bool Subscription::covers(std::uint64_t sequence) const {
  const auto first = floor_ ? floor_ : start_ ? start_ : options_.start;
  if (first && sequence < *first) return false;
  if (told_end_ && sequence >= *told_end_) return false;
  return !options_.end || sequence <= *options_.end;
}

std::unique_ptr<Subscription> Track::subscribe(const SubscribeOptions& options,
                                               TrackReader& reader) {
  std::unique_ptr<Subscription> subscription(new Subscription(shared_from_this(), options, reader));
  subscriptions_.push_back(*subscription);
  post_catch_up();
  loop_.mark(*this);
  return subscription;
}

void Track::post_catch_up() {
  if (std::exchange(catch_up_posted_, true)) return;
  loop_.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->catch_up_posted_ = false;
    self->catch_up_all(true);
  });
}

/// `only_due`: those who wait for a posted task; otherwise those who had theirs.
void Track::catch_up_all(bool only_due) {
  if (subscriptions_.empty()) return;
  Walk walk(*this);
  while (Subscription* subscription = walk.step(*this)) {
    if (only_due ? subscription->due_ : subscription->started_) catch_up(walk);
  }
}

void Track::catch_up(Walk& walk) {
  Subscription& subscription = *walk.current();
  TrackReader& reader = subscription.reader_;
  subscription.due_ = false;
  subscription.started_ = true;
  // abort() catches up with everybody who has started, so it needs no look here
  // after a call that may have led to it.
  if (error_) {
    if (!std::exchange(subscription.told_abort_, true)) reader.on_abort(*error_);
    return;
  }
  if (!info_) return;
  if (!std::exchange(subscription.told_info_, true)) {
    reader.on_info(*info_);
    if (walk.current() == nullptr || error_) return;
  }
  resolve_start(subscription);
  if (subscription.start_) {
    for (auto it = groups_.lower_bound(*subscription.start_); it != groups_.end();) {
      const std::uint64_t sequence = it->first;
      const Entry entry = it->second;
      if (subscription.options_.end && sequence > *subscription.options_.end) break;
      if (!entry.fetched && !entry.group->aborted()) {
        offer(subscription, entry.group);
        if (walk.current() == nullptr || error_) return;
      }
      it = groups_.upper_bound(sequence);
    }
  }
  tell_end(subscription);
}

void Track::resolve_start(Subscription& subscription) const {
  if (subscription.start_) return;
  if (const auto& wanted = subscription.options_.start) {
    const auto first = std::ranges::find_if(
        groups_.lower_bound(*wanted), groups_.end(),
        [](const auto& item) { return !item.second.fetched && !item.second.group->aborted(); });
    if (first != groups_.end()) subscription.start_ = source_ != nullptr ? *wanted : first->first;
  } else if (knows_latest() && latest_ != nullptr && !latest_->aborted()) {
    subscription.start_ = latest_->sequence();
  }
}

void Track::announce(const std::shared_ptr<Group>& group) {
  if (subscriptions_.empty()) return;
  Walk walk(*this);
  while (Subscription* subscription = walk.step(*this)) {
    if (!subscription->started_ || !subscription->told_info_) continue;
    offer(*subscription, group);
    if (error_) return;
    if (walk.current() != nullptr) tell_end(*subscription);
    if (error_) return;
  }
}

void Track::offer(Subscription& subscription, const std::shared_ptr<Group>& group) {
  const std::uint64_t sequence = group->sequence();
  if (!subscription.covers(sequence)) return;
  if (!subscription.start_) {
    if (!subscription.options_.start && !knows_latest()) return;
    subscription.start_ = subscription.options_.start.value_or(sequence);
    if (!subscription.options_.start && source_ != nullptr) {
      const auto at = groups_.lower_bound(sequence);
      subscription.floor_ = at == groups_.begin() ? 0 : std::prev(at)->first + 1;
    }
  }
  if (!subscription.delivered_.insert(sequence)) return;
  subscription.reader_.on_group(group);
}

void Track::tell_end(Subscription& subscription) {
  if (subscription.told_end_ || !subscription.told_info_) return;
  std::optional<std::uint64_t> end;
  if (source_ == nullptr || named_end_) end = end_;
  const auto& wanted = subscription.options_.end;
  if (wanted && *wanted != std::numeric_limits<std::uint64_t>::max()) {
    const bool reached =
        end || (knows_latest() && latest_ != nullptr && latest_->sequence() >= *wanted);
    if (reached) end = std::min(end.value_or(*wanted + 1), *wanted + 1);
  }
  if (!end) return;
  subscription.told_end_ = end;
  subscription.reader_.on_end(*end);
}

void Track::datagram(const Datagram& datagram) {
  if (error_ || subscriptions_.empty()) return;
  Walk walk(*this);
  while (Subscription* subscription = walk.step(*this)) {
    if (!subscription->told_info_) continue;
    const SubscribeOptions& options = subscription->options_;
    if (options.start && datagram.sequence < *options.start) continue;
    if (options.end && datagram.sequence > *options.end) continue;
    subscription->reader_.on_datagram(datagram);
    if (error_) return;
  }
}

void Track::drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) {
  if (error_ || subscriptions_.empty() || first > last) return;
  Walk walk(*this);
  while (Subscription* subscription = walk.step(*this)) {
    const SubscribeOptions& options = subscription->options_;
    const auto start = subscription->start_ ? subscription->start_ : options.start;
    // One that waits for the latest has not asked for anything yet.
    if (!subscription->told_info_ || !start) continue;
    const std::uint64_t from = std::max(first, *start);
    const std::uint64_t to = options.end ? std::min(last, *options.end) : last;
    if (from > to) continue;
    subscription->reader_.on_drop(from, to, code);
    if (error_) return;
  }
}

}  // namespace moq
