#include "net/lite/fetch_publisher.h"

#include <utility>

#include "net/lite/control_streams.h"
#include "net/lite/group_sender.h"
#include "net/lite/session.h"
#include "net/model/flat_group.h"

namespace moq::lite {

namespace {
constexpr std::uint64_t code_of(StreamError error) { return static_cast<std::uint64_t>(error); }
}  // namespace

FetchPublisher::FetchPublisher(Session& session, transport::Stream stream)
    : Task(session), stream_(std::move(stream)) {
  stream_.recv->set_handler(this);
}

FetchPublisher::~FetchPublisher() {
  if (counted_) session().release_fetch();
  stream_.send->set_handler(nullptr);
  stream_.recv->set_handler(nullptr);
}

void FetchPublisher::on_data(Bytes /*data*/, bool fin) { fin_received_ = fin_received_ || fin; }

void FetchPublisher::start(const Bytes& message, bool fin) {
  fin_received_ = fin;
  const auto request = decode_body<Fetch>(session().version(), message);
  if (!request) return session().fail(request.error());
  counted_ = session().claim_fetch();
  if (!counted_) {
    session().refused(SessionLimit::fetches);
    return reset(code_of(StreamError::too_far_behind));
  }
  auto track = session().find_track(request->broadcast, request->track);
  if (!track) return reset(track.error().code());
  track_ = *track;
  track_->fetch(request->group, [this, alive = std::weak_ptr<int>(alive_),
                                 priority = request->priority](Result<std::shared_ptr<Group>> got) {
    if (alive.expired() || retired_) return;
    if (!got) return reset(code_of(stream_error_for(got.error())));
    serve(priority, *std::move(got));
  });
}

void FetchPublisher::serve(std::uint8_t priority, std::shared_ptr<Group> group) {
  if (track_->info() && track_->info()->has_subgroups) {
    group = flatten(session().loop(), group);
  }
  const transport::Priority place{
      .band = transport::Priority::Band::media,
      .subscriber = priority,
      .publisher = track_->info() ? track_->info()->priority : std::uint8_t{0},
      // Fetches of one session take turns with its subscriptions, each on its own.
      .flow = reinterpret_cast<std::uintptr_t>(this),
      .order = group->sequence(),
  };
  ++session().traffic()->fetches;
  auto source = std::make_unique<GroupSender>(
      std::move(group),
      std::make_shared<Delivery>(
          Delivery{.track = track_, .max_latency = std::nullopt, .traffic = session().traffic()}),
      session().version(), ByteSpan{});
  source->set_stream(stream_.send.get());
  session().transport().attach(*stream_.send, place, std::move(source), this);
}

void FetchPublisher::on_reset(std::uint64_t code) { reset(code); }
void FetchPublisher::on_send_finished() {
  if (!fin_received_) stream_.recv->stop(code_of(StreamError::cancelled));
  retire();
}
void FetchPublisher::on_send_stopped(std::uint64_t code) { reset(code); }

void FetchPublisher::reset(std::uint64_t code) {
  if (retired_) return;
  stream_.send->reset(code);
  stream_.recv->stop(code);
  retire();
}

void FetchPublisher::retire() {
  if (std::exchange(retired_, true)) return;
  session().retire(*this);
}

TrackPublisher::TrackPublisher(Session& session, transport::Stream stream, MessageReader reader)
    : RequestStream(session, std::move(stream), std::move(reader)) {}

Result<void> TrackPublisher::begin(ByteSpan message) {
  MOQ_TRY(const auto request, decode_body<TrackRequest>(session().version(), message));
  MOQ_TRY(track_, session().find_track(request.broadcast, request.track));
  track_->when_info([this, alive = std::weak_ptr<int>(alive_)](const Result<TrackInfo>& info) {
    if (alive.expired()) return;
    if (!info) return reset(code_of(stream_error_for(info.error())));
    send(TrackInfoMessage{.priority = info->priority,
                          .ordered = info->ordered,
                          .max_latency = info->max_latency,
                          .timescale = info->timescale});
    finish();
  });
  return {};
}

ProbePublisher::ProbePublisher(Session& session, transport::Stream stream, MessageReader reader)
    : RequestStream(session, std::move(stream), std::move(reader)),
      timer_(session.loop(), [this] { report(); }) {}

ProbePublisher::~ProbePublisher() {
  if (counted_) session().release_probe();
}

Result<void> ProbePublisher::begin(ByteSpan /*message*/) {
  counted_ = session().claim_probe();
  if (!counted_) {
    session().refused(SessionLimit::probes);
    return fail(StreamError::too_far_behind, "enough probes are running");
  }
  timer_.arm(session().loop().now());
  return {};
}

Result<bool> ProbePublisher::parse(MessageReader& reader) {
  MOQ_TRY(const auto body, reader.next_message());
  if (!body) return false;
  // The target is not honoured: we advertise Report, not Increase.
  MOQ_CHECK_OK(decode_body<Probe>(session().version(), *body));
  return true;
}

void ProbePublisher::report() {
  const Time now = session().loop().now();
  const transport::PathStats stats = session().transport().path_stats();
  const auto rtt = std::chrono::ceil<std::chrono::milliseconds>(stats.smoothed_rtt).count();
  Probe probe;
  if (stats.bitrate != 0) probe.bitrate = stats.bitrate;
  if (rtt > 0 && session().traits().has_probe_rtt) probe.rtt = static_cast<std::uint64_t>(rtt);
  // Where only the bitrate is carried, a report without it says nothing.
  const bool says_something = probe.bitrate || session().traits().has_probe_rtt;
  if (!says_something) {
    // Later, perhaps.
  } else if (!last_ || now - last_time_ >= kMaxAge || has_moved(last_->bitrate, probe.bitrate) ||
             has_moved(last_->rtt, probe.rtt)) {
    // A peer that does not read gets no more of them.
    if (backlog() < kMaxBacklog) send(probe);
    last_ = probe;
    last_time_ = now;
  }
  timer_.arm(later(now, kInterval));
}

void ProbePublisher::on_fin() {
  timer_.cancel();
  finish();
}
void ProbePublisher::on_cancel(std::uint64_t /*code*/) { timer_.cancel(); }

}  // namespace moq::lite
