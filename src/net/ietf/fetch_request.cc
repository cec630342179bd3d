#include "net/ietf/fetch_request.h"

#include <utility>

#include "net/ietf/mapping.h"
#include "net/ietf/remote_track.h"
#include "net/ietf/session.h"
#include "net/model/error.h"

namespace moq::ietf {

FetchRequest::FetchRequest(RemoteTrack& track, std::uint64_t sequence)
    : FetchRequest(track, sequence, {.group = sequence}, false) {}

FetchRequest::FetchRequest(RemoteTrack& track, Location largest, std::shared_ptr<Group> group)
    : FetchRequest(track, largest.group,
                   {.group = largest.group,
                    // Behind the last id that there can be is the end of the group.
                    .object = largest.object >= coding::kMaxVarint ? 0 : largest.object + 1},
                   true) {
  group_ = std::move(group);
}

FetchRequest::FetchRequest(RemoteTrack& track, std::uint64_t sequence, Location end, bool joins)
    : Request(track.session(), MessageKind::fetch),
      track_(&track),
      sequence_(sequence),
      joins_(joins),
      reader_(track.session().version(), GroupOrder::ascending, *this, Group::Limits{}.max_bytes) {
  open(Fetch{.request_id = id(),
             .range = {.track = track.name(), .start = {.group = sequence}, .end = end}});
}

FetchRequest::~FetchRequest() {
  if (stream_ != nullptr) stream_->set_handler(nullptr);
  if (group_ != nullptr) group_->abort(static_cast<std::uint64_t>(StreamError::session_closed));
  detach();
}

RemoteTrack* FetchRequest::detach() {
  RemoteTrack* track = std::exchange(track_, nullptr);
  if (track != nullptr) track->forget(*this);
  return track;
}

void FetchRequest::abandon() {
  track_ = nullptr;
  give_up_group();
  if (session().traits().has_cancel_messages) send(FetchCancel{.request_id = id()});
  if (stream_ != nullptr) stream_->stop(wire_code(session().version(), StreamError::cancelled));
  cancel(StreamError::cancelled);
}

Result<void> FetchRequest::received(MessageKind kind, ByteSpan body) {
  if (kind == MessageKind::fetch_ok) {
    MOQ_TRY(const auto ok, decode<FetchOk>(session().version(), body));
    if (ok.end < Location{.group = sequence_} && ok.end.object != 0) {
      return fail(SessionError::protocol_violation, "a fetch ends before it starts");
    }
    return {};
  }
  if (kind != MessageKind::request_error) {
    return fail(SessionError::protocol_violation,
                std::string(to_string(kind)) + " in answer to FETCH");
  }
  MOQ_TRY(const auto error, decode<RequestError>(session().version(), body));
  const auto code = request_error_code(session().version(), this->kind(), error.failure.code);
  fail_with(Error(code, error.failure.reason));
  return {};
}

void FetchRequest::receive(std::shared_ptr<transport::RecvStream> stream, Bytes rest, bool fin) {
  if (stream_ != nullptr || over()) {
    return stream->stop(wire_code(session().version(), StreamError::cancelled));
  }
  stream_ = std::move(stream);
  stream_->set_handler(this);
  on_data(std::move(rest), fin);
}

void FetchRequest::on_data(Bytes data, bool fin) {
  if (over()) return;
  const auto hold = session().hold();
  auto fed = reader_.feed(data);
  if (fed && fin) fed = reader_.finish();
  if (!fed) {
    const Error& error = fed.error();
    const bool violation = error.is(coding::CodingError::invalid_value);
    fail_with(Error(StreamError::malformed_track, error.message()));
    if (violation) session().fail(error);
    return;
  }
  if (fin) done();
}

std::shared_ptr<Group> FetchRequest::give_up_group() {
  auto group = std::exchange(group_, nullptr);
  // What follows may be had without its beginning, but not with a hole.
  const bool untouched = joins_ && group != nullptr && group->subgroups().empty();
  if (group != nullptr && !untouched) {
    group->abort(static_cast<std::uint64_t>(StreamError::cancelled));
  }
  return group;
}

Result<void> FetchRequest::on_object(const FetchObject& object) {
  subgroup_ = nullptr;
  const auto status = to_model(object.status);
  if (object.location.group != sequence_ || track_ == nullptr || !status) return {};
  if (group_ == nullptr) {
    MOQ_TRY(group_, track_->track().create_fetched(sequence_));
    ++session().traffic()->received.groups;
  }
  const std::uint64_t id = object.subgroup.value_or(object.location.object);
  Subgroup* subgroup = group_->find(id);
  if (subgroup == nullptr) {
    MOQ_TRY(subgroup,
            group_->add(id, {.ends_group = !joins_, .priority = to_priority(object.priority)}));
  }
  MOQ_CHECK_OK(subgroup->append_object(
      {.id = object.location.object,
       .timestamp = timestamp_of(session().traits().properties, object.properties,
                                 group_->timescale(), session().loop().now()),
       .size = object.size,
       .arrival = session().loop().now(),
       .status = *status,
       .properties_form = session().traits().properties.form,
       .properties = object.properties}));
  subgroup_ = subgroup;
  ++session().traffic()->received.frames;
  return {};
}

Result<void> FetchRequest::on_payload(Bytes chunk) {
  if (subgroup_ == nullptr) return {};
  session().traffic()->received.bytes += chunk.size();
  return subgroup_->append_payload(std::move(chunk));
}

void FetchRequest::done() {
  if (group_ == nullptr) {
    return fail_with(Error(ModelError::not_found, "the peer has no objects of the group"));
  }
  const auto group = std::exchange(group_, nullptr);
  if (!joins_) group->finish();
  if (joins_ && track_ != nullptr) track_->joined(*this, *group);
  detach();
  finish();
}

void FetchRequest::on_reset(std::uint64_t code) {
  const auto hold = session().hold();
  fail_with(Error(stream_error(session().version(), code), "the peer has given the fetch up"));
}

void FetchRequest::gone(StreamError code) {
  fail_with(Error(code, "FETCH was given up by the peer"));
}

void FetchRequest::fail_with(const Error& error) {
  const auto group = give_up_group();
  if (joins_ && track_ != nullptr) {
    log::debug("{}: the beginning of group {}: {}", session().name(), sequence_, error.message());
    track_->joined(*this, *group);
  }
  RemoteTrack* track = detach();
  if (!joins_ && track != nullptr) track->track().fail_fetch(sequence_, error);
  if (stream_ != nullptr) stream_->stop(wire_code(session().version(), StreamError::cancelled));
  finish();
}

}  // namespace moq::ietf
