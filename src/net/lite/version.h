#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "net/coding/fields.h"
#include "net/model/group.h"

namespace moq::lite {

/// The versions of moq-lite, in their order. What differs between them is data: in
/// VersionInfo, and on the fields of messages. Sessions do not compare versions.
enum class Version : std::uint8_t { lite01 = 1, lite02, lite03, lite04, lite05 };

/// What ANNOUNCE_BROADCAST says of the path from the publisher.
enum class HopForm : std::uint8_t {
  none,   ///< nothing
  count,  ///< how many hops there are; read as that many unknown ids (0)
  ids,    ///< the id of each
};

/// How a publisher answers SUBSCRIBE: the type of each kind of message, none where
/// the version does not have it.
struct SubscribeResponses {
  /// Whether the type goes before each message. Otherwise every answer is an OK.
  bool typed;
  /// Whether the OK is a SubscribeOkProperties; otherwise it is a SubscribeStart.
  bool ok_has_properties;
  std::optional<std::uint64_t> ok;
  std::optional<std::uint64_t> end;
  std::optional<std::uint64_t> drop;
};

/// One row of the table of versions.
struct VersionInfo {
  Version version;
  /// "moq-lite-05": in configuration and in logs.
  std::string_view name;
  /// ALPN token and WebTransport subprotocol.
  std::string_view alpn;
  /// The number that stands for it in a SETUP exchange.
  std::uint64_t code;
  /// Whether the ALPN alone does not say which version it is: a CLIENT_SETUP and
  /// SERVER_SETUP do, and their stream stays as the Session Stream, which carries
  /// SESSION_INFO and ends with the session.
  bool has_session_stream;
  /// A Setup Stream each way, with one SETUP.
  bool has_setup_stream;
  /// The answer to ANNOUNCE_REQUEST begins with ANNOUNCE_INIT, all active suffixes.
  bool has_announce_init;
  /// The answer to ANNOUNCE_REQUEST begins with ANNOUNCE_OK.
  bool has_announce_ok;
  /// A second `active` for a path replaces the first; otherwise it is an error, and
  /// a replacement is sent as `ended` and `active`.
  bool has_restart;
  HopForm hops;
  /// Whether the list of hops ends with the sender's own. Otherwise ANNOUNCE_OK
  /// has it, or nothing does.
  bool self_in_hops;
  /// ANNOUNCE_REQUEST names a hop to leave out.
  bool has_exclude_hop;
  /// SUBSCRIBE_UPDATE, and order, latency, start and end in SUBSCRIBE. Where they
  /// are not carried, none is to be inferred: the latency is unlimited, not 0.
  bool has_subscribe_options;
  /// A Track Stream tells a track's properties; otherwise the OK does, as
  /// far as it has the fields.
  bool has_track_stream;
  /// FETCH answered by frames alone. (Versions 3 and 4 have the request, with an
  /// answer that no other implementation serves.)
  bool has_fetch;
  /// Frames have timestamps; otherwise their arrival stands for them.
  bool has_timestamps;
  bool has_datagrams;
  bool has_probe;
  bool has_probe_rtt;
  bool has_goaway;
  SubscribeResponses responses;
  /// How the headers of frames are encoded, and as which form EncodedHeaders keeps
  /// them.
  std::size_t wire_form;
  EncodedHeaders::Encoder encode_frame_header;
};

/// All versions, the oldest first.
[[nodiscard]] std::span<const VersionInfo> versions();
[[nodiscard]] const VersionInfo& version_info(Version version);
/// By the name in configuration, "moq-lite-05".
[[nodiscard]] const VersionInfo* find_by_name(std::string_view name);

[[nodiscard]] constexpr coding::VersionOrdinal ordinal(Version version) {
  return static_cast<coding::VersionOrdinal>(version);
}

}  // namespace moq::lite
