#include "net/lite/control_streams.h"

#include <utility>

#include "net/lite/session.h"

namespace moq::lite {

GoawayStream::GoawayStream(Session& session, const std::string& uri)
    : RequestStream(session, BidiType::goaway, {.band = transport::Priority::Band::control}) {
  send(Goaway{.uri = uri});
  finish();
}

GoawayStream::GoawayStream(Session& session, transport::Stream stream, MessageReader reader)
    : RequestStream(session, std::move(stream), std::move(reader)) {}

Result<void> GoawayStream::begin(ByteSpan message) {
  MOQ_TRY(const auto goaway, decode_body<Goaway>(session().version(), message));
  session().received_goaway(goaway.uri);
  return {};
}

void GoawayStream::on_fin() { finish(); }

ProbeRequest::ProbeRequest(Session& session, std::uint64_t target_bitrate, Report report)
    : RequestStream(session, BidiType::probe, {}), report_(std::move(report)) {
  Probe probe;
  if (target_bitrate != 0) probe.bitrate = target_bitrate;
  send(probe);
}

Result<bool> ProbeRequest::parse(MessageReader& reader) {
  MOQ_TRY(const auto body, reader.next_message());
  if (!body) return false;
  MOQ_TRY(const auto probe, decode_body<Probe>(session().version(), *body));
  report_(probe.bitrate.value_or(0), probe.rtt.value_or(0));
  return true;
}

SessionStream::SessionStream(Session& session, transport::RunningStream stream)
    : RequestStream(session, std::move(stream)), timer_(session.loop(), [this] { tell(); }) {
  timer_.arm(session.loop().now());
}

SessionStream::~SessionStream() { session().forget(*this); }

void SessionStream::listen(const ProbeRequest::Report& report) {
  reports_.push_back(report);
  // Last: it may end the session.
  if (const auto heard = heard_) report(*heard, 0);
}

Result<bool> SessionStream::parse(MessageReader& reader) {
  MOQ_TRY(const auto body, reader.next_message());
  if (!body) return false;
  MOQ_TRY(const auto info, decode_body<SessionInfo>(session().version(), *body));
  heard_ = info.bitrate.value_or(0);
  // A copy: a report may end the session, or ask for more.
  const auto reports = reports_;
  for (const auto& report : reports) report(*heard_, 0);
  return true;
}

void SessionStream::tell() {
  const std::uint64_t bitrate = session().transport().path_stats().bitrate;
  // A peer that does not read gets no more of them.
  if (bitrate != 0 && has_moved(told_, bitrate) && backlog() < kMaxBacklog) {
    told_ = bitrate;
    send(SessionInfo{.bitrate = bitrate});
  }
  timer_.arm(later(session().loop().now(), kInterval));
}

void SessionStream::on_fin() {
  timer_.cancel();
  session().left("the peer ended the session stream");
}

void SessionStream::on_cancel(std::uint64_t /*code*/) {
  timer_.cancel();
  session().left("the peer reset the session stream");
}

bool has_moved(const std::optional<std::uint64_t>& from, const std::optional<std::uint64_t>& to) {
  if (!from || !to) return from != to;
  const std::uint64_t change = *from > *to ? *from - *to : *to - *from;
  return change != 0 && change >= *from / 4;
}

}  // namespace moq::lite
