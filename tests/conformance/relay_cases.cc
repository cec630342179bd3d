#include <algorithm>

#include "conformance/case.h"

/// What a relay hands on: nothing changed, between sessions of the same draft and of
/// different ones.
namespace moq::conformance {

namespace {

constexpr std::uint64_t kTimestamp = 0x06;  // LOC's
constexpr std::uint64_t kUnknownNumber = 0x78;
constexpr std::uint64_t kUnknownBytes = 0x79;
constexpr std::uint64_t kMandatory = 0x4002;
constexpr std::uint64_t kDefaultPublisherPriority = 0x0e;
constexpr std::uint64_t kUnsupportedExtension = 0x33;

/// Three that no relay of these drafts need know.
Fields properties_of(const Draft& draft) {
  return {draft.number_field(kTimestamp, 1234567), draft.number_field(kUnknownNumber, 77),
          draft.text_field(kUnknownBytes, "opaque")};
}

/// What of `sent` has come to the subscriber, and is what it has to be; the stream is whole.
Result<Subgroup> handed_on(const Relayed& made, const Subgroup& sent) {
  MOQ_TRY(Stream * stream, made.subscriber->group_stream(sent.group, sent.objects.size()));
  if (!made.subscriber->connection().wait([&] { return stream->ended(); })) {
    return unmet("the stream was not ended");
  }
  const auto got = decode_subgroup(made.subscriber->draft(), stream->received());
  if (got->alias != made.alias_below) return unmet("the stream has another alias");
  if (got->subgroup != sent.subgroup) {
    return unmet("the subgroup is " + std::to_string(got->subgroup));
  }
  if (got->objects.size() != sent.objects.size()) return unmet("there are other objects");
  for (std::size_t i = 0; i < sent.objects.size(); ++i) {
    const Object& object = got->objects[i];
    if (object.id != sent.objects[i].id) return unmet("an object has another id");
    if (object.payload != sent.objects[i].payload) return unmet("an object has another payload");
    if (object.status != sent.objects[i].status) return unmet("an object has another status");
  }
  return *got;
}

/// Publishes a track, and `sent` on it.
Result<Relayed> send(Stage& stage, Subgroup& sent, RelayedOptions options = {}) {
  MOQ_TRY(Relayed made, relay(stage, std::move(options)));
  sent.alias = made.alias;
  made.publisher->send(sent);
  return made;
}

Outcome hands_on(Stage& stage, Subgroup sent, const Draft* below = nullptr) {
  MOQ_TRY(const Relayed made, send(stage, sent, {.subscriber = below}));
  MOQ_CHECK_OK(handed_on(made, sent));
  return Verdict{};
}

const Draft& other_than(const Stage& stage) { return Draft::numbered(stage.is(14) ? 18 : 14); }

Outcome properties(Stage& stage) {
  const Buffer bytes = stage.draft().pairs(properties_of(stage.draft()));
  Subgroup sent{.type = subgroup_type::kPlain | subgroup_type::kProperties,
                .objects = {{.properties = bytes, .payload = "one"}, {.id = 1, .payload = "two"}}};
  MOQ_TRY(const Relayed made, send(stage, sent));
  MOQ_TRY(const Subgroup got, handed_on(made, sent));
  if (got.objects[0].properties != bytes) return unmet("the properties have other bytes");
  if (!got.objects[1].properties.empty()) return unmet("an object without properties has some");
  return Verdict{};
}

Outcome properties_across(Stage& stage) {
  const Draft& below = other_than(stage);
  Subgroup sent{.type = subgroup_type::kPlain | subgroup_type::kProperties,
                .objects = {{.properties = stage.draft().pairs(properties_of(stage.draft())),
                             .payload = "one"}}};
  MOQ_TRY(const Relayed made, send(stage, sent, {.subscriber = &below}));
  MOQ_TRY(const Subgroup got, handed_on(made, sent));
  const auto fields = below.parse_pairs(got.objects[0].properties);
  if (!fields) return unmet("the properties cannot be read");
  for (const Field& each : properties_of(below)) {
    if (std::ranges::find(*fields, each) != fields->end()) continue;
    return unmet("property " + hex(each.type) + " is not what it was");
  }
  if (fields->size() != 3) return unmet("there are more properties than were sent");
  return Verdict{};
}

const std::vector<Object> kWithGaps{
    {.id = 2, .payload = "one"}, {.id = 3, .payload = "two"}, {.id = 70, .payload = "three"}};

Outcome gaps(Stage& stage) { return hands_on(stage, {.group = 9, .objects = kWithGaps}); }
Outcome gaps_across(Stage& stage) {
  return hands_on(stage, {.group = 9, .objects = kWithGaps}, &other_than(stage));
}

Outcome end_of_group_bit(Stage& stage) {
  for (const bool ends : {true, false}) {
    stage.part(ends ? "ends" : "goes-on");
    Subgroup sent{.type = subgroup_type::kPlain | (ends ? subgroup_type::kEndOfGroup : 0),
                  .objects = {{.payload = "only"}}};
    MOQ_TRY(const Relayed made, send(stage, sent));
    MOQ_TRY(const Subgroup got, handed_on(made, sent));
    if (got.has(subgroup_type::kEndOfGroup) == ends) continue;
    return unmet(ends ? "the stream does not say that it ends the group"
                      : "the stream says to end the group, and does not");
  }
  return Verdict{};
}

const std::vector<Object> kWithStatus{{.payload = "one"}, {.id = 1, .status = status::kEndOfGroup}};

Outcome status_object(Stage& stage) { return hands_on(stage, {.objects = kWithStatus}); }
Outcome status_across(Stage& stage) {
  return hands_on(stage, {.objects = kWithStatus}, &other_than(stage));
}

Outcome subgroups(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage));
  const std::uint64_t type = subgroup_type::kPlain | subgroup_type::kExplicitId;
  std::vector<Subgroup> sent{
      {.type = type, .alias = made.alias, .subgroup = 0, .objects = {{.payload = "even"}}},
      {.type = type, .alias = made.alias, .subgroup = 5, .objects = {{.id = 1, .payload = "odd"}}}};
  for (const Subgroup& each : sent) made.publisher->send(each);
  Client& subscriber = *made.subscriber;
  const auto whole = [&] {
    const auto all = subscriber.subgroups();
    return std::ranges::count_if(all, [](const Subgroup& each) { return !each.objects.empty(); });
  };
  if (!subscriber.connection().wait([&] { return whole() >= 2; })) {
    return unmet("two subgroups did not come: " + subscriber.fate());
  }
  for (const Subgroup& each : sent) {
    const bool there = std::ranges::any_of(subscriber.subgroups(), [&](const Subgroup& got) {
      return got.subgroup == each.subgroup && got.objects[0].id == each.objects[0].id &&
             got.objects[0].payload == each.objects[0].payload;
    });
    if (!there) return unmet("subgroup " + std::to_string(each.subgroup) + " did not come");
  }
  return Verdict{};
}

