#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/base/time.h"
#include "net/coding/reader.h"
#include "net/ietf/types.h"
#include "net/ietf/version.h"

/// Properties of tracks and objects, which draft-14 calls Extension Headers: lists of
/// Key-Value-Pairs. They are kept and forwarded as the bytes that came; what is here
/// reads them, makes them, and rewrites them for a peer whose draft encodes them
/// differently.
namespace moq::ietf {

/// Units per second of timestamps where nothing says it (draft-ietf-moq-loc).
inline constexpr std::uint64_t kDefaultTimescale = 1'000'000;

/// Types that this library knows. Of a track (T) or an object (O); an even type has a
/// number, an odd one bytes.
namespace property {
inline constexpr std::uint64_t kObjectDeliveryTimeout = 0x02;    ///< T, ms; 0: none
inline constexpr std::uint64_t kMaxCacheDuration = 0x04;         ///< T, ms
inline constexpr std::uint64_t kSubgroupDeliveryTimeout = 0x06;  ///< T, ms; 0: none
/// T, O: units per second of timestamps (draft-ietf-moq-loc).
inline constexpr std::uint64_t kTimescale = 0x08;
inline constexpr std::uint64_t kImmutable = 0x0b;          ///< T, O: properties in it
inline constexpr std::uint64_t kPublisherPriority = 0x0e;  ///< T, up to 255
/// O: in units of the timescale. As deployed; draft-ietf-moq-loc has it as 0x06 in its
/// newer versions, which for a track is another thing.
inline constexpr std::uint64_t kTimestamp = 0x10;
inline constexpr std::uint64_t kLocTimestamp = 0x06;    ///< O
inline constexpr std::uint64_t kGroupOrder = 0x22;      ///< T, as GroupOrder
inline constexpr std::uint64_t kDynamicGroups = 0x30;   ///< T, 0 or 1
inline constexpr std::uint64_t kPriorGroupGap = 0x3c;   ///< O
inline constexpr std::uint64_t kPriorObjectGap = 0x3e;  ///< O
/// T: whoever does not know one of these may not use the track (draft-18 §"Mandatory
/// Track Properties").
inline constexpr std::uint64_t kFirstMandatory = 0x4000;
inline constexpr std::uint64_t kLastMandatory = 0x7fff;
}  // namespace property

/// One property, of a list that it is a part of.
struct Property {
  std::uint64_t type = 0;
  std::uint64_t number = 0;  ///< of an even type
  ByteSpan bytes = {};       ///< of an odd one

  [[nodiscard]] bool has_number() const { return type % 2 == 0; }
};

/// Goes through a list, which must outlive it.
class PropertyReader {
 public:
  PropertyReader(PropertyForm form, ByteSpan list) : in_(list, form.integers), form_(form) {}

  /// The next; none at the end. Fails with `short_buffer` if the list ends inside one,
  /// with `invalid_value` for a type above 2^64 - 1 and with `too_large` for a value of
  /// more than kMaxKeyValue bytes (§"Key-Value-Pair Structure").
  Result<std::optional<Property>> next();

 private:
  coding::Reader in_;
  PropertyForm form_;
  std::uint64_t type_ = 0;
};

/// Makes a list.
class PropertyWriter {
 public:
  explicit PropertyWriter(PropertyForm form) : form_(form) {}

  /// Adds one, behind those with a lower or the same type.
  void add(std::uint64_t type, std::uint64_t number);
  void add(std::uint64_t type, std::string bytes);

  /// The list. Fails with `too_large` if a type, a number or a length has no encoding
  /// in the form, or for a value of more than kMaxKeyValue bytes.
  [[nodiscard]] Result<Bytes> finish() const;

 private:
  struct Entry {
    std::uint64_t type;
    std::uint64_t number;
    std::string bytes;
  };
  void insert(Entry entry);

