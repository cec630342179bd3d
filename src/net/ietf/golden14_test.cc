// Draft-14: the wire image of every message, from §"Control Messages".

#include "net/ietf/testing/golden.h"

namespace moq::ietf::testing {

namespace {

using std::chrono::milliseconds;
constexpr Version k14 = Version::draft14;

const FullTrackName kTrack{.track_namespace = {"a", "bc"}, .track_name = "v"};
Image track() { return wire(names({"a", "bc"}), text("v")); }
// QUIC's two bytes: 01, and 14 bits.
Image n300() { return num({0x41, 0x2c}, 300); }
Image n500() { return num({0x41, 0xf4}, 500); }

const Token kUse{.action = TokenAction::use_value, .type = 0, .value = "tok"};
Image use() {
  return bounded(wire(num(3) /* USE_VALUE */, num(0) /* type */, raw({'t', 'o', 'k'})));
}

std::vector<Golden> session_goldens() {
  std::vector<Golden> all;
  // 0xff00000e takes eight bytes.
  const auto version = num({0xc0, 0, 0, 0, 0xff, 0, 0, 0x0e}, 0xff00000e);
  all.push_back(
      golden(k14,
             ClientSetup{.offered = {0xff00000e, 20},
                         .options = {.path = "/p?q",
                                     .max_request_id = 300,
                                     .tokens = {kUse},
                                     .max_auth_token_cache_size = 500,
                                     .authority = "h:1"}},
             {0x20},
             wire(num(2) /* versions */, version, num(20), num(5) /* parameters */,
                  num(1) /* PATH */, text("/p?q"), num(2) /* MAX_REQUEST_ID */, n300(),
                  num(3) /* AUTHORIZATION TOKEN */, use(), num(4) /* MAX_AUTH_TOKEN_CACHE_SIZE */,
                  n500(), num(5) /* AUTHORITY */, text("h:1"))));
  all.push_back(golden(k14, ClientSetup{}, {0x20}, wire(num(0), num(0))));
  all.push_back(golden(k14,
                       ServerSetup{.selected = 0xff00000e,
                                   .options = {.max_request_id = 20, .implementation = "moq"}},
                       {0x21},
                       wire(version, num(2) /* parameters */, num(2) /* MAX_REQUEST_ID */, num(20),
                            num(5) /* MOQT_IMPLEMENTATION */, text("moq"))));
  all.push_back(golden(k14, Goaway{.uri = "https://b/"}, {0x10}, text("https://b/")));
  all.push_back(golden(k14, Goaway{}, {0x10}, text("")));
  all.push_back(golden(k14, MaxRequestId{.request_id = 300}, {0x15}, n300()));
  all.push_back(golden(k14, RequestsBlocked{.max_request_id = 20}, {0x1a}, num(20)));
  return all;
}

// SUBSCRIBE and TRACK_STATUS have the same fields.
template <typename M>
void add_subscribes(std::vector<Golden>& all, const Buffer& type) {
  M message{.request_id = 4,
            .track = kTrack,
            .subscriber_priority = 200,
            .group_order = GroupOrder::descending,
            .forward = false,
            .filter = {.type = FilterType::largest_object},
            .object_delivery_timeout = milliseconds(500),
            .tokens = {{.action = TokenAction::enroll, .alias = 7, .type = 1, .value = "s"}, kUse}};
  all.push_back(golden(
      k14, message, type,
      wire(num(4), track(), u8(200), u8(2) /* descending */, u8(0) /* not forwarded */,
           num(2) /* Largest Object */, num(3) /* parameters */, num(2) /* DELIVERY TIMEOUT */,
           n500(), num(3) /* AUTHORIZATION TOKEN */,
           bounded(wire(num(1) /* REGISTER */, num(7) /* alias */, num(1) /* type */, raw({'s'}))),
           num(3), use())));
  const auto none = num(0);
  message = {.request_id = 0, .track = {.track_namespace = {""}, .track_name = ""}};
  const auto head = wire(num(0), names({""}), text(""), u8(128), u8(0), u8(1));
  all.push_back(golden(k14, message, type, wire(head, num(3), num(0), num(0), none)));
  message.filter = {.type = FilterType::next_group};
  all.push_back(golden(k14, message, type, wire(head, num(1), none)));
  message.filter = {.type = FilterType::absolute_start, .start = {5, 1}};
  all.push_back(golden(k14, message, type, wire(head, num(3), num(5), num(1), none)));
  message.filter = {.type = FilterType::absolute_range, .start = {5, 1}, .end_group = 9};
  all.push_back(golden(k14, message, type, wire(head, num(4), num(5), num(1), num(9), none)));
  // Before its start: a bad request, but a message.
  message.filter.end_group = 2;
  all.push_back(golden(k14, message, type, wire(head, num(4), num(5), num(1), num(2), none)));
}

template <typename M>
void add_subscribe_oks(std::vector<Golden>& all, const Buffer& type) {
  all.push_back(golden(
      k14,
      M{.request_id = 4,
        .track_alias = 300,
        .expires = milliseconds(500),
        .group_order = GroupOrder::descending,
        .largest = Location{7, 3},
        .delivery_timeout = milliseconds(20),
        .max_cache_duration = milliseconds(300)},
      type,
      wire(num(4), n300() /* alias */, n500() /* expires */, u8(2) /* order */,
           u8(1) /* content exists */, num(7), num(3), num(2) /* parameters */,
           num(2) /* DELIVERY TIMEOUT */, num(20), num(4) /* MAX CACHE DURATION */, n300())));
  all.push_back(golden(k14, M{}, type, wire(num(0), num(0), num(0), u8(1), u8(0), num(0))));
}

void add_error(std::vector<Golden>& all, std::uint8_t type, MessageKind request) {
  all.push_back(golden(k14, RequestError{.request_id = 4, .failure = {.code = 5, .reason = "no"}},
                       {type}, wire(num(4), num(5), text("no")), request));
}

std::vector<Golden> subscribe_goldens() {
  std::vector<Golden> all;
  add_subscribes<Subscribe>(all, {0x03});
  add_subscribes<TrackStatus>(all, {0x0d});
  add_subscribe_oks<SubscribeOk>(all, {0x04});
  add_subscribe_oks<TrackStatusOk>(all, {0x0e});
  add_error(all, 0x05, MessageKind::subscribe);
  add_error(all, 0x0f, MessageKind::track_status);
  all.push_back(golden(
      k14,
      RequestUpdate{
          .request_id = 6,
          .existing_request_id = 4,
          .filter = Filter{.type = FilterType::absolute_range, .start = {5, 1}, .end_group = 9},
          .subscriber_priority = 200,
          .forward = false,
          .object_delivery_timeout = milliseconds(500)},
      {0x02},
      wire(num(6), num(4), num(5), num(1), num(10) /* end group plus 1 */, u8(200), u8(0),
           num(1) /* parameters */, num(2) /* DELIVERY TIMEOUT */, n500())));
  all.push_back(golden(
      k14,
      RequestUpdate{.request_id = 6,
                    .existing_request_id = 4,
                    .filter = Filter{},
                    .subscriber_priority = 1,
                    .forward = true},
      {0x02}, wire(num(6), num(4), num(0), num(0), num(0) /* open */, u8(1), u8(1), num(0))));
  all.push_back(golden(k14, Unsubscribe{.request_id = 300}, {0x0a}, n300()));
  all.push_back(golden(
      k14,
      PublishDone{.request_id = 4, .status = 2, .stream_count = kUnknownStreams, .reason = "bye"},
      {0x0b},
      wire(num(4), num(2), num({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, kUnknownStreams),
           text("bye"))));
  return all;
}

std::vector<Golden> publish_goldens() {
  std::vector<Golden> all;
  all.push_back(golden(
      k14,
      Publish{.request_id = 5,
              .track = kTrack,
              .track_alias = 300,
              .group_order = GroupOrder::descending,
              .largest = Location{7, 3},
              .forward = false,
              .delivery_timeout = milliseconds(20),
              .max_cache_duration = milliseconds(300),
              .tokens = {kUse}},
      {0x1d},
      wire(num(5), track(), n300() /* alias */, u8(2), u8(1), num(7), num(3), u8(0) /* forward */,
           num(3) /* parameters */, num(2), num(20), num(3), use(), num(4), n300())));
  all.push_back(golden(k14, Publish{.track = kTrack}, {0x1d},
                       wire(num(0), track(), num(0), u8(1), u8(0), u8(1), num(0))));
  all.push_back(golden(
      k14,
      PublishOk{.request_id = 5,
                .forward = false,
                .subscriber_priority = 200,
                .group_order = GroupOrder::descending,
                .filter = {.type = FilterType::absolute_range, .start = {5, 1}, .end_group = 9},
                .object_delivery_timeout = milliseconds(500)},
      {0x1e},
      wire(num(5), u8(0), u8(200), u8(2), num(4), num(5), num(1), num(9), num(1), num(2), n500())));
  all.push_back(golden(k14, PublishOk{.group_order = GroupOrder::ascending}, {0x1e},
                       wire(num(0), u8(1), u8(128), u8(1), num(3), num(0), num(0), num(0))));
  add_error(all, 0x1f, MessageKind::publish);
  return all;
}

std::vector<Golden> fetch_goldens() {
  std::vector<Golden> all;
  all.push_back(golden(
      k14,
      Fetch{.request_id = 4,
            .subscriber_priority = 200,
            .group_order = GroupOrder::descending,
            .range = {.track = kTrack, .start = {5, 1}, .end = {9, 0}},
            .tokens = {{.action = TokenAction::use_alias, .alias = 7}}},
      {0x16},
      wire(num(4), u8(200), u8(2), num(1) /* standalone */, track(), num(5), num(1), num(9), num(0),
           num(1) /* parameters */, num(3), bounded(wire(num(2) /* USE_ALIAS */, num(7))))));
  all.push_back(golden(k14,
                       Fetch{.request_id = 4,
                             .group_order = GroupOrder::publisher,
                             .range = {.type = FetchType::relative_joining,
                                       .joining_request_id = 2,
                                       .joining_start = 3}},
                       {0x16}, wire(num(4), u8(128), u8(0), num(2), num(2), num(3), num(0))));
  all.push_back(golden(k14,
                       Fetch{.request_id = 4,
                             .range = {.type = FetchType::absolute_joining,
                                       .joining_request_id = 2,
                                       .joining_start = 300},
                             .tokens = {{.action = TokenAction::remove, .alias = 7}}},
                       {0x16},
                       wire(num(4), u8(128), u8(1), num(3), num(2), n300(), num(1), num(3),
                            bounded(wire(num(0) /* DELETE */, num(7))))));
  all.push_back(golden(k14,
                       FetchOk{.request_id = 4,
                               .group_order = GroupOrder::descending,
                               .end_of_track = true,
                               .end = {9, 4},
                               .max_cache_duration = milliseconds(300)},
                       {0x18}, wire(num(4), u8(2), u8(1), num(9), num(4), num(1), num(4), n300())));
  all.push_back(golden(k14, FetchOk{}, {0x18}, wire(num(0), u8(1), u8(0), num(0), num(0), num(0))));
  add_error(all, 0x19, MessageKind::fetch);
  all.push_back(golden(k14, FetchCancel{.request_id = 4}, {0x17}, num(4)));
  return all;
}

std::vector<Golden> namespace_goldens() {
  std::vector<Golden> all;
  const TrackNamespace both{"a", "bc"};
  const auto parameters = wire(num(1), num(3), use());
  all.push_back(golden(k14,
                       PublishNamespace{.request_id = 4, .track_namespace = both, .tokens = {kUse}},
                       {0x06}, wire(num(4), names(both), parameters)));
  all.push_back(
      golden(k14, RequestOk{.request_id = 4}, {0x07}, num(4), MessageKind::publish_namespace));
  add_error(all, 0x08, MessageKind::publish_namespace);
  all.push_back(golden(k14, PublishNamespaceDone{.track_namespace = both}, {0x09}, names(both)));
  all.push_back(golden(k14,
                       PublishNamespaceCancel{.track_namespace = both, .error = 4, .reason = "no"},
                       {0x0c}, wire(names(both), num(4), text("no"))));
  all.push_back(golden(k14, SubscribeNamespace{.request_id = 4, .prefix = both, .tokens = {kUse}},
                       {0x11}, wire(num(4), names(both), parameters)));
  all.push_back(
      golden(k14, RequestOk{.request_id = 4}, {0x12}, num(4), MessageKind::subscribe_namespace));
  add_error(all, 0x13, MessageKind::subscribe_namespace);
  all.push_back(golden(k14, UnsubscribeNamespace{.prefix = both}, {0x14}, names(both)));
  return all;
}

}  // namespace

std::vector<Golden> goldens14() {
  std::vector<Golden> all = session_goldens();
  for (auto& one : subscribe_goldens()) all.push_back(std::move(one));
  for (auto& one : publish_goldens()) all.push_back(std::move(one));
  for (auto& one : fetch_goldens()) all.push_back(std::move(one));
  for (auto& one : namespace_goldens()) all.push_back(std::move(one));
  return all;
}

}  // namespace moq::ietf::testing
