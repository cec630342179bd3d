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

}  // namespace moq::lite
