#include "net/ietf/subscribe_request.h"

#include <utility>

#include "net/ietf/mapping.h"
#include "net/ietf/properties.h"
#include "net/ietf/remote_track.h"
#include "net/ietf/session.h"

namespace moq::ietf {

namespace {

/// Without an end, whatever is wanted now: others may come who want more, and what the
/// subscription is over for is then not over for them.
Filter filter_for(const SubscribeOptions& options) {
  // With no start, the latest group: what the drafts leave out of it is fetched.
  if (!options.start) return {.type = FilterType::largest_object};
  return {.type = FilterType::absolute_start, .start = {.group = *options.start}};
}

}  // namespace

SubscribeRequest::SubscribeRequest(RemoteTrack& track, const SubscribeOptions& options)
    : TrackRequest(track, MessageKind::subscribe),
      joins_(filter_for(options).type == FilterType::largest_object) {
  open(Subscribe{.request_id = id(),
                 .track = track.name(),
                 .subscriber_priority = to_priority(options.priority),
                 .group_order = options.ordered ? GroupOrder::ascending : GroupOrder::descending,
                 .filter = filter_for(options)});
}

Result<void> SubscribeRequest::received(MessageKind kind, ByteSpan body) {
  switch (kind) {
    case MessageKind::subscribe_ok:
      return received_ok(body);
    case MessageKind::publish_done:
      return received_done(body);
    case MessageKind::request_error:
      return received_error(body);
    default:
      return fail(SessionError::protocol_violation,
                  std::string(to_string(kind)) + " in answer to SUBSCRIBE");
  }
}

Result<void> SubscribeRequest::received_ok(ByteSpan body) {
  MOQ_TRY(const auto ok, decode<SubscribeOk>(session().version(), body));
  if (std::exchange(answered_, true)) {
    return fail(SessionError::protocol_violation, "a second SUBSCRIBE_OK");
  }
  if (track() == nullptr) return {};
  // Before its streams are let in.
  if (joins_ && ok.largest) this->track()->join(*ok.largest);
  const auto done = accept(ok);
  if (done || !done.error().is(RequestErrorCode::unsupported_extension)) return done;
  RemoteTrack* track = detach();
  abandon();
  track->failed(done.error());
  return {};
}

Result<void> SubscribeRequest::received_error(ByteSpan body) {
  MOQ_TRY(const auto error, decode<RequestError>(session().version(), body));
  const auto code = request_error_code(session().version(), kind(), error.failure.code);
  RemoteTrack* track = detach();
  finish();
  if (track != nullptr) track->failed(Error(code, error.failure.reason));
  return {};
}

}  // namespace moq::ietf