  PropertyForm form_;
  std::vector<Entry> entries_;
};

/// Whether `list` is one: fails as PropertyReader does.
[[nodiscard]] Result<void> check_properties(PropertyForm form, ByteSpan list);

/// `list` as a peer with the form `to` has to get it: the same bytes if that is `from`,
/// otherwise the same properties in the order of their types. Immutable Properties are
/// rewritten within, too: the drafts forbid to change their encoding, but a peer of
/// another draft could not read them. Fails as the reader and the writer do.
[[nodiscard]] Result<Bytes> convert_properties(PropertyForm from, PropertyForm to,
                                               const Bytes& list);

/// What the properties of a track say to a relay.
struct TrackProperties {
  std::optional<Duration> object_delivery_timeout = {};  ///< never zero: that is none
  std::optional<Duration> subgroup_delivery_timeout = {};
  std::optional<Duration> max_cache_duration = {};
  std::uint8_t publisher_priority = 128;  ///< lower is sent first
  GroupOrder group_order = GroupOrder::ascending;
  bool dynamic_groups = false;
  std::optional<std::uint64_t> timescale = {};  ///< units per second; never 0
  /// The first unknown property that forbids to use the track: refuse it with
  /// UNSUPPORTED_EXTENSION where VersionInfo::has_mandatory_properties.
  std::optional<std::uint64_t> unknown_mandatory = {};

  friend bool operator==(const TrackProperties&, const TrackProperties&) = default;
};

/// Reads them, those within Immutable Properties too. Fails with a CodingError for what
/// is no list or a value that is not allowed, and with StreamError::malformed_track if
/// Immutable Properties are none or have others within.
[[nodiscard]] Result<TrackProperties> read_track_properties(PropertyForm form, ByteSpan list);

/// The list that says what differs from the defaults. What is in `unknown_mandatory` is
/// not in it. Fails as PropertyWriter does.
[[nodiscard]] Result<Bytes> write_track_properties(PropertyForm form, const TrackProperties& track);

/// What a message (SubscribeOk, TrackStatusOk, Publish, FetchOk) says of its track, however
/// its draft says it: in properties, or in parameters and fields.
template <typename M>
[[nodiscard]] Result<TrackProperties> track_properties(const VersionInfo& version,
                                                       const M& message) {
  if (version.has_track_properties) {
    return read_track_properties(version.properties, message.properties);
  }
  TrackProperties track;
  track.group_order = message.group_order;
  track.max_cache_duration = message.max_cache_duration;
  if constexpr (requires { message.delivery_timeout; }) {
    // Zero is none (draft-18 §"Delivery Timeouts"); draft-14 does not say.
    if (message.delivery_timeout != Duration::zero()) {
      track.object_delivery_timeout = message.delivery_timeout;
    }
  }
  return track;
}

/// Has `message` say it. What the draft cannot say is left out. Fails as PropertyWriter
/// does.
template <typename M>
Result<void> set_track_properties(const VersionInfo& version, const TrackProperties& track,
                                  M& message) {
  if (version.has_track_properties) {
    MOQ_TRY(message.properties, write_track_properties(version.properties, track));
    return {};
  }
  message.group_order = track.group_order;
  message.max_cache_duration = track.max_cache_duration;
  if constexpr (requires { message.delivery_timeout; }) {
    message.delivery_timeout = track.object_delivery_timeout;
  }
  return {};
}

/// What the properties of an object say to a relay.
struct ObjectProperties {
  /// In units of the track's timescale; kTimestamp if both are there.
  std::optional<std::uint64_t> timestamp = {};
  std::optional<std::uint64_t> prior_group_gap = {};   ///< groups before it that are none
  std::optional<std::uint64_t> prior_object_gap = {};  ///< objects before it that are none

  friend bool operator==(const ObjectProperties&, const ObjectProperties&) = default;
};

/// Reads those of the object at `location`. Whatever is wrong makes the track malformed:
/// fails with StreamError::malformed_track, for a gap beyond the location, for a gap or
/// Immutable Properties that come twice, or for a mandatory track property, too.
[[nodiscard]] Result<ObjectProperties> read_object_properties(const VersionInfo& version,
                                                              Location location, ByteSpan list);

}  // namespace moq::ietf
