#include "net/ietf/remote_track.h"

#include <algorithm>
#include <utility>

#include "net/ietf/fetch_request.h"
#include "net/ietf/mapping.h"
#include "net/ietf/session.h"
#include "net/ietf/subscribe_request.h"
#include "net/model/error.h"

namespace moq::ietf {

RemoteTrack::RemoteTrack(Session& session, FullTrackName name, std::shared_ptr<Track> track,
                         std::function<void()> on_idle)
    : session_(session),
      name_(std::move(name)),
      track_(std::move(track)),
      on_idle_(std::move(on_idle)),
      quiet_(session.loop(), [this] { finish_quiet(); }),
      join_timer_(session.loop(), [this] { abandon_join(); }),
      linger_(session.loop(), [this] {
        if (!wanted_ && (request_ == nullptr || !request_->lasting())) unsubscribe();
      }) {
  track_->set_source(this);
}

RemoteTrack::~RemoteTrack() {
  track_->set_source(nullptr);
  unsubscribe();
  for (FetchRequest* request : std::exchange(fetches_, {})) request->abandon();
}

void RemoteTrack::start() {
  session_.loop().post([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired() && !track_->error()) subscribe();
  });
}

bool RemoteTrack::start_instead(TrackRequest& request) {
  if (request_ != nullptr && request_->accepted()) return false;
  unsubscribe();
  request_ = &request;
  return true;
}

void RemoteTrack::subscribe() {
  if (request_ != nullptr) return;
  if (!is_encodable(name_)) {
    return track_->abort(Error(RequestErrorCode::does_not_exist, "the name is too long"));
  }
  const auto made = session_.when_request_allowed([this, alive = std::weak_ptr(alive_)] {
    if (alive.expired() || request_ != nullptr || track_->error()) return;
    // The first demand is there before it is told of.
    const auto wanted = wanted_ ? wanted_ : track_->combined();
    request_ = &session_.add(
        std::make_unique<SubscribeRequest>(*this, wanted.value_or(SubscribeOptions{})));
  });
  if (!made) track_->abort(made.error());
}

void RemoteTrack::unsubscribe() {
  abandon_join();
  if (request_ == nullptr) return;
  std::exchange(request_, nullptr)->abandon();
  // Nothing goes on with what is open.
  for (const auto& [sequence, open] : std::exchange(open_, {})) {
    if (const auto group = open.group.lock()) group->abort(Group::kCancelledCode);
  }
}

void RemoteTrack::join(Location largest) {
  const auto there = track_->cached(largest.group);
  const bool whole = there != nullptr && there->complete() && there->largest() >= largest;
  const bool fetching = std::ranges::any_of(
      fetches_, [&](const FetchRequest* each) { return each->sequence() == largest.group; });
  // What would have to wait for leave to ask is not worth it.
  if (whole || fetching || !session_.request_allowed()) return;
  abandon_join();
  // Known from now on, so that later groups do not come before it.
  auto group = begin_group(largest.group);
  if (!group) return;
  joining_ = &session_.add(std::make_unique<FetchRequest>(*this, largest, *std::move(group)));
  joining_group_ = largest.group;
  fetches_.push_back(joining_);
  join_timer_.arm(later(session_.loop().now(), kJoinTimeout));
}

void RemoteTrack::abandon_join() {
  join_timer_.cancel();
  if (joining_ == nullptr) return;
  FetchRequest* request = std::exchange(joining_, nullptr);
  std::erase(fetches_, request);
  const auto open = open_.find(joining_group_);
  const auto group = open == open_.end() ? nullptr : open->second.group.lock();
  request->abandon();
  if (group != nullptr) end_stream(*group, false);
  session_.retry_waiting();
}

void RemoteTrack::joined(FetchRequest& request, Group& group) {
  end_stream(group, false);
  if (joining_ != &request) return;
  join_timer_.cancel();
  joining_ = nullptr;
  session_.retry_waiting();
}

void RemoteTrack::on_demand(Track& /*track*/, const std::optional<SubscribeOptions>& combined) {
  wanted_ = combined;
  if (wanted_) return subscribe();
  if (request_ != nullptr && request_->lasting()) return;
  unsubscribe();
  on_idle_();
}

