#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/base/time.h"
#include "net/coding/fields.h"
#include "net/lite/limits.h"
#include "net/lite/version.h"

/// The messages of moq-lite, all versions. On the wire each is its length as a
/// varint, then its fields. Types of streams and of answers precede the length and
/// are not part of a message.
namespace moq::lite {

using coding::field;
using coding::only;
using coding::parameter;
using coding::since;
using coding::until;

/// The first varint of a bidirectional stream (§"Bidirectional Streams").
enum class BidiType : std::uint64_t {
  session = 0x0,  ///< moq-lite-01 and 02, where a SETUP exchange stands for it
  announce = 0x1,
  subscribe = 0x2,
  fetch = 0x3,
  probe = 0x4,
  goaway = 0x5,
  track = 0x6,
};

/// The first varint of a unidirectional stream (§"Unidirectional Streams").
enum class UniType : std::uint64_t {
  group = 0x0,
  setup = 0x1,
};

enum class AnnounceStatus : std::uint8_t { ended = 0, active = 1 };
enum class ProbeLevel : std::uint8_t { none = 0, report = 1, increase = 2 };
/// What a client means to do; `both` is not sent.
enum class Role : std::uint8_t { both = 0, publisher = 1, subscriber = 2 };

[[nodiscard]] std::string_view to_string(AnnounceStatus status);
[[nodiscard]] std::string_view to_string(ProbeLevel level);
[[nodiscard]] std::string_view to_string(Role role);

/// A status. In versions where a duplicate `active` is a restart, the explicit
/// status 2 of some implementations means the same and reads as `active`.
struct AnnounceStatusCodec {
  bool restart = false;

  [[nodiscard]] std::size_t size(AnnounceStatus) const { return 1; }
  void write(coding::Writer& out, AnnounceStatus value) const;
  Result<void> read(coding::Reader& in, AnnounceStatus& value) const;
};

/// A list of hops of which only the length is carried; ids read as 0, unknown.
struct HopCountCodec {
  [[nodiscard]] std::size_t size(const std::vector<std::uint64_t>& hops) const;
  void write(coding::Writer& out, const std::vector<std::uint64_t>& hops) const;
  Result<void> read(coding::Reader& in, std::vector<std::uint64_t>& hops) const;
};

inline constexpr coding::Text kPathText{.max = kMaxPath};
inline constexpr coding::Text kTrackText{.max = kMaxTrackName};
inline constexpr coding::List<coding::Varint> kHopList{.max = kMaxHops};

/// Opens an Announce Stream.
struct AnnounceRequest {
  std::string prefix = {};
  /// Announcements that passed through this hop are not wanted; 0: all are.
  std::uint64_t exclude_hop = 0;

  static constexpr std::string_view kName = "ANNOUNCE_REQUEST";
  static constexpr auto fields() {
    return std::tuple(field("prefix", &AnnounceRequest::prefix, kPathText),
                      field("exclude_hop", &AnnounceRequest::exclude_hop, coding::Varint{},
                            since(Version::lite04)));
  }
  friend bool operator==(const AnnounceRequest&, const AnnounceRequest&) = default;
};

/// The first answer to ANNOUNCE_REQUEST, in moq-lite-01 and 02.
struct AnnounceInit {
  /// What is active, relative to the prefix.
  std::vector<std::string> suffixes = {};

  static constexpr std::string_view kName = "ANNOUNCE_INIT";
  static constexpr auto versions() { return until(Version::lite02); }
  static constexpr auto fields() {
    return std::tuple(
        field("suffixes", &AnnounceInit::suffixes,
              coding::List<coding::Text>{.max = kMaxInitialAnnouncements, .item = kPathText}));
  }
  friend bool operator==(const AnnounceInit&, const AnnounceInit&) = default;
};

/// The first answer to ANNOUNCE_REQUEST.
struct AnnounceOk {
  /// The publisher's own hop id, the last hop of all that follows; 0: unknown.
  std::uint64_t hop_id = 0;
  /// How many `active` announcements come at once.
  std::uint64_t active_count = 0;

