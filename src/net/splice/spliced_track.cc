#include "net/splice/spliced_track.h"

#include <algorithm>
#include <utility>

#include "net/model/error.h"
#include "net/splice/splice.h"
#include "net/splice/spliced_broadcast.h"

namespace moq {

SplicedTrack::SplicedTrack(SplicedBroadcast& broadcast, std::shared_ptr<Track> track)
    : broadcast_(&broadcast), track_(std::move(track)) {
  track_->set_source(this);
}

SplicedTrack::~SplicedTrack() { detach(); }

void SplicedTrack::detach() {
  if (std::exchange(broadcast_, nullptr) == nullptr) return;
  for (const FeedPtr& feed : std::exchange(feeds_, {})) feed->stop();
  fetches_.clear();
  if (track_->source() == this) track_->set_source(nullptr);
}

// --- What readers want

void SplicedTrack::on_demand(Track& /*track*/, const std::optional<SubscribeOptions>& combined) {
  wanted_ = combined;
  if (!wanted_) {
    for (const FeedPtr& feed : std::exchange(feeds_, {})) feed->stop();
    reset_progress();
    if (broadcast_ != nullptr) broadcast_->look_whether_idle();
    return;
  }
  for (const FeedPtr& feed : feeds_) feed->update(*wanted_);
  if (newest() != nullptr && newest()->outgrown(*wanted_)) {
    feeds_.back()->stop();
    feeds_.pop_back();
  }
  feed_from_best();
}

void SplicedTrack::on_fetch(Track& /*track*/, std::uint64_t sequence) {
  const auto* best = broadcast_ == nullptr ? nullptr : broadcast_->best(refusals_);
  const auto inner = best == nullptr ? fail(ModelError::not_found, "no session has it")
                                     : best->broadcast->track(track_->name());
  if (!inner) return track_->fail_fetch(sequence, inner.error());
  (*inner)->fetch(sequence, [weak = weak_from_this(), sequence, number = best->leg->number(),
                             keep = *inner](const Result<std::shared_ptr<Group>>& group) {
    if (const auto self = weak.lock()) self->fetched(sequence, *keep, number, group);
  });
}

void SplicedTrack::fetched(std::uint64_t sequence, const Track& from, std::uint64_t leg,
                           const Result<std::shared_ptr<Group>>& group) {
  if (broadcast_ == nullptr) return;
  if (!group) return track_->fail_fetch(sequence, group.error());
  auto to = track_->create_fetched(sequence);
  if (!to) return;
  const std::uint64_t scale = from.info() ? from.info()->timescale : timescale();
  fetches_.push_back({leg, std::make_unique<GroupMerge>(*group, *std::move(to), scale, timescale(),
                                                        [this] { mark(); })});
  mark();
}

// --- Sessions that come and go

void SplicedTrack::update(const SpliceLeg& leg) {
  refusals_.erase(leg.number());
  use_best();
}

void SplicedTrack::use_best() {
  if (broadcast_ == nullptr || track_->error()) return;
  if (!track_->info()) ask_info();
  feed_from_best();
}

void SplicedTrack::ask_info() {
  if (asking_ != nullptr || broadcast_ == nullptr) return;
  const auto* best = broadcast_->best(refusals_);
  if (best == nullptr) return;
  const SpliceLeg* leg = best->leg;
  const auto inner = best->broadcast->track(track_->name());
  if (!inner) return refused(leg, inner.error());
  asking_ = *inner;
  asking_->when_info([weak = weak_from_this(), leg, number = leg->number(),
                      splice = broadcast_->splice().weak()](const Result<TrackInfo>& info) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    const auto known = splice.lock();
    self->info_answered(known != nullptr && (*known)->has(number) ? leg : nullptr, info);
  });
}

