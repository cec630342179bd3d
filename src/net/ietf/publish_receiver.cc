#include "net/ietf/publish_receiver.h"

#include <utility>

#include "net/ietf/mapping.h"
#include "net/ietf/session.h"

namespace moq::ietf {

PublishReceiver::PublishReceiver(Session& session, Arrival arrival, Publish message)
    : TrackRequest(session, MessageKind::publish, std::move(arrival)),
      message_(std::move(message)) {}

PublishReceiver::~PublishReceiver() {
  kept_.reset();
  detach();
  if (published_) broadcast_->forget_track(message_.track.track_name);
  session().let_end(std::move(broadcast_));
}

void PublishReceiver::begin() {
  auto broadcast = session().accept_namespace(message_.track.track_namespace);
  if (!broadcast) return refuse(request_error_of(broadcast.error()), broadcast.error().detail());
  broadcast_ = *std::move(broadcast);
  auto made = broadcast_->publish_track(message_.track.track_name, *this);
  if (!made) return refuse(request_error_of(made.error()), made.error().detail());
  set_track(**made);
  published_ = true;
  // What nobody wants is given up; this one goes on, for those who come later.
  kept_ = track()->track().subscribe({}, *this);
  if (message_.largest) track()->join(*message_.largest);
  if (const auto done = accept(message_); !done) {
    if (&done.error().domain() != &error_domain(RequestErrorCode{})) {
      return session().fail(done.error());
    }
    RemoteTrack* track = detach();
    if (track != nullptr) track->failed(done.error());
    return refuse(request_error_of(done.error()), done.error().detail());
  }
  send(PublishOk{.request_id = id(),
                 .group_order = message_.group_order,
                 .filter = {.type = FilterType::largest_object}});
}

Result<void> PublishReceiver::received(MessageKind kind, ByteSpan body) {
  if (kind == MessageKind::publish_done) return received_done(body);
  if (kind != MessageKind::request_update) {
    return fail(SessionError::protocol_violation,
                std::string(to_string(kind)) + " about a PUBLISH of its sender's");
  }
  MOQ_TRY(const auto update, take_update(body));
  if (update && session().traits().updates_are_answered) {
    send(RequestUpdateOk{.request_id = update->request_id});
  }
  return {};
}

}  // namespace moq::ietf
