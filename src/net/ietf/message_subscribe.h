#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "net/ietf/message_setup.h"

/// The messages of subscriptions. See message.h.
namespace moq::ietf {

/// The priority of a request that does not say one; lower is sent first.
inline constexpr std::uint8_t kDefaultPriority = 128;
/// PublishDone::stream_count when the sender cannot tell.
inline constexpr std::uint64_t kUnknownStreams = coding::kMaxVarint;

/// The fields of a track's name, which may have no namespace since draft-17.
template <typename M>
[[nodiscard]] constexpr auto track_fields(FullTrackName M::*member) {
  return std::tuple(field("track", member, FullNameCodec{kNamespace15}, until(Version::draft15)),
                    field("track", member, FullNameCodec{kNamespace16}, only(Version::draft16)),
                    field("track", member, FullNameCodec{kNamespace}, since(Version::draft17)));
}

/// The fields with which draft-14 says what the subscriber wants.
template <typename M>
[[nodiscard]] constexpr auto subscriber_fields14() {
  constexpr auto kIn14 = until(Version::draft14);
  return std::tuple(
      field("subscriber_priority", &M::subscriber_priority, coding::Uint8{}, kIn14),
      field("group_order", &M::group_order, OrderByte{.min = GroupOrder::publisher}, kIn14),
      field("forward", &M::forward, StrictFlag{}, kIn14),
      field("filter", &M::filter, FilterCodec{}, kIn14));
}

struct Subscribe {
  std::uint64_t request_id = 0;
  FullTrackName track = {};
  std::uint8_t subscriber_priority = kDefaultPriority;
  GroupOrder group_order = GroupOrder::publisher;
  bool forward = true;
  Filter filter = {};
  /// DELIVERY_TIMEOUT up to draft-17. Zero, where it is allowed, is none.
  std::optional<Duration> object_delivery_timeout = {};
  std::optional<Duration> subgroup_delivery_timeout = {};
  /// How long to wait for a publisher.
  Duration rendezvous_timeout = {};
  /// A group that the subscriber knows, plus 1; 0: it knows none.
  std::optional<std::uint64_t> new_group_request = {};
  std::vector<Token> tokens = {};

  static constexpr std::string_view kName = "SUBSCRIBE";
  static constexpr MessageKind kKind = MessageKind::subscribe;
  static constexpr auto fields() {
    return std::tuple_cat(std::tuple(field("request_id", &Subscribe::request_id, kNumber)),
                          track_fields(&Subscribe::track), subscriber_fields14<Subscribe>());
  }
  static constexpr auto message_parameters() {
    using M = Subscribe;
    constexpr auto kSince15 = since(Version::draft15);
    return std::tuple(
        param("object_delivery_timeout", 0x02, &M::object_delivery_timeout, Millis{}),
        param("token", 0x03, &M::tokens, TokenValue{}),
        param("rendezvous_timeout", 0x04, &M::rendezvous_timeout, Millis{},
              since(Version::draft17)),
        param("subgroup_delivery_timeout", 0x06, &M::subgroup_delivery_timeout, Millis{},
              since(Version::draft18)),
        param("forward", 0x10, &M::forward, kFlagValue, kSince15),
        param("subscriber_priority", 0x20, &M::subscriber_priority, ByteValue{}, kSince15),
        param("filter", 0x21, &M::filter, PrefixedValue<FilterCodec>{},
              kSince15.until(Version::draft16)),
        param("filter", 0x21, &M::filter, PrefixedValue<FilterCodec>{{.delta_end = true}},
              since(Version::draft17)),
        param("group_order", 0x22, &M::group_order, kOrderValue, kSince15),
        param("new_group_request", 0x32, &M::new_group_request, kNumberValue, kSince15));
  }
  friend bool operator==(const Subscribe&, const Subscribe&) = default;
};

/// What a publisher of draft-14 says of a track in parameters. (Since draft-16 they are
/// Track Properties.)
template <typename M>
[[nodiscard]] constexpr auto track_parameters15() {
  return std::tuple(
      param("delivery_timeout", 0x02, &M::delivery_timeout, Millis{}, until(Version::draft15)),
      param("max_cache_duration", 0x04, &M::max_cache_duration, Millis{}, until(Version::draft15)));
}

struct SubscribeOk {
  std::uint64_t request_id = 0;
  std::uint64_t track_alias = 0;  ///< what objects name the track by
  Duration expires = {};          ///< zero: never, or unknown
  /// The publisher's order, where no property says it.
  GroupOrder group_order = GroupOrder::ascending;
  std::optional<Location> largest = {};             ///< none: no object yet
  std::optional<Duration> delivery_timeout = {};    ///< the publisher's, up to draft-15
  std::optional<Duration> max_cache_duration = {};  ///< up to draft-15
  Bytes properties = {};                            ///< of the track, since draft-16