void SplicedTrack::info_answered(const SpliceLeg* leg, const Result<TrackInfo>& info) {
  const auto from = std::exchange(asking_, nullptr);
  if (broadcast_ == nullptr || track_->error()) return;
  if (!info) return refused(leg, info.error());
  accept(*info, *from);
  if (broadcast_ != nullptr) broadcast_->look_whether_idle();
}

void SplicedTrack::accept(const TrackInfo& info, const Track& from) {
  // Another session, in another version, may say less: what readers were told stands.
  track_->accept(track_->info().value_or(info), from.largest());
}

std::uint64_t SplicedTrack::timescale() const {
  return track_->info() ? track_->info()->timescale : 1;
}

void SplicedTrack::feed_from_best() {
  if (broadcast_ == nullptr || !wanted_ || track_->error()) return;
  const auto* best = broadcast_->best(refusals_);
  if (best == nullptr) return;
  for (const FeedPtr& feed : feeds_) {
    if (feed->leg() == nullptr) continue;
    if (feed->leg()->number() > best->leg->number()) return;
    if (feed->broadcast() == best->broadcast.get()) return;
  }
  const auto inner = best->broadcast->track(track_->name());
  if (!inner) return refused(best->leg, inner.error());
  // Only the same publisher's numbers say what is missing.
  const bool resumes = next_ && broadcast_->same_publisher(*best);
  const auto resume = resumes ? missing() : std::nullopt;
  const auto feed = std::make_shared<Feed>(*this, *inner,
                                           Feed::Place{.leg = best->leg,
                                                       .broadcast = best->broadcast,
                                                       .resume = resume,
                                                       .joins = next_.has_value()});
  limit_feeds(*best->leg);
  feeds_.push_back(feed);
  feed->start(*wanted_);
}

// A relay that replaces a broadcast again and again, and serves none, has no more of us.
void SplicedTrack::limit_feeds(const SpliceLeg& leg) {
  const auto of_leg = [&](const FeedPtr& feed) { return feed->leg() == &leg; };
  while (std::ranges::count_if(feeds_, of_leg) >= kMaxFeedsOfLeg) {
    const auto oldest = std::ranges::find_if(feeds_, of_leg);
    const FeedPtr gone = *oldest;
    feeds_.erase(oldest);
    gone->stop();
  }
}

void SplicedTrack::refused(const SpliceLeg* leg, const Error& error) {
  if (leg != nullptr) refusals_.insert(leg->number());
  if (broadcast_->best(refusals_) != nullptr) return use_best();
  if (!feeds_.empty() || broadcast_->may_wait(leg)) return;
  track_->abort(error);
}

void SplicedTrack::lose(const SpliceLeg& leg) {
  for (const FeedPtr& feed : feeds_) {
    if (feed->leg() == &leg) feed->lose();
  }
  mark();
}

void SplicedTrack::give_up() {
  for (const auto& [sequence, group] : open_) {
    if (!fed(sequence)) group->abort(Group::kCancelledCode);
  }
}

bool SplicedTrack::reads(const SpliceLeg& leg) const {
  const auto fetches = [&](const Fetch& fetch) { return fetch.leg == leg.number(); };
  const auto feeds = [&](const FeedPtr& feed) { return feed->leg() == &leg && !feed->ended(); };
  return std::ranges::any_of(fetches_, fetches) || std::ranges::any_of(feeds_, feeds);
}

bool SplicedTrack::busy() const {
  return asking_ != nullptr || !fetches_.empty() ||
         std::ranges::any_of(feeds_, [](const FeedPtr& feed) { return !feed->ended(); });
}

// --- What the feeds bring

