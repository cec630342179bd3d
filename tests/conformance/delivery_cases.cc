#include <algorithm>

#include "conformance/delivery.h"

/// What subscribers, fetchers and those who ask for namespaces get.
namespace moq::conformance {

namespace {

std::uint64_t no_such_range(const Draft& draft) { return draft.number() == 14 ? 0x5 : 0x11; }
std::uint64_t no_such_joining(const Draft& draft) { return draft.number() == 14 ? 0x7 : 0x32; }

/// All that is published is subscribed to.
RelayedOptions everything() {
  RelayedOptions options;
  options.subscribe.filter = Filter{.type = Filter::kAbsoluteStart};
  return options;
}

// --- PUBLISH

/// What was published before the subscriber came, and after.
Outcome published_track(Stage& stage) {
  constexpr std::uint64_t kAlias = 7;
  const TrackName track{stage.space(), "video"};
  MOQ_TRY(const auto publisher, stage.join());
  MOQ_CHECK_OK(bring(*publisher, track, kAlias));
  publisher->send(group(3, 2, kAlias));
  MOQ_CHECK_OK(publisher->stays());
  MOQ_TRY(const auto subscriber, stage.join());
  MOQ_CHECK_OK(subscriber->accepted(
      subscriber->subscribe({.track = track, .filter = Filter{.type = Filter::kAbsoluteStart}})));
  MOQ_CHECK_OK(gets(*subscriber, {{3, 0}, {3, 1}}));
  publisher->send(group(4, 1, kAlias));
  return gets(*subscriber, {{3, 0}, {3, 1}, {4, 0}});
}

// --- FETCH

Outcome fetch_group(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage, everything()));
  const Subgroup sent = group(4, 3, made.alias);
  made.publisher->send(sent);
  MOQ_CHECK_OK(made.subscriber->group_stream(4, 3));
  Client& client = *made.subscriber;
  // The end is one more; 0 is the whole group.
  const Request request =
      fetch(client, {.track = {stage.space(), "video"}, .start = {4, 0}, .end = {4, 0}});
  MOQ_TRY(const Fetched got, fetched(client, request));
  if (got.objects.size() != 3) {
    return unmet(std::to_string(got.objects.size()) + " objects were fetched");
  }
  for (std::uint64_t i = 0; i < 3; ++i) {
    if (got.objects[i].location != Location{4, i}) return unmet("another object was fetched");
  }
  return Verdict{};
}

/// Within a group, objects are in ascending order nevertheless.
Outcome fetch_descending(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage, everything()));
  Client& client = *made.subscriber;
  for (std::uint64_t i = 2; i <= 5; ++i) {
    made.publisher->send(group(i, 3, made.alias));
    MOQ_CHECK_OK(client.group_stream(i, 3));
  }
  const Request request = fetch(client, {.group_order = group_order::kDescending,
                                         .track = {stage.space(), "video"},
                                         .start = {2, 1},
                                         .end = {4, 2}});
  MOQ_TRY(const Fetched got, fetched(client, request, group_order::kDescending));
  std::vector<Location> all;
  for (const FetchedObject& each : got.objects) all.push_back(each.location);
  const std::vector<Location> wanted{{4, 0}, {4, 1}, {3, 0}, {3, 1}, {3, 2}, {2, 1}, {2, 2}};
  if (all != wanted) return unmet(to_string(all) + " is fetched");
  return Verdict{};
}

Outcome fetch_nothing(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  const Request request = fetch(*client, {.track = {stage.space(), "any"}, .end = {1, 0}});
  MOQ_CHECK_OK(client->refused(request, client->draft().does_not_exist()));
  return client->stays();
}

Outcome fetch_future(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage, everything()));
  made.publisher->send(group(4, 1, made.alias));
  MOQ_CHECK_OK(made.subscriber->group_stream(4, 1));
  const Request request =
      fetch(*made.subscriber, {.track = {stage.space(), "video"}, .start = {5, 0}, .end = {6, 0}});
  return made.subscriber->refused(request, no_such_range(stage.draft()));
}

Outcome join_nothing(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  const Request request = join(*client, {.id = 44}, 0);
  MOQ_CHECK_OK(client->refused(request, no_such_joining(client->draft())));
  return client->stays();
}

// --- Namespaces

