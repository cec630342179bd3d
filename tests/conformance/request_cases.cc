#include <algorithm>

#include "conformance/case.h"

/// Requests, and what answers they have.
namespace moq::conformance {

namespace {

constexpr std::uint64_t kDuplicateSubscription = 0x19;  // 18
constexpr std::uint64_t kTimeout = 0x2;
constexpr std::uint64_t kNotSupported = 0x3;

Outcome unknown_track(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  const Request request = client->subscribe({.track = {stage.space(), "any"}});
  MOQ_CHECK_OK(client->refused(request, client->draft().does_not_exist()));
  return client->stays();
}

Outcome rendezvous(Stage& stage, std::uint64_t milliseconds, std::uint64_t code) {
  MOQ_TRY(const auto client, stage.join());
  const Request request = client->subscribe(
      {.track = {stage.space(), "any"},
       .parameters = {client->draft().number_field(id::kRendezvousTimeout, milliseconds)}});
  MOQ_CHECK_OK(client->refused(request, code));
  return client->stays();
}

Outcome no_rendezvous(Stage& stage) { return rendezvous(stage, 0, stage.draft().does_not_exist()); }
Outcome short_rendezvous(Stage& stage) { return rendezvous(stage, 300, kTimeout); }

/// SUBSCRIBE_NAMESPACE for `second` while there is one for `first`.
Outcome overlap(Stage& stage, const Names& first, const Names& second) {
  MOQ_TRY(const auto client, stage.join());
  const Request one = client->subscribe_namespace(first);
  MOQ_CHECK_OK(client->accepted(one));
  const Request two = client->subscribe_namespace(second);
  MOQ_CHECK_OK(client->refused(two, client->draft().prefix_overlap()));
  return client->stays();
}

Names below(Names space) {
  space.emplace_back("below");
  return space;
}

Outcome longer_prefix(Stage& stage) { return overlap(stage, stage.space(), below(stage.space())); }
Outcome shorter_prefix(Stage& stage) { return overlap(stage, below(stage.space()), stage.space()); }
Outcome same_prefix(Stage& stage) { return overlap(stage, stage.space(), stage.space()); }

Outcome tracks_beside_namespaces(Stage& stage) {
  constexpr std::uint64_t kSubscribeTracks = 0x51;
  MOQ_TRY(const auto client, stage.join());
  const Request one = client->subscribe_namespace(stage.space());
  MOQ_CHECK_OK(client->accepted(one));
  const std::uint64_t id = client->take_id();
  const Buffer body = client->draft().writer().integer(id).names(stage.space()).integer(0).take();
  const Request two = client->request(id, client->draft().message(kSubscribeTracks, body));
  MOQ_TRY(const Message answer, client->answer(two));
  MOQ_CHECK_OK(client->stays());
  if (!client->draft().is_error(answer.type)) return Verdict{};
  const auto code = client->draft().reader(answer.body).integer();
  if (code != kNotSupported) return unmet("refused with " + hex(code.value_or(0)));
  return Verdict{"a relay may not support SUBSCRIBE_TRACKS; it is refused with 0x3"};
}

Outcome second_subscription(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage));
  const Request again = made.subscriber->subscribe({.track = {stage.space(), "video"}});
  if (stage.is(18)) {
    MOQ_CHECK_OK(made.subscriber->refused(again, kDuplicateSubscription));
    return made.subscriber->stays();
  }
  // Either ends the wait.
  const auto answer = made.subscriber->answer(again);
  if (made.subscriber->connection().ending()) {
    MOQ_CHECK_OK(made.subscriber->closes(session_code::kProtocolViolation));
    return Verdict{"publishers SHOULD treat it as a protocol violation; the session is closed"};
  }
  MOQ_CHECK_OK(answer);
  const bool error = stage.draft().is_error(answer->type);
  return Verdict{std::string("publishers SHOULD treat it as a protocol violation; it is ") +
                 (error ? "refused" : "accepted")};
}

/// SUBSCRIBE_UPDATE, which narrows a subscription or should not have come (14).
Buffer subscribe_update(const Draft& draft, std::uint64_t id, std::uint64_t of,
                        const Location& start, std::uint64_t end_group) {
  Writer out = draft.writer();
  out.integer(id).integer(of).integer(start.group).integer(start.object).integer(end_group);
  return draft.message(type::kUpdate, out.byte(128).byte(1).integer(0).take());
}

