#include "net/splice/spliced_broadcast.h"

#include <algorithm>
#include <utility>

#include "net/model/error.h"
#include "net/splice/splice.h"

namespace moq {

SplicedBroadcast::SplicedBroadcast(Splice& splice, Path path, HopId publisher)
    : splice_(splice),
      path_(std::move(path)),
      publisher_(publisher),
      broadcast_(std::make_shared<Broadcast>(splice.loop(), splice.cache())) {
  broadcast_->set_source(this);
}

SplicedBroadcast::~SplicedBroadcast() {
  publication_.reset();
  broadcast_->set_source(nullptr);
  // Before their sources go: a track without one would offer what it still has to
  // readers who wait for the latest.
  broadcast_->close(Error(ModelError::closed, "the broadcast has ended"));
  for (auto& [track, spliced] : std::exchange(tracks_, {})) spliced->detach();
}

Result<void> SplicedBroadcast::offer(Source source) {
  const Route route{.hops = source.hops, .peer = splice_.token()};
  const SpliceLeg* leg = source.leg;
  std::erase_if(sources_, [&](const Source& known) { return known.leg == leg; });
  const auto behind = std::ranges::find_if(
      sources_, [&](const Source& known) { return known.leg->number() > leg->number(); });
  const bool newest = behind == sources_.end();
  if (publication_ == nullptr) {
    MOQ_TRY(publication_, splice_.out().publish(path_, broadcast_, route));
  } else if (newest) {
    MOQ_CHECK_OK(publication_->update(route));
  }
  sources_.insert(behind, std::move(source));
  // Copies: what it leads to may change them.
  const auto tracks = tracks_;
  for (const auto& [track, spliced] : tracks) spliced->update(*leg);
  return {};
}

void SplicedBroadcast::withdraw(const SpliceLeg& leg) {
  std::erase_if(sources_, [&](const Source& known) { return known.leg == &leg; });
  if (sources_.empty()) orphaned_ = splice_.loop().now();
}

void SplicedBroadcast::lose(const SpliceLeg& leg) {
  withdraw(leg);
  // A copy: what is lost may end readers, who may do anything.
  const auto tracks = tracks_;
  for (const auto& [track, spliced] : tracks) spliced->lose(leg);
}

void SplicedBroadcast::retire() {
  retired_ = true;
  publication_.reset();
  broadcast_->set_source(nullptr);
  look_whether_idle();
}

void SplicedBroadcast::give_up() {
  for (const auto& [track, spliced] : tracks_) spliced->give_up();
}

const SplicedBroadcast::Source* SplicedBroadcast::find(const SpliceLeg& leg) const {
  const auto it = std::ranges::find(sources_, &leg, &Source::leg);
  return it == sources_.end() ? nullptr : &*it;
}

const SplicedBroadcast::Source* SplicedBroadcast::best(
    const std::set<std::uint64_t>& refusals) const {
  for (auto it = sources_.rbegin(); it != sources_.rend(); ++it) {
    if (!refusals.contains(it->leg->number())) return &*it;
  }
  return nullptr;
}

bool SplicedBroadcast::same_publisher(const Source& source) const {
  return publisher_ != 0 && source.publisher() == publisher_;
}

bool SplicedBroadcast::may_wait(const SpliceLeg* leg) const {
  if (splice_.closed() || retired_) return false;
  return leg == nullptr || leg->leaving() || (!sources_.empty() && sources_.back().leg != leg);
}

bool SplicedBroadcast::reads(const SpliceLeg& leg) const {
  return std::ranges::any_of(tracks_, [&](const auto& entry) { return entry.second->reads(leg); });
}

bool SplicedBroadcast::busy() const {
  return std::ranges::any_of(tracks_, [](const auto& entry) { return entry.second->busy(); });
}

void SplicedBroadcast::differs(const SpliceLeg& leg) { splice_.split(*this, leg); }

void SplicedBroadcast::look_whether_idle() {
  if (retired_) splice_.clean_up();
}

void SplicedBroadcast::on_track(Broadcast& /*broadcast*/, const std::shared_ptr<Track>& track) {
  // Tracks that are gone are of no use any more. This may be a call from inside one.
  std::vector<std::shared_ptr<SplicedTrack>> dead;
  std::erase_if(tracks_, [&](const auto& entry) {
    if (!entry.second->track().error()) return false;
    dead.push_back(entry.second);
    return true;
  });
  if (!dead.empty()) splice_.loop().post([dead] {});
  for (const auto& each : dead) each->detach();
  const auto spliced = std::make_shared<SplicedTrack>(*this, track);
  tracks_[track.get()] = spliced;
  spliced->use_best();
}

}  // namespace moq
