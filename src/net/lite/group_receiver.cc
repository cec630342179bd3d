#include "net/lite/group_receiver.h"

#include <utility>

#include "net/lite/remote_track.h"
#include "net/lite/session.h"

namespace moq::lite {

GroupReceiver::GroupReceiver(Session& session, std::shared_ptr<transport::RecvStream> stream)
    : Task(session),
      stream_(std::move(stream)),
      frames_(session.version(), *this, Group::Limits{}.max_bytes) {
  stream_->set_handler(this);
}

GroupReceiver::~GroupReceiver() {
  stream_->set_handler(nullptr);
  if (group_ != nullptr && !group_->closed()) {
    group_->abort(static_cast<std::uint64_t>(StreamError::session_closed));
  }
}

void GroupReceiver::start(const Bytes& header, Bytes rest, bool fin) {
  const auto hold = session().hold();
  const auto message = decode_body<GroupHeader>(session().version(), header);
  if (!message) {
    stop(static_cast<std::uint64_t>(StreamError::malformed));
    return session().fail(message.error());
  }
  const auto found = session().subscriptions().find(message->subscribe_id);
  // A subscription that has just ended: its groups may still be on their way.
  if (found == session().subscriptions().end()) {
    return stop(static_cast<std::uint64_t>(StreamError::cancelled));
  }
  auto group = found->second->begin_group(message->sequence);
  if (!group) return stop(static_cast<std::uint64_t>(stream_error_for(group.error())));
  group_ = *std::move(group);
  group_->only();
  ++session().traffic()->received.groups;
  on_data(std::move(rest), fin);
}

void GroupReceiver::on_data(Bytes data, bool fin) {
  if (done_) return;
  const auto hold = session().hold();
  auto fed = frames_.feed(data);
  if (fed && fin) fed = frames_.finish();
  if (!fed) {
    // The group may have been given up here (evicted, or no longer wanted): that
    // is not the peer's fault, and its code is kept.
    const auto code = static_cast<std::uint64_t>(stream_error_for(fed.error()));
    group_->abort(code);
    return stop(code);
  }
  if (!fin) return;
  group_->only().finish();
  group_->finish();
  done();
}

Result<void> GroupReceiver::on_frame(const FrameHeader& header) {
  ++session().traffic()->received.frames;
  Subgroup& objects = group_->only();
  return objects.append_object({
      .id = objects.objects().size(),
      // Without a timestamp of its own, a frame's arrival stands for it, in the
      // milliseconds that such tracks are said to have.
      .timestamp = header.timestamp.value_or(static_cast<std::uint64_t>(
          std::chrono::floor<std::chrono::milliseconds>(session().loop().now().time_since_epoch())
              .count())),
      .size = header.size,
      .arrival = session().loop().now(),
  });
}

Result<void> GroupReceiver::on_payload(Bytes chunk) {
  session().traffic()->received.bytes += chunk.size();
  return group_->only().append_payload(std::move(chunk));
}

void GroupReceiver::on_reset(std::uint64_t code) {
  if (done_) return;
  const auto hold = session().hold();
  group_->abort(code);
  done();
}

void GroupReceiver::stop(std::uint64_t code) {
  stream_->stop(code);
  done();
}

void GroupReceiver::done() {
  if (std::exchange(done_, true)) return;
  session().retire(*this);
}

}  // namespace moq::lite