Outcome update_of_nothing(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  client->send_control(subscribe_update(client->draft(), client->take_id(), 44, {}, 0));
  return client->closes(session_code::kProtocolViolation);
}

Outcome widening_update(Stage& stage) {
  RelayedOptions options;
  options.subscribe.filter = Filter{.type = Filter::kAbsoluteStart, .start = {5, 0}};
  MOQ_TRY(const Relayed made, relay(stage, std::move(options)));
  made.subscriber->send_control(subscribe_update(stage.draft(), made.subscriber->take_id(),
                                                 made.downstream.id, {.group = 4}, 0));
  return made.subscriber->closes(session_code::kProtocolViolation);
}

Outcome narrowing_update(Stage& stage) {
  RelayedOptions options;
  options.subscribe.filter = Filter{.type = Filter::kAbsoluteStart, .start = {5, 0}};
  MOQ_TRY(const Relayed made, relay(stage, std::move(options)));
  made.subscriber->send_control(subscribe_update(stage.draft(), made.subscriber->take_id(),
                                                 made.downstream.id, {.group = 6}, 0));
  return made.subscriber->stays();
}

Outcome updates_are_answered(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage));
  const Draft& draft = stage.draft();
  for (std::size_t i = 0; i < 2; ++i) {
    const std::uint64_t id = made.subscriber->take_id();
    const Fields priority{draft.byte_field(id::kSubscriberPriority, 7)};
    made.subscriber->send_about(
        made.downstream,
        draft.message(type::kUpdate,
                      draft.writer().integer(id).bytes(draft.counted(priority)).take()));
    MOQ_TRY(const Message answer, made.subscriber->answer(made.downstream, i + 1));
    if (answer.type != type::kRequestOk) return unmet("answered by message " + hex(answer.type));
  }
  return made.subscriber->stays();
}

/// SUBSCRIBE and PUBLISH_NAMESPACE in a namespace that is reserved.
Outcome reserved(Stage& stage, const std::string& first, bool publishes) {
  MOQ_TRY(const auto client, stage.join());
  const Request request = client->subscribe({.track = {{first, "any"}, "any"}});
  MOQ_CHECK_OK(client->refused(request, client->draft().does_not_exist()));
  if (publishes) {
    const std::uint64_t id = client->take_id();
    const Request other =
        client->request(id, client->draft().publish_namespace(id, {first, "any"}));
    MOQ_CHECK_OK(client->refused(other, client->draft().does_not_exist()));
  }
  return client->stays();
}

Outcome dot(Stage& stage) { return reserved(stage, ".", true); }
Outcome dot_session(Stage& stage) { return reserved(stage, ".session", true); }

Request track_status(Client& client, const TrackName& track) {
  const std::uint64_t id = client.take_id();
  const Buffer body = client.draft().subscribe_body({.id = id, .track = track});
  return client.request(id, client.draft().message(type::kTrackStatus, body));
}

Outcome status_of_nothing(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  const Request request = track_status(*client, {stage.space(), "any"});
  MOQ_CHECK_OK(client->refused(request, client->draft().does_not_exist()));
  if (stage.is(18) && !client->connection().wait([&] { return request.stream->ended(); })) {
    return unmet("the request's stream was not ended");
  }
  return client->stays();
}

Outcome status_of_track(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage));
  MOQ_TRY(const auto other, stage.join());
  const Request request = track_status(*other, {stage.space(), "video"});
  MOQ_CHECK_OK(other->accepted(request));
  if (stage.is(18) && !other->connection().wait([&] { return request.stream->ended(); })) {
    return unmet("the request's stream was not ended");
  }
  return other->stays();
}

Outcome publish_is_answered(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  const std::uint64_t id = client->take_id();
  const Request request =
      client->request(id, client->draft().publish(id, {stage.space(), "video"}, 7));
  MOQ_TRY(const Message answer, client->answer(request));
  MOQ_CHECK_OK(client->stays());
  if (client->answers(request).size() != 1) return unmet("PUBLISH was answered twice");
  if (!client->draft().is_error(answer.type)) return Verdict{};
  return Verdict{"a relay may decline PUBLISH; it does, with " +
                 hex(client->draft().reader(answer.body).integer().value_or(0))};
}

Outcome unknown_alias(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  client->send({.alias = 4711, .objects = {{.payload = "nobody's"}}});
  return client->stays();
}