std::shared_ptr<Group> SplicedTrack::begin(Feed& feed, std::uint64_t sequence) {
  if (broadcast_ == nullptr) return nullptr;
  const auto self = shared_from_this();
  if (!next_) next_ = std::min(*feed.first(), sequence);
  if (const auto open = open_.find(sequence); open != open_.end()) return open->second;
  const auto known = known_group(sequence);
  if (known == nullptr || known->aborted()) {
    // The newest group of a session that is older than all that there is: the publisher
    // has begun anew. One that was asked for by number says nothing: the older session
    // may have delivered it in the meantime.
    const bool anew = feed.joins() && !feed.resumes() && *feed.first() == sequence &&
                      sequence < *next_ && known == nullptr;
    if (anew && feed.leg() != nullptr) broadcast_->differs(*feed.leg());
    if (anew || begun_.contains(sequence)) return nullptr;
  }
  // Named to the track even if it is there: after a time without readers, it wants to
  // know which is the latest.
  const auto made = track_->create_group(sequence);
  if (made) {
    begun_.insert(sequence);
    open_[sequence] = *made;
    return *made;
  }
  return made.error().is(ModelError::exists) ? known_group(sequence) : nullptr;
}

std::shared_ptr<Group> SplicedTrack::known_group(std::uint64_t sequence) const {
  if (newest_whole_ != nullptr && newest_whole_->sequence() == sequence) return newest_whole_;
  return track_->cached(sequence);
}

std::optional<std::uint64_t> SplicedTrack::missing() const {
  if (!next_ || open_.empty()) return next_;
  return std::min(*next_, open_.begin()->first);
}

bool SplicedTrack::fed(std::uint64_t sequence, const Feed* but) const {
  return std::ranges::any_of(
      feeds_, [&](const FeedPtr& feed) { return feed.get() != but && feed->feeds(sequence); });
}

void SplicedTrack::over(Feed& feed, std::uint64_t sequence, const GroupMerge& merge) {
  const std::shared_ptr<Group>& group = merge.to();
  if (group->closed()) settle(sequence);
  if (merge.state() == GroupMerge::State::conflict && feed.leg() != nullptr) {
    broadcast_->differs(*feed.leg());
  }
  if (group->closed() || fed(sequence, &feed)) return;
  const bool cut = merge.state() == GroupMerge::State::aborted;
  if (cut && broadcast_->may_wait(feed.leg())) return;
  group->abort(merge.abort_code());
  settle(sequence);
}

void SplicedTrack::datagram(const Datagram& datagram) {
  // While there are two sessions, both have them.
  const bool anew = datagrams_.emplace(datagram.sequence, datagram.object).second;
  if (datagrams_.size() > kMaxDatagrams) datagrams_.erase(datagrams_.begin());
  if (anew) track_->datagram(datagram);
}

void SplicedTrack::dropped(Feed& feed, std::uint64_t first, std::uint64_t last,
                           std::uint64_t code) {
  if (&feed != newest()) {
    // Of an older session, that counts for what the newer one does not have either.
    const auto& newer = newest()->first();
    if (!newer || first >= *newer) return;
    last = std::min(last, *newer - 1);
  }
  const auto self = shared_from_this();
  const auto lost = [&](std::uint64_t sequence) { return !fed(sequence, &feed); };
  for (auto it = open_.lower_bound(first); it != open_.end() && it->first <= last;) {
    const auto here = it++;
    if (feed.feeds(here->first)) continue;
    if (!lost(here->first)) {
      feed.has_not(here->first);
      continue;
    }
    here->second->abort(code);
    open_.erase(here);
  }
  // What is far ahead is not missed yet, and may never be.
  for (std::uint64_t i = 0; next_ && i <= kMaxAhead; ++i) {
    const std::uint64_t sequence = *next_ + i;
    if (sequence >= first && sequence <= last && lost(sequence)) settled_.insert(sequence);
  }
  if (next_) advance(0);
  track_->drop(first, last, code);
  mark();
}

void SplicedTrack::ended(Feed& feed, std::uint64_t end) {
  const auto self = shared_from_this();
  if (&feed == newest()) track_->finish(end);
}

// --- Order