/// Waits until the relay has told of a namespace, or that it is gone (14: 0x9, 18: 0xE).
Result<void> told(Client& client, const Request& request, const Names& space,
                  const std::string& suffix, bool there) {
  const Draft& draft = client.draft();
  const bool came = client.connection().wait([&] {
    if (draft.request_streams()) {
      return std::ranges::any_of(client.answers(request), [&](const Message& each) {
        return each.type == (there ? 0x08U : 0x0eU) &&
               draft.reader(each.body).names() == Names{suffix};
      });
    }
    return std::ranges::any_of(client.control_messages(), [&](const Message& each) {
      Reader in = draft.reader(each.body);
      if (each.type != (there ? type::kPublishNamespace : 0x09U)) return false;
      if (there && !in.integer()) return false;
      return in.names() == space;
    });
  });
  if (came) return {};
  return unmet((there ? "the namespace is not told of: " : "its end is not told of: ") +
               client.fate());
}

Result<void> tells(Stage& stage, Client& subscriber, Client& publisher) {
  const Request request = subscriber.subscribe_namespace(stage.space());
  MOQ_CHECK_OK(subscriber.accepted(request));
  Names space = stage.space();
  space.emplace_back("below");
  MOQ_TRY(const Request published, publisher.publish_namespace(space));
  MOQ_CHECK_OK(told(subscriber, request, space, "below", true));
  const Draft& draft = publisher.draft();
  if (draft.request_streams()) {
    published.stream->end();
    published.stream->stop_sending(kCancelled);
  } else {
    publisher.send_control(draft.message(0x09, draft.writer().names(space).take()));
  }
  return told(subscriber, request, space, "below", false);
}

Outcome tells_of_namespace(Stage& stage) {
  MOQ_TRY(const auto subscriber, stage.join());
  MOQ_TRY(const auto publisher, stage.join());
  MOQ_CHECK_OK(tells(stage, *subscriber, *publisher));
  return Verdict{};
}

Outcome echoes_namespace(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  MOQ_CHECK_OK(tells(stage, *client, *client));
  return Verdict{};
}

// --- Subscriptions

/// A subscription to a track that another has already, so that the relay has all of it.
Result<std::unique_ptr<Client>> subscribe_too(Stage& stage, Subscribe message, Request& request) {
  MOQ_TRY(auto client, stage.join());
  message.track = {stage.space(), "video"};
  request = client->subscribe(std::move(message));
  MOQ_CHECK_OK(client->accepted(request));
  return client;
}

Outcome not_forwarded(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage, everything()));
  Request request;
  MOQ_TRY(const auto client,
          subscribe_too(stage, {.forward = 0, .filter = Filter{.type = Filter::kAbsoluteStart}},
                        request));
  made.publisher->send(group(0, 1, made.alias));
  MOQ_CHECK_OK(made.subscriber->group_stream(0, 1));
  MOQ_CHECK_OK(gets(*client, {}));
  client->send_about(request, stage.draft().update_forward(client->take_id(), request.id, 1));
  if (stage.is(18)) MOQ_CHECK_OK(client->answer(request, 1));
  MOQ_CHECK_OK(client->stays());
  made.publisher->send(group(1, 1, made.alias));
  MOQ_CHECK_OK(client->group_stream(1, 1));
  return Verdict{};
}

Outcome filtered(Stage& stage, const Filter& filter, const std::vector<Location>& wanted) {
  MOQ_TRY(const Relayed made, relay(stage, everything()));
  Request request;
  MOQ_TRY(const auto client, subscribe_too(stage, {.filter = filter}, request));
  for (std::uint64_t i = 0; i < 3; ++i) made.publisher->send(group(i, 2, made.alias));
  MOQ_CHECK_OK(made.subscriber->group_stream(2, 2));
  return gets(*client, wanted);
}

Outcome start_filter(Stage& stage) {
  return filtered(stage, {.type = Filter::kAbsoluteStart, .start = {1, 0}},
                  {{1, 0}, {1, 1}, {2, 0}, {2, 1}});
}
Outcome start_inside_filter(Stage& stage) {
  return filtered(stage, {.type = Filter::kAbsoluteStart, .start = {1, 1}},
                  {{1, 1}, {2, 0}, {2, 1}});
}
Outcome range_filter(Stage& stage) {
  return filtered(stage, {.type = Filter::kAbsoluteRange, .end_group = 1},
                  {{0, 0}, {0, 1}, {1, 0}, {1, 1}});
}

