#include "net/lite/remote_track.h"

#include <utility>

#include "net/lite/session.h"
#include "net/lite/track_requests.h"

namespace moq::lite {

namespace {
Error going_away() { return {StreamError::going_away, "the session is draining"}; }
}  // namespace

RemoteTrack::RemoteTrack(Session& session, std::string broadcast, std::shared_ptr<Track> track,
                         std::function<void()> on_idle)
    : session_(session),
      broadcast_(std::move(broadcast)),
      track_(std::move(track)),
      on_idle_(std::move(on_idle)) {
  track_->set_source(this);
}

RemoteTrack::~RemoteTrack() {
  track_->set_source(nullptr);
  if (info_request_ != nullptr) std::exchange(info_request_, nullptr)->abandon();
  if (subscribe_request_ != nullptr) std::exchange(subscribe_request_, nullptr)->abandon();
  for (auto& [sequence, request] : std::exchange(fetch_requests_, {})) request->abandon();
}

void RemoteTrack::start() {
  if (!may_request()) return refuse();
  if (!session_.traits().has_track_stream) {
    // What there is of it comes with SUBSCRIBE_OK, too late for those who ask first. That
    // leaves it to the cache how long groups are kept.
    track_->accept(TrackInfo{.max_latency = Duration::max()});
    return;
  }
  info_request_ = &session_.add(std::make_unique<TrackInfoRequest>(*this));
}

bool RemoteTrack::may_request() const { return session_.open() && !session_.goaway_received(); }

void RemoteTrack::refuse() {
  refused_ = true;
  if (fetch_requests_.empty()) track_->abort(going_away());
}

void RemoteTrack::received_info(const TrackInfo& info) { track_->accept(info); }

void RemoteTrack::failed(const Error& error) { track_->abort(error); }

void RemoteTrack::on_demand(Track& /*track*/, const std::optional<SubscribeOptions>& combined) {
  wanted_ = combined;
  if (!wanted_) {
    if (subscribe_request_ != nullptr) std::exchange(subscribe_request_, nullptr)->abandon();
    if (!busy()) on_idle_();
    return;
  }
  if (subscribe_request_ != nullptr) {
    subscribe_request_->update(*wanted_);
  } else if (!track_->info()) {
    // It follows TRACK_INFO.
  } else if (may_request()) {
    subscribe_request_ = &session_.add(std::make_unique<SubscribeRequest>(*this, *wanted_));
  } else {
    refuse();
  }
}

void RemoteTrack::on_fetch(Track& /*track*/, std::uint64_t sequence) {
  if (!session_.traits().has_fetch) {
    track_->fail_fetch(sequence, Error(StreamError::not_found, "the peer serves no FETCH"));
    return;
  }
  if (!may_request()) return track_->fail_fetch(sequence, going_away());
  const std::uint8_t priority = wanted_ ? wanted_->priority : std::uint8_t{0};
  fetch_requests_[sequence] =
      &session_.add(std::make_unique<FetchRequest>(*this, sequence, priority));
}

Result<std::shared_ptr<Group>> RemoteTrack::begin_group(std::uint64_t sequence) {
  if (subscribe_request_ != nullptr) subscribe_request_->saw_group(sequence);
  return track_->create_group(sequence);
}

void RemoteTrack::received_datagram(const Datagram& datagram) { track_->datagram(datagram); }

void RemoteTrack::forget(SubscribeRequest* request) {
  if (subscribe_request_ == request) subscribe_request_ = nullptr;
  if (!busy()) on_idle_();
}
void RemoteTrack::forget(TrackInfoRequest* request) {
  if (info_request_ != request) return;
  info_request_ = nullptr;
  // Demand may have come before the properties did.
  if (track_->info() && wanted_) on_demand(*track_, wanted_);
  if (!busy()) on_idle_();
}
void RemoteTrack::forget(FetchRequest* request) {
  std::erase_if(fetch_requests_, [&](const auto& entry) { return entry.second == request; });
  if (!busy()) on_idle_();
  if (refused_) refuse();
}

}  // namespace moq::lite
