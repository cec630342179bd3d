#include "net/ietf/publish_request.h"

#include <utility>

#include "net/ietf/mapping.h"
#include "net/ietf/session.h"

namespace moq::ietf {

PublishRequest::PublishRequest(Session& session, FullTrackName name,
                               const std::shared_ptr<Track>& track, bool forward)
    : TrackPublisher(session, MessageKind::publish, std::move(name)), forward_(forward) {
  start(track, {.filter = {.type = FilterType::largest_object}, .forward = forward});
}

void PublishRequest::tell_alias() {
  Publish message{.request_id = id(),
                  .track = name(),
                  .track_alias = id(),
                  .largest = largest(),
                  .forward = forward_};
  if (const auto set = set_info(session().traits(), info(), message); !set) {
    log::debug("{}: properties of a track: {}", session().name(), set.error().message());
  }
  open(message);
}

Result<void> PublishRequest::received(MessageKind kind, ByteSpan body) {
  switch (kind) {
    case MessageKind::publish_ok:
      return received_ok(body);
    case MessageKind::request_update:
      return received_update(body);
    case MessageKind::request_error: {
      MOQ_TRY(const auto error, decode<RequestError>(session().version(), body));
      log::debug("{}: a track is not taken: {}", session().name(), error.failure.reason);
      stop_all();
      finish();
      return {};
    }
    default:
      return fail(SessionError::protocol_violation,
                  std::string(to_string(kind)) + " about a PUBLISH of the other side's");
  }
}

Result<void> PublishRequest::received_ok(ByteSpan body) {
  MOQ_TRY(const auto ok, decode<PublishOk>(session().version(), body));
  if (std::exchange(accepted_, true)) {
    return fail(SessionError::protocol_violation, "a second PUBLISH_OK");
  }
  change({.priority = ok.subscriber_priority,
          .group_order = ok.group_order,
          // Draft-18 says nothing for all that comes, which is what this is.
          .filter = ok.filter == Filter{} ? terms().filter : ok.filter,
          .forward = ok.forward,
          .object_delivery_timeout = ok.object_delivery_timeout,
          .subgroup_delivery_timeout = ok.subgroup_delivery_timeout});
  maybe_finish();
  return {};
}

}  // namespace moq::ietf
