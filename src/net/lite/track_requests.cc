#include "net/lite/track_requests.h"

#include <algorithm>
#include <utility>

#include "net/coding/error.h"
#include "net/lite/session.h"

namespace moq::lite {

namespace {
constexpr std::uint64_t code_of(StreamError error) { return static_cast<std::uint64_t>(error); }

Error peer_error(std::uint64_t code, std::string detail) {
  return {error_domain(StreamError::internal), code, std::move(detail)};
}
}  // namespace

// --- TRACK

TrackInfoRequest::TrackInfoRequest(RemoteTrack& track)
    : RequestStream(track.session(), BidiType::track, {}), track_(&track) {
  send(TrackRequest{.broadcast = track.broadcast(), .track = track.track().name()});
}

TrackInfoRequest::~TrackInfoRequest() {
  if (track_ != nullptr) track_->forget(this);
}

void TrackInfoRequest::abandon() {
  track_ = nullptr;
  reset(code_of(StreamError::cancelled));
}

Result<bool> TrackInfoRequest::parse(MessageReader& reader) {
  MOQ_TRY(const auto body, reader.next_message());
  if (!body) return false;
  const auto message = decode_body<TrackInfoMessage>(session().version(), *body);
  // A timescale of 0 ends the request, not the session (§"TRACK_INFO").
  if (!message && message.error().is(coding::CodingError::invalid_value)) {
    if (track_ != nullptr) track_->failed(Error(StreamError::malformed, message.error().detail()));
    return fail(StreamError::malformed, message.error().detail());
  }
  if (!message) return fail(message.error());
  RemoteTrack* track = std::exchange(track_, nullptr);
  if (track == nullptr) {
    return fail(SessionError::protocol_violation, "a second TRACK_INFO on one stream");
  }
  track->received_info({.priority = message->priority,
                        .ordered = message->ordered,
                        .max_latency = message->max_latency,
                        .timescale = message->timescale});
  track->forget(this);
  finish();
  return true;
}

void TrackInfoRequest::on_fin() {
  if (track_ != nullptr) track_->failed(Error(StreamError::malformed, "no TRACK_INFO came"));
  finish();
}

void TrackInfoRequest::on_cancel(std::uint64_t code) {
  if (track_ != nullptr) track_->failed(peer_error(code, "TRACK was refused"));
}

// --- SUBSCRIBE

SubscribeRequest::SubscribeRequest(RemoteTrack& track, const SubscribeOptions& options)
    : RequestStream(track.session(), BidiType::subscribe, {}),
      track_(&track),
      id_(session().next_subscribe_id()),
      options_(options) {
  session().subscriptions()[id_] = track_;
  send(Subscribe{.id = id_,
                 .broadcast = track.broadcast(),
                 .track = track.track().name(),
                 .priority = options.priority,
                 .ordered = options.ordered,
                 .max_latency = options.max_latency,
                 .start_group = options.start,
                 .end_group = options.end});
}

SubscribeRequest::~SubscribeRequest() { detach(); }

void SubscribeRequest::detach() {
  session().subscriptions().erase(id_);
  if (RemoteTrack* track = std::exchange(track_, nullptr)) track->forget(this);
}

void SubscribeRequest::abandon() {
  track_ = nullptr;
  session().subscriptions().erase(id_);
  reset(code_of(StreamError::cancelled));
}

void SubscribeRequest::update(const SubscribeOptions& options) {
  if (options == options_ || !session().traits().has_subscribe_options) return;
  options_ = options;
  if (backlog() > kMaxUpdateBacklog) {
    // A publisher that does not read serves nobody.
    const Error error(StreamError::too_far_behind, "the publisher reads no SUBSCRIBE_UPDATE");
    give_up(error);
    return reset(error.code());
  }
  send(SubscribeUpdate{.priority = options.priority,
                       .ordered = options.ordered,
                       .max_latency = options.max_latency,
                       .start_group = options.start,
                       .end_group = options.end});
}

void SubscribeRequest::saw_group(std::uint64_t sequence) {
  next_sequence_ = std::max(next_sequence_, sequence + 1);
}

Result<bool> SubscribeRequest::parse(MessageReader& reader) {
  const SubscribeResponses& responses = session().traits().responses;
  if (responses.typed && !response_type_) {
    MOQ_TRY(response_type_, reader.next_varint());
    if (!response_type_) return false;
  }
  MOQ_TRY(const auto body, reader.next_message());
  if (!body) return false;
  const auto type = responses.typed ? std::exchange(response_type_, {}) : responses.ok;
  if (type == responses.ok) {
    MOQ_CHECK_OK(received_ok(*body));
  } else if (type == responses.end) {
    MOQ_TRY(const auto end, decode_body<SubscribeEnd>(session().version(), *body));
    end_ = end.group;
  } else if (type == responses.drop) {
    MOQ_CHECK_OK(received_drop(*body));
  } else {
    return fail(SessionError::protocol_violation, "unknown answer to SUBSCRIBE");
  }
  return true;
}

Result<void> SubscribeRequest::received_ok(ByteSpan body) {
  if (session().traits().responses.ok_has_properties) {
    // They come too late: readers were told the defaults.
    MOQ_CHECK_OK(decode_body<SubscribeOkProperties>(session().version(), body));
    return {};
  }
  MOQ_TRY(const auto start, decode_body<SubscribeStart>(session().version(), body));
  next_sequence_ = std::max(next_sequence_, start.group);
  return {};
}

Result<void> SubscribeRequest::received_drop(ByteSpan body) {
  MOQ_TRY(const auto drop, decode_body<SubscribeDrop>(session().version(), body));
  if (drop.end < drop.start) {
    return fail(SessionError::protocol_violation, "SUBSCRIBE_DROP ends before it starts");
  }
  next_sequence_ = std::max(next_sequence_, drop.end + 1);
  if (track_ != nullptr) track_->track().drop(drop.start, drop.end, drop.error);
  return {};
}

void SubscribeRequest::on_fin() {
  // All groups are accounted for: the track has ended, or the range has.
  RemoteTrack* track = std::exchange(track_, nullptr);
  session().subscriptions().erase(id_);
  finish();
  if (track == nullptr) return;
  track->forget(this);
  if (end_ || !options_.end) track->track().finish(end_.value_or(next_sequence_));
}

void SubscribeRequest::on_cancel(std::uint64_t code) {
  give_up(peer_error(code, "SUBSCRIBE was refused"));
}

void SubscribeRequest::give_up(const Error& error) {
  RemoteTrack* track = std::exchange(track_, nullptr);
  session().subscriptions().erase(id_);
  if (track == nullptr) return;
  track->forget(this);
  track->failed(error);
}

// --- FETCH

FetchRequest::FetchRequest(RemoteTrack& track, std::uint64_t sequence, std::uint8_t priority)
    : Task(track.session()),
      track_(&track),
      sequence_(sequence),
      frames_(session().version(), *this, Group::Limits{}.max_bytes),
      queue_(std::make_shared<transport::SendQueue>()) {
  std::vector<std::uint8_t> bytes;
  append_type(bytes, BidiType::fetch);
  encode(bytes, session().version(),
         Fetch{.broadcast = track.broadcast(),
               .track = track.track().name(),
               .priority = priority,
               .group = sequence});
  queue_->push(Bytes::copy_of(bytes));
  stream_ = session().transport().open_bidi({}, std::make_unique<transport::QueueSource>(queue_),
                                            this, this);
}

FetchRequest::~FetchRequest() {
  stream_.send->set_handler(nullptr);
  stream_.recv->set_handler(nullptr);
  if (track_ != nullptr) track_->forget(this);
}

void FetchRequest::abandon() {
  track_ = nullptr;
  end(Error(StreamError::cancelled, "the fetch was given up"));
}

void FetchRequest::on_data(Bytes data, bool fin) {
  if (done_) return;
  const auto hold = session().hold();
  auto fed = frames_.feed(data);
  if (fed && fin) fed = frames_.finish();
  if (!fed) return end(fed.error());
  if (!fin) return;
  if (group_ == nullptr && track_ != nullptr) {
    if (auto group = track_->track().create_fetched(sequence_)) group_ = *std::move(group);
  }
  if (group_ != nullptr) {
    group_->only().finish();
    group_->finish();
  }
  done();
}

Result<void> FetchRequest::on_frame(const FrameHeader& header) {
  if (group_ == nullptr) {
    if (track_ == nullptr) return fail(StreamError::cancelled);
    MOQ_TRY(group_, track_->track().create_fetched(sequence_));
    ++session().traffic()->received.groups;
  }
  ++session().traffic()->received.frames;
  Subgroup& objects = group_->only();
  return objects.append_object({.id = objects.objects().size(),
                                .timestamp = header.timestamp.value_or(0),
                                .size = header.size,
                                .arrival = session().loop().now()});
}

Result<void> FetchRequest::on_payload(Bytes chunk) {
  session().traffic()->received.bytes += chunk.size();
  return group_->only().append_payload(std::move(chunk));
}

void FetchRequest::on_reset(std::uint64_t code) {
  const auto hold = session().hold();
  end(peer_error(code, "FETCH was refused"));
}
void FetchRequest::on_send_stopped(std::uint64_t code) {
  const auto hold = session().hold();
  queue_ = nullptr;
  end(peer_error(code, "FETCH was refused"));
}

void FetchRequest::end(const Error& error) {
  if (done_) return;
  if (group_ != nullptr) {
    group_->abort(code_of(stream_error_for(error)));
  } else if (track_ != nullptr) {
    track_->track().fail_fetch(sequence_, error);
  }
  queue_ = nullptr;
  stream_.send->reset(code_of(StreamError::cancelled));
  stream_.recv->stop(code_of(StreamError::cancelled));
  done();
}

void FetchRequest::done() {
  if (std::exchange(done_, true)) return;
  if (RemoteTrack* track = std::exchange(track_, nullptr)) track->forget(this);
  // Our side ends only now: a FIN right behind the request reads as giving up to
  // some implementations.
  if (queue_ != nullptr) {
    queue_->finish();
    stream_.send->ready();
  }
  session().retire(*this);
}

}  // namespace moq::lite