Outcome largest_filter(Stage& stage) {
  const Draft& draft = stage.draft();
  MOQ_TRY(const Relayed made, relay(stage, everything()));
  Subgroup sent = group(0, 2, made.alias);
  Stream& stream = made.publisher->send(sent, false);
  MOQ_CHECK_OK(made.subscriber->group_stream(0, 2));
  Request request;
  MOQ_TRY(const auto client, subscribe_too(stage, {.filter = Filter{}}, request));
  const auto ok = draft.parse_subscribe_ok(client->answers(request).front().body);
  if (!ok || ok->largest != Location{0, 1}) {
    return unmet("SUBSCRIBE_OK does not say that 0/1 is the Largest Object");
  }
  stream.write(encode_next(draft, sent.type, 1, {{.id = 2, .payload = "0/2"}}));
  stream.end();
  made.publisher->send(group(1, 1, made.alias));
  MOQ_CHECK_OK(made.subscriber->group_stream(1, 1));
  return gets(*client, {{0, 2}, {1, 0}});
}

Outcome next_group_filter(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage, everything()));
  const Subgroup sent = group(0, 2, made.alias);
  Stream& stream = made.publisher->send(sent, false);
  MOQ_CHECK_OK(made.subscriber->group_stream(0, 2));
  Request request;
  MOQ_TRY(const auto client,
          subscribe_too(stage, {.filter = Filter{.type = Filter::kNextGroup}}, request));
  const auto ok = stage.draft().parse_subscribe_ok(client->answers(request).front().body);
  if (!ok || ok->largest != Location{0, 1}) {
    return unmet("SUBSCRIBE_OK does not say that 0/1 is the Largest Object");
  }
  stream.write(more(stage.draft(), sent, 3));
  stream.end();
  for (std::uint64_t i = 1; i <= 2; ++i) made.publisher->send(group(i, 3, made.alias));
  MOQ_CHECK_OK(made.subscriber->group_stream(0, 4));
  MOQ_CHECK_OK(made.subscriber->group_stream(2, 3));
  return gets(*client, {{1, 0}, {1, 1}, {1, 2}, {2, 0}, {2, 1}, {2, 2}});
}

/// There is no group yet: the next one is the first.
Outcome first_group_filter(Stage& stage) {
  return filtered(stage, {.type = Filter::kNextGroup},
                  {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 0}, {2, 1}});
}

Outcome unsubscribed(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage, everything()));
  made.publisher->send(group(0, 1, made.alias), false);
  Client& client = *made.subscriber;
  MOQ_TRY(const Stream* stream, client.group_stream(0, 1));
  if (stage.is(14)) {
    client.send_control(
        client.draft().message(0x0a, client.draft().writer().integer(made.downstream.id).take()));
  } else {
    made.downstream.stream->stop_sending(kCancelled);
    made.downstream.stream->reset(kCancelled);
  }
  if (!client.connection().wait([&] { return stream->reset_code().has_value(); })) {
    return unmet("the open stream was not reset: " + client.fate());
  }
  if (stream->reset_code() != kCancelled) {
    return unmet("the open stream was reset with " + hex(*stream->reset_code()));
  }
  return client.stays();
}

Outcome track_ends(Stage& stage, std::uint64_t bits) {
  MOQ_TRY(const Relayed made, relay(stage, everything()));
  for (std::uint64_t i = 0; i < 2; ++i) {
    Subgroup sent = group(i, 2, made.alias);
    sent.type |= bits;
    made.publisher->send(sent);
    MOQ_CHECK_OK(made.subscriber->group_stream(i, 2));
  }
  made.publisher->send_about(made.upstream,
                             stage.draft().publish_done(made.upstream.id, kEndOfTrack, 2));
  if (stage.is(18)) made.upstream.stream->end();
  return hears_the_end(*made.subscriber, made.downstream);
}

Outcome ends_after_whole_groups(Stage& stage) {
  return track_ends(stage, subgroup_type::kEndOfGroup);
}
Outcome ends_after_open_groups(Stage& stage) { return track_ends(stage, 0); }

Outcome published_track_ends(Stage& stage) {
  constexpr std::uint64_t kAlias = 7;
  const TrackName track{stage.space(), "video"};
  MOQ_TRY(const auto publisher, stage.join());
  MOQ_TRY(const Request publish, bring(*publisher, track, kAlias));
  MOQ_TRY(const auto subscriber, stage.join());
  const Request subscribe = subscriber->subscribe({.track = track});
  MOQ_CHECK_OK(subscriber->accepted(subscribe));
  Subgroup sent = group(0, 2, kAlias);
  sent.type |= subgroup_type::kEndOfGroup;
  publisher->send(sent);
  MOQ_CHECK_OK(subscriber->group_stream(0, 2));
  publisher->send_about(publish, stage.draft().publish_done(publish.id, kEndOfTrack, 1));
  if (stage.is(18)) publish.stream->end();
  MOQ_CHECK_OK(hears_the_end(*subscriber, subscribe));
  return publisher->stays();
}

