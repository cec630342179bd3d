#include "net/ietf/track_status_publisher.h"

#include <utility>

#include "net/ietf/mapping.h"
#include "net/ietf/session.h"

namespace moq::ietf {

TrackStatusPublisher::TrackStatusPublisher(Session& session, Arrival arrival, TrackStatus message)
    : Request(session, MessageKind::track_status, std::move(arrival)),
      message_(std::move(message)) {}

void TrackStatusPublisher::begin() {
  auto track = session().find_track(message_.track);
  if (!track) return refuse(request_error_of(track.error()), track.error().detail());
  track_ = *std::move(track);
  track_->when_info([this, alive = std::weak_ptr(alive_)](const Result<TrackInfo>& info) {
    if (alive.expired() || over()) return;
    if (!info) return refuse(request_error_of(info.error()), info.error().detail());
    answer(*info);
  });
}

void TrackStatusPublisher::answer(const TrackInfo& info) {
  TrackStatusOk ok{.request_id = id(), .largest = track_->largest()};
  if (const auto set = set_info(session().traits(), info, ok); !set) {
    log::debug("{}: properties of a track: {}", session().name(), set.error().message());
  }
  send(ok);
  finish();
}

Result<void> TrackStatusPublisher::received(MessageKind kind, ByteSpan /*body*/) {
  return fail(SessionError::protocol_violation,
              std::string(to_string(kind)) + " about a TRACK_STATUS");
}

}  // namespace moq::ietf
