#include "conformance/case.h"

/// Messages whose bytes are not those of the draft.
namespace moq::conformance {

namespace {

constexpr std::size_t kMaxUri = 8192;
constexpr std::size_t kMaxFullTrackName = 4096;
constexpr std::size_t kMaxReason = 1024;

Outcome unknown_message(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  client->send_control(client->draft().message(0x3f, {0}));
  return client->closes();
}

/// A SUBSCRIBE that is right but for `change`, and closes the session.
Outcome bad_subscribe(Stage& stage, const std::function<void(Subscribe&)>& change,
                      std::optional<std::uint64_t> code = session_code::kProtocolViolation) {
  MOQ_TRY(const auto client, stage.join());
  Subscribe message{.track = {stage.space(), "any"}};
  change(message);
  client->subscribe(std::move(message));
  return client->closes(code);
}

Outcome too_long(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  const Draft& draft = client->draft();
  Buffer body = draft.subscribe_body({.track = {stage.space(), "any"}});
  body.push_back(0);
  client->request(0, draft.message(type::kSubscribe, body));
  return client->closes(session_code::kProtocolViolation);
}

Outcome too_short(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  const Draft& draft = client->draft();
  const Buffer body = draft.subscribe_body({.track = {stage.space(), "any"}});
  client->request(0, draft.message(type::kSubscribe, body, body.size() - 1));
  return client->closes(session_code::kProtocolViolation);
}

Outcome request_ids(Stage& stage, const std::vector<std::uint64_t>& ids,
                    std::optional<std::uint64_t> code) {
  MOQ_TRY(const auto client, stage.join());
  for (const std::uint64_t id : ids) {
    const Request made =
        client->request(id, client->draft().subscribe({.id = id, .track = {stage.space(), "any"}}));
    // One after the other, but for the one that is wrong.
    if (!code || id != ids.back()) MOQ_CHECK_OK(client->answer(made));
  }
  return client->closes(code);
}

Outcome wrong_parity(Stage& stage) {
  return request_ids(stage, {1}, session_code::kInvalidRequestId);
}
Outcome repeated_id(Stage& stage) {
  return request_ids(stage, {0, 2, 0}, session_code::kInvalidRequestId);
}
Outcome skipped_id(Stage& stage) {
  return request_ids(stage, {0, 4}, session_code::kInvalidRequestId);
}

Outcome ids_out_of_turn(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  for (const std::uint64_t id : {4U, 0U, 2U}) {
    const Request made =
        client->request(id, client->draft().subscribe({.id = id, .track = {stage.space(), "any"}}));
    MOQ_CHECK_OK(client->answer(made));
    if (id == 4) continue;
    client->take_id();
  }
  client->take_id();
  return client->stays();
}

Outcome too_many_requests(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  const auto limit = client->relay_option(id::kSetupMaxRequestId).value_or(0);
  client->request(limit, client->draft().subscribe({.id = limit, .track = {stage.space(), "any"}}));
  return client->closes(session_code::kTooManyRequests);
}

Outcome max_request_id(Stage& stage, std::uint64_t second) {
  constexpr std::uint64_t kFirst = 2000;  // above what SETUP had
  MOQ_TRY(const auto client, stage.join());
  for (const std::uint64_t limit : {kFirst, second}) {
    client->send_control(client->draft().message(type::kMaxRequestId,
                                                 client->draft().writer().integer(limit).take()));
  }
  return client->closes(session_code::kProtocolViolation);
}

Outcome equal_max_request_id(Stage& stage) { return max_request_id(stage, 2000); }
Outcome smaller_max_request_id(Stage& stage) { return max_request_id(stage, 1999); }

/// A parameter of SUBSCRIBE that is ignored in draft 14, and a violation in 18.
Outcome odd_parameter(Stage& stage, const Field& parameter) {
  const auto change = [&](Subscribe& message) { message.parameters = {parameter}; };
  if (stage.is(18)) return bad_subscribe(stage, change);
  MOQ_TRY(const auto client, stage.join());
  Subscribe message{.track = {stage.space(), "any"}};
  change(message);
  const Request request = client->subscribe(std::move(message));
  MOQ_CHECK_OK(client->answer(request));
  return client->stays();
}

Outcome unknown_parameter(Stage& stage) {
  return odd_parameter(stage, stage.draft().number_field(0x3e, 1));
}
Outcome misplaced_parameter(Stage& stage) {
  // MAX_CACHE_DURATION, of publishers' messages; EXPIRES, of answers.
  return odd_parameter(stage, stage.draft().number_field(stage.is(14) ? 0x04 : id::kExpires, 1));
}

Outcome forward_two(Stage& stage) {
  return bad_subscribe(stage, [](Subscribe& message) { message.forward = 2; });
}
Outcome group_order_three(Stage& stage) {
  // Draft 14 says of this one that it is "a protocol error", and names no code.
  return bad_subscribe(
      stage, [](Subscribe& message) { message.group_order = 3; },
      stage.is(14) ? std::nullopt : std::optional(session_code::kProtocolViolation));
}
Outcome filter_nine(Stage& stage) {
  return bad_subscribe(stage, [](Subscribe& message) { message.filter = Filter{.type = 9}; });
}

Outcome goaways(Stage& stage, const std::vector<Buffer>& messages, std::uint64_t code) {
  MOQ_TRY(const auto client, stage.join());
  // Together: the relay may take the first for a reason to leave.
  Buffer all;
  for (const Buffer& each : messages) all.insert(all.end(), each.begin(), each.end());
  client->send_control(all);
  return client->closes(code);
}

Outcome goaway_with_uri(Stage& stage) {
  return goaways(stage, {stage.draft().goaway("moqt://elsewhere.example/", 1)},
                 session_code::kProtocolViolation);
}
Outcome two_goaways(Stage& stage) {
  const Buffer one = stage.draft().goaway("", 1);
  return goaways(stage, {one, one}, session_code::kProtocolViolation);
}
Outcome long_uri(Stage& stage) {
  return goaways(stage, {stage.draft().goaway(std::string(kMaxUri + 1, 'a'), 1)},
                 session_code::kProtocolViolation);
}
Outcome goaway_parity(Stage& stage) {
  return goaways(stage, {stage.draft().goaway("", 0)}, session_code::kInvalidRequestId);
}

/// GOAWAY on a request's stream has no Request ID.
Outcome request_goaways(Stage& stage, const std::vector<std::string>& uris) {
  MOQ_TRY(const auto client, stage.join());
  const Request request = client->subscribe_namespace(stage.space());
  MOQ_CHECK_OK(client->accepted(request));
  Buffer all;
  for (const std::string& uri : uris) {
    const Buffer one = client->draft().message(
        type::kGoaway, client->draft().writer().text(uri).integer(0).take());
    all.insert(all.end(), one.begin(), one.end());
  }
  client->send_about(request, all);
  return client->closes(session_code::kProtocolViolation);
}

Outcome request_goaway_with_uri(Stage& stage) {
  return request_goaways(stage, {"moqt://elsewhere.example/"});
}
Outcome two_request_goaways(Stage& stage) { return request_goaways(stage, {"", ""}); }

Outcome request_goaway(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  const Request request = client->subscribe_namespace(stage.space());
  MOQ_CHECK_OK(client->accepted(request));
  client->send_about(request, client->draft().message(type::kGoaway, {0, 0}));
  return client->stays();
}

/// SUBSCRIBE whose Request ID, 0, has `size` bytes.
Outcome wide_integer(Stage& stage, std::size_t size) {
  MOQ_TRY(const auto client, stage.join());
  const Draft& draft = client->draft();
  const Buffer body =
      draft.subscribe_body({.id = client->take_id(), .track = {stage.space(), "any"}});
  Writer wide = draft.writer();
  wide.integer(0, size).bytes(ByteSpan(body).subspan(1));
  const Request request = client->request(0, draft.message(type::kSubscribe, wide.data()));
  MOQ_CHECK_OK(client->refused(request, draft.does_not_exist()));
  return client->stays();
}

Outcome wide_two(Stage& stage) { return wide_integer(stage, 2); }
Outcome wide_seven(Stage& stage) { return wide_integer(stage, 7); }
Outcome widest(Stage& stage) { return wide_integer(stage, stage.is(14) ? 8 : 9); }

Outcome many_fields(Stage& stage) {
  return bad_subscribe(stage, [](Subscribe& message) { message.track.space = Names(33, "a"); });
}
Outcome bad_fields(Stage& stage) {
  return bad_subscribe(stage, [&](Subscribe& message) {
    message.track.space = stage.is(14) ? Names{} : Names{"a", ""};
  });
}
Outcome long_name(Stage& stage) {
  return bad_subscribe(stage, [](Subscribe& message) {
    message.track = {{"a"}, std::string(kMaxFullTrackName, 'b')};
  });
}

Outcome longest_name(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  // 31 fields and the name have as many bytes as there may be.
  Names space(31, "a");
  space.push_back("b");
  MOQ_CHECK_OK(client->answer(
      client->subscribe({.track = {space, std::string(kMaxFullTrackName - space.size(), 'b')}})));
  return client->stays();
}

Outcome fetch_type_four(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  const std::uint64_t id = client->take_id();
  client->request(
      id, client->draft().fetch(
              {.id = id, .fetch_type = 4, .track = {stage.space(), "any"}, .end = {.group = 1}}));
  return client->closes(session_code::kProtocolViolation);
}

Outcome duplicate_parameter(Stage& stage) {
  return bad_subscribe(stage, [&](Subscribe& message) {
    // DELIVERY_TIMEOUT.
    message.parameters = Fields(2, stage.draft().number_field(0x02, 1000));
  });
}

/// Refuses the relay's SUBSCRIBE, for a reason of this many bytes.
Result<Relayed> refuse(Stage& stage, std::size_t size) {
  MOQ_TRY(Relayed made, begin_relay(stage));
  const Draft& draft = stage.draft();
  made.publisher->send_about(
      made.upstream,
      draft.request_error(made.upstream.id, draft.does_not_exist(), std::string(size, 'a')));
  return made;
}

Outcome long_reason(Stage& stage) {
  MOQ_TRY(const Relayed made, refuse(stage, kMaxReason + 1));
  return made.publisher->closes(session_code::kProtocolViolation);
}

Outcome longest_reason(Stage& stage) {
  MOQ_TRY(const Relayed made, refuse(stage, kMaxReason));
  MOQ_TRY(const Message answer, made.subscriber->answer(made.downstream));
  if (!stage.draft().is_error(answer.type)) return unmet("the subscriber was accepted");
  MOQ_CHECK_OK(made.subscriber->stays());
  return made.publisher->stays();
}

constexpr Case kCases[]{
    {"6a", Of::both, "An unknown message on the control stream", "session closed",
     "Control Messages", unknown_message},
    {"7a", Of::both, "SUBSCRIBE whose length ends before its last field", "session closed with 0x3",
     "Control Messages", too_short},
    {"7b", Of::both, "SUBSCRIBE with a byte behind its last field", "session closed with 0x3",
     "Control Messages", too_long},
    {"9a", Of::both, "A Request ID of the relay's parity", "session closed with 0x4", "Request ID",
     wrong_parity},
    {"9b", Of::both, "A Request ID that was used before", "session closed with 0x4", "Request ID",
     repeated_id},
    {"9c", Of::only14, "A Request ID after the next one", "session closed with 0x4", "Request ID",
     skipped_id},
    {"9d", Of::only18, "Request IDs on streams that overtake each other", "all are answered",
     "Request ID", ids_out_of_turn},
    {"10", Of::only14, "A Request ID that is the Maximum Request ID", "session closed with 0x7",
     "MAX_REQUEST_ID", too_many_requests},
    {"11a", Of::only14, "MAX_REQUEST_ID twice with the same value", "session closed with 0x3",
     "MAX_REQUEST_ID", equal_max_request_id},
    {"11b", Of::only14, "MAX_REQUEST_ID with a smaller value", "session closed with 0x3",
     "MAX_REQUEST_ID", smaller_max_request_id},
    {"12a", Of::only14, "SUBSCRIBE with an unknown parameter", "answered as without it",
     "Parameters", unknown_parameter},
    {"12a", Of::only18, "SUBSCRIBE with an unknown parameter", "session closed with 0x3",
     "Message Parameters", unknown_parameter},
    {"12b", Of::only14, "SUBSCRIBE with MAX_CACHE_DURATION, which others have",
     "answered as without it", "Version Specific Parameters", misplaced_parameter},
    {"12b", Of::only18, "SUBSCRIBE with EXPIRES, which others have", "session closed with 0x3",
     "Parameter Scope", misplaced_parameter},
    {"13a", Of::both, "SUBSCRIBE with Forward 2", "session closed with 0x3",
     "SUBSCRIBE; FORWARD Parameter", forward_two},
    {"13b", Of::only14, "SUBSCRIBE with Group Order 3", "session closed", "SUBSCRIBE",
     group_order_three},
    {"13b", Of::only18, "SUBSCRIBE with GROUP_ORDER 3", "session closed with 0x3",
     "GROUP ORDER Parameter", group_order_three},
    {"13c", Of::both, "SUBSCRIBE with filter type 9", "session closed with 0x3",
     "SUBSCRIBE; Subscription Filters", filter_nine},
    {"20a", Of::both, "GOAWAY of a client with a URI", "session closed with 0x3", "GOAWAY",
     goaway_with_uri},
    {"20b", Of::both, "Two GOAWAYs", "session closed with 0x3", "GOAWAY", two_goaways},
    {"20c", Of::both, "GOAWAY with a URI of 8193 bytes", "session closed with 0x3", "GOAWAY",
     long_uri},
    {"20d", Of::only18, "GOAWAY with a Request ID of its sender's parity",
     "session closed with 0x4", "GOAWAY", goaway_parity},
    {"20e", Of::only18, "GOAWAY of a client with a URI, on a request's stream",
     "session closed with 0x3", "GOAWAY", request_goaway_with_uri},
    {"20f", Of::only18, "Two GOAWAYs on a request's stream", "session closed with 0x3", "GOAWAY",
     two_request_goaways},
    {"20g", Of::only18, "GOAWAY on a request's stream", "session goes on", "GOAWAY",
     request_goaway},
    {"22a", Of::only18, "An integer of 7 bytes, which begins with 0xFC", "accepted",
     "Variable-Length Integers", wide_seven},
    {"22b", Of::both, "An integer of 2 bytes that fits into one", "accepted",
     "Notational Conventions; Variable-Length Integers", wide_two},
    {"22c", Of::both, "An integer of as many bytes as there may be that fits into one", "accepted",
     "Notational Conventions; Variable-Length Integers", widest},
    {"36a", Of::both, "A Track Namespace of 33 fields", "session closed with 0x3", "Track Naming",
     many_fields},
    {"36b", Of::only14, "A Track Namespace without fields", "session closed with 0x3",
     "Track Naming", bad_fields},
    {"36b", Of::only18, "A Track Namespace with an empty field", "session closed with 0x3",
     "Track Naming", bad_fields},
    {"37a", Of::both, "A Full Track Name of 4097 bytes", "session closed with 0x3", "Track Naming",
     long_name},
    {"37b", Of::both, "A Full Track Name of 4096 bytes, with 32 fields", "answered", "Track Naming",
     longest_name},
    {"38", Of::both, "FETCH of type 4", "session closed with 0x3", "FETCH", fetch_type_four},
    {"39", Of::both, "SUBSCRIBE with a parameter twice that may be there once",
     "session closed with 0x3 (SHOULD)", "Parameters; Message Parameters", duplicate_parameter},
    {"40a", Of::both, "A Reason Phrase of 1025 bytes, in the answer to the relay's SUBSCRIBE",
     "session closed with 0x3", "Reason Phrase Structure", long_reason},
    {"40b", Of::both, "A Reason Phrase of 1024 bytes there",
     "the subscriber is refused, both sessions go on", "Reason Phrase Structure", longest_reason},
};

}  // namespace

std::span<const Case> message_cases() { return kCases; }

}  // namespace moq::conformance