Outcome own_track(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  MOQ_CHECK_OK(client->publish_namespace(stage.space()));
  const Request request = client->subscribe({.track = {stage.space(), "video"}});
  // Either comes first.
  client->connection().wait(
      [&] { return client->has_asked(type::kSubscribe) || !client->answers(request).empty(); });
  if (!client->has_asked(type::kSubscribe)) MOQ_CHECK_OK(client->accepted(request));
  MOQ_TRY(const Request upstream, client->asked_for("video"));
  client->send_about(upstream, client->draft().subscribe_ok(upstream.id, 77, {}));
  MOQ_CHECK_OK(client->accepted(request));
  client->send(group(0, 1, 77));
  MOQ_CHECK_OK(client->group_stream(0, 1));
  return Verdict{};
}

constexpr Case kCases[]{
    {"48b", Of::both, "PUBLISH, and a subscriber to the track",
     "what was published before, and after", "PUBLISH", published_track},
    {"47a", Of::both, "FETCH of a group that the relay has", "FETCH_OK, and its objects",
     "Fetch Handling", fetch_group},
    {"47b", Of::only14, "FETCH of a track that nobody has", "refused with 0x4", "FETCH_ERROR",
     fetch_nothing},
    {"47b", Of::only18, "FETCH of a track that nobody has", "refused with 0x10", "REQUEST_ERROR",
     fetch_nothing},
    {"47c", Of::only14, "FETCH that starts after the Largest Object", "refused with 0x5",
     "Fetch Handling", fetch_future},
    {"47c", Of::only18, "FETCH that starts after the Largest Object", "refused with 0x11",
     "Fetch Handling", fetch_future},
    {"47d", Of::only14, "A joining FETCH of no subscription", "refused with 0x7", "Joining Fetches",
     join_nothing},
    {"47d", Of::only18, "A joining FETCH of no subscription", "refused with 0x32",
     "Joining Fetches", join_nothing},
    {"47e", Of::both, "FETCH of groups in descending order",
     "FETCH_OK, and the range's groups in that order", "Fetch Handling", fetch_descending},
    {"50a", Of::both, "A namespace that comes and goes below a prefix that was asked for",
     "told of both", "Publishing Namespaces", tells_of_namespace},
    {"50b", Of::both, "The same in one session", "told of both", "Subscribing to Namespaces",
     echoes_namespace},
    {"51", Of::both, "SUBSCRIBE with Forward 0, and then an update to 1",
     "no objects, and then objects", "Subscriptions", not_forwarded},
    {"52a", Of::both, "SUBSCRIBE from a group on", "objects from there on",
     "SUBSCRIBE; Subscription Filters", start_filter},
    {"52b", Of::both, "SUBSCRIBE from an object on that is not a group's first",
     "objects from there on", "SUBSCRIBE; Subscription Filters", start_inside_filter},
    {"52c", Of::both, "SUBSCRIBE to a range of groups", "objects of that range",
     "SUBSCRIBE; Subscription Filters", range_filter},
    {"52d", Of::both, "SUBSCRIBE from the Largest Object on, inside of a group",
     "told of it, and objects after it", "SUBSCRIBE; Subscription Filters", largest_filter},
    {"52e", Of::both, "SUBSCRIBE from the next group on, inside of a group",
     "told of the Largest Object, and objects of later groups only",
     "SUBSCRIBE; Subscription Filters", next_group_filter},
    {"52f", Of::both, "The same, and there is no group yet", "objects from the first group on",
     "SUBSCRIBE; Subscription Filters", first_group_filter},
    {"53", Of::only14, "UNSUBSCRIBE while a stream is open", "the stream is reset with 0x1",
     "Closing Subgroup Streams", unsubscribed},
    {"53", Of::only18, "A SUBSCRIBE that is cancelled while a stream is open",
     "the stream is reset with 0x1", "Subscription State Management", unsubscribed},
    {"54a", Of::both, "PUBLISH_DONE of a publisher whose groups have ended",
     "PUBLISH_DONE with 0x2 and the right count", "PUBLISH_DONE", ends_after_whole_groups},
    {"54b", Of::both, "The same, and nothing has said that the groups have ended",
     "PUBLISH_DONE with 0x2 and the right count", "PUBLISH_DONE", ends_after_open_groups},
    {"54c", Of::both, "PUBLISH_DONE about a PUBLISH", "PUBLISH_DONE with 0x2 and the right count",
     "PUBLISH_DONE", published_track_ends},
    {"55", Of::both, "SUBSCRIBE to a track of one's own", "accepted, and its objects",
     "Subscriptions", own_track},
};

}  // namespace

std::span<const Case> delivery_cases() { return kCases; }

}  // namespace moq::conformance
