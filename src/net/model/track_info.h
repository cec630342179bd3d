#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/base/time.h"

namespace moq {

class Group;
class Track;

/// The publisher's properties of a track, fixed for its lifetime (moq-lite-05
/// TRACK_INFO).
struct TrackInfo {
  /// Higher is sent first between subscriptions of equal priority.
  std::uint8_t priority = 0;
  /// Whether older groups are to be sent first.
  bool ordered = false;
  /// How long a group that is not the latest may be kept.
  Duration max_latency = std::chrono::seconds(5);
  /// Timestamp units per second; never 0.
  std::uint64_t timescale = 1000;
  /// How long after its arrival an object may be sent to subscribers of moq-transport, and
  /// how long after its end a subgroup may be on its way to them (draft-18 §"Delivery
  /// Timeouts"). Never zero: that is none.
  std::optional<Duration> object_delivery_timeout = {};
  std::optional<Duration> subgroup_delivery_timeout = {};
  /// Whether its groups may have several subgroups, and objects statuses and properties:
  /// it comes from moq-transport. Others read its groups with `flatten`.
  bool has_subgroups = false;
  /// As ObjectHeader::properties_form; 0: it came without properties.
  std::uint8_t properties_form = 0;
  /// Encoded properties as received.
  Bytes properties = {};

  friend bool operator==(const TrackInfo&, const TrackInfo&) = default;
};

/// The place of an object in its track: moq-transport's Location.
struct Location {
  std::uint64_t group = 0;
  std::uint64_t object = 0;

  friend auto operator<=>(const Location&, const Location&) = default;
};

/// A timestamp in units of another timescale: rounded down, and at most the largest there
/// is. Neither timescale is 0.
[[nodiscard]] constexpr std::uint64_t rescale(std::uint64_t timestamp, std::uint64_t from,
                                              std::uint64_t to) {
  if (from == to) return timestamp;
  __extension__ using Wide = unsigned __int128;
  constexpr Wide kMost = std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>(std::min(Wide{timestamp} * to / from, kMost));
}

/// A subscriber's preferences (moq-lite SUBSCRIBE).
struct SubscribeOptions {
  std::uint8_t priority = 0;  ///< higher is sent first
  bool ordered = false;       ///< older groups first
  /// A group that is not the latest is dropped once it is older than the latest
  /// by more than this, in media time or in arrival time. Zero: latest only.
  Duration max_latency{};
  std::optional<std::uint64_t> start;  ///< first group; none: the latest
  std::optional<std::uint64_t> end;    ///< last group, inclusive; none: unbounded

  friend bool operator==(const SubscribeOptions&, const SubscribeOptions&) = default;
};

/// A datagram: an object that is sent at once or never, and not cached.
struct Datagram {
  std::uint64_t sequence = 0;  ///< of its group
  std::uint64_t object = 0;    ///< its id; in moq-lite it is the only one of its group
  std::uint64_t timestamp = 0;
  std::optional<std::uint8_t> priority = {};  ///< as SubgroupInfo::priority
  std::uint8_t properties_form = 0;           ///< as ObjectHeader::properties_form
  Bytes properties = {};
  Bytes payload = {};
};

/// What a subscription delivers. Calls come from the loop or from the track's
/// producer; a reader may end its own subscription inside them, or any other,
/// and change the track.
class TrackReader {
 public:
  /// The track's properties are known. First (but for on_abort), and once.
  virtual void on_info(const TrackInfo& info) = 0;
  /// A group of the subscription has begun; it may be far along already, and is
  /// read from its object 0 on. Groups come as they arrive, so not always in
  /// order; each sequence at most once. Subscription::start() is known from here.
  virtual void on_group(std::shared_ptr<Group> group) = 0;
  /// A datagram within the subscription's explicit range. Not matched against
  /// groups of the same sequence: the last receiver does that.
  virtual void on_datagram(const Datagram& datagram) = 0;
  /// Groups [first, last] of the subscription will not come.
  virtual void on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) = 0;
  /// No group at or after `end` will come; groups below it still may begin and
  /// finish. Once: when the track has ended, or when the subscription's explicit
  /// end is reached (a group at or after it has begun).
  virtual void on_end(std::uint64_t end) = 0;
  /// The track is gone: the last call.
  virtual void on_abort(const Error& error) = 0;

 protected:
  ~TrackReader() = default;
};

/// Where a track's groups come from when they are not there: an upstream
/// session, a bridge to another worker, or an application that wants to know.
/// It holds the track (by shared_ptr) while it serves a demand.
class TrackSource {
 public:
  virtual ~TrackSource() = default;
  /// The combined wish of all subscriptions; none when the last has left, or
  /// the track was aborted. Called from the loop, once for any number of changes
  /// in a tick, and only if the wish is another than the last one told.
  ///
  /// After none, groups that were open are aborted; on the next demand the
  /// source names the latest group by Track::create_group, and the end, if
  /// there is one, by Track::finish: again, even if both are known.
  virtual void on_demand(Track& track, const std::optional<SubscribeOptions>& combined) = 0;
  /// Group `sequence` is wanted and not cached: answered by
  /// Track::create_fetched, or Track::fail_fetch. Called from the loop.
  virtual void on_fetch(Track& track, std::uint64_t sequence) = 0;
};

}  // namespace moq
