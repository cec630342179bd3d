#include "net/ietf/subgroup_receiver.h"

#include <utility>

#include "net/ietf/mapping.h"
#include "net/ietf/remote_track.h"
#include "net/ietf/session.h"
#include "net/model/error.h"

namespace moq::ietf {

namespace {

/// What to reset a stream with when something of the model's fails.
StreamError stream_error_for(const Error& error) {
  if (&error.domain() == &error_domain(StreamError{})) {
    return static_cast<StreamError>(error.code());
  }
  if (error.is(ModelError::too_many) || error.is(ModelError::too_old)) {
    return StreamError::too_far_behind;
  }
  if (&error.domain() == &error_domain(ModelError{}) && !error.is(ModelError::out_of_order)) {
    return StreamError::cancelled;
  }
  return StreamError::malformed_track;
}

}  // namespace

SubgroupReceiver::SubgroupReceiver(Session& session, std::shared_ptr<transport::RecvStream> stream,
                                   const SubgroupHeader& header)
    : Task(session),
      stream_(std::move(stream)),
      header_(header),
      reader_(session.version(), header.has_properties, *this, Group::Limits{}.max_bytes),
      ends_group_(header.end_of_group) {
  stream_->set_handler(this);
}

SubgroupReceiver::~SubgroupReceiver() {
  stream_->set_handler(nullptr);
  if (objects_ != nullptr) {
    objects_->abort(static_cast<std::uint64_t>(StreamError::session_closed));
  }
}

void SubgroupReceiver::start(RemoteTrack& track, Bytes rest, bool fin, Time arrival) {
  const auto hold = session().hold();
  track_ = track.shared_track();
  auto group = track.begin_group(header_.group);
  if (!group) return stop(stream_error_for(group.error()));
  group_ = *std::move(group);
  if (header_.id_mode != SubgroupIdMode::first_object) {
    if (const auto begun = begin(header_.subgroup); !begun) {
      return stop(stream_error_for(begun.error()));
    }
  }
  arrival_ = arrival;
  on_data(std::move(rest), fin);
  arrival_.reset();
}

Result<void> SubgroupReceiver::begin(std::uint64_t id) {
  // A stream may go on with a subgroup that an earlier one began.
  objects_ = group_->find(id);
  continues_ = objects_ != nullptr && objects_->state() == Subgroup::State::open;
  if (continues_) {
    if (header_.end_of_group) objects_->set_ends_group();
    return {};
  }
  SubgroupInfo info{.ends_group = header_.end_of_group};
  if (header_.priority) info.priority = to_priority(*header_.priority);
  MOQ_TRY(objects_, group_->add(id, info));
  if (group_->subgroups().size() == 1) ++session().traffic()->received.groups;
  return {};
}

void SubgroupReceiver::on_data(Bytes data, bool fin) {
  if (done_) return;
  const auto hold = session().hold();
  auto fed = reader_.feed(data);
  if (fed && fin) fed = reader_.finish();
  if (!fed) {
    const Error& error = fed.error();
    // What the drafts close sessions for: a status that there is not, or one that may not
    // be where it is; and the end of a stream inside of an object.
    if (error.is(coding::CodingError::invalid_value) ||
        error.is(coding::CodingError::short_buffer)) {
      stop(StreamError::cancelled);
      return session().fail(error);
    }
    const StreamError code = stream_error_for(error);
    if (objects_ != nullptr) objects_->abort(static_cast<std::uint64_t>(code));
    return stop(code);
  }
  if (!fin) return;
  if (objects_ != nullptr) std::exchange(objects_, nullptr)->finish();
  done();
}

Result<void> SubgroupReceiver::on_object(const StreamObject& object) {
  if (objects_ == nullptr) MOQ_CHECK_OK(begin(object.id));
  const auto status = to_model(object.status);
  const auto& there = objects_->objects();
  // A peer may begin a group anew whose beginning was fetched.
  const bool known = continues_ && !there.empty() && object.id <= there.back().id;
  skipping_ = !status || known;
  if (skipping_) return {};
  if (*status == ObjectStatus::end_of_group) ends_group_ = true;
  ++session().traffic()->received.frames;
  const Time arrival = arrival_.value_or(session().loop().now());
  return objects_->append_object(
      {.id = object.id,
       .timestamp = timestamp_of(session().traits().properties, object.properties,
                                 group_->timescale(), arrival),
       .size = object.size,
       .arrival = arrival,
       .status = *status,
       .properties_form = session().traits().properties.form,
       .properties = object.properties});
}

Result<void> SubgroupReceiver::on_payload(Bytes chunk) {
  if (skipping_) return {};
  session().traffic()->received.bytes += chunk.size();
  return objects_->append_payload(std::move(chunk));
}

void SubgroupReceiver::on_reset(std::uint64_t code) {
  if (done_) return;
  const auto hold = session().hold();
  if (objects_ != nullptr) {
    std::exchange(objects_, nullptr)
        ->abort(static_cast<std::uint64_t>(stream_error(session().version(), code)));
  }
  done();
}

void SubgroupReceiver::stop(StreamError code) {
  if (objects_ != nullptr) {
    std::exchange(objects_, nullptr)->abort(static_cast<std::uint64_t>(code));
  }
  stream_->stop(wire_code(session().version(), code));
  done();
}

void SubgroupReceiver::done() {
  if (std::exchange(done_, true)) return;
  RemoteTrack* track = session().track_of(header_.track_alias);
  if (track != nullptr) {
    track->stream_ended();
    if (group_ != nullptr) track->end_stream(*group_, ends_group_);
  }
  session().retire(*this);
}

}  // namespace moq::ietf