  static constexpr std::string_view kName = "SUBSCRIBE_OK";
  static constexpr MessageKind kKind = MessageKind::subscribe_ok;
  static constexpr auto fields() {
    using M = SubscribeOk;
    constexpr auto kIn14 = until(Version::draft14);
    return std::tuple(field("request_id", &M::request_id, kNumber, until(Version::draft16)),
                      field("track_alias", &M::track_alias, kNumber),
                      field("expires", &M::expires, coding::Milliseconds{}, kIn14),
                      field("group_order", &M::group_order, OrderByte{}, kIn14),
                      field("largest", &M::largest, ContentExists{}, kIn14));
  }
  static constexpr auto message_parameters() {
    using M = SubscribeOk;
    return std::tuple_cat(
        track_parameters15<M>(),
        std::tuple(param("expires", 0x08, &M::expires, Millis{}, since(Version::draft15)),
                   param("largest", 0x09, &M::largest, BareValue<LocationCodec>{},
                         since(Version::draft15))));
  }
  static constexpr auto trailing_fields() {
    return std::tuple(field("properties", &SubscribeOk::properties, TrackPropertiesCodec{},
                            since(Version::draft16)));
  }
  friend bool operator==(const SubscribeOk&, const SubscribeOk&) = default;
};

/// Asks what SUBSCRIBE would answer. Draft-14 has the fields of SUBSCRIBE in it.
struct TrackStatus {
  std::uint64_t request_id = 0;
  FullTrackName track = {};
  std::uint8_t subscriber_priority = kDefaultPriority;
  GroupOrder group_order = GroupOrder::publisher;
  bool forward = true;
  Filter filter = {};
  std::optional<Duration> object_delivery_timeout = {};
  std::vector<Token> tokens = {};

  static constexpr std::string_view kName = "TRACK_STATUS";
  static constexpr MessageKind kKind = MessageKind::track_status;
  static constexpr auto fields() {
    return std::tuple_cat(std::tuple(field("request_id", &TrackStatus::request_id, kNumber)),
                          track_fields(&TrackStatus::track), subscriber_fields14<TrackStatus>());
  }
  static constexpr auto message_parameters() {
    using M = TrackStatus;
    return std::tuple(param("object_delivery_timeout", 0x02, &M::object_delivery_timeout, Millis{},
                            until(Version::draft14)),
                      param("token", 0x03, &M::tokens, TokenValue{}));
  }
  friend bool operator==(const TrackStatus&, const TrackStatus&) = default;
};

/// As SUBSCRIBE_OK would be; the alias is not used. Draft-18 names EXPIRES for other
/// messages only, yet asks for "the same parameters": it may come.
struct TrackStatusOk {
  std::uint64_t request_id = 0;
  std::uint64_t track_alias = 0;
  Duration expires = {};
  GroupOrder group_order = GroupOrder::ascending;
  std::optional<Location> largest = {};
  std::optional<Duration> delivery_timeout = {};
  std::optional<Duration> max_cache_duration = {};
  Bytes properties = {};

  static constexpr std::string_view kName = "TRACK_STATUS_OK";
  static constexpr MessageKind kKind = MessageKind::track_status_ok;
  static constexpr auto fields() {
    using M = TrackStatusOk;
    constexpr auto kIn14 = until(Version::draft14);
    return std::tuple(field("request_id", &M::request_id, kNumber, until(Version::draft16)),
                      field("track_alias", &M::track_alias, kNumber, kIn14),
                      field("expires", &M::expires, coding::Milliseconds{}, kIn14),
                      field("group_order", &M::group_order, OrderByte{}, kIn14),
                      field("largest", &M::largest, ContentExists{}, kIn14));
  }
  static constexpr auto message_parameters() {
    using M = TrackStatusOk;
    return std::tuple_cat(
        track_parameters15<M>(),
        std::tuple(param("expires", 0x08, &M::expires, Millis{}, since(Version::draft15)),
                   param("largest", 0x09, &M::largest, BareValue<LocationCodec>{},
                         since(Version::draft15))));
  }
  static constexpr auto trailing_fields() {
    return std::tuple(field("properties", &TrackStatusOk::properties, TrackPropertiesCodec{},
                            since(Version::draft18)));
  }
  friend bool operator==(const TrackStatusOk&, const TrackStatusOk&) = default;
};

/// SUBSCRIBE_UPDATE up to draft-15: changes a request. What does not come stays as it
/// is. Draft-14 has no way to leave out priority, forward and filter, whose type is not
/// told: it is one of the two absolute ones. Without them there is no encoding.
struct RequestUpdate {
  std::uint64_t request_id = 0;           ///< of the update itself
  std::uint64_t existing_request_id = 0;  ///< of what it changes; since draft-17 the stream's
  std::optional<Filter> filter = {};
  std::optional<std::uint8_t> subscriber_priority = {};
  std::optional<bool> forward = {};
  std::optional<Duration> object_delivery_timeout = {};
  std::optional<Duration> subgroup_delivery_timeout = {};
  std::optional<std::uint64_t> new_group_request = {};
  /// Of a subscription to namespaces or tracks.
  std::optional<TrackNamespace> prefix = {};
  std::vector<Token> tokens = {};

