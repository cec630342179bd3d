#include "conformance/case.h"

/// How sessions begin, and what their streams may begin with.
namespace moq::conformance {

namespace {

Outcome no_common_version(Stage& stage) {
  MOQ_TRY(const auto client, stage.connect());
  const Draft& draft = client->draft();
  Writer body = draft.writer();
  // Two that are no draft's.
  body.integer(2).integer(0xff0000f1).integer(0xff0000f2);
  body.bytes(draft.counted(client->setup_options()));
  client->send_control(draft.message(draft.setup_type(), body.data()));
  return client->closes(session_code::kVersionNegotiationFailed);
}

Outcome unknown_options(Stage& stage) {
  const Draft& draft = stage.draft();
  // Draft-18 §"Grease": 0x7f * N + 0x9D; here N is 1 and 2. Each twice.
  MOQ_TRY(const auto client,
          stage.join({draft.number_field(0x11c, 1), draft.number_field(0x11c, 1),
                      draft.text_field(0x19b, "grease"), draft.text_field(0x19b, "grease")}));
  return client->stays();
}

Outcome control_fin(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  client->control().end();
  return client->closes(session_code::kProtocolViolation);
}

Outcome control_reset(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  client->control().reset(0);
  return client->closes(session_code::kProtocolViolation);
}

Outcome second_bidi(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  client->connection().open_bidi().write(
      client->draft().subscribe({.track = {stage.space(), "any"}}));
  if (client->closes(session_code::kProtocolViolation)) {
    return Verdict{"the session MAY be closed with 0x3, and is"};
  }
  MOQ_CHECK_OK(client->stays());
  return Verdict{"the session MAY be closed with 0x3, and goes on"};
}

Outcome second_control(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  client->connection().open_uni().write(client->draft().setup({}));
  if (client->closes()) return Verdict{"the draft has no rule; " + client->fate()};
  MOQ_CHECK_OK(client->stays());
  return Verdict{"the draft has no rule; the session goes on"};
}

Outcome unknown_uni(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  // 0x3f has the form of a subgroup in draft 18, of one of the types that are invalid.
  const std::uint64_t type = stage.is(14) ? 0x3f : 0x06;
  client->connection().open_uni().write(client->draft().writer().integer(type).integer(0).take());
  return client->closes();
}

Outcome unknown_datagram(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  client->connection().send_datagram(
      client->draft().writer().integer(0x40).integer(0).integer(0).byte(0).take());
  return client->closes();
}

Outcome invalid_datagram(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  // A status that ends the group: alias, group, object, priority, status.
  client->connection().send_datagram(client->draft()
                                         .writer()
                                         .integer(0x22)
                                         .integer(0)
                                         .integer(0)
                                         .integer(0)
                                         .byte(0)
                                         .integer(3)
                                         .take());
  return client->closes(session_code::kProtocolViolation);
}

Outcome begin_bidi(Stage& stage, std::uint64_t type, const Buffer& body) {
  MOQ_TRY(const auto client, stage.join());
  client->connection().open_bidi().write(client->draft().message(type, body));
  return client->closes(session_code::kProtocolViolation);
}

Outcome bidi_with_answer(Stage& stage) {
  return begin_bidi(stage, type::kRequestOk, stage.draft().counted({}));
}
Outcome bidi_with_unknown(Stage& stage) { return begin_bidi(stage, 0x33, {0}); }

Outcome malformed_path(Stage& stage) {
  MOQ_TRY(const auto client, stage.connect());
  Fields options = client->setup_options();
  options.front() = client->draft().text_field(id::kPath, "no-slash-before-it");
  client->send_control(client->draft().setup(options));
  return client->closes(session_code::kMalformedPath);
}

Outcome nothing_before_setup(Stage& stage) {
  MOQ_TRY(const auto client, stage.connect());
  client->send_control(client->draft().goaway("", 1));
  return client->closes();
}

Outcome second_setup(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  client->send_control(client->draft().setup(client->setup_options()));
  return client->closes();
}

Outcome early_request(Stage& stage) {
  MOQ_TRY(const auto client, stage.connect());
  const Request early = client->subscribe({.track = {stage.space(), "any"}});
  // What the relay sends shows that it is there; the request has come before it, or after.
  MOQ_CHECK_OK(client->await_setup());
  client->send_control(client->draft().setup(client->setup_options()));
  if (const auto answer = client->answer(early); !answer) {
    if (!early.stream->reset_code()) return tl::unexpected<Error>(answer.error());
    MOQ_CHECK_OK(client->stays());
    return Verdict{"the request SHOULD wait for SETUP, and MAY be reset: it is"};
  }
  return client->stays();
}

Outcome long_value(Stage& stage) {
  MOQ_TRY(const auto client, stage.connect());
  const Draft& draft = client->draft();
  Fields options = client->setup_options();
  // Longer than a message may be, so that the value cannot be whole.
  options.push_back({0x19b, draft.writer().integer(65536).bytes(as_bytes("short")).take()});
  client->send_control(draft.setup(options));
  return client->closes(session_code::kProtocolViolation);
}

Outcome type_wraps(Stage& stage) {
  MOQ_TRY(const auto client, stage.connect());
  const Draft& draft = client->draft();
  Buffer body = draft.pairs(client->setup_options());
  const Buffer more = draft.writer().integer(~std::uint64_t{0}).integer(0).take();
  body.insert(body.end(), more.begin(), more.end());
  client->send_control(draft.message(draft.setup_type(), body));
  return client->closes(session_code::kProtocolViolation);
}

constexpr Case kCases[]{
    {"1", Of::only14, "CLIENT_SETUP with versions that nobody knows", "session closed with 0x15",
     "Versions", no_common_version},
    {"2", Of::both, "Unknown setup options, GREASE among them, and duplicates of these",
     "session goes on", "CLIENT_SETUP and SERVER_SETUP; SETUP", unknown_options},
    {"4a", Of::both, "FIN on the control stream", "session closed with 0x3",
     "Session initialization", control_fin},
    {"4b", Of::both, "Reset of the control stream", "session closed with 0x3",
     "Session initialization", control_reset},
    {"5a", Of::only14, "A second bidirectional stream", "session closed with 0x3, or goes on",
     "Session initialization", second_bidi},
    {"5b", Of::only18, "A second stream with SETUP", "not said", "Session initialization",
     second_control},
    {"6b", Of::both, "A unidirectional stream of an unknown type", "session closed",
     "Data Streams and Datagrams; Unidirectional Stream Types", unknown_uni},
    {"6c", Of::both, "A datagram of an unknown type", "session closed",
     "Data Streams and Datagrams", unknown_datagram},
    {"6d", Of::only18, "A datagram of an invalid type: a status with END_OF_GROUP",
     "session closed with 0x3", "Object Datagram", invalid_datagram},
    {"8a", Of::only18, "A request stream that begins with REQUEST_OK", "session closed with 0x3",
     "Session initialization", bidi_with_answer},
    {"8b", Of::only18, "A request stream that begins with an unknown message",
     "session closed with 0x3", "Session initialization", bidi_with_unknown},
    {"30", Of::both, "PATH that does not begin with a slash", "session closed with 0x9", "PATH",
     malformed_path},
    {"31", Of::only14, "GOAWAY in place of CLIENT_SETUP", "session closed",
     "CLIENT_SETUP and SERVER_SETUP", nothing_before_setup},
    {"32", Of::both, "A second SETUP on the control stream", "session closed",
     "CLIENT_SETUP and SERVER_SETUP; SETUP", second_setup},
    {"33", Of::only18, "SUBSCRIBE before SETUP", "answered after SETUP, or reset",
     "Session initialization", early_request},
    {"34", Of::both, "A setup option that says to be longer than 65535 bytes",
     "session closed with 0x3", "Key-Value-Pair Structure", long_value},
    {"35", Of::only18, "A setup option whose type would pass 2^64-1", "session closed with 0x3",
     "Key-Value-Pair Structure", type_wraps},
};

}  // namespace

std::span<const Case> session_cases() { return kCases; }

}  // namespace moq::conformance