constexpr Case kCases[]{
    {"15a", Of::only14, "SUBSCRIBE to a track that nobody has", "refused with 0x4",
     "SUBSCRIBE_ERROR", unknown_track},
    {"15a", Of::only18, "SUBSCRIBE to a track that nobody has", "refused with 0x10",
     "REQUEST_ERROR", unknown_track},
    {"15b", Of::only18, "The same with RENDEZVOUS_TIMEOUT 0", "refused with 0x10 at once",
     "RENDEZVOUS TIMEOUT Parameter", no_rendezvous},
    {"15c", Of::only18, "The same with RENDEZVOUS_TIMEOUT 300", "refused with 0x2 (SHOULD)",
     "RENDEZVOUS TIMEOUT Parameter", short_rendezvous},
    {"16a", Of::only14, "SUBSCRIBE_NAMESPACE below another's prefix",
     "refused with 0x5, session goes on", "SUBSCRIBE_NAMESPACE", longer_prefix},
    {"16a", Of::only18, "SUBSCRIBE_NAMESPACE below another's prefix",
     "refused with 0x30, session goes on", "SUBSCRIBE_NAMESPACE", longer_prefix},
    {"16b", Of::only14, "SUBSCRIBE_NAMESPACE above another's prefix",
     "refused with 0x5, session goes on", "SUBSCRIBE_NAMESPACE", shorter_prefix},
    {"16b", Of::only18, "SUBSCRIBE_NAMESPACE above another's prefix",
     "refused with 0x30, session goes on", "SUBSCRIBE_NAMESPACE", shorter_prefix},
    {"16c", Of::only14, "SUBSCRIBE_NAMESPACE with another's prefix",
     "refused with 0x5, session goes on", "SUBSCRIBE_NAMESPACE", same_prefix},
    {"16c", Of::only18, "SUBSCRIBE_NAMESPACE with another's prefix",
     "refused with 0x30, session goes on", "SUBSCRIBE_NAMESPACE", same_prefix},
    {"16d", Of::only18, "SUBSCRIBE_TRACKS with a SUBSCRIBE_NAMESPACE's prefix", "accepted",
     "SUBSCRIBE_TRACKS", tracks_beside_namespaces},
    {"17", Of::only14, "A second SUBSCRIBE to a track", "session closed with 0x3 (SHOULD)",
     "SUBSCRIBE", second_subscription},
    {"17", Of::only18, "A second SUBSCRIBE to a track", "refused with 0x19", "Subscriptions",
     second_subscription},
    {"41", Of::only14, "SUBSCRIBE_UPDATE of a request that never was", "session closed with 0x3",
     "SUBSCRIBE_UPDATE", update_of_nothing},
    {"42a", Of::only14, "SUBSCRIBE_UPDATE that widens a subscription", "session closed with 0x3",
     "SUBSCRIBE_UPDATE", widening_update},
    {"42b", Of::only14, "SUBSCRIBE_UPDATE that narrows one", "session goes on", "SUBSCRIBE_UPDATE",
     narrowing_update},
    {"43", Of::only18, "REQUEST_UPDATE, twice", "a REQUEST_OK for each", "REQUEST_UPDATE",
     updates_are_answered},
    {"44a", Of::only18, "SUBSCRIBE and PUBLISH_NAMESPACE below \".\"", "both refused with 0x10",
     "Reserved Namespaces", dot},
    {"44b", Of::only18, "SUBSCRIBE and PUBLISH_NAMESPACE below \".session\"",
     "both refused with 0x10", "Session-Level Tracks and Namespaces", dot_session},
    {"45a", Of::only14, "TRACK_STATUS of a track that nobody has", "refused with 0x4",
     "TRACK_STATUS", status_of_nothing},
    {"45a", Of::only18, "TRACK_STATUS of a track that nobody has",
     "refused with 0x10, stream ended", "TRACK_STATUS", status_of_nothing},
    {"45b", Of::only14, "TRACK_STATUS of a track that there is", "TRACK_STATUS_OK", "TRACK_STATUS",
     status_of_track},
    {"45b", Of::only18, "TRACK_STATUS of a track that there is", "TRACK_STATUS_OK, stream ended",
     "TRACK_STATUS", status_of_track},
    {"48", Of::both, "PUBLISH", "one answer", "Subscriptions", publish_is_answered},
    {"59", Of::both, "A subgroup with an unknown Track Alias", "session goes on", "Subgroup Header",
     unknown_alias},
};

}  // namespace

std::span<const Case> request_cases() { return kCases; }

}  // namespace moq::conformance