  static constexpr std::string_view kName = "REQUEST_UPDATE";
  static constexpr MessageKind kKind = MessageKind::request_update;
  static constexpr auto fields() {
    using M = RequestUpdate;
    constexpr auto kIn14 = until(Version::draft14);
    return std::tuple(
        field("request_id", &M::request_id, kNumber),
        field("existing_request_id", &M::existing_request_id, kNumber, until(Version::draft16)),
        field("filter", &M::filter, Required<UpdatedRange>{}, kIn14),
        field("subscriber_priority", &M::subscriber_priority, Required<coding::Uint8>{}, kIn14),
        field("forward", &M::forward, Required<StrictFlag>{}, kIn14));
  }
  static constexpr auto message_parameters() {
    using M = RequestUpdate;
    constexpr auto kSince15 = since(Version::draft15);
    return std::tuple(
        param("object_delivery_timeout", 0x02, &M::object_delivery_timeout, Millis{}),
        param("token", 0x03, &M::tokens, TokenValue{}),
        param("subgroup_delivery_timeout", 0x06, &M::subgroup_delivery_timeout, Millis{},
              since(Version::draft18)),
        param("forward", 0x10, &M::forward, kFlagValue, kSince15),
        param("subscriber_priority", 0x20, &M::subscriber_priority, ByteValue{}, kSince15),
        param("filter", 0x21, &M::filter, PrefixedValue<FilterCodec>{},
              kSince15.until(Version::draft16)),
        param("filter", 0x21, &M::filter, PrefixedValue<FilterCodec>{{.delta_end = true}},
              since(Version::draft17)),
        param("new_group_request", 0x32, &M::new_group_request, kNumberValue, kSince15),
        param("prefix", 0x34, &M::prefix, BareValue<NamespaceCodec>{}, since(Version::draft18)));
  }
  friend bool operator==(const RequestUpdate&, const RequestUpdate&) = default;
};

/// REQUEST_OK, to a REQUEST_UPDATE.
struct RequestUpdateOk {
  std::uint64_t request_id = 0;
  Duration expires = {};
  std::optional<Location> largest = {};

  static constexpr std::string_view kName = "REQUEST_UPDATE_OK";
  static constexpr MessageKind kKind = MessageKind::request_update_ok;
  static constexpr auto versions() { return since(Version::draft15); }
  static constexpr auto fields() {
    return std::tuple(
        field("request_id", &RequestUpdateOk::request_id, kNumber, until(Version::draft16)));
  }
  static constexpr auto message_parameters() {
    using M = RequestUpdateOk;
    return std::tuple(param("expires", 0x08, &M::expires, Millis{}),
                      param("largest", 0x09, &M::largest, BareValue<LocationCodec>{}));
  }
  friend bool operator==(const RequestUpdateOk&, const RequestUpdateOk&) = default;
};

struct Unsubscribe {
  std::uint64_t request_id = 0;

  static constexpr std::string_view kName = "UNSUBSCRIBE";
  static constexpr MessageKind kKind = MessageKind::unsubscribe;
  static constexpr auto versions() { return until(Version::draft16); }
  static constexpr auto fields() {
    return std::tuple(field("request_id", &Unsubscribe::request_id, kNumber));
  }
  friend bool operator==(const Unsubscribe&, const Unsubscribe&) = default;
};

/// Begins a subscription from the publisher's side.
struct Publish {
  std::uint64_t request_id = 0;
  FullTrackName track = {};
  std::uint64_t track_alias = 0;
  GroupOrder group_order = GroupOrder::ascending;  ///< where no property says it
  std::optional<Location> largest = {};
  bool forward = true;
  Duration expires = {};
  std::optional<Duration> delivery_timeout = {};    ///< up to draft-15
  std::optional<Duration> max_cache_duration = {};  ///< up to draft-15
  std::vector<Token> tokens = {};
  Bytes properties = {};  ///< since draft-16

