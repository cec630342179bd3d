#include "net/ietf/incoming.h"

#include <utility>

#include "net/ietf/fetch_request.h"
#include "net/ietf/remote_track.h"
#include "net/ietf/session.h"
#include "net/ietf/subgroup_receiver.h"

namespace moq::ietf {

IncomingRequest::IncomingRequest(Session& session, transport::Stream stream)
    : Task(session),
      stream_(std::move(stream)),
      reader_(session.traits().integers),
      timer_(session.loop(), [this] { drop(StreamError::delivery_timeout); }) {
  timer_.arm(later(session.loop().now(), session.limits().header_timeout));
  stream_.recv->set_handler(this);
}

IncomingRequest::~IncomingRequest() {
  session().release_held(held_);
  if (!done_) stream_.recv->set_handler(nullptr);
}

void IncomingRequest::on_data(Bytes data, bool fin) {
  if (done_) return;
  const auto hold = session().hold();
  fin_ = fin;
  if (!session().claim_held(data.size())) return drop(StreamError::too_far_behind);
  held_ += data.size();
  reader_.feed(std::move(data), fin);
  if (message_) return;
  auto message = reader_.next();
  if (!message) return session().fail(message.error());
  if (!*message) {
    if (fin) drop(StreamError::cancelled);
    return;
  }
  message_ = *std::move(message);
  timer_.cancel();
  if (session().authorized()) return hand_over();
  session().when_authorized(*this, [this] { hand_over(); });
}

void IncomingRequest::hand_over() {
  done_ = true;
  stream_.recv->set_handler(nullptr);
  session().retire(*this);
  const auto begun =
      session().begin_request(*message_, std::move(stream_), std::move(reader_), fin_);
  if (!begun) session().fail(begun.error());
}

void IncomingRequest::on_reset(std::uint64_t /*code*/) { drop(StreamError::cancelled); }

void IncomingRequest::drop(StreamError code) {
  if (std::exchange(done_, true)) return;
  const std::uint64_t wire = wire_code(session().version(), code);
  stream_.recv->set_handler(nullptr);
  stream_.recv->stop(wire);
  stream_.send->reset(wire);
  session().retire(*this);
}

IncomingData::IncomingData(Session& session, std::shared_ptr<transport::RecvStream> stream)
    : Task(session),
      stream_(std::move(stream)),
      reader_(session.version()),
      timer_(session.loop(), [this] { drop(StreamError::delivery_timeout); }) {
  timer_.arm(later(session.loop().now(), session.limits().header_timeout));
  stream_->set_handler(this);
}

IncomingData::~IncomingData() {
  session().release_held(held_.size());
  if (!done_) stream_->set_handler(nullptr);
}

void IncomingData::on_data(Bytes data, bool fin) {
  if (done_) return;
  const auto hold = session().hold();
  fin_ = fin;
  arrival_ = session().loop().now();
  if (!start_) {
    auto start = reader_.feed(data, fin);
    if (!start) {
      // A stream that ends before it says what it is was given up.
      if (start.error().is(coding::CodingError::short_buffer)) return drop(StreamError::cancelled);
      return session().fail(start.error());
    }
    if (!*start) return;
    start_ = **start;
    const Bytes rest = reader_.take_rest();
    if (!session().claim_held(rest.size())) return drop(StreamError::too_far_behind);
    held_.assign(rest.span().begin(), rest.span().end());
    return hand_over();
  }
  if (start_->kind == StreamKind::padding) return;
  if (!session().claim_held(data.size())) return drop(StreamError::too_far_behind);
  held_.insert(held_.end(), data.span().begin(), data.span().end());
}

void IncomingData::hand_over() {
  if (done_) return;
  const auto hold = session().hold();
  const auto rest = [this] {
    session().release_held(held_.size());
    return Bytes::copy_of(std::exchange(held_, {}));
  };
  switch (start_->kind) {
    case StreamKind::padding:
      timer_.cancel();
      if (fin_) drop(StreamError::cancelled);
      return;
    case StreamKind::setup: {
      done_ = true;
      // It may be refused, and then nobody else hears of it.
      stream_->set_handler(nullptr);
      session().retire(*this);
      const auto adopted = session().adopt_control(stream_, rest(), fin_, start_->type);
      if (!adopted) session().fail(adopted.error());
      return;
    }
    case StreamKind::fetch: {
      FetchRequest* request = session().fetch(start_->fetch.request_id);
      // What was given up may be on its way still.
      if (request == nullptr) return drop(StreamError::cancelled);
      done_ = true;
      stream_->set_handler(nullptr);
      session().retire(*this);
      return request->receive(stream_, rest(), fin_);
    }
    case StreamKind::subgroup:
      break;
  }
  RemoteTrack* track = session().track_of(start_->subgroup.track_alias);
  if (track == nullptr || track->joins(start_->subgroup.group)) {
    // Streams race with the answer that tells the alias; or its track was given up.
    if (!std::exchange(waiting_, true)) session().await_track(*this, [this] { hand_over(); });
    return;
  }
  done_ = true;
  session().retire(*this);
  session()
      .add(std::make_unique<SubgroupReceiver>(session(), stream_, start_->subgroup))
      .start(*track, rest(), fin_, arrival_);
}

void IncomingData::on_reset(std::uint64_t /*code*/) { drop(StreamError::cancelled); }

void IncomingData::drop(StreamError code) {
  if (std::exchange(done_, true)) return;
  stream_->set_handler(nullptr);
  stream_->stop(wire_code(session().version(), code));
  session().retire(*this);
}

}  // namespace moq::ietf
