// Draft-18: the wire image of every message, from §"Control Messages" and §"Message
// Parameters". Ids of parameters, options and properties are differences.

#include "net/ietf/testing/golden.h"

namespace moq::ietf::testing {

namespace {

using std::chrono::milliseconds;
constexpr Version k18 = Version::draft18;

const FullTrackName kTrack{.track_namespace = {"a", "bc"}, .track_name = "v"};
Image track() { return wire(names({"a", "bc"}), text("v")); }
// Two bytes: 10, and 14 bits.
Image n300() { return num({0x81, 0x2c}, 300); }
Image n500() { return num({0x81, 0xf4}, 500); }

const Token kUse{.action = TokenAction::use_value, .type = 0, .value = "tok"};
Image use() {
  return bounded(wire(num(3) /* USE_VALUE */, num(0) /* type */, raw({'t', 'o', 'k'})));
}

// DEFAULT PUBLISHER PRIORITY 9, and 0x4000 behind 0x0e as a difference of 0x3ff2.
const Buffer kProperties{0x0e, 9, 0xbf, 0xf2, 1};

std::vector<Golden> session_goldens() {
  std::vector<Golden> all;
  all.push_back(golden(
      k18,
      Setup{.options = {.path = "/p?q",
                        .tokens = {kUse, {.action = TokenAction::enroll, .alias = 7, .type = 1}},
                        .max_auth_token_cache_size = 500,
                        .authority = "h:1",
                        .implementation = "moq"}},
      {0xaf, 0x00},
      wire(num(1) /* PATH */, text("/p?q"), num(2) /* AUTHORIZATION_TOKEN, 0x03 */, use(),
           num(0) /* again */, bounded(wire(num(1) /* REGISTER */, num(7), num(1))),
           num(1) /* MAX_AUTH_TOKEN_CACHE_SIZE, 0x04 */, n500(), num(1) /* AUTHORITY, 0x05 */,
           text("h:1"), num(2) /* MOQT_IMPLEMENTATION, 0x07 */, text("moq"))));
  all.push_back(golden(k18, Setup{}, {0xaf, 0x00}, {}));
  all.push_back(golden(k18,
                       Goaway{.uri = "https://b/", .timeout = milliseconds(500), .request_id = 6},
                       {0x10}, wire(text("https://b/"), n500(), num(6))));
  all.push_back(golden(k18, Goaway{.request_id = 1}, {0x10}, wire(text(""), num(0), num(1))));
  all.push_back(golden(k18, RequestGoaway{.uri = "https://b/", .timeout = milliseconds(300)},
                       {0x10}, wire(text("https://b/"), n300()), MessageKind::fetch));
  all.push_back(golden(k18, RequestOk{}, {0x07}, num(0), MessageKind::subscribe_tracks));
  all.push_back(golden(
      k18, RequestError{.failure = {.code = 0x10, .retry = milliseconds(499), .reason = "no"}},
      {0x05}, wire(num(0x10), n500() /* retry, plus 1 */, text("no"))));
  all.push_back(golden(k18, RequestError{}, {0x05}, wire(num(0), num(0), text(""))));
  all.push_back(golden(
      k18,
      RequestError{.failure = {.code = 0x34,
                               .retry = milliseconds(0),
                               .redirect = Redirect{.uri = "https://b/", .track = kTrack}}},
      {0x05}, wire(num(0x34) /* REDIRECT */, num(1), text(""), text("https://b/"), track())));
  all.push_back(golden(k18, RequestError{.failure = {.code = 0x34, .redirect = Redirect{}}}, {0x05},
                       wire(num(0x34), num(0), text(""), text(""), num(0), text(""))));
  return all;
}

std::vector<Golden> subscribe_goldens() {
  std::vector<Golden> all;
  all.push_back(golden(
      k18,
      Subscribe{.request_id = 4,
                .track = kTrack,
                .subscriber_priority = 200,
                .group_order = GroupOrder::descending,
                .forward = false,
                .filter = {.type = FilterType::absolute_range, .start = {5, 1}, .end_group = 9},
                .object_delivery_timeout = milliseconds(500),
                .subgroup_delivery_timeout = milliseconds(0),
                .rendezvous_timeout = milliseconds(300),
                .new_group_request = 0,
                .tokens = {kUse}},
      {0x03},
      wire(num(4), track(), num(9) /* parameters */, num(2) /* OBJECT_DELIVERY_TIMEOUT */, n500(),
           num(1) /* AUTHORIZATION_TOKEN, 0x03 */, use(), num(1) /* RENDEZVOUS_TIMEOUT, 0x04 */,
           n300(), num(2) /* SUBGROUP_DELIVERY_TIMEOUT, 0x06 */, num(0),
           num(10) /* FORWARD, 0x10 */, u8(0), num(16) /* SUBSCRIBER_PRIORITY, 0x20 */, u8(200),
           num(1) /* SUBSCRIPTION_FILTER, 0x21 */,
           bounded(wire(num(4), num(5), num(1), num(4) /* 9 - 5 */)), num(1) /* GROUP_ORDER */,
           u8(2), num(16) /* NEW_GROUP_REQUEST, 0x32 */, num(0))));
  // A track without a namespace; nothing else is said.
  all.push_back(golden(k18, Subscribe{.track = {.track_name = "v"}}, {0x03},
                       wire(num(0), num(0), text("v"), num(0))));
  const auto filtered = [&](const Filter& filter, const Image& image) {
    all.push_back(golden(k18, Subscribe{.track = kTrack, .filter = filter}, {0x03},
                         wire(num(0), track(), num(1), num(0x21), bounded(image))));
  };
  filtered({.type = FilterType::next_group}, num(1));
  filtered({.type = FilterType::largest_object}, num(2));
  filtered({.type = FilterType::absolute_start, .start = {300, 0}}, wire(num(3), n300(), num(0)));
  all.push_back(golden(k18,
                       SubscribeOk{.track_alias = 300,
                                   .expires = milliseconds(500),
                                   .largest = Location{7, 3},
                                   .properties = Bytes::copy_of(kProperties)},
                       {0x04},
                       wire(n300(), num(2) /* parameters */, num(8) /* EXPIRES */, n500(),
                            num(1) /* LARGEST_OBJECT, 0x09: a Location, without a length */, num(7),
                            num(3), raw(kProperties))));
  all.push_back(golden(k18, SubscribeOk{.track_alias = 1}, {0x04}, wire(num(1), num(0))));
  all.push_back(golden(k18, TrackStatus{.request_id = 4, .track = kTrack, .tokens = {kUse}}, {0x0d},
                       wire(num(4), track(), num(1), num(3), use())));
  all.push_back(golden(
      k18, TrackStatusOk{.largest = Location{7, 3}, .properties = Bytes::copy_of(kProperties)},
      {0x07}, wire(num(1), num(9), num(7), num(3), raw(kProperties)), MessageKind::track_status));
  all.push_back(golden(
      k18,
      RequestUpdate{.request_id = 6,
                    .filter = Filter{.type = FilterType::absolute_start, .start = {5, 1}},
                    .subscriber_priority = 0,
                    .forward = true,
                    .object_delivery_timeout = milliseconds(500),
                    .subgroup_delivery_timeout = milliseconds(300),
                    .new_group_request = 8,
                    .prefix = TrackNamespace{"a", "bc"},
                    .tokens = {kUse}},
      {0x02},
      wire(num(6), num(8) /* parameters */, num(2), n500(), num(1), use(),
           num(3) /* SUBGROUP_DELIVERY_TIMEOUT, 0x06 */, n300(), num(10), u8(1), num(16), u8(0),
           num(1), bounded(wire(num(3), num(5), num(1))), num(17) /* NEW_GROUP_REQUEST, 0x32 */,
           num(8), num(2) /* TRACK_NAMESPACE_PREFIX, 0x34 */, names({"a", "bc"}))));
  all.push_back(golden(k18, RequestUpdate{.request_id = 6}, {0x02}, wire(num(6), num(0))));
  all.push_back(
      golden(k18, RequestUpdateOk{.expires = milliseconds(500), .largest = Location{7, 3}}, {0x07},
             wire(num(2), num(8), n500(), num(1), num(7), num(3)), MessageKind::request_update));
  all.push_back(golden(
      k18, PublishDone{.status = 6, .stream_count = kUnknownStreams, .reason = "bye"}, {0x0b},
      // 2^62 - 1 takes all nine bytes.
      wire(num(6), num({0xff, 0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, kUnknownStreams),
           text("bye"))));
  return all;
}

std::vector<Golden> publish_goldens() {
  std::vector<Golden> all;
  all.push_back(golden(k18,
                       Publish{.request_id = 5,
                               .track = kTrack,
                               .track_alias = 300,
                               .largest = Location{7, 3},
                               .forward = false,
                               .expires = milliseconds(500),
                               .tokens = {kUse},
                               .properties = Bytes::copy_of(kProperties)},
                       {0x1d},
                       wire(num(5), track(), n300(), num(4) /* parameters */, num(3), use(),
                            num(5) /* EXPIRES, 0x08 */, n500(), num(1), num(7), num(3),
                            num(7) /* FORWARD, 0x10 */, u8(0), raw(kProperties))));
  all.push_back(
      golden(k18, Publish{.track = kTrack}, {0x1d}, wire(num(0), track(), num(0), num(0))));
  all.push_back(golden(
      k18,
      PublishOk{.forward = false,
                .subscriber_priority = 200,
                .group_order = GroupOrder::ascending,
                .filter = {.type = FilterType::absolute_range, .start = {5, 1}, .end_group = 5},
                .expires = milliseconds(500),
                .object_delivery_timeout = milliseconds(300),
                .subgroup_delivery_timeout = milliseconds(20),
                .new_group_request = 8},
      {0x07},
      wire(num(8), num(2), n300(), num(4), num(20), num(2), n500(), num(8) /* FORWARD, 0x10 */,
           u8(0), num(16), u8(200), num(1), bounded(wire(num(4), num(5), num(1), num(0))), num(1),
           u8(1), num(16), num(8)),
      MessageKind::publish));
  all.push_back(golden(k18, PublishOk{}, {0x07}, num(0), MessageKind::publish));
  return all;
}

std::vector<Golden> fetch_goldens() {
  std::vector<Golden> all;
  all.push_back(
      golden(k18,
             Fetch{.request_id = 4,
                   .subscriber_priority = 200,
                   .group_order = GroupOrder::descending,
                   .range = {.track = kTrack, .start = {5, 1}, .end = {9, 0}},
                   .tokens = {kUse},
                   .fill_timeout = milliseconds(0)},
             {0x16},
             wire(num(4), num(1) /* standalone */, track(), num(5), num(1), num(9), num(0),
                  num(4) /* parameters */, num(3), use(), num(7) /* FILL_TIMEOUT, 0x0a */, num(0),
                  num(22) /* SUBSCRIBER_PRIORITY, 0x20 */, u8(200), num(2) /* GROUP_ORDER, 0x22 */,
                  u8(2))));
  all.push_back(golden(k18,
                       Fetch{.request_id = 4,
                             .range = {.type = FetchType::relative_joining,
                                       .joining_request_id = 2,
                                       .joining_start = 3}},
                       {0x16}, wire(num(4), num(2), num(2), num(3), num(0))));
  all.push_back(golden(k18,
                       Fetch{.request_id = 4,
                             .range = {.type = FetchType::absolute_joining,
                                       .joining_request_id = 2,
                                       .joining_start = 300}},
                       {0x16}, wire(num(4), num(3), num(2), n300(), num(0))));
  all.push_back(golden(
      k18, FetchOk{.end_of_track = true, .end = {9, 4}, .properties = Bytes::copy_of(kProperties)},
      {0x18}, wire(u8(1), num(9), num(4), num(0), raw(kProperties))));
  all.push_back(golden(k18, FetchOk{}, {0x18}, wire(u8(0), num(0), num(0), num(0))));
  return all;
}

std::vector<Golden> namespace_goldens() {
  std::vector<Golden> all;
  const TrackNamespace both{"a", "bc"};
  const auto parameters = wire(num(1), num(3), use());
  all.push_back(golden(k18,
                       PublishNamespace{.request_id = 4, .track_namespace = both, .tokens = {kUse}},
                       {0x06}, wire(num(4), names(both), parameters)));
  all.push_back(golden(k18, SubscribeNamespace{.request_id = 4, .prefix = both, .tokens = {kUse}},
                       {0x50}, wire(num(4), names(both), parameters)));
  all.push_back(golden(k18, SubscribeNamespace{.request_id = 4}, {0x50},
                       wire(num(4), num(0) /* everything */, num(0))));
  all.push_back(golden(
      k18, SubscribeTracks{.request_id = 4, .prefix = both, .forward = false, .tokens = {kUse}},
      {0x51},
      wire(num(4), names(both), num(2), num(3), use(), num(13) /* FORWARD, 0x10 */, u8(0))));
  all.push_back(golden(k18, NamespaceAdded{.suffix = both}, {0x08}, names(both)));
  all.push_back(golden(k18, NamespaceAdded{}, {0x08}, num(0)));
  all.push_back(golden(k18, NamespaceDone{.suffix = both}, {0x0e}, names(both)));
  all.push_back(golden(k18, PublishBlocked{.track = kTrack}, {0x0f}, track()));
  return all;
}

}  // namespace

std::vector<Golden> goldens18() {
  std::vector<Golden> all = session_goldens();
  for (auto& one : subscribe_goldens()) all.push_back(std::move(one));
  for (auto& one : publish_goldens()) all.push_back(std::move(one));
  for (auto& one : fetch_goldens()) all.push_back(std::move(one));
  for (auto& one : namespace_goldens()) all.push_back(std::move(one));
  return all;
}

}  // namespace moq::ietf::testing