Outcome priority(Stage& stage) {
  Subgroup sent{.priority = 7, .objects = {{.payload = "urgent"}}};
  MOQ_TRY(const Relayed made, send(stage, sent));
  MOQ_TRY(const Subgroup got, handed_on(made, sent));
  std::uint64_t now = got.priority;
  if (got.has(subgroup_type::kDefaultPriority)) {
    // The track's, which the answer to SUBSCRIBE had behind its parameters.
    now = 128;
    Reader in = stage.draft().reader(made.ok);
    if (in.integer() == 0U) {
      for (const Field& each : stage.draft().parse_pairs(in.rest()).value_or(Fields{})) {
        if (each.type != kDefaultPublisherPriority) continue;
        now = stage.draft().reader(each.value).integer().value_or(now);
      }
    }
  }
  if (now != sent.priority) return unmet("the Publisher Priority is " + std::to_string(now));
  return Verdict{};
}

Outcome large_payload(Stage& stage) {
  std::string payload(300000, '\0');
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(i * 31 / 7);
  return hands_on(stage, {.objects = {{.payload = payload}, {.id = 1, .payload = "small"}}});
}

Outcome empty_payload(Stage& stage) {
  return hands_on(stage, {.objects = {{}, {.id = 1, .payload = "some"}, {.id = 2}}});
}

Outcome track_properties(Stage& stage) {
  const Fields sent = properties_of(stage.draft());
  MOQ_TRY(const Relayed made, relay(stage, {.track_properties = sent}));
  Reader in = stage.draft().reader(made.ok);
  if (in.integer() != 0U) return unmet("SUBSCRIBE_OK has parameters");
  const auto got = stage.draft().parse_pairs(in.rest());
  if (!got) return unmet("SUBSCRIBE_OK has no properties that can be read");
  for (const Field& each : sent) {
    if (std::ranges::find(*got, each) != got->end()) continue;
    return unmet("SUBSCRIBE_OK lacks property " + hex(each.type));
  }
  return Verdict{};
}

