#include <algorithm>

#include "conformance/delivery.h"

/// Tracks that the relay brings by PUBLISH to those who ask for all below a prefix.
namespace moq::conformance {

namespace {

constexpr std::uint64_t kAlias = 7;
constexpr std::uint64_t kOtherAlias = 8;
constexpr std::uint64_t kDuplicateSubscription = 0x19;
constexpr std::uint64_t kInvalidRange = 0x11;

std::uint64_t uninterested(const Draft& draft) { return draft.number() == 14 ? 0x4 : 0x20; }

Request subscribe_tracks(Client& client, const Names& prefix, const Fields& parameters = {}) {
  const std::uint64_t id = client.take_id();
  return client.request(id, client.draft().subscribe_tracks(id, prefix, parameters));
}

/// Asks for all tracks below the case's namespace: SUBSCRIBE_TRACKS, or what draft 14 has.
Result<Request> ask(Client& client, const Names& prefix, const Fields& parameters = {}) {
  Request request = client.draft().request_streams() ? subscribe_tracks(client, prefix, parameters)
                                                     : client.subscribe_namespace(prefix);
  MOQ_TRY(const Message ok, client.accepted(request));
  const std::uint64_t wanted = client.draft().request_streams() ? type::kRequestOk : 0x12;
  if (ok.type != wanted) return unmet("answered by message " + hex(ok.type));
  return request;
}

Names below(Names space, const std::string& last) {
  space.push_back(last);
  return space;
}

/// Somebody who brings a track, and somebody to whom the relay does.
struct Pair {
  std::unique_ptr<Client> publisher;
  std::unique_ptr<Client> viewer;
  TrackName track;
  Request asked;     ///< the viewer's
  Request upstream;  ///< PUBLISH to the relay
  Brought down;      ///< and from it
};

/// `forward` of SUBSCRIBE_TRACKS is not said if it is not set.
Result<Pair> bring_to_viewer(Stage& stage, std::optional<std::uint8_t> forward = {}) {
  Pair made;
  made.track = {stage.space(), "video"};
  MOQ_TRY(made.viewer, stage.join());
  Fields parameters;
  if (forward) parameters.push_back(stage.draft().byte_field(id::kForward, *forward));
  MOQ_TRY(made.asked, ask(*made.viewer, stage.space(), parameters));
  MOQ_TRY(made.publisher, stage.join());
  MOQ_TRY(made.upstream, bring(*made.publisher, made.track, kAlias));
  MOQ_TRY(made.down, brought(*made.viewer));
  if (made.down.said.track != made.track) return unmet("PUBLISH is of another track");
  return made;
}

/// PUBLISH_OK to the relay, or the update of a subscription; in 18, its answer.
void accept(const Pair& made, std::optional<std::uint8_t> forward = {}) {
  made.viewer->send_about(made.down.request,
                          made.viewer->draft().publish_ok(made.down.request.id, forward));
}

Result<void> update(const Pair& made, std::uint8_t forward) {
  Client& viewer = *made.viewer;
  const std::size_t before = viewer.answers(made.down.request).size();
  viewer.send_about(made.down.request,
                    viewer.draft().update_forward(viewer.take_id(), made.down.request.id, forward));
  if (!viewer.draft().request_streams()) return {};
  MOQ_TRY(const Message answer, viewer.answer(made.down.request, before));
  if (answer.type != type::kRequestOk) return unmet("answered by message " + hex(answer.type));
  return {};
}

Outcome brings_track(Stage& stage) {
  MOQ_TRY(const Pair made, bring_to_viewer(stage));
  if (!made.down.said.forward) return unmet("PUBLISH has FORWARD 0");
  if (made.down.said.largest) return unmet("PUBLISH has a Largest Object, and there is none");
  accept(made);
  const std::uint64_t alias = made.down.said.alias;
  for (std::uint64_t i = 0; i < 2; ++i) {
    Subgroup sent = group(i, 2, kAlias);
    sent.type |= subgroup_type::kEndOfGroup;
    made.publisher->send(sent);
  }
  MOQ_CHECK_OK(gets(*made.viewer, {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, alias));
  made.publisher->send_about(made.upstream,
                             stage.draft().publish_done(made.upstream.id, kEndOfTrack, 2));
  made.upstream.stream->end();
  MOQ_CHECK_OK(hears_the_end(*made.viewer, made.down.request));
  return made.publisher->stays();
}

Outcome brings_earlier_track(Stage& stage) {
  const TrackName track{stage.space(), "video"};
  MOQ_TRY(const auto publisher, stage.join());
  MOQ_CHECK_OK(bring(*publisher, track, kAlias));
  const Subgroup sent = group(3, 2, kAlias);
  Stream& stream = publisher->send(sent, false);
  MOQ_CHECK_OK(publisher->stays());
  MOQ_TRY(const auto viewer, stage.join());
  MOQ_CHECK_OK(ask(*viewer, stage.space()));
  MOQ_TRY(const Brought down, brought(*viewer));
  if (down.said.track != track) return unmet("PUBLISH is of another track");
  if (down.said.largest != Location{3, 1}) {
    return unmet("PUBLISH does not say that 3/1 is the Largest Object");
  }
  viewer->send_about(down.request, stage.draft().publish_ok(down.request.id, 1));
  MOQ_CHECK_OK(viewer->stays());
  stream.write(more(stage.draft(), sent, 2));
  stream.end();
  publisher->send(group(4, 1, kAlias));
  return gets(*viewer, {{3, 2}, {4, 0}}, down.said.alias);
}

/// The next track that is brought is another's.
Outcome not_ones_own(Stage& stage) {
  MOQ_TRY(const auto viewer, stage.join());
  MOQ_CHECK_OK(bring(*viewer, {stage.space(), "before"}, kAlias));
  MOQ_CHECK_OK(ask(*viewer, stage.space()));
  MOQ_CHECK_OK(bring(*viewer, {stage.space(), "after"}, kOtherAlias));
  MOQ_CHECK_OK(viewer->stays());
  MOQ_TRY(const auto other, stage.join());
  const TrackName track{below(stage.space(), "other"), "video"};
  MOQ_CHECK_OK(bring(*other, track, kAlias));
  MOQ_TRY(const Brought down, brought(*viewer));
  if (down.said.track != track) return unmet("\"" + down.said.track.name + "\" is brought");
  MOQ_CHECK_OK(viewer->stays());
  if (viewer->has_asked(type::kPublish)) return unmet("another track is brought");
  return Verdict{};
}

/// FORWARD 0, and then what has objects come.
Outcome waits(const Pair& made, const Draft& draft, const std::function<Result<void>()>& begin) {
  if (made.down.said.forward) return unmet("PUBLISH has FORWARD 1");
  const Subgroup sent = group(0, 2, kAlias);
  Stream& stream = made.publisher->send(sent, false);
  MOQ_CHECK_OK(made.publisher->stays());
  MOQ_CHECK_OK(gets(*made.viewer, {}));
  MOQ_CHECK_OK(begin());
  MOQ_CHECK_OK(made.viewer->stays());
  stream.write(more(draft, sent, 2));
  stream.end();
  made.publisher->send(group(1, 1, kAlias));
  return gets(*made.viewer, {{0, 2}, {1, 0}}, made.down.said.alias);
}

Outcome waits_for_ok(Stage& stage) {
  MOQ_TRY(const Pair made, bring_to_viewer(stage, 0));
  return waits(made, stage.draft(), [&]() -> Result<void> {
    accept(made);
    return {};
  });
}

Outcome waits_for_update(Stage& stage) {
  MOQ_TRY(const Pair made, bring_to_viewer(stage, 0));
  accept(made, 0);
  return waits(made, stage.draft(), [&] { return update(made, 1); });
}

/// In the middle of a group, whose stream cannot be whole then.
Outcome stops(Stage& stage, const std::function<Result<void>(const Pair&)>& stop) {
  MOQ_TRY(const Pair made, bring_to_viewer(stage, 1));
  if (!stage.is(18)) accept(made, 1);
  MOQ_CHECK_OK(made.viewer->stays());
  const Subgroup sent = group(0, 2, kAlias);
  Stream& stream = made.publisher->send(sent, false);
  MOQ_CHECK_OK(gets(*made.viewer, {{0, 0}, {0, 1}}, made.down.said.alias));
  MOQ_TRY(const Stream* down, made.viewer->group_stream(0, 2));
  MOQ_CHECK_OK(stop(made));
  MOQ_CHECK_OK(made.viewer->stays());
  stream.write(more(stage.draft(), sent, 2));
  stream.end();
  made.publisher->send(group(1, 1, kAlias));
  MOQ_CHECK_OK(made.publisher->stays());
  MOQ_CHECK_OK(gets(*made.viewer, {{0, 0}, {0, 1}}, made.down.said.alias));
  if (!made.viewer->connection().wait([&] { return down->reset_code().has_value(); })) {
    return unmet("the open stream was not reset: " + made.viewer->fate());
  }
  return Verdict{};
}

Outcome ok_without_forward(Stage& stage) {
  return stops(stage, [](const Pair& made) -> Result<void> {
    accept(made, 0);
    return {};
  });
}

Outcome update_to_not_forward(Stage& stage) {
  return stops(stage, [](const Pair& made) {
    if (made.viewer->draft().request_streams()) accept(made);
    return update(made, 0);
  });
}

Outcome given_up(Stage& stage) {
  return stops(stage, [](const Pair& made) -> Result<void> {
    Client& viewer = *made.viewer;
    if (viewer.draft().request_streams()) {
      accept(made);
      made.down.request.stream->stop_sending(kCancelled);
      made.down.request.stream->reset(kCancelled);
      return {};
    }
    const Draft& draft = viewer.draft();
    viewer.send_control(draft.message(0x0a, draft.writer().integer(made.down.request.id).take()));
    return {};
  });
}

Outcome refused_track(Stage& stage) {
  MOQ_TRY(const Pair made, bring_to_viewer(stage));
  Client& viewer = *made.viewer;
  const TrackName other{stage.space(), "audio"};
  MOQ_CHECK_OK(bring(*made.publisher, other, kOtherAlias));
  MOQ_TRY(const Brought audio, brought(viewer));
  if (audio.said.track != other) return unmet("PUBLISH is of another track");
  if (audio.said.alias == made.down.said.alias) return unmet("both tracks have the same alias");
  viewer.send_about(
      made.down.request,
      stage.draft().publish_error(made.down.request.id, uninterested(stage.draft()), "not wanted"));
  viewer.send_about(audio.request, stage.draft().publish_ok(audio.request.id, 1));
  MOQ_CHECK_OK(viewer.stays());
  made.publisher->send(group(0, 1, kAlias));
  made.publisher->send(group(5, 1, kOtherAlias));
  MOQ_CHECK_OK(gets(viewer, {{5, 0}}));
  // It can be had by name later on, and tracks that come are told of.
  const Request request = viewer.subscribe(
      {.track = made.track, .filter = Filter{.type = Filter::kAbsoluteStart, .start = {1, 0}}});
  MOQ_CHECK_OK(viewer.accepted(request));
  made.publisher->send(group(1, 1, kAlias));
  MOQ_CHECK_OK(gets(viewer, {{1, 0}, {5, 0}}));
  const TrackName third{stage.space(), "captions"};
  MOQ_CHECK_OK(bring(*made.publisher, third, 9));
  MOQ_TRY(const Brought last, brought(viewer));
  if (last.said.track != third) return unmet("PUBLISH is of another track");
  return made.publisher->stays();
}

Outcome subscribed_already(Stage& stage) {
  MOQ_TRY(const auto publisher, stage.join());
  const TrackName track{stage.space(), "video"};
  MOQ_CHECK_OK(bring(*publisher, track, kAlias));
  MOQ_TRY(const auto viewer, stage.join());
  MOQ_CHECK_OK(viewer->accepted(viewer->subscribe({.track = track})));
  MOQ_CHECK_OK(ask(*viewer, stage.space()));
  const TrackName other{stage.space(), "audio"};
  MOQ_CHECK_OK(bring(*publisher, other, kOtherAlias));
  MOQ_TRY(const Brought down, brought(*viewer));
  if (down.said.track != other) return unmet("a track is brought that was subscribed to");
  publisher->send(group(0, 1, kAlias));
  return gets(*viewer, {{0, 0}});
}

Outcome subscribe_to_brought(Stage& stage) {
  MOQ_TRY(const Pair made, bring_to_viewer(stage));
  accept(made);
  const Request request = made.viewer->subscribe({.track = made.track});
  MOQ_CHECK_OK(made.viewer->refused(request, kDuplicateSubscription));
  made.publisher->send(group(0, 1, kAlias));
  return gets(*made.viewer, {{0, 0}}, made.down.said.alias);
}

/// PUBLISH_DONE comes whether objects do or not.
Outcome ends_while_waiting(Stage& stage) {
  MOQ_TRY(const Pair made, bring_to_viewer(stage, 0));
  accept(made, 0);
  MOQ_CHECK_OK(made.viewer->stays());
  Subgroup sent = group(0, 2, kAlias);
  sent.type |= subgroup_type::kEndOfGroup;
  made.publisher->send(sent);
  made.publisher->send_about(made.upstream,
                             stage.draft().publish_done(made.upstream.id, kEndOfTrack, 1));
  if (stage.is(18)) made.upstream.stream->end();
  return hears_the_end(*made.viewer, made.down.request);
}

/// The publisher goes, and comes again.
Outcome brought_again(Stage& stage) {
  MOQ_TRY(const Pair made, bring_to_viewer(stage));
  Client& viewer = *made.viewer;
  accept(made);
  made.publisher->send(group(0, 1, kAlias));
  MOQ_CHECK_OK(gets(viewer, {{0, 0}}, made.down.said.alias));
  made.publisher->connection().close();
  const bool told = viewer.connection().wait([&] {
    const auto all = viewer.answers(made.down.request);
    return std::ranges::find(all, type::kPublishDone, &Message::type) != all.end();
  });
  if (!told) return unmet("no PUBLISH_DONE came: " + viewer.fate());
  MOQ_TRY(const auto publisher, stage.join());
  MOQ_CHECK_OK(bring(*publisher, made.track, kOtherAlias));
  MOQ_TRY(const Brought down, brought(viewer));
  if (down.said.track != made.track) return unmet("PUBLISH is of another track");
  if (down.request.id == made.down.request.id) return unmet("PUBLISH has the former one's id");
  viewer.send_about(down.request, stage.draft().publish_ok(down.request.id, 1));
  MOQ_CHECK_OK(viewer.stays());
  publisher->send(group(1, 1, kOtherAlias));
  return gets(viewer, {{1, 0}}, down.said.alias);
}

// --- The prefix

Outcome overlapping_tracks(Stage& stage) {
  MOQ_TRY(const auto viewer, stage.join());
  MOQ_CHECK_OK(ask(*viewer, below(stage.space(), "one")));
  for (const Names& prefix :
       {below(stage.space(), "one"), stage.space(), below(below(stage.space(), "one"), "more")}) {
    const Request again = subscribe_tracks(*viewer, prefix);
    MOQ_CHECK_OK(viewer->refused(again, stage.draft().prefix_overlap()));
  }
  MOQ_CHECK_OK(ask(*viewer, below(stage.space(), "two")));
  return viewer->stays();
}

Result<void> change_prefix(Client& client, const Request& request, const Names& prefix) {
  const Draft& draft = client.draft();
  const std::size_t before = client.answers(request).size();
  client.send_about(request, draft.request_update(client.take_id(), {draft.prefix_field(prefix)}));
  MOQ_TRY(const Message answer, client.answer(request, before));
  if (answer.type != type::kRequestOk) return unmet("answered by message " + hex(answer.type));
  return {};
}

/// REQUEST_ERROR, and the end of the stream.
Outcome refuses_prefix(Client& client, const Request& request, const Names& prefix) {
  const Draft& draft = client.draft();
  const std::size_t before = client.answers(request).size();
  client.send_about(request, draft.request_update(client.take_id(), {draft.prefix_field(prefix)}));
  MOQ_TRY(const Message answer, client.answer(request, before));
  const auto code = draft.reader(answer.body).integer();
  if (answer.type != type::kSubscribeError || code != draft.prefix_overlap()) {
    return unmet("answered by message " + hex(answer.type));
  }
  if (!client.connection().wait([&] { return request.stream->ended(); })) {
    return unmet("the stream was not ended: " + client.fate());
  }
  return client.stays();
}

Outcome changed_prefix(Stage& stage) {
  MOQ_TRY(const auto publisher, stage.join());
  const TrackName first{below(stage.space(), "one"), "video"};
  const TrackName second{below(stage.space(), "two"), "video"};
  MOQ_CHECK_OK(bring(*publisher, first, kAlias));
  MOQ_CHECK_OK(bring(*publisher, second, kOtherAlias));
  MOQ_TRY(const auto viewer, stage.join());
  MOQ_TRY(const Request request, ask(*viewer, first.space));
  MOQ_TRY(const Brought one, brought(*viewer));
  if (one.said.track != first) return unmet("PUBLISH is of another track");
  viewer->send_about(one.request, stage.draft().publish_ok(one.request.id, 1));
  MOQ_CHECK_OK(change_prefix(*viewer, request, second.space));
  MOQ_TRY(const Brought two, brought(*viewer));
  if (two.said.track != second) return unmet("PUBLISH is of another track");
  // Only what is below the new one is told of.
  MOQ_CHECK_OK(bring(*publisher, {first.space, "audio"}, 9));
  const TrackName last{second.space, "audio"};
  MOQ_CHECK_OK(bring(*publisher, last, 10));
  MOQ_TRY(const Brought third, brought(*viewer));
  if (third.said.track != last) return unmet("a track below the former prefix is brought");
  // The subscription that there was goes on.
  publisher->send(group(0, 1, kAlias));
  MOQ_CHECK_OK(gets(*viewer, {{0, 0}}, one.said.alias));
  // And the former prefix is free.
  MOQ_CHECK_OK(ask(*viewer, below(first.space, "more")));
  return viewer->stays();
}

Outcome changed_prefix_overlaps(Stage& stage) {
  MOQ_TRY(const auto viewer, stage.join());
  MOQ_TRY(const Request request, ask(*viewer, below(stage.space(), "one")));
  MOQ_CHECK_OK(ask(*viewer, below(stage.space(), "two")));
  MOQ_CHECK_OK(refuses_prefix(*viewer, request, below(below(stage.space(), "two"), "more")));
  // The one that was refused is over, the other is not.
  MOQ_TRY(const auto publisher, stage.join());
  MOQ_CHECK_OK(bring(*publisher, {below(stage.space(), "one"), "video"}, kAlias));
  const TrackName track{below(stage.space(), "two"), "video"};
  MOQ_CHECK_OK(bring(*publisher, track, kOtherAlias));
  MOQ_TRY(const Brought down, brought(*viewer));
  if (down.said.track != track) return unmet("PUBLISH is of another track");
  return viewer->stays();
}

Outcome cancelled(Stage& stage) {
  MOQ_TRY(const Pair made, bring_to_viewer(stage));
  Client& viewer = *made.viewer;
  accept(made);
  made.asked.stream->stop_sending(kCancelled);
  made.asked.stream->reset(kCancelled);
  MOQ_CHECK_OK(viewer.stays());
  MOQ_CHECK_OK(bring(*made.publisher, {stage.space(), "audio"}, kOtherAlias));
  MOQ_CHECK_OK(made.publisher->stays());
  made.publisher->send(group(0, 1, kAlias));
  MOQ_CHECK_OK(gets(viewer, {{0, 0}}, made.down.said.alias));
  // The prefix is free.
  const TrackName other{below(stage.space(), "other"), "video"};
  MOQ_CHECK_OK(ask(viewer, other.space));
  MOQ_CHECK_OK(bring(*made.publisher, other, 9));
  MOQ_TRY(const Brought down, brought(viewer));
  if (down.said.track != other) return unmet("PUBLISH goes on after the request for it");
  return viewer.stays();
}

/// Waits for NAMESPACE or NAMESPACE_DONE: the next message of a SUBSCRIBE_NAMESPACE's.
Result<void> next_is(Client& client, const Request& request, std::size_t index, std::uint64_t type,
                     const Names& suffix) {
  MOQ_TRY(const Message message, client.answer(request, index));
  if (message.type != type) return unmet("message " + hex(message.type) + " came");
  if (client.draft().reader(message.body).names() != suffix) return unmet("the suffix is another");
  return {};
}

Outcome changed_namespace_prefix(Stage& stage) {
  constexpr std::uint64_t kNamespace = 0x08;
  constexpr std::uint64_t kNamespaceDone = 0x0e;
  MOQ_TRY(const auto publisher, stage.join());
  const Names space = below(below(stage.space(), "one"), "more");
  MOQ_TRY(const Request published, publisher->publish_namespace(space));
  MOQ_TRY(const auto viewer, stage.join());
  const Request request = viewer->subscribe_namespace(stage.space());
  MOQ_CHECK_OK(viewer->accepted(request));
  MOQ_CHECK_OK(next_is(*viewer, request, 1, kNamespace, {"one", "more"}));
  const Draft& draft = stage.draft();
  viewer->send_about(
      request,
      draft.request_update(viewer->take_id(), {draft.prefix_field(below(stage.space(), "one"))}));
  MOQ_TRY(const Message ok, viewer->answer(request, 2));
  if (ok.type != type::kRequestOk) return unmet("answered by message " + hex(ok.type));
  MOQ_CHECK_OK(next_is(*viewer, request, 3, kNamespace, {"more"}));
  published.stream->end();
  published.stream->stop_sending(kCancelled);
  MOQ_CHECK_OK(next_is(*viewer, request, 4, kNamespaceDone, {"more"}));
  // What is not below it is not told of.
  MOQ_CHECK_OK(publisher->publish_namespace(below(stage.space(), "two")));
  MOQ_CHECK_OK(publisher->publish_namespace(below(below(stage.space(), "one"), "last")));
  MOQ_CHECK_OK(next_is(*viewer, request, 5, kNamespace, {"last"}));
  return viewer->stays();
}

Outcome changed_namespace_prefix_overlaps(Stage& stage) {
  MOQ_TRY(const auto viewer, stage.join());
  const Request request = viewer->subscribe_namespace(below(stage.space(), "one"));
  MOQ_CHECK_OK(viewer->accepted(request));
  MOQ_CHECK_OK(viewer->accepted(viewer->subscribe_namespace(below(stage.space(), "two"))));
  return refuses_prefix(*viewer, request, below(stage.space(), "two"));
}

// --- Joining what was brought

Outcome joins_brought(Stage& stage) {
  const TrackName track{stage.space(), "video"};
  MOQ_TRY(const auto publisher, stage.join());
  MOQ_CHECK_OK(bring(*publisher, track, kAlias));
  publisher->send(group(3, 2, kAlias));
  const Subgroup sent = group(4, 2, kAlias);
  Stream& stream = publisher->send(sent, false);
  MOQ_CHECK_OK(publisher->stays());
  MOQ_TRY(const auto viewer, stage.join());
  MOQ_CHECK_OK(ask(*viewer, stage.space()));
  MOQ_TRY(const Brought down, brought(*viewer));
  viewer->send_about(down.request, stage.draft().publish_ok(down.request.id, 1));
  const Request request = join(*viewer, down.request, 1);
  MOQ_TRY(const Fetched got, fetched(*viewer, request));
  std::vector<Location> all;
  for (const FetchedObject& each : got.objects) all.push_back(each.location);
  const std::vector<Location> wanted{{3, 0}, {3, 1}, {4, 0}, {4, 1}};
  if (all != wanted) return unmet(to_string(all) + " is fetched");
  stream.write(more(stage.draft(), sent, 2));
  stream.end();
  return gets(*viewer, {{4, 2}}, down.said.alias);
}

Outcome joins_what_waits(Stage& stage) {
  MOQ_TRY(const Pair made, bring_to_viewer(stage, 0));
  accept(made, 0);
  made.publisher->send(group(0, 1, kAlias));
  MOQ_CHECK_OK(made.publisher->stays());
  MOQ_CHECK_OK(made.viewer->refused(join(*made.viewer, made.down.request, 0), kInvalidRange));
  return made.viewer->stays();
}

constexpr Case kCases[]{
    {"61a", Of::only18, "SUBSCRIBE_TRACKS, and another brings a track by PUBLISH",
     "PUBLISH, its objects, PUBLISH_DONE with 0x2", "SUBSCRIBE_TRACKS; PUBLISH", brings_track},
    {"61b", Of::both, "A track that was brought before SUBSCRIBE_TRACKS (14: SUBSCRIBE_NAMESPACE)",
     "PUBLISH with the Largest Object, and objects after it", "SUBSCRIBE_TRACKS; PUBLISH",
     brings_earlier_track},
    {"61c", Of::both, "A track that was brought by who asks for those below a prefix", "no PUBLISH",
     "SUBSCRIBE_TRACKS", not_ones_own},
    {"61d", Of::only18, "SUBSCRIBE_TRACKS with FORWARD 0, and then PUBLISH_OK",
     "PUBLISH with FORWARD 0, no objects, and then objects", "SUBSCRIBE_TRACKS; FORWARD Parameter",
     waits_for_ok},
    {"61e", Of::only18, "The same with FORWARD 0 in PUBLISH_OK, and then an update to 1",
     "PUBLISH with FORWARD 0, no objects, and then objects", "Subscriptions; REQUEST_UPDATE",
     waits_for_update},
    {"61f", Of::only18, "PUBLISH_OK with FORWARD 0 in the middle of a group",
     "no more objects, the stream is reset", "Subscriptions; Closing Subgroup Streams",
     ok_without_forward},
    {"61g", Of::only18, "An update of what was brought to FORWARD 0 in the middle of a group",
     "no more objects, the stream is reset", "Subscriptions; Closing Subgroup Streams",
     update_to_not_forward},
    {"61h", Of::only18, "A PUBLISH that is cancelled in the middle of a group",
     "no more objects, the stream is reset", "Subscription State Management", given_up},
    {"61i", Of::both, "REQUEST_ERROR or PUBLISH_ERROR to one of two PUBLISHes",
     "no objects of it, those of the other", "PUBLISH", refused_track},
    {"61j", Of::both, "A track that was subscribed to before it would be brought",
     "no PUBLISH, and its objects", "Subscriptions", subscribed_already},
    {"61k", Of::only18, "SUBSCRIBE to a track that was brought", "refused with 0x19",
     "Subscriptions", subscribe_to_brought},
    {"61l", Of::only18, "SUBSCRIBE_TRACKS with another's prefix, above it and below it",
     "refused with 0x30, session goes on", "SUBSCRIBE_TRACKS", overlapping_tracks},
    {"61m", Of::only18, "Another prefix for SUBSCRIBE_TRACKS",
     "REQUEST_OK, PUBLISH for what is below it, subscriptions go on",
     "Updating Namespace Subscriptions", changed_prefix},
    {"61n", Of::only18, "Another prefix for SUBSCRIBE_TRACKS, which overlaps",
     "refused with 0x30, stream ended", "TRACK_NAMESPACE_PREFIX Parameter",
     changed_prefix_overlaps},
    {"61o", Of::only18, "A SUBSCRIBE_TRACKS that is cancelled",
     "no more PUBLISHes, and objects of those before", "SUBSCRIBE_TRACKS", cancelled},
    {"61p", Of::both, "PUBLISH_DONE about a track whose viewer has Forward 0",
     "PUBLISH_DONE with 0x2", "Subscriptions; PUBLISH_DONE", ends_while_waiting},
    {"61q", Of::both, "The publisher of a track that was brought goes, and another brings it",
     "PUBLISH_DONE, and PUBLISH and objects again", "PUBLISH; PUBLISH_DONE", brought_again},
    {"62a", Of::only18, "Another prefix for SUBSCRIBE_NAMESPACE",
     "REQUEST_OK, and suffixes that are relative to it", "Updating Namespace Subscriptions",
     changed_namespace_prefix},
    {"62b", Of::only18, "Another prefix for SUBSCRIBE_NAMESPACE, which overlaps",
     "refused with 0x30, stream ended", "TRACK_NAMESPACE_PREFIX Parameter",
     changed_namespace_prefix_overlaps},
    {"63a", Of::only14, "SUBSCRIBE_NAMESPACE, another brings a track by PUBLISH, PUBLISH_OK",
     "PUBLISH with Forward 0, no objects, and then objects", "SUBSCRIBE_NAMESPACE; PUBLISH_OK",
     waits_for_ok},
    {"63b", Of::only14, "UNSUBSCRIBE with the id of a PUBLISH in the middle of a group",
     "no more objects, the stream is reset", "UNSUBSCRIBE", given_up},
    {"63c", Of::only14, "SUBSCRIBE_UPDATE of a PUBLISH to Forward 0 in the middle of a group",
     "no more objects, the stream is reset", "Subscriptions; Closing Subgroup Streams",
     update_to_not_forward},
    {"64a", Of::only18, "A joining FETCH of what was brought",
     "the objects up to the Largest Object; those after it are subscribed to", "Joining Fetches",
     joins_brought},
    {"64b", Of::only18, "A joining FETCH of what was brought and has FORWARD 0",
     "refused with 0x11", "Joining Fetches", joins_what_waits},
};

}  // namespace

std::span<const Case> publish_cases() { return kCases; }

}  // namespace moq::conformance