void SplicedTrack::settle(std::uint64_t sequence) {
  if (const auto group = open_.extract(sequence)) {
    const bool newer = newest_whole_ == nullptr || newest_whole_->sequence() < group.key();
    if (newer && group.mapped()->complete()) newest_whole_ = group.mapped();
  }
  if (!next_ || sequence < *next_) return;
  settled_.insert(sequence);
  const std::uint64_t newest_settled = *settled_.rbegin();
  advance(newest_settled > kMaxAhead ? newest_settled - kMaxAhead : 0);
}

void SplicedTrack::advance(std::uint64_t least) {
  next_ = std::max(*next_, least);
  while (!settled_.empty() && *settled_.begin() <= *next_) {
    next_ = std::max(*next_, *settled_.begin() + 1);
    settled_.erase(settled_.begin());
  }
}

void SplicedTrack::reset_progress() {
  next_.reset();
  settled_.clear();
  begun_ = {};
  open_.clear();
  newest_whole_.reset();
  datagrams_ = {};
  refusals_.clear();
}

void SplicedTrack::flush() {
  const auto self = shared_from_this();
  // Readers only mark what they look at later: nothing comes or goes in here.
  for (const FeedPtr& feed : feeds_) feed->copy();
  std::erase_if(fetches_, [](const Fetch& fetch) {
    const auto state = fetch.merge->copy();
    if (state != GroupMerge::State::open) fetch.merge->to()->abort(fetch.merge->abort_code());
    return state != GroupMerge::State::open;
  });
  drop_failed_feeds();
  if (broadcast_ == nullptr) return;
  release_older();
  sweep_orphans();
  broadcast_->look_whether_idle();
}

void SplicedTrack::drop_failed_feeds() {
  std::vector<FeedPtr> gone;
  std::erase_if(feeds_, [&](const FeedPtr& feed) {
    if (feed->leg() != nullptr && !feed->error()) return false;
    gone.push_back(feed);
    return true;
  });
  if (gone.empty()) return;
  for (const FeedPtr& feed : gone) feed->stop();
  // An older session may have said what the newer one cannot any more.
  if (newest() != nullptr && newest()->end()) track_->finish(*newest()->end());
  for (const FeedPtr& feed : gone) {
    if (broadcast_ == nullptr || track_->error()) return;
    if (feed->leg() == nullptr) continue;
    const auto* best = broadcast_->best(refusals_);
    if (feed->end()) {
      // What has ended has all been delivered.
      refusals_.insert(feed->leg()->number());
    } else if (feed->proven() && best != nullptr && best->leg == feed->leg()) {
      // It has served it, and still announces it: the publisher may have come to it by
      // another way. Asked once more; a refusal then counts.
    } else {
      refused(feed->leg(), *feed->error());
    }
  }
  use_best();
}

void SplicedTrack::release_older() {
  if (feeds_.empty() || !newest()->proven()) return;
  const auto& first = newest()->first();
  // What was before the only one that there is does not come any more.
  if (feeds_.size() == 1 && first && next_ && *first > *next_) advance(*first);
  if (!first || !next_ || *first > *missing()) return;
  // The newest was asked for what it has passed over, and may not have it.
  for (const auto& [sequence, group] : open_) {
    if (sequence < newest()->latest() && !newest()->feeds(sequence) && fed(sequence)) return;
  }
  for (std::size_t i = 0; i + 1 < feeds_.size(); ++i) feeds_[i]->stop();
  feeds_.erase(feeds_.begin(), std::prev(feeds_.end()));
}

void SplicedTrack::sweep_orphans() {
  for (auto it = open_.begin(); it != open_.end();) {
    // A copy of the pointer: settling lets go of it.
    const auto [sequence, group] = *it++;
    if (fed(sequence)) continue;
    const bool behind = feeds_.size() == 1 && newest()->first() &&
                        (*newest()->first() > sequence || newest()->lacks(sequence));
    const bool late = wanted_ && track_->expired(*group, wanted_->max_latency);
    if (!group->closed() && !behind && !late) continue;
    group->abort(Group::kCancelledCode);
    settle(sequence);
  }
}

}  // namespace moq
