#include "net/splice/feed.h"

#include <algorithm>
#include <utility>

#include "net/splice/spliced_track.h"

namespace moq {

Feed::Feed(SplicedTrack& track, std::shared_ptr<Track> inner, Place place)
    : track_(&track), inner_(std::move(inner)), place_(std::move(place)) {}

Feed::~Feed() = default;

SubscribeOptions Feed::options(const SubscribeOptions& wanted) const {
  SubscribeOptions options = wanted;
  if (const auto& resume = place_.resume) {
    options.start = std::min(*resume, wanted.start.value_or(*resume));
  }
  return options;
}

void Feed::start(const SubscribeOptions& wanted) {
  subscription_ = inner_->subscribe(options(wanted), *this);
}

void Feed::update(const SubscribeOptions& wanted) {
  if (subscription_ != nullptr) subscription_->update(options(wanted));
}

bool Feed::outgrown(const SubscribeOptions& wanted) const {
  return reached_end_ && subscription_ != nullptr && subscription_->options().end != wanted.end;
}

void Feed::stop() {
  track_ = nullptr;
  subscription_.reset();
  merges_.clear();
}

void Feed::copy() {
  for (auto it = merges_.begin(); it != merges_.end();) {
    const std::uint64_t sequence = it->first;
    GroupMerge& merge = *it->second;
    const GroupMerge::State state = merge.copy();
    proven_ = proven_ || merge.level() || state == GroupMerge::State::finished;
    if (state == GroupMerge::State::open) {
      ++it;
      continue;
    }
    const std::unique_ptr<GroupMerge> over = std::move(it->second);
    it = merges_.erase(it);
    track_->over(*this, sequence, *over);
  }
}

void Feed::on_info(const TrackInfo& info) {
  timescale_ = info.timescale;
  const auto self = shared_from_this();
  track_->accept(info, *inner_);
}

void Feed::on_group(std::shared_ptr<Group> group) {
  const auto self = shared_from_this();
  const std::uint64_t sequence = group->sequence();
  if (!first_) first_ = subscription_->start().value_or(sequence);
  latest_ = std::max(latest_, sequence);
  const std::shared_ptr<Group> to = track_->begin(*this, sequence);
  // Readers have heard of it, and may have done anything.
  if (track_ == nullptr || to == nullptr) return;
  merges_[sequence] =
      std::make_unique<GroupMerge>(std::move(group), to, timescale_, track_->timescale(),
                                   // A merge goes before its feed, and the feed before its track.
                                   [this] { track_->mark(); });
  track_->mark();
}

void Feed::on_datagram(const Datagram& datagram) {
  const auto self = shared_from_this();
  Datagram rescaled = datagram;
  rescaled.timestamp = rescale(datagram.timestamp, timescale_, track_->timescale());
  track_->datagram(rescaled);
}

void Feed::on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) {
  const auto self = shared_from_this();
  track_->dropped(*this, first, last, code);
}

void Feed::on_end(std::uint64_t end) {
  const auto self = shared_from_this();
  // Whether an end that the readers asked for is reached, their track sees for itself.
  const auto& track_end = inner_->end();
  reached_end_ = subscription_->options().end.has_value();
  if (!track_end || *track_end > end) return;
  end_ = track_end;
  track_->ended(*this, *track_end);
}

void Feed::on_abort(const Error& error) {
  // It may be that the session is gone, which its owner says in this same turn.
  error_ = error;
  track_->mark();
}

}  // namespace moq