  static constexpr std::string_view kName = "ANNOUNCE_OK";
  static constexpr auto versions() { return since(Version::lite05); }
  static constexpr auto fields() {
    return std::tuple(field("hop_id", &AnnounceOk::hop_id, coding::Varint{}),
                      field("active_count", &AnnounceOk::active_count, coding::Varint{}));
  }
  friend bool operator==(const AnnounceOk&, const AnnounceOk&) = default;
};

/// A broadcast is there, or is no more.
struct AnnounceBroadcast {
  AnnounceStatus status = AnnounceStatus::ended;
  /// Relative to the requested prefix.
  std::string suffix = {};
  /// From the publisher on; whether the sender's own is among them depends on the
  /// version (VersionInfo::self_in_hops).
  std::vector<std::uint64_t> hops = {};

  static constexpr std::string_view kName = "ANNOUNCE_BROADCAST";
  static constexpr auto fields() {
    using M = AnnounceBroadcast;
    return std::tuple(
        field("status", &M::status, AnnounceStatusCodec{}, until(Version::lite04)),
        field("status", &M::status, AnnounceStatusCodec{.restart = true}, since(Version::lite05)),
        field("suffix", &M::suffix, kPathText),
        field("hops", &M::hops, HopCountCodec{}, only(Version::lite03)),
        field("hops", &M::hops, kHopList, since(Version::lite04)));
  }
  friend bool operator==(const AnnounceBroadcast&, const AnnounceBroadcast&) = default;
};

/// Opens a Subscribe Stream.
struct Subscribe {
  std::uint64_t id = 0;
  std::string broadcast = {};
  std::string track = {};
  std::uint8_t priority = 0;  ///< higher is sent first
  bool ordered = false;       ///< older groups first
  Duration max_latency = {};
  std::optional<std::uint64_t> start_group = {};  ///< first group; none: the latest
  std::optional<std::uint64_t> end_group = {};    ///< last group, inclusive; none: unbounded

  static constexpr std::string_view kName = "SUBSCRIBE";
  static constexpr auto fields() {
    using M = Subscribe;
    constexpr auto kOptions = since(Version::lite03);
    return std::tuple(
        field("id", &M::id, coding::Varint{}), field("broadcast", &M::broadcast, kPathText),
        field("track", &M::track, kTrackText), field("priority", &M::priority, coding::Uint8{}),
        field("ordered", &M::ordered, coding::Flag{}, kOptions),
        field("max_latency", &M::max_latency, coding::Milliseconds{}, kOptions),
        field("start_group", &M::start_group, coding::OptionalVarint{}, kOptions),
        field("end_group", &M::end_group, coding::OptionalVarint{}, kOptions));
  }
  friend bool operator==(const Subscribe&, const Subscribe&) = default;
};

/// Changes what a subscription wants.
struct SubscribeUpdate {
  std::uint8_t priority = 0;
  bool ordered = false;
  Duration max_latency = {};
  std::optional<std::uint64_t> start_group = {};
  std::optional<std::uint64_t> end_group = {};

  static constexpr std::string_view kName = "SUBSCRIBE_UPDATE";
  static constexpr auto versions() { return since(Version::lite03); }
  static constexpr auto fields() {
    using M = SubscribeUpdate;
    return std::tuple(field("priority", &M::priority, coding::Uint8{}),
                      field("ordered", &M::ordered, coding::Flag{}),
                      field("max_latency", &M::max_latency, coding::Milliseconds{}),
                      field("start_group", &M::start_group, coding::OptionalVarint{}),
                      field("end_group", &M::end_group, coding::OptionalVarint{}));
  }
  friend bool operator==(const SubscribeUpdate&, const SubscribeUpdate&) = default;
};

/// SUBSCRIBE_OK up to moq-lite-04: the track's properties, and the range that will
/// be served. May be sent again.
struct SubscribeOkProperties {
  std::uint8_t priority = 0;
  bool ordered = false;
  Duration max_latency = {};
  std::optional<std::uint64_t> start_group = {};
  std::optional<std::uint64_t> end_group = {};  ///< inclusive

  static constexpr std::string_view kName = "SUBSCRIBE_OK";
  static constexpr auto versions() { return until(Version::lite04); }
  static constexpr auto fields() {
    using M = SubscribeOkProperties;
    constexpr auto kOptions = since(Version::lite03);
    return std::tuple(field("priority", &M::priority, coding::Uint8{}, only(Version::lite01)),
                      field("priority", &M::priority, coding::Uint8{}, kOptions),
                      field("ordered", &M::ordered, coding::Flag{}, kOptions),
                      field("max_latency", &M::max_latency, coding::Milliseconds{}, kOptions),
                      field("start_group", &M::start_group, coding::OptionalVarint{}, kOptions),
                      field("end_group", &M::end_group, coding::OptionalVarint{}, kOptions));
  }
  friend bool operator==(const SubscribeOkProperties&, const SubscribeOkProperties&) = default;
};

/// SUBSCRIBE_OK since moq-lite-05: the first group that will be delivered.
struct SubscribeStart {
  std::uint64_t group = 0;

