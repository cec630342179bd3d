#include "net/model/track.h"

#include <algorithm>

#include "net/model/error.h"

namespace moq {

namespace {

/// Whether `ticks` of `timescale` a second last longer than `limit`. The widest
/// product is 2^64 * 2^63.
bool longer_than(std::uint64_t ticks, std::uint64_t timescale, Duration limit) {
  __extension__ using Wide = unsigned __int128;
  constexpr std::uint64_t kNanoseconds = 1'000'000'000;
  const auto most = static_cast<std::uint64_t>(std::max<Duration::rep>(limit.count(), 0));
  return Wide{ticks} * kNanoseconds > Wide{most} * timescale;
}

}  // namespace

Track::Track(Loop& loop, Cache& cache, std::string name, const Limits& limits)
    : loop_(loop), cache_(cache), name_(std::move(name)), limits_(limits) {}

Track::~Track() {
  // Nobody subscribes: a subscription would keep the track.
  const Error gone(ModelError::closed, name_);
  answer_info(fail(gone));
  answer_fetches(gone);
  while (!groups_.empty()) unindex(groups_.begin());
}

void Track::set_source(TrackSource* source) {
  if (source == source_) return;
  source_ = source;
  told_demand_.reset();
  named_ = false;
  named_end_ = false;
  if (error_) return;
  if (source == nullptr) {
    answer_fetches(Error(ModelError::closed, "source"));
    // What was waiting for a source to name the latest need not wait any more.
    catch_up_all(false);
    return;
  }
  for (auto& [sequence, fetch] : fetches_) ask(sequence);
  loop_.mark(*this);
}

void Track::accept(const TrackInfo& info, const std::optional<Location>& largest) {
  if (error_) return;
  known_largest_ = std::max(known_largest_, largest);
  if (info.timescale == 0) return abort(Error(ModelError::mismatch, "timescale 0"));
  if (info_) {
    TrackInfo same = info;
    // In some drafts these are a subscription's.
    same.object_delivery_timeout = info_->object_delivery_timeout;
    same.subgroup_delivery_timeout = info_->subgroup_delivery_timeout;
    if (*info_ != same) abort(Error(ModelError::mismatch, "track properties changed"));
    return;
  }
  info_ = info;
  for (const auto& [sequence, entry] : groups_) entry.group->set_timescale(info.timescale);
  answer_info(info);
  if (source_ == nullptr) answer_fetches(Error(ModelError::not_found, "group"));
  catch_up_all(false);
}

std::optional<Location> Track::largest() const {
  return std::max(known_largest_, latest_ == nullptr ? std::nullopt : latest_->largest());
}

Result<std::shared_ptr<Group>> Track::create_group(std::uint64_t sequence) {
  if (error_) return fail(ModelError::closed, name_);
  if (end_ && sequence >= *end_) return fail(ModelError::closed, "track has ended");
  // announce() may run whatever readers do, the end of this track included.
  const auto self = shared_from_this();
  const bool newest = latest_ == nullptr || sequence >= latest_->sequence();
  if (has_live(sequence)) {
    Entry& entry = groups_.find(sequence)->second;
    entry.fetched = false;
    const std::shared_ptr<Group> group = entry.group;
    if (newest) {
      make_latest(group);
      named_ = true;
    }
    on_first_object(*group);
    announce(group);
    return fail(ModelError::exists, "group");
  }
  const bool replaces = groups_.contains(sequence);
  if (!newest && !replaces && groups_.size() >= limits_.max_groups &&
      sequence < groups_.begin()->first) {
    return fail(ModelError::too_old, "group");
  }
  auto group = std::make_shared<Group>(cache_, sequence, loop_.now(), limits_.group);
  if (info_) group->set_timescale(info_->timescale);
  index(group, false);
  if (newest) {
    make_latest(group);
    named_ = true;
  }
  retain();
  answer_fetch(sequence, group);
  announce(group);
  return group;
}

void Track::finish(std::uint64_t end) {
  if (error_) return;
  if (!end_) end_ = latest_ == nullptr ? end : std::max(end, latest_->sequence() + 1);
  named_end_ = true;
  if (latest_ != nullptr && latest_->sequence() + 1 == *end_) named_ = true;
  catch_up_all(false);
}

void Track::abort(const Error& error) {
  if (error_) return;
  const auto self = weak_from_this().lock();
  error_ = error;
  const bool local = &error.domain() == &error_domain(ModelError::closed);
  const std::uint64_t code = local ? Group::kCancelledCode : error.code();
  while (!groups_.empty()) {
    const std::shared_ptr<Group> group = groups_.begin()->second.group;
    unindex(groups_.begin());
    group->abort(code);
  }
  latest_.reset();
  answer_info(fail(error));
  answer_fetches(error);
  loop_.mark(*this);
  catch_up_all(false);
}

void Track::flush() {
  const auto wanted = combined();
  if (wanted == told_demand_ || source_ == nullptr) return;
  told_demand_ = wanted;
  const auto self = weak_from_this().lock();
  if (!wanted) forget_open();
  source_->on_demand(*this, wanted);
}

std::optional<SubscribeOptions> Track::combined() const {
  if (error_ || subscriptions_.empty()) return std::nullopt;
  std::optional<SubscribeOptions> all;
  for (const Subscription& subscription : subscriptions_) {
    const SubscribeOptions& one = subscription.options_;
    if (!all) {
      all = one;
      continue;
    }
    all->priority = std::max(all->priority, one.priority);
    all->ordered = all->ordered && one.ordered;
    all->max_latency = std::max(all->max_latency, one.max_latency);
    if (one.start) all->start = std::min(all->start.value_or(*one.start), *one.start);
    all->end = all->end && one.end ? std::max(all->end, one.end) : std::nullopt;
  }
  return all;
}

std::optional<std::uint64_t> Track::cached_from(std::uint64_t sequence) const {
  const auto at = groups_.lower_bound(sequence);
  return at == groups_.end() ? std::nullopt : std::optional(at->first);
}

std::optional<std::uint64_t> Track::cached_to(std::uint64_t sequence) const {
  const auto behind = groups_.upper_bound(sequence);
  return behind == groups_.begin() ? std::nullopt : std::optional(std::prev(behind)->first);
}

std::shared_ptr<Group> Track::cached(std::uint64_t sequence) const {
  const auto it = groups_.find(sequence);
  return it == groups_.end() ? nullptr : it->second.group;
}

bool Track::expired(const Group& group, Duration max_latency) const {
  if (latest_ == nullptr || group.sequence() >= latest_->sequence()) return false;
  if (latest_->arrival() - group.arrival() > max_latency) return true;
  const auto first = group.first_timestamp();
  if (!info_ || !first || !newest_timed_ || newest_timed_->first <= group.sequence()) return false;
  const std::uint64_t newest = newest_timed_->second;
  return newest > *first && longer_than(newest - *first, info_->timescale, max_latency);
}

void Track::on_first_object(Group& group) {
  const auto first = group.first_timestamp();
  if (!first) return;
  if (groups_.find(group.sequence())->second.fetched) return;
  if (newest_timed_ && newest_timed_->first > group.sequence()) return;
  newest_timed_ = {group.sequence(), *first};
}

void Track::on_evicted(Group& group) {
  // A group has this owner just as long as it is in the index.
  unindex(groups_.find(group.sequence()));
}

bool Track::has_live(std::uint64_t sequence) const {
  const auto it = groups_.find(sequence);
  return it != groups_.end() && !it->second.group->aborted();
}

Track::Entry& Track::index(const std::shared_ptr<Group>& group, bool fetched) {
  if (const auto it = groups_.find(group->sequence()); it != groups_.end()) unindex(it);
  group->owner_ = this;
  add_age(*group);
  Entry& entry = groups_[group->sequence()];
  entry = {group, fetched};
  return entry;
}

Track::Groups::iterator Track::unindex(Groups::iterator at) {
  Group& group = *at->second.group;
  group.owner_ = nullptr;
  if (group.age_hook_.is_linked()) group.age_hook_.unlink();
  const bool was_latest = latest_.get() == &group;
  if (was_latest) {
    known_largest_ = largest();
    latest_.reset();
    group.set_latest(false);
  }
  const auto next = groups_.erase(at);
  if (was_latest) find_latest();
  return next;
}

void Track::make_latest(const std::shared_ptr<Group>& group) {
  if (latest_ == group) return;
  // The new one need not have an object yet.
  known_largest_ = largest();
  if (latest_ != nullptr) {
    latest_->set_latest(false);
    add_age(*latest_);
  }
  latest_ = group;
  group->age_hook_.unlink();
  group->set_latest(true);
}

void Track::find_latest() {
  for (auto it = groups_.rbegin(); it != groups_.rend(); ++it) {
    if (it->second.fetched) continue;
    make_latest(it->second.group);
    return;
  }
}

void Track::add_age(Group& group) {
  auto it = ages_.end();
  // Groups mostly stop being the latest in the order of their arrival.
  while (it != ages_.begin() && std::prev(it)->arrival() > group.arrival()) --it;
  ages_.insert(it, group);
}

Duration Track::retention() const {
  return std::min((info_ ? *info_ : TrackInfo{}).max_latency, cache_.duration());
}

void Track::retain() {
  const Duration keep = retention();
  while (!ages_.empty() && latest_ != nullptr &&
         latest_->arrival() - ages_.front().arrival() > keep) {
    unindex(groups_.find(ages_.front().sequence()));
  }
  while (groups_.size() > std::max<std::size_t>(limits_.max_groups, 1)) {
    auto lowest = groups_.begin();
    if (lowest->second.group == latest_) ++lowest;
    unindex(lowest);
  }
}

void Track::forget_open() {
  named_ = false;
  named_end_ = false;
  for (auto it = groups_.begin(); it != groups_.end();) {
    const Entry entry = it->second;
    const bool open = !entry.group->closed();
    if (entry.group->complete() || (open && entry.fetched)) {
      ++it;
      continue;
    }
    it = unindex(it);
    if (open) entry.group->abort(Group::kCancelledCode);
  }
  // There may be others by the time that somebody asks again.
  known_largest_.reset();
}

}  // namespace moq
