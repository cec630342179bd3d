#include "conformance/case.h"

/// Streams and datagrams of objects that are not as the draft has them.
namespace moq::conformance {

namespace {

/// A stream that begins with this type, and goes on as a subgroup.
Outcome subgroup_type_of(Stage& stage, std::uint64_t type, std::optional<std::uint64_t> code) {
  MOQ_TRY(const auto client, stage.join());
  client->send({.type = type, .alias = 1, .objects = {{.payload = "any"}}});
  return client->closes(code);
}

// To draft 14 these are unknown types, for which it has no code.
std::optional<std::uint64_t> invalid_type_code(const Stage& stage) {
  return stage.is(14) ? std::nullopt : std::optional(session_code::kProtocolViolation);
}

Outcome type_16(Stage& stage) { return subgroup_type_of(stage, 0x16, invalid_type_code(stage)); }
Outcome type_1e(Stage& stage) { return subgroup_type_of(stage, 0x1e, invalid_type_code(stage)); }
Outcome type_30(Stage& stage) { return subgroup_type_of(stage, 0x30, std::nullopt); }
Outcome type_7f(Stage& stage) { return subgroup_type_of(stage, 0x7f, invalid_type_code(stage)); }

/// An object of a track that the relay subscribes to.
Outcome bad_object(Stage& stage, const Subgroup& subgroup) {
  MOQ_TRY(const Relayed made, relay(stage));
  Subgroup sent = subgroup;
  sent.alias = made.alias;
  made.publisher->send(sent);
  return made.publisher->closes(session_code::kProtocolViolation);
}

Subgroup with_properties(const Stage& stage, std::uint64_t status) {
  return {.type = subgroup_type::kPlain | subgroup_type::kProperties,
          .objects = {{.id = 1,
                       .properties = stage.draft().pairs({stage.draft().number_field(0x78, 1)}),
                       .status = status}}};
}

Outcome unknown_status(Stage& stage) { return bad_object(stage, {.objects = {{.status = 7}}}); }
Outcome status_with_properties(Stage& stage) {
  return bad_object(
      stage, with_properties(stage, stage.is(14) ? status::kDoesNotExist : status::kEndOfGroup));
}

Outcome end_of_group_with_extensions(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage));
  Subgroup sent = with_properties(stage, status::kEndOfGroup);
  sent.alias = made.alias;
  made.publisher->send(sent);
  return made.publisher->stays();
}

Outcome fin_in_object(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage));
  Buffer bytes = encode(stage.draft(), {.alias = made.alias, .objects = {{.payload = "whole"}}});
  bytes.pop_back();
  Stream& stream = made.publisher->connection().open_uni();
  stream.write(bytes);
  stream.end();
  return made.publisher->closes(session_code::kProtocolViolation);
}

Outcome object_id_wraps(Stage& stage) {
  // The second object comes 2^64-1 objects after the next one.
  return bad_object(stage, {.objects = {{.id = 1, .payload = "one"}, {.id = 1, .payload = "two"}}});
}

Outcome padding_stream(Stage& stage) {
  constexpr std::uint64_t kPadding = 0x132b3e28;
  // More than a stream that nobody reads has credit for.
  constexpr std::size_t kSize = std::size_t{4} << 20;
  MOQ_TRY(const auto client, stage.join());
  Stream& stream = client->connection().open_uni();
  stream.write(client->draft().writer().integer(kPadding).bytes(Buffer(kSize, 0)).take());
  stream.end();
  const bool taken = client->connection().wait(
      [&] { return stream.delivered() || stream.stopped_code().has_value(); });
  if (!taken) return unmet("the padding was not read: " + client->fate());
  return client->stays();
}

Outcome padding_datagram(Stage& stage) {
  constexpr std::uint64_t kPadding = 0x132b3e29;
  MOQ_TRY(const auto client, stage.join());
  const Buffer padding = client->draft().writer().integer(kPadding).bytes(Buffer(500, 0)).take();
  if (!client->connection().send_datagram(padding)) return unmet("datagrams are not negotiated");
  return client->stays();
}

Outcome empty_datagram_properties(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage));
  // Type with properties; alias, group, object, priority, and no bytes of them.
  Writer out = stage.draft().writer();
  out.integer(0x01).integer(made.alias).integer(0).integer(0).byte(128).integer(0);
  made.publisher->connection().send_datagram(out.bytes(as_bytes("payload")).take());
  return made.publisher->closes(session_code::kProtocolViolation);
}

