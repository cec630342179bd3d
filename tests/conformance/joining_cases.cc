#include "conformance/delivery.h"

/// Subscriptions that begin inside of a group, or before there is a publisher.
namespace moq::conformance {

namespace {

constexpr std::uint64_t kAlias = 7;
constexpr std::uint64_t kPatience = 30000;  // a RENDEZVOUS_TIMEOUT, in milliseconds
constexpr std::uint64_t kNotSupported = 0x3;
constexpr Location kLargest{4, 2};

/// What a subscription and a fetch that joins it bring: each object once.
Outcome both_get(Client& client, const Fetched& fetch, std::uint64_t alias,
                 const std::vector<Location>& before, const std::vector<Location>& after) {
  std::vector<Location> all;
  for (const FetchedObject& each : fetch.objects) all.push_back(each.location);
  if (all != before) return unmet(to_string(all) + " is fetched");
  return gets(client, after, alias);
}

/// `join` makes the FETCH, of groups from 3 on.
Outcome joins(Stage& stage, Request (*join)(Client&, const Request& subscription)) {
  RelayedOptions options;
  options.subscribe.filter = Filter{.type = Filter::kAbsoluteStart};
  MOQ_TRY(const Relayed made, relay(stage, std::move(options)));
  for (std::uint64_t i = 2; i <= 3; ++i) {
    made.publisher->send(group(i, 2, made.alias));
    MOQ_CHECK_OK(made.subscriber->group_stream(i, 2));
  }
  const Subgroup sent = group(4, 3, made.alias);
  Stream& stream = made.publisher->send(sent, false);
  MOQ_CHECK_OK(made.subscriber->group_stream(4, 3));
  MOQ_TRY(const auto client, stage.join());
  const Request request =
      client->subscribe({.track = {stage.space(), "video"}, .filter = Filter{}});
  // Both at once.
  const Request joining = join(*client, request);
  MOQ_TRY(const Message answer, client->accepted(request));
  const auto ok = stage.draft().parse_subscribe_ok(answer.body);
  if (!ok || ok->largest != kLargest) {
    return unmet("SUBSCRIBE_OK does not say that 4/2 is the Largest Object");
  }
  stream.write(more(stage.draft(), sent, 4));
  stream.end();
  made.publisher->send(group(5, 1, made.alias));
  MOQ_TRY(const Fetched got, fetched(*client, joining));
  return both_get(*client, got, ok->alias, {{3, 0}, {3, 1}, {4, 0}, {4, 1}, {4, 2}},
                  {{4, 3}, {4, 4}, {5, 0}});
}

Outcome joins_relative(Stage& stage) {
  return joins(stage, [](Client& client, const Request& subscription) {
    return join(client, subscription, 1);
  });
}
Outcome joins_absolute(Stage& stage) {
  return joins(stage, [](Client& client, const Request& subscription) {
    return join_from(client, subscription, 3);
  });
}

/// The Joining Location moves when a subscription begins to forward.
Outcome joins_after_update(Stage& stage) {
  RelayedOptions options;
  options.subscribe.filter = Filter{.type = Filter::kAbsoluteStart};
  MOQ_TRY(const Relayed made, relay(stage, std::move(options)));
  const Subgroup sent = group(4, 1, made.alias);
  Stream& stream = made.publisher->send(sent, false);
  MOQ_CHECK_OK(made.subscriber->group_stream(4, 1));
  MOQ_TRY(const auto client, stage.join());
  const Request request =
      client->subscribe({.track = {stage.space(), "video"}, .forward = 0, .filter = Filter{}});
  MOQ_TRY(const Message answer, client->accepted(request));
  const auto ok = stage.draft().parse_subscribe_ok(answer.body);
  if (!ok || ok->largest != Location{4, 0}) {
    return unmet("SUBSCRIBE_OK does not say that 4/0 is the Largest Object");
  }
  stream.write(more(stage.draft(), sent, 2));
  MOQ_CHECK_OK(made.subscriber->group_stream(4, 3));
  const Draft& draft = stage.draft();
  client->send_about(request, draft.update_forward(client->take_id(), request.id, 1));
  MOQ_TRY(const Message updated, client->answer(request, 1));
  Reader in = draft.reader(updated.body);
  const auto said = Draft::parse_parameters(in);
  const Buffer largest = draft.writer().integer(4).integer(2).take();
  if (updated.type != type::kRequestOk || !said || *said != Fields{{id::kLargestObject, largest}}) {
    return unmet("REQUEST_OK does not say that 4/2 is the Largest Object");
  }
  const Request joining = join(*client, request, 0);
  Subgroup begun = objects(4, 0, 2, made.alias);
  stream.write(more(draft, begun, 3));
  stream.end();
  MOQ_TRY(const Fetched got, fetched(*client, joining));
  return both_get(*client, got, ok->alias, {{4, 0}, {4, 1}, {4, 2}}, {{4, 3}});
}

Outcome joins_not_forwarded(Stage& stage) {
  RelayedOptions options;
  options.subscribe.filter = Filter{.type = Filter::kAbsoluteStart};
  MOQ_TRY(const Relayed made, relay(stage, std::move(options)));
  made.publisher->send(group(4, 1, made.alias));
  MOQ_CHECK_OK(made.subscriber->group_stream(4, 1));
  MOQ_TRY(const auto client, stage.join());
  const Request request =
      client->subscribe({.track = {stage.space(), "video"}, .forward = 0, .filter = Filter{}});
  MOQ_CHECK_OK(client->accepted(request));
  MOQ_CHECK_OK(client->refused(join(*client, request, 0), 0x11));
  return client->stays();
}

/// In the middle of a group, whose stream cannot be whole then.
Outcome stops_forwarding(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage));
  Client& client = *made.subscriber;
  const Draft& draft = stage.draft();
  const Subgroup sent = group(0, 2, made.alias);
  Stream& stream = made.publisher->send(sent, false);
  MOQ_TRY(const Stream* down, client.group_stream(0, 2));
  client.send_about(made.downstream, draft.update_forward(client.take_id(), made.downstream.id, 0));
  MOQ_CHECK_OK(client.stays());
  stream.write(more(draft, sent, 2));
  stream.end();
  made.publisher->send(group(1, 1, made.alias));
  MOQ_CHECK_OK(made.publisher->stays());
  MOQ_CHECK_OK(gets(client, {{0, 0}, {0, 1}}));
  if (!client.connection().wait([&] { return down->reset_code().has_value(); })) {
    return unmet("the open stream was not reset: " + client.fate());
  }
  return Verdict{};
}

