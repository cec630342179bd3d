#include "net/ietf/track_request.h"

#include <algorithm>
#include <utility>

#include "net/ietf/mapping.h"
#include "net/ietf/remote_track.h"
#include "net/ietf/session.h"

namespace moq::ietf {

TrackRequest::TrackRequest(RemoteTrack& track, MessageKind kind)
    : Request(track.session(), kind),
      track_(&track),
      end_timer_(track.session().loop(), [this] { end(); }) {}

TrackRequest::TrackRequest(Session& session, MessageKind kind, Arrival arrival)
    : Request(session, kind, std::move(arrival)), end_timer_(session.loop(), [this] { end(); }) {}

TrackRequest::~TrackRequest() {
  // The peer may leave before all is in order.
  const bool ended = end_timer_.when() != kNever;
  RemoteTrack* track = detach();
  if (ended && track != nullptr) track->ended(next_sequence_, track_ended_);
}

RemoteTrack* TrackRequest::detach() {
  end_timer_.cancel();
  if (alias_) session().release_alias(*std::exchange(alias_, std::nullopt));
  RemoteTrack* track = std::exchange(track_, nullptr);
  if (track != nullptr) track->forget(*this);
  return track;
}

void TrackRequest::abandon() {
  track_ = nullptr;
  detach();
  if (session().traits().has_cancel_messages && !done_) send(Unsubscribe{.request_id = id()});
  cancel(StreamError::cancelled);
}

void TrackRequest::saw_group(std::uint64_t sequence) {
  // Behind the last number that there can be, there is no other.
  next_sequence_ = std::max(next_sequence_, std::max(sequence, sequence + 1));
}

void TrackRequest::stream_ended() {
  ++streams_ended_;
  if (done_ && streams_ != 0 && streams_ended_ == streams_) {
    end_timer_.arm(session().loop().now());
  }
}

template <typename M>
Result<void> TrackRequest::accept(const M& message) {
  MOQ_TRY(const auto properties, track_properties(session().traits(), message));
  if (properties.unknown_mandatory && session().traits().has_mandatory_properties) {
    return fail(RequestErrorCode::unsupported_extension,
                "the track has a mandatory property that is not known here");
  }
  if (message.largest) next_sequence_ = std::max(next_sequence_, message.largest->group + 1);
  MOQ_CHECK_OK(session().bind_alias(message.track_alias, *track_));
  alias_ = message.track_alias;
  TrackInfo info = to_info(properties);
  if (session().traits().has_track_properties) {
    info.properties_form = session().traits().properties.form;
    info.properties = message.properties;
  }
  // What has no next is of no use, and not all drafts could say it.
  const auto& largest = message.largest;
  const bool usable =
      largest && largest->group < coding::kMaxVarint && largest->object < coding::kMaxVarint;
  track_->accepted(info, usable ? largest : std::nullopt);
  return {};
}
template Result<void> TrackRequest::accept(const SubscribeOk& message);
template Result<void> TrackRequest::accept(const Publish& message);

Result<void> TrackRequest::received_done(ByteSpan body) {
  MOQ_TRY(const auto message, decode<PublishDone>(session().version(), body));
  if (std::exchange(done_, true)) {
    return fail(SessionError::protocol_violation, "a second PUBLISH_DONE");
  }
  const auto status = publish_done_code(session().version(), message.status);
  if (status == PublishDoneCode::track_ended || status == PublishDoneCode::subscription_ended) {
    track_ended_ = status == PublishDoneCode::track_ended;
    // Its streams may come later. How many there were, not every peer tells rightly.
    streams_ = message.stream_count;
    const bool over = streams_ != 0 && streams_ended_ >= streams_;
    end_timer_.arm(later(session().loop().now(), over ? Duration::zero() : after_done()));
    return {};
  }
  RemoteTrack* track = detach();
  finish();
  if (track == nullptr) return {};
  if (moves() && status == PublishDoneCode::going_away) {
    track->resume(next_sequence_);
  } else {
    track->failed(Error(status, message.reason));
  }
  return {};
}

Duration TrackRequest::after_done() const {
  const auto& info = track_ == nullptr ? std::nullopt : track_->track().info();
  if (!info) return kAfterDone;
  return std::clamp(std::max(info->object_delivery_timeout.value_or(kAfterDone),
                             info->subgroup_delivery_timeout.value_or(kAfterDone)),
                    kAfterDone, kLongAfterDone);
}

void TrackRequest::end() {
  // Streams that are here already wait for the beginning of their group.
  if (track_ != nullptr && track_->joins()) {
    return end_timer_.arm(later(session().loop().now(), kAfterDone));
  }
  RemoteTrack* track = detach();
  finish();
  if (track != nullptr) track->ended(next_sequence_, track_ended_);
}

void TrackRequest::on_fin() {
  if (!done_) gone(StreamError::cancelled);
}

void TrackRequest::gone(StreamError code) {
  if (done_) return;
  RemoteTrack* track = detach();
  if (track == nullptr) return;
  if (moves() && code == StreamError::going_away) {
    track->resume(next_sequence_);
  } else {
    track->failed(Error(code, "the track was given up by the peer"));
  }
}

}  // namespace moq::ietf