Outcome mandatory_property(Stage& stage) {
  MOQ_TRY(const Relayed made, begin_relay(stage));
  const Draft& draft = stage.draft();
  made.publisher->send_about(
      made.upstream,
      draft.subscribe_ok(made.upstream.id, made.alias, {draft.number_field(kMandatory, 1)}));
  MOQ_CHECK_OK(made.subscriber->refused(made.downstream, kUnsupportedExtension));
  const Stream& upstream = *made.upstream.stream;
  const bool cancelled = made.publisher->connection().wait(
      [&] { return upstream.reset_code() || upstream.stopped_code() || upstream.ended(); });
  if (!cancelled) return unmet("the relay's subscription was not cancelled");
  return Verdict{};
}

Outcome duplicate_alias(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage));
  made.subscriber->subscribe({.track = {stage.space(), "audio"}});
  MOQ_TRY(const Request upstream, made.publisher->asked_for("audio"));
  made.publisher->send_about(upstream, stage.draft().subscribe_ok(upstream.id, made.alias, {}));
  return made.publisher->closes(session_code::kDuplicateTrackAlias);
}

Outcome datagram(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage));
  const auto object = [&](const Client& of, std::uint64_t alias) {
    // Alias, group, object, priority, payload.
    Writer out = of.draft().writer();
    out.integer(0x00).integer(alias).integer(3).integer(4).byte(128);
    return out.bytes(as_bytes("datagram")).take();
  };
  made.publisher->connection().send_datagram(object(*made.publisher, made.alias));
  Connection& below = made.subscriber->connection();
  if (!below.wait([&] { return !below.datagrams().empty(); })) {
    return unmet("no datagram came: " + made.subscriber->fate());
  }
  Reader in = stage.draft().reader(below.datagrams().front());
  const auto type = in.integer();
  if (!type || in.integer() != made.alias_below || in.integer() != 3U || in.integer() != 4U) {
    return unmet("the datagram is of another object");
  }
  if ((*type & 0x08) == 0) (void)in.byte();
  if (as_text(in.rest()) != "datagram") return unmet("the datagram has another payload");
  return Verdict{};
}

constexpr Case kCases[]{
    {"14", Of::both, "Two tracks with the same Track Alias", "session closed with 0x5",
     "SUBSCRIBE_OK; Track Alias", duplicate_alias},
    {"26a", Of::both, "Objects with a timestamp and unknown properties, and without any",
     "the same bytes", "Object Extension Header; Properties", properties},
    {"26b", Of::both, "The same to a subscriber of the other draft", "the same properties",
     "Object Extension Header; Properties", properties_across},
    {"26c", Of::both, "Object ids with gaps", "the same ids on one stream", "Relay Object Handling",
     gaps},
    {"26d", Of::both, "The same to a subscriber of the other draft", "the same ids on one stream",
     "Relay Object Handling", gaps_across},
    {"26e", Of::both, "Subgroups with and without the bit that ends the group", "the same bit",
     "Relay Object Handling", end_of_group_bit},
    {"26f", Of::both, "An object with status end of group", "the same status",
     "Relay Object Handling", status_object},
    {"26g", Of::both, "The same to a subscriber of the other draft", "the same status",
     "Relay Object Handling", status_across},
    {"26h", Of::both, "Two subgroups of a group", "both, with their ids", "Relay Object Handling",
     subgroups},
    {"26i", Of::both, "A subgroup with Publisher Priority 7", "the same priority",
     "Relay Object Handling", priority},
    {"26j", Of::both, "A payload of 300000 bytes", "the same bytes", "Relay Object Handling",
     large_payload},
    {"26k", Of::both, "Objects without payload", "objects without payload", "Relay Object Handling",
     empty_payload},
    {"26l", Of::both, "An object in a datagram", "the same in a datagram",
     "Object Datagram; Canonical Object Properties; Object Header", datagram},
    {"26m", Of::only18, "A track with a timestamp and unknown properties", "the same properties",
     "Relay Track Handling", track_properties},
    {"26n", Of::only18, "A track with an unknown property of 0x4000 to 0x7FFF",
     "subscriber refused with 0x33, the relay's request cancelled", "Mandatory Track Properties",
     mandatory_property},
};

}  // namespace

std::span<const Case> relay_cases() { return kCases; }

}  // namespace moq::conformance