/// What came in between is not made up for, and nothing comes twice.
Outcome forwards_again(Stage& stage) {
  RelayedOptions options;
  options.subscribe.filter = Filter{.type = Filter::kAbsoluteStart};
  MOQ_TRY(const Relayed made, relay(stage, std::move(options)));
  Client& client = *made.subscriber;
  const Draft& draft = stage.draft();
  MOQ_TRY(const auto other, stage.join());
  MOQ_CHECK_OK(other->accepted(other->subscribe(
      {.track = {stage.space(), "video"}, .filter = Filter{.type = Filter::kAbsoluteStart}})));
  const Subgroup sent = group(0, 2, made.alias);
  Stream& stream = made.publisher->send(sent, false);
  MOQ_CHECK_OK(client.group_stream(0, 2));
  client.send_about(made.downstream, draft.update_forward(client.take_id(), made.downstream.id, 0));
  MOQ_CHECK_OK(client.stays());
  stream.write(more(draft, sent, 2));
  MOQ_CHECK_OK(other->group_stream(0, 3));
  client.send_about(made.downstream, draft.update_forward(client.take_id(), made.downstream.id, 1));
  MOQ_CHECK_OK(client.stays());
  stream.write(more(draft, objects(0, 0, 2, made.alias), 3));
  stream.end();
  made.publisher->send(group(1, 1, made.alias));
  return gets(client, {{0, 0}, {0, 1}, {0, 3}, {1, 0}});
}

// --- A publisher that sends what is behind the largest object only

struct Late {
  Relayed made;
  Stream* stream = nullptr;  ///< of group 4, from 4/3 on
  Request fetch;             ///< the relay's
};

/// Up to the relay's FETCH of what it lacks, with 4/3 on its way.
Result<Late> begin_late(Stage& stage) {
  RelayedOptions options;
  options.subscribe.filter = Filter{};
  Late late;
  MOQ_TRY(late.made, begin_relay(stage, std::move(options)));
  Client& publisher = *late.made.publisher;
  const Draft& draft = stage.draft();
  publisher.send_about(late.made.upstream,
                       draft.subscribe_ok(late.made.upstream.id, late.made.alias, {}, kLargest));
  late.stream = &publisher.send(objects(4, 3, 3, late.made.alias), false);
  MOQ_TRY(late.fetch, publisher.asked(type::kFetch));
  const auto range = draft.parse_fetch(late.fetch.body);
  const TrackName track{stage.space(), "video"};
  if (!range || range->track != track) return unmet("the FETCH is of another track");
  if (range->start != Location{4, 0} || range->end != Location{4, 3}) {
    return unmet("the FETCH is of another range");
  }
  return late;
}

void serve_beginning(const Late& late) {
  Client& publisher = *late.made.publisher;
  const Draft& draft = publisher.draft();
  publisher.send_about(late.fetch, draft.fetch_ok(late.fetch.id, {4, 3}));
  if (draft.request_streams()) late.fetch.stream->end();
  Fetched fetched{.request_id = late.fetch.id};
  for (const Object& each : objects(4, 0, 2, 0).objects) {
    fetched.objects.push_back({.location = {4, each.id}, .payload = each.payload});
  }
  Stream& stream = publisher.connection().open_uni();
  stream.write(encode(draft, fetched));
  stream.end();
}