  static constexpr std::string_view kName = "PUBLISH";
  static constexpr MessageKind kKind = MessageKind::publish;
  static constexpr auto fields() {
    using M = Publish;
    constexpr auto kIn14 = until(Version::draft14);
    return std::tuple_cat(std::tuple(field("request_id", &M::request_id, kNumber)),
                          track_fields(&M::track),
                          std::tuple(field("track_alias", &M::track_alias, kNumber),
                                     field("group_order", &M::group_order, OrderByte{}, kIn14),
                                     field("largest", &M::largest, ContentExists{}, kIn14),
                                     field("forward", &M::forward, StrictFlag{}, kIn14)));
  }
  static constexpr auto message_parameters() {
    using M = Publish;
    constexpr auto kSince15 = since(Version::draft15);
    return std::tuple(
        param("delivery_timeout", 0x02, &M::delivery_timeout, Millis{}, until(Version::draft15)),
        param("token", 0x03, &M::tokens, TokenValue{}),
        param("max_cache_duration", 0x04, &M::max_cache_duration, Millis{},
              until(Version::draft15)),
        param("expires", 0x08, &M::expires, Millis{}, kSince15),
        param("largest", 0x09, &M::largest, BareValue<LocationCodec>{}, kSince15),
        param("forward", 0x10, &M::forward, kFlagValue, kSince15));
  }
  static constexpr auto trailing_fields() {
    return std::tuple(
        field("properties", &Publish::properties, TrackPropertiesCodec{}, since(Version::draft16)));
  }
  friend bool operator==(const Publish&, const Publish&) = default;
};

/// PUBLISH_OK; in draft-18 a REQUEST_OK to a PUBLISH. Draft-14 has no encoding for a
/// group order that is the publisher's.
struct PublishOk {
  std::uint64_t request_id = 0;
  bool forward = true;
  std::uint8_t subscriber_priority = kDefaultPriority;
  GroupOrder group_order = GroupOrder::publisher;
  Filter filter = {};
  Duration expires = {};
  std::optional<Duration> object_delivery_timeout = {};
  std::optional<Duration> subgroup_delivery_timeout = {};
  std::optional<std::uint64_t> new_group_request = {};

  static constexpr std::string_view kName = "PUBLISH_OK";
  static constexpr MessageKind kKind = MessageKind::publish_ok;
  static constexpr auto fields() {
    using M = PublishOk;
    constexpr auto kIn14 = until(Version::draft14);
    return std::tuple(field("request_id", &M::request_id, kNumber, until(Version::draft16)),
                      field("forward", &M::forward, StrictFlag{}, kIn14),
                      field("subscriber_priority", &M::subscriber_priority, coding::Uint8{}, kIn14),
                      field("group_order", &M::group_order, OrderByte{}, kIn14),
                      field("filter", &M::filter, FilterCodec{}, kIn14));
  }
  static constexpr auto message_parameters() {
    using M = PublishOk;
    constexpr auto kSince15 = since(Version::draft15);
    return std::tuple(
        param("object_delivery_timeout", 0x02, &M::object_delivery_timeout, Millis{}),
        param("subgroup_delivery_timeout", 0x06, &M::subgroup_delivery_timeout, Millis{},
              since(Version::draft18)),
        param("expires", 0x08, &M::expires, Millis{}, kSince15),
        param("forward", 0x10, &M::forward, kFlagValue, kSince15),
        param("subscriber_priority", 0x20, &M::subscriber_priority, ByteValue{}, kSince15),
        param("filter", 0x21, &M::filter, PrefixedValue<FilterCodec>{},
              kSince15.until(Version::draft16)),
        param("filter", 0x21, &M::filter, PrefixedValue<FilterCodec>{{.delta_end = true}},
              since(Version::draft17)),
        param("group_order", 0x22, &M::group_order, kOrderValue, kSince15),
        param("new_group_request", 0x32, &M::new_group_request, kNumberValue, kSince15));
  }
  friend bool operator==(const PublishOk&, const PublishOk&) = default;
};

/// A subscription has ended.
struct PublishDone {
  std::uint64_t request_id = 0;
  std::uint64_t status = 0;  ///< as sent: see publish_done_code
  /// Data streams that the publisher has opened for it; kUnknownStreams: it cannot tell.
  std::uint64_t stream_count = 0;
  std::string reason = {};

  static constexpr std::string_view kName = "PUBLISH_DONE";
  static constexpr MessageKind kKind = MessageKind::publish_done;
  static constexpr auto fields() {
    using M = PublishDone;
    return std::tuple(field("request_id", &M::request_id, kNumber, until(Version::draft16)),
                      field("status", &M::status, kNumber),
                      field("stream_count", &M::stream_count, kNumber),
                      field("reason", &M::reason, kReason));
  }
  friend bool operator==(const PublishDone&, const PublishDone&) = default;
};

}  // namespace moq::ietf
