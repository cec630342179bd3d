#include "net/lite/subscribe_publisher.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "net/lite/session.h"
#include "net/model/flat_group.h"

namespace moq::lite {

SubscribePublisher::SubscribePublisher(Session& session, transport::Stream stream,
                                       MessageReader reader)
    : RequestStream(session, std::move(stream), std::move(reader)) {}

SubscribePublisher::~SubscribePublisher() {
  stop_all();
  if (id_) session().release_peer_subscribe_id(*id_);
}

Result<bool> SubscribePublisher::parse(MessageReader& reader) {
  MOQ_TRY(const auto body, reader.next_message());
  if (!body) return false;
  MOQ_TRY(const auto message, decode_body<SubscribeUpdate>(session().version(), *body));
  update(message);
  return true;
}

Result<void> SubscribePublisher::begin(ByteSpan body) {
  MOQ_TRY(const auto message, decode_body<Subscribe>(session().version(), body));
  MOQ_CHECK_OK(session().claim_peer_subscribe_id(message.id));
  id_ = message.id;
  MOQ_TRY(const auto track, session().find_track(message.broadcast, message.track));
  options_ = {.priority = message.priority,
              .ordered = message.ordered,
              .max_latency = session().traits().has_subscribe_options ? message.max_latency
                                                                      : kUnlimitedLatency,
              .start = message.start_group,
              .end = message.end_group};
  delivery_ = std::make_shared<Delivery>(Delivery{
      .track = track, .max_latency = delivery_latency(*track), .traffic = session().traffic()});
  ++session().traffic()->subscriptions;
  subscription_ = track->subscribe(options_, *this);
  return {};
}

void SubscribePublisher::update(const SubscribeUpdate& message) {
  options_ = {.priority = message.priority,
              .ordered = message.ordered,
              .max_latency = message.max_latency,
              .start = message.start_group,
              .end = message.end_group};
  delivery_->max_latency = delivery_latency(*delivery_->track);
  if (subscription_ != nullptr) subscription_->update(options_);
  for (const auto& [sequence, sending] : sending_) {
    sending->stream->set_priority(priority(sequence));
  }
  sweep();
}

transport::Priority SubscribePublisher::priority(std::uint64_t sequence) const {
  return {.band = transport::Priority::Band::media,
          .subscriber = options_.priority,
          .publisher = track_info_.priority,
          .flow = *id_,
          .order = options_.ordered ? sequence : ~sequence};
}

// What the publisher does not keep, a peer that does not read must not keep either.
Duration SubscribePublisher::delivery_latency(const Track& track) const {
  return std::min(options_.max_latency,
                  std::max(track.retention(), session().limits().max_delivery_latency));
}

template <typename Message>
void SubscribePublisher::respond(const std::optional<std::uint64_t>& type, const Message& message) {
  if (!type) return;
  if (session().traits().responses.typed) {
    send_typed(*type, message);
  } else {
    send(message);
  }
}

void SubscribePublisher::on_info(const TrackInfo& info) {
  track_info_ = info;
  delivery_->max_latency = delivery_latency(*delivery_->track);
  const SubscribeResponses& responses = session().traits().responses;
  if (!responses.ok_has_properties) return;
  respond(responses.ok, SubscribeOkProperties{.priority = info.priority,
                                              .ordered = info.ordered,
                                              .max_latency = info.max_latency,
                                              .start_group = options_.start,
                                              .end_group = options_.end});
}

void SubscribePublisher::tell_start(std::uint64_t sequence) {
  if (std::exchange(told_start_, true)) return;
  const SubscribeResponses& responses = session().traits().responses;
  if (responses.ok_has_properties) return;
  respond(responses.ok, SubscribeStart{.group = subscription_->start().value_or(sequence)});
}

void SubscribePublisher::on_group(std::shared_ptr<Group> group) {
  const std::uint64_t sequence = group->sequence();
  if (track_info_.has_subgroups) group = flatten(session().loop(), group);
  tell_start(sequence);
  sweep();
  std::vector<std::uint8_t> prefix;
  append_type(prefix, UniType::group);
  encode(prefix, session().version(), GroupHeader{.subscribe_id = *id_, .sequence = sequence});
  auto sending = std::make_unique<Sending>(*this, sequence);
  sending->group = group;
  auto source =
      std::make_unique<GroupSender>(std::move(group), delivery_, session().version(), prefix);
  ObjectSender* sender = source.get();
  source->set_handle(&sender);
  sending->stream =
      session().transport().open_uni(priority(sequence), std::move(source), sending.get());
  if (sender != nullptr) {
    sender->set_stream(sending->stream.get());
    sender->set_handle(nullptr);
  }
  sending_[sequence] = std::move(sending);
}

void SubscribePublisher::sweep() {
  for (auto it = sending_.begin(); it != sending_.end();) {
    auto here = it++;
    const auto group = here->second->group.lock();
    if (group == nullptr) continue;
    if (group->aborted()) {
      // The transport may not ask for long; until then the group takes memory.
      give_up(here, group->only().abort_code());
    } else if (delivery_->track->expired(*group, *delivery_->max_latency)) {
      give_up(here, static_cast<std::uint64_t>(StreamError::delivery_timeout));
    }
  }
  while (sending_.size() >= session().limits().max_groups_in_flight) {
    give_up(sending_.begin(), static_cast<std::uint64_t>(StreamError::too_far_behind));
  }
}

void SubscribePublisher::give_up(std::map<std::uint64_t, std::unique_ptr<Sending>>::iterator it,
                                 std::uint64_t code) {
  auto sending = std::move(it->second);
  sending_.erase(it);
  sending->stream->set_handler(nullptr);
  sending->stream->reset(code);
}

void SubscribePublisher::sent(std::uint64_t sequence) {
  sending_.erase(sequence);
  maybe_finish();
}

void SubscribePublisher::on_datagram(const Datagram& datagram) {
  if (!session().traits().has_datagrams) return;
  const auto body = encode_datagram(
      session().version(),
      {.subscribe_id = *id_, .sequence = datagram.sequence, .timestamp = datagram.timestamp},
      datagram.payload);
  // One that does not fit is dropped, not sent on a stream (§"Datagrams").
  if (!body) return;
  Traffic& sent = session().traffic()->sent;
  ++sent.frames;
  sent.bytes += datagram.payload.size();
  session().transport().send_datagram(Bytes::copy_of(*body));
}

void SubscribePublisher::on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) {
  const auto& type = session().traits().responses.drop;
  if (type) respond(type, SubscribeDrop{.start = first, .end = last, .error = code});
}

void SubscribePublisher::on_end(std::uint64_t end) {
  const auto& type = session().traits().responses.end;
  if (type) respond(type, SubscribeEnd{.group = end});
  ended_ = true;
  maybe_finish();
}

void SubscribePublisher::maybe_finish() {
  if (ended_ && sending_.empty()) finish();
}

void SubscribePublisher::on_abort(const Error& error) {
  subscription_.reset();
  // What has ended is complete: its last groups go out although their track is gone.
  if (ended_) return;
  stop_all();
  reset(static_cast<std::uint64_t>(stream_error_for(error)));
}

void SubscribePublisher::on_fin() {
  subscription_.reset();
  stop_all();
  finish();
}

void SubscribePublisher::on_cancel(std::uint64_t /*code*/) {
  subscription_.reset();
  stop_all();
}

void SubscribePublisher::stop_all() {
  for (auto& [sequence, sending] : std::exchange(sending_, {})) {
    sending->stream->set_handler(nullptr);
    sending->stream->reset(static_cast<std::uint64_t>(StreamError::cancelled));
  }
}

}  // namespace moq::lite