void end_group(const Late& late) {
  const Draft& draft = late.made.publisher->draft();
  late.stream->write(more(draft, objects(4, 3, 3, late.made.alias), 4));
  late.stream->end();
  late.made.publisher->send(group(5, 1, late.made.alias));
}

/// What it does not have in its subscription, a subscriber can have by joining it.
Outcome whole_group(Stage& stage) {
  MOQ_TRY(const Late late, begin_late(stage));
  serve_beginning(late);
  end_group(late);
  Client& client = *late.made.subscriber;
  MOQ_TRY(const Message answer, client.accepted(late.made.downstream));
  const auto ok = stage.draft().parse_subscribe_ok(answer.body);
  if (!ok) return unmet("SUBSCRIBE_OK cannot be read");
  MOQ_CHECK_OK(client.group_stream(5, 1));
  std::vector<Location> rest{{4, 3}, {4, 4}, {5, 0}};
  if (ok->largest) {
    MOQ_TRY(const Fetched got, fetched(client, join(client, late.made.downstream, 0)));
    return both_get(client, got, ok->alias, {{4, 0}, {4, 1}, {4, 2}}, rest);
  }
  rest.insert(rest.begin(), {{4, 0}, {4, 1}, {4, 2}});
  return gets(client, rest, ok->alias);
}

/// It may do so before the relay has what it is to fetch.
Outcome joins_early(Stage& stage) {
  MOQ_TRY(const Late late, begin_late(stage));
  Client& client = *late.made.subscriber;
  MOQ_TRY(const Message answer, client.accepted(late.made.downstream));
  const auto ok = stage.draft().parse_subscribe_ok(answer.body);
  if (!ok) return unmet("SUBSCRIBE_OK cannot be read");
  const Request joining = join(client, late.made.downstream, 0);
  MOQ_CHECK_OK(client.stays());
  serve_beginning(late);
  end_group(late);
  MOQ_TRY(const Fetched got, fetched(client, joining));
  return both_get(client, got, ok->alias, {{4, 0}, {4, 1}, {4, 2}}, {{4, 3}, {4, 4}, {5, 0}});
}

/// A relay's Largest Object is its publisher's, if it knows none that is larger.
Outcome publishers_largest(Stage& stage) {
  MOQ_TRY(const Late late, begin_late(stage));
  Client& client = *late.made.subscriber;
  serve_beginning(late);
  MOQ_TRY(const Message answer, client.accepted(late.made.downstream));
  const auto ok = stage.draft().parse_subscribe_ok(answer.body);
  if (!ok) return unmet("SUBSCRIBE_OK cannot be read");
  if (!ok->largest) return unmet("SUBSCRIBE_OK has no Largest Object");
  if (*ok->largest < kLargest) return unmet("SUBSCRIBE_OK has a smaller Largest Object");
  return Verdict{};
}

Outcome beginning_for_others(Stage& stage) {
  MOQ_TRY(const Late late, begin_late(stage));
  serve_beginning(late);
  end_group(late);
  MOQ_CHECK_OK(late.made.subscriber->group_stream(5, 1));
  MOQ_TRY(const auto other, stage.join());
  const Request request =
      other->subscribe({.track = {stage.space(), "video"},
                        .filter = Filter{.type = Filter::kAbsoluteStart, .start = {4, 0}}});
  MOQ_CHECK_OK(other->accepted(request));
  return gets(*other, {{4, 0}, {4, 1}, {4, 2}, {4, 3}, {4, 4}, {5, 0}});
}

Outcome refused_beginning(Stage& stage) {
  MOQ_TRY(const Late late, begin_late(stage));
  Client& publisher = *late.made.publisher;
  publisher.send_about(late.fetch, stage.draft().fetch_error(late.fetch.id, kNotSupported, ""));
  if (stage.is(18)) late.fetch.stream->end();
  end_group(late);
  MOQ_CHECK_OK(late.made.subscriber->accepted(late.made.downstream));
  MOQ_CHECK_OK(gets(*late.made.subscriber, {{4, 3}, {4, 4}, {5, 0}}));
  return publisher.stays();
}

// --- RENDEZVOUS_TIMEOUT

/// SUBSCRIBE to what nobody has yet; it has no answer when this returns.
Result<Request> await_publisher(Stage& stage, Client& client) {
  Request request = client.subscribe(
      {.track = {stage.space(), "video"},
       .parameters = {client.draft().number_field(id::kRendezvousTimeout, kPatience)}});
  MOQ_CHECK_OK(client.stays());
  if (!client.answers(request).empty()) return unmet("SUBSCRIBE was answered at once");
  return request;
}