/// FETCH of a track that the relay has nothing of: it comes to the publisher.
struct Fetching {
  std::unique_ptr<Client> publisher;
  std::unique_ptr<Client> subscriber;
  Request upstream;
};

Result<Fetching> begin_fetch(Stage& stage) {
  Fetching made;
  MOQ_TRY(made.publisher, stage.join());
  MOQ_CHECK_OK(made.publisher->publish_namespace(stage.space()));
  MOQ_TRY(made.subscriber, stage.join());
  const Draft& draft = stage.draft();
  const std::uint64_t id = made.subscriber->take_id();
  const Request request =
      made.subscriber->request(id, draft.fetch({.id = id, .track = {stage.space(), "video"}}));
  // A relay may subscribe first, to know what there is.
  Client& publisher = *made.publisher;
  bool subscribed = false;
  publisher.connection().wait([&] {
    // FETCH_OK may come before the objects are there.
    const auto answers = made.subscriber->answers(request);
    const bool refused = !answers.empty() && draft.is_error(answers.front().type);
    if (publisher.has_asked(type::kFetch) || refused) return true;
    if (subscribed || !publisher.has_asked(type::kSubscribe)) return false;
    subscribed = true;
    const auto asked = publisher.asked(type::kSubscribe);
    publisher.send_about(*asked, draft.subscribe_ok(asked->id, 77, {}, Location{3, 2}));
    return false;
  });
  if (!publisher.has_asked(type::kFetch)) {
    MOQ_TRY(const Message answer, made.subscriber->answer(request));
    const auto code = draft.reader(answer.body).integer();
    return unmet("the relay did not FETCH, and answered " + hex(answer.type) +
                 (draft.is_error(answer.type) ? " with " + hex(code.value_or(0)) : ""));
  }
  MOQ_TRY(made.upstream, publisher.asked(type::kFetch));
  return made;
}

Outcome fetched_object_without_location(Stage& stage) {
  MOQ_TRY(const Fetching made, begin_fetch(stage));
  const Draft& draft = stage.draft();
  made.publisher->send_about(made.upstream, draft.fetch_ok(made.upstream.id, {}));
  // FETCH_HEADER; an object in the group of the one before it, and after it.
  made.publisher->connection().open_uni().write(
      draft.writer().integer(0x05).integer(made.upstream.id).integer(0x00).text("first").take());
  return made.publisher->closes(session_code::kProtocolViolation);
}

constexpr Case kCases[]{
    {"6e", Of::both, "A datagram that says to have properties, of 0 bytes",
     "session closed with 0x3", "Object Datagram", empty_datagram_properties},
    {"18a", Of::only14, "A stream of type 0x16", "session closed", "Data Streams and Datagrams",
     type_16},
    {"18a", Of::only18, "A subgroup of type 0x16", "session closed with 0x3", "Subgroup Header",
     type_16},
    {"18b", Of::only14, "A stream of type 0x1E", "session closed", "Data Streams and Datagrams",
     type_1e},
    {"18b", Of::only18, "A subgroup of type 0x1E", "session closed with 0x3", "Subgroup Header",
     type_1e},
    {"18c", Of::only14, "A stream of type 0x30", "session closed", "Data Streams and Datagrams",
     type_30},
    {"18c", Of::only18, "A subgroup of type 0x7F", "session closed with 0x3", "Subgroup Header",
     type_7f},
    {"19a", Of::both, "An object with status 7", "session closed with 0x3 (SHOULD)",
     "Object Status", unknown_status},
    {"19b", Of::only14, "An object that does not exist, with extension headers",
     "session closed with 0x3", "Object Extension Header", status_with_properties},
    {"19b", Of::only18, "An end of group with properties", "session closed with 0x3",
     "Object Properties", status_with_properties},
    {"19c", Of::only14, "An end of group with extension headers", "session goes on",
     "Object Extension Header", end_of_group_with_extensions},
    {"24a", Of::only18, "A padding stream of 4 MiB", "read, session goes on", "Padding Streams",
     padding_stream},
    {"24b", Of::only18, "A padding datagram", "session goes on", "Padding Datagrams",
     padding_datagram},
    {"25", Of::only18, "A first object in answer to FETCH that leaves out its group",
     "session closed with 0x3", "Fetch Header", fetched_object_without_location},
    {"56", Of::both, "A FIN inside of an object", "session closed with 0x3 (SHOULD)", "Streams",
     fin_in_object},
    {"60", Of::only18, "An object id that would pass 2^64-1", "session closed with 0x3",
     "Subgroup Header", object_id_wraps},
};

}  // namespace

std::span<const Case> data_cases() { return kCases; }

}  // namespace moq::conformance