  static constexpr std::string_view kName = "SUBSCRIBE_START";
  static constexpr auto versions() { return since(Version::lite05); }
  static constexpr auto fields() {
    return std::tuple(field("group", &SubscribeStart::group, coding::Varint{}));
  }
  friend bool operator==(const SubscribeStart&, const SubscribeStart&) = default;
};

/// No group at or after `group` will be made. (The text of moq-lite-05 says that
/// the number is inclusive; implementations agree on exclusive, and 06 corrects it.)
struct SubscribeEnd {
  std::uint64_t group = 0;

  static constexpr std::string_view kName = "SUBSCRIBE_END";
  static constexpr auto versions() { return since(Version::lite05); }
  static constexpr auto fields() {
    return std::tuple(field("group", &SubscribeEnd::group, coding::Varint{}));
  }
  friend bool operator==(const SubscribeEnd&, const SubscribeEnd&) = default;
};

/// Groups [start, end] will not be delivered. Not checked: start <= end.
struct SubscribeDrop {
  std::uint64_t start = 0;
  std::uint64_t end = 0;  ///< inclusive
  std::uint64_t error = 0;

  static constexpr std::string_view kName = "SUBSCRIBE_DROP";
  static constexpr auto versions() { return since(Version::lite03); }
  static constexpr auto fields() {
    return std::tuple(field("start", &SubscribeDrop::start, coding::Varint{}),
                      field("end", &SubscribeDrop::end, coding::Varint{}),
                      field("error", &SubscribeDrop::error, coding::Varint{}));
  }
  friend bool operator==(const SubscribeDrop&, const SubscribeDrop&) = default;
};

/// Opens a Fetch Stream, which is answered by frames.
struct Fetch {
  std::string broadcast = {};
  std::string track = {};
  std::uint8_t priority = 0;
  std::uint64_t group = 0;

  static constexpr std::string_view kName = "FETCH";
  static constexpr auto versions() { return since(Version::lite03); }
  static constexpr auto fields() {
    return std::tuple(field("broadcast", &Fetch::broadcast, kPathText),
                      field("track", &Fetch::track, kTrackText),
                      field("priority", &Fetch::priority, coding::Uint8{}),
                      field("group", &Fetch::group, coding::Varint{}));
  }
  friend bool operator==(const Fetch&, const Fetch&) = default;
};

/// TRACK: opens a Track Stream.
struct TrackRequest {
  std::string broadcast = {};
  std::string track = {};

  static constexpr std::string_view kName = "TRACK";
  static constexpr auto versions() { return since(Version::lite05); }
  static constexpr auto fields() {
    return std::tuple(field("broadcast", &TrackRequest::broadcast, kPathText),
                      field("track", &TrackRequest::track, kTrackText));
  }
  friend bool operator==(const TrackRequest&, const TrackRequest&) = default;
};

/// TRACK_INFO: the properties of a track; the model's are moq::TrackInfo.
struct TrackInfoMessage {
  std::uint8_t priority = 0;
  bool ordered = false;
  Duration max_latency = {};
  std::uint64_t timescale = 1000;  ///< units per second; never 0

  static constexpr std::string_view kName = "TRACK_INFO";
  static constexpr auto versions() { return since(Version::lite05); }
  static constexpr auto fields() {
    using M = TrackInfoMessage;
    return std::tuple(field("priority", &M::priority, coding::Uint8{}),
                      field("ordered", &M::ordered, coding::Flag{}),
                      field("max_latency", &M::max_latency, coding::Milliseconds{}),
                      field("timescale", &M::timescale, coding::Varint{.min = 1}));
  }
  friend bool operator==(const TrackInfoMessage&, const TrackInfoMessage&) = default;
};

/// A target from a subscriber, a measurement from a publisher.
struct Probe {
  std::optional<std::uint64_t> bitrate = {};  ///< bits per second; none: unknown
  std::optional<std::uint64_t> rtt = {};      ///< milliseconds; none: unknown