Outcome meets_namespace(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  MOQ_TRY(const Request request, await_publisher(stage, *client));
  MOQ_TRY(const auto publisher, stage.join());
  MOQ_CHECK_OK(publisher->publish_namespace(stage.space()));
  MOQ_TRY(const Request upstream, publisher->asked_for("video"));
  publisher->send_about(upstream, stage.draft().subscribe_ok(upstream.id, kAlias, {}));
  MOQ_CHECK_OK(client->accepted(request));
  publisher->send(group(0, 2, kAlias));
  return gets(*client, {{0, 0}, {0, 1}});
}

Outcome meets_track(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  MOQ_TRY(const Request request, await_publisher(stage, *client));
  MOQ_TRY(const auto publisher, stage.join());
  MOQ_CHECK_OK(bring(*publisher, {stage.space(), "video"}, kAlias));
  MOQ_CHECK_OK(client->accepted(request));
  publisher->send(group(0, 2, kAlias));
  return gets(*client, {{0, 0}, {0, 1}});
}

/// The first track that comes is another one.
Outcome meets_track_later(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  MOQ_TRY(const Request request, await_publisher(stage, *client));
  MOQ_TRY(const auto publisher, stage.join());
  MOQ_CHECK_OK(bring(*publisher, {stage.space(), "audio"}, kAlias));
  MOQ_CHECK_OK(publisher->stays());
  // Nobody has offered the whole namespace; whoever is asked nevertheless has no such track.
  if (publisher->has_asked(type::kSubscribe)) {
    MOQ_TRY(const Request upstream, publisher->asked_for("video"));
    publisher->send_about(
        upstream, stage.draft().request_error(upstream.id, stage.draft().does_not_exist(), ""));
    MOQ_CHECK_OK(publisher->stays());
  }
  MOQ_CHECK_OK(bring(*publisher, {stage.space(), "video"}, kAlias + 1));
  MOQ_CHECK_OK(client->accepted(request));
  publisher->send(group(0, 2, kAlias + 1));
  return gets(*client, {{0, 0}, {0, 1}});
}

constexpr Case kCases[]{
    {"15d", Of::only18, "SUBSCRIBE with RENDEZVOUS_TIMEOUT 30000, and PUBLISH_NAMESPACE in time",
     "SUBSCRIBE_OK and objects", "RENDEZVOUS TIMEOUT Parameter", meets_namespace},
    {"15e", Of::only18, "The same with PUBLISH in time", "SUBSCRIBE_OK and objects",
     "RENDEZVOUS TIMEOUT Parameter", meets_track},
    {"15f", Of::only18, "The same, after a PUBLISH of another track of the namespace",
     "SUBSCRIBE_OK and objects", "RENDEZVOUS TIMEOUT Parameter", meets_track_later},
    {"51b", Of::both, "An update to Forward 0 in the middle of a group",
     "no more objects, the stream is reset", "Subscriptions; Closing Subgroup Streams",
     stops_forwarding},
    {"51c", Of::both, "The same, and an update to Forward 1 two objects later",
     "the objects after it, and none twice", "Subscriptions", forwards_again},
    {"64c", Of::both, "SUBSCRIBE inside of a group, and a relative joining FETCH at once",
     "told of the Largest Object, and each object once", "Joining Fetches", joins_relative},
    {"64d", Of::only18, "SUBSCRIBE with FORWARD 0, an update to 1, and a joining FETCH",
     "told of the Largest Object of either time, and each object once",
     "Joining Fetches; LARGEST OBJECT Parameter", joins_after_update},
    {"64e", Of::only18, "A joining FETCH of a subscription with FORWARD 0", "refused with 0x11",
     "Joining Fetches", joins_not_forwarded},
    {"64f", Of::both, "SUBSCRIBE inside of a group, and an absolute joining FETCH at once",
     "told of the Largest Object, and each object once", "Joining Fetches", joins_absolute},
    {"65a", Of::both, "SUBSCRIBE_OK with a Largest Object, and what is behind it",
     "FETCH of the group's beginning; the subscriber can have each object, once", "FETCH",
     whole_group},
    {"65b", Of::both, "The same, and a subscriber from that group on", "each object of it once",
     "FETCH", beginning_for_others},
    {"65c", Of::both, "The same, and the FETCH is refused", "the objects that come", "FETCH",
     refused_beginning},
    {"65d", Of::only18, "SUBSCRIBE_OK with a Largest Object",
     "SUBSCRIBE_OK with one that is no smaller", "LARGEST OBJECT Parameter", publishers_largest},
    {"65e", Of::both, "The same, and a joining FETCH before the relay's own is answered",
     "each object once", "Joining Fetches", joins_early},
};

}  // namespace

std::span<const Case> joining_cases() { return kCases; }

}  // namespace moq::conformance