void RemoteTrack::on_fetch(Track& /*track*/, std::uint64_t sequence) {
  if (!is_encodable(name_)) {
    return track_->fail_fetch(sequence, Error(RequestErrorCode::does_not_exist, "the name"));
  }
  const auto made = session_.when_request_allowed([this, sequence, alive = std::weak_ptr(alive_)] {
    if (alive.expired() || track_->error()) return;
    fetches_.push_back(&session_.add(std::make_unique<FetchRequest>(*this, sequence)));
  });
  if (!made) track_->fail_fetch(sequence, made.error());
}

Result<std::shared_ptr<Group>> RemoteTrack::begin_group(std::uint64_t sequence) {
  if (const auto known = open_.find(sequence); known != open_.end()) {
    auto group = known->second.group.lock();
    if (group != nullptr && !group->closed()) {
      ++known->second.streams;
      return group;
    }
  }
  if (request_ != nullptr) request_->saw_group(sequence);
  MOQ_TRY(auto group, track_->create_group(sequence));
  std::erase_if(open_, [](const auto& each) {
    const auto open = each.second.group.lock();
    return open == nullptr || open->closed();
  });
  open_[sequence] = {.group = group, .streams = 1};
  finish_quiet();
  return group;
}

void RemoteTrack::end_stream(Group& group, bool ends_group) {
  const auto known = open_.find(group.sequence());
  if (known == open_.end() || known->second.group.lock().get() != &group) return;
  Open& open = known->second;
  if (--open.streams != 0) return;
  // Where there are several, one may be on its way behind the one that has the end.
  if (ends_group && group.subgroups().size() == 1 && group.find(0) != nullptr) {
    group.finish();
    open_.erase(known);
    return;
  }
  open.since = session_.loop().now();
  finish_quiet();
}

void RemoteTrack::finish_quiet() {
  const Time now = session_.loop().now();
  Time next = kNever;
  for (auto it = open_.begin(); it != open_.end();) {
    const auto here = it++;
    const Open& open = here->second;
    const auto group = open.group.lock();
    if (open.streams != 0 || group == nullptr) continue;
    const bool ends = std::ranges::any_of(group->subgroups(),
                                          [](const auto& each) { return each->ends_group(); });
    if (track_->latest() == group && !ends && !track_->end()) continue;
    const Time due = later(open.since, kQuiet);
    if (due > now) {
      next = std::min(next, due);
      continue;
    }
    group->finish();
    open_.erase(here);
  }
  quiet_.arm(next);
}

void RemoteTrack::stream_ended() {
  if (request_ != nullptr) request_->stream_ended();
}

void RemoteTrack::received_datagram(const Datagram& datagram) {
  if (request_ != nullptr) request_->saw_group(datagram.sequence);
  track_->datagram(datagram);
}

void RemoteTrack::accepted(const TrackInfo& info, const std::optional<Location>& largest) {
  track_->accept(info, largest);
  if (!wanted_) linger_.arm(later(session_.loop().now(), kLinger));
}

void RemoteTrack::failed(const Error& error) { track_->abort(error); }

void RemoteTrack::resume(std::uint64_t next) {
  if (!wanted_) return failed(Error(StreamError::going_away, "the peer has ended it"));
  wanted_->start = std::max(next, wanted_->start.value_or(0));
  subscribe();
}

void RemoteTrack::ended(std::uint64_t end, bool for_good) {
  for (const auto& [sequence, open] : std::exchange(open_, {})) {
    const auto group = open.group.lock();
    if (group != nullptr && open.streams == 0) group->finish();
  }
  track_->finish(end);
  // Who asks for it later gets another, and with it a subscription.
  if (!for_good) {
    track_->abort(Error(PublishDoneCode::subscription_ended, "the peer has ended it"));
  }
}

void RemoteTrack::forget(FetchRequest& request) {
  std::erase(fetches_, &request);
  // It goes with its session.
  if (joining_ == &request) {
    joining_ = nullptr;
    join_timer_.cancel();
  }
  if (!busy()) on_idle_();
}

void RemoteTrack::forget(TrackRequest& request) {
  if (request_ == &request) request_ = nullptr;
  if (!busy()) on_idle_();
}

}  // namespace moq::ietf
