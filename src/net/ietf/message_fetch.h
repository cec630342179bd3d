#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "net/ietf/message_subscribe.h"

/// The messages of fetches. See message.h.
namespace moq::ietf {

struct Fetch {
  std::uint64_t request_id = 0;
  std::uint8_t subscriber_priority = kDefaultPriority;
  /// Since draft-15 there is none of the publisher's.
  GroupOrder group_order = GroupOrder::ascending;
  FetchRange range = {};
  std::vector<Token> tokens = {};
  /// How long a relay may wait for objects that it does not have. Zero: not at all;
  /// none: as it likes.
  std::optional<Duration> fill_timeout = {};

  static constexpr std::string_view kName = "FETCH";
  static constexpr MessageKind kKind = MessageKind::fetch;
  static constexpr auto fields() {
    using M = Fetch;
    constexpr auto kIn14 = until(Version::draft14);
    return std::tuple(
        field("request_id", &M::request_id, kNumber),
        field("subscriber_priority", &M::subscriber_priority, coding::Uint8{}, kIn14),
        field("group_order", &M::group_order, OrderByte{.min = GroupOrder::publisher}, kIn14),
        field("range", &M::range, FetchRangeCodec{{kNamespace15}}, until(Version::draft15)),
        field("range", &M::range, FetchRangeCodec{{kNamespace16}}, only(Version::draft16)),
        field("range", &M::range, FetchRangeCodec{{kNamespace}}, since(Version::draft17)));
  }
  static constexpr auto message_parameters() {
    using M = Fetch;
    constexpr auto kSince15 = since(Version::draft15);
    return std::tuple(
        param("token", 0x03, &M::tokens, TokenValue{}),
        param("fill_timeout", 0x0a, &M::fill_timeout, Millis{}, since(Version::draft18)),
        param("subscriber_priority", 0x20, &M::subscriber_priority, ByteValue{}, kSince15),
        param("group_order", 0x22, &M::group_order, kOrderValue, kSince15));
  }
  friend bool operator==(const Fetch&, const Fetch&) = default;
};

struct FetchOk {
  std::uint64_t request_id = 0;
  GroupOrder group_order = GroupOrder::ascending;
  bool end_of_track = false;                        ///< `end` is that of the track
  Location end = {};                                ///< as in FetchRange
  std::optional<Duration> max_cache_duration = {};  ///< up to draft-15
  Bytes properties = {};                            ///< since draft-16

  static constexpr std::string_view kName = "FETCH_OK";
  static constexpr MessageKind kKind = MessageKind::fetch_ok;
  static constexpr auto fields() {
    using M = FetchOk;
    return std::tuple(field("request_id", &M::request_id, kNumber, until(Version::draft16)),
                      field("group_order", &M::group_order, OrderByte{}, until(Version::draft14)),
                      field("end_of_track", &M::end_of_track, StrictFlag{}),
                      field("end", &M::end, LocationCodec{}));
  }
  static constexpr auto message_parameters() {
    return std::tuple(param("max_cache_duration", 0x04, &FetchOk::max_cache_duration, Millis{},
                            until(Version::draft15)));
  }
  static constexpr auto trailing_fields() {
    return std::tuple(
        field("properties", &FetchOk::properties, TrackPropertiesCodec{}, since(Version::draft16)));
  }
  friend bool operator==(const FetchOk&, const FetchOk&) = default;
};

struct FetchCancel {
  std::uint64_t request_id = 0;

  static constexpr std::string_view kName = "FETCH_CANCEL";
  static constexpr MessageKind kKind = MessageKind::fetch_cancel;
  static constexpr auto versions() { return until(Version::draft16); }
  static constexpr auto fields() {
    return std::tuple(field("request_id", &FetchCancel::request_id, kNumber));
  }
  friend bool operator==(const FetchCancel&, const FetchCancel&) = default;
};

}  // namespace moq::ietf