  static constexpr std::string_view kName = "PROBE";
  static constexpr auto versions() { return since(Version::lite03); }
  static constexpr auto fields() {
    return std::tuple(field("bitrate", &Probe::bitrate, coding::VarintOrUnknown{}),
                      field("rtt", &Probe::rtt, coding::VarintOrUnknown{}, since(Version::lite04)));
  }
  friend bool operator==(const Probe&, const Probe&) = default;
};

/// SESSION_INFO (SESSION_UPDATE in the text): what the sender can send, on the
/// Session Stream.
struct SessionInfo {
  std::optional<std::uint64_t> bitrate = {};  ///< bits per second; none: unknown

  static constexpr std::string_view kName = "SESSION_INFO";
  static constexpr auto versions() { return until(Version::lite02); }
  static constexpr auto fields() {
    return std::tuple(field("bitrate", &SessionInfo::bitrate, coding::VarintOrUnknown{}));
  }
  friend bool operator==(const SessionInfo&, const SessionInfo&) = default;
};

struct Goaway {
  /// Where to go instead; empty: nowhere in particular. Longer than kMaxGoawayUri
  /// fails with CodingError::uri_too_long.
  std::string uri = {};

  static constexpr std::string_view kName = "GOAWAY";
  static constexpr auto versions() { return since(Version::lite04); }
  static constexpr auto fields() {
    return std::tuple(
        field("uri", &Goaway::uri,
              coding::Text{.max = kMaxGoawayUri, .over = coding::CodingError::uri_too_long}));
  }
  friend bool operator==(const Goaway&, const Goaway&) = default;
};

/// GROUP: begins a Group Stream; frames follow.
struct GroupHeader {
  std::uint64_t subscribe_id = 0;
  std::uint64_t sequence = 0;

  static constexpr std::string_view kName = "GROUP";
  static constexpr auto fields() {
    return std::tuple(field("subscribe_id", &GroupHeader::subscribe_id, coding::Varint{}),
                      field("sequence", &GroupHeader::sequence, coding::Varint{}));
  }
  friend bool operator==(const GroupHeader&, const GroupHeader&) = default;
};

/// The one message of a Setup Stream.
struct Setup {
  /// What the sender can do as a publisher. Levels above the known read as the highest.
  ProbeLevel probe = ProbeLevel::none;
  /// The request path, with `?` and the query; only from clients, and only where no
  /// request URI carries it. An empty one stands for none in some implementations.
  std::optional<std::string> path = {};
  /// Unknown roles read as `both`.
  Role role = Role::both;

  static constexpr std::string_view kName = "SETUP";
  static constexpr std::size_t kMaxParameters = kMaxSetupParameters;
  static constexpr auto versions() { return since(Version::lite05); }
  static constexpr auto fields() { return std::tuple<>(); }
  static constexpr auto parameters() {
    return std::tuple(
        parameter(
            "probe", 0x1, &Setup::probe,
            coding::Enum<ProbeLevel>{.last = ProbeLevel::increase, .beyond = ProbeLevel::increase}),
        parameter("path", 0x2, &Setup::path, coding::RestText{.max = kMaxSetupPath}),
        parameter("role", 0x3, &Setup::role,
                  coding::Enum<Role>{.last = Role::subscriber, .beyond = Role::both}));
  }
  friend bool operator==(const Setup&, const Setup&) = default;
};

/// What precedes a datagram's payload. The one message without a length: the
/// datagram has one.
struct DatagramHeader {
  std::uint64_t subscribe_id = 0;
  std::uint64_t sequence = 0;
  std::uint64_t timestamp = 0;  ///< absolute, in units of the track's timescale

  static constexpr std::string_view kName = "DATAGRAM";
  static constexpr auto versions() { return since(Version::lite05); }
  static constexpr auto fields() {
    return std::tuple(field("subscribe_id", &DatagramHeader::subscribe_id, coding::Varint{}),
                      field("sequence", &DatagramHeader::sequence, coding::Varint{}),
                      field("timestamp", &DatagramHeader::timestamp, coding::Varint{}));
  }
  friend bool operator==(const DatagramHeader&, const DatagramHeader&) = default;
};

/// Every message that has a length in front: for tests, fuzzing and tools.
using AllMessages = std::tuple<AnnounceRequest, AnnounceInit, AnnounceOk, AnnounceBroadcast,
                               Subscribe, SubscribeUpdate, SubscribeOkProperties, SubscribeStart,
                               SubscribeEnd, SubscribeDrop, Fetch, TrackRequest, TrackInfoMessage,
                               Probe, SessionInfo, Goaway, GroupHeader, Setup>;

}  // namespace moq::lite
