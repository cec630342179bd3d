#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "native/http3/limits.h"
#include "net/base/bytes.h"
#include "net/base/error.h"

namespace moq::native::http3 {

/// RFC 9114 §7.2.4.1, RFC 9204 §5, RFC 9220 §3, RFC 9297 §2.1.1, and
/// draft-ietf-webtrans-http3, which has had a code point for each of its revisions.
enum class SettingId : std::uint64_t {
  qpack_max_table_capacity = 0x1,
  max_field_section_size = 0x6,
  qpack_blocked_streams = 0x7,
  enable_connect_protocol = 0x8,
  h3_datagram = 0x33,
  h3_datagram_draft04 = 0xffd277,
  enable_webtransport_draft02 = 0x2b603742,
  webtransport_max_sessions_draft07 = 0xc671706a,
  webtransport_max_sessions_draft13 = 0x14e9cd29,
  webtransport_enabled_draft15 = 0x2c7cf000,
};

/// What a peer's SETTINGS say, as far as WebTransport needs it.
struct Settings {
  bool connect_protocol = false;
  bool datagrams = false;     ///< in any version
  bool webtransport = false;  ///< in any version

  friend bool operator==(const Settings&, const Settings&) = default;
};

/// The payload of our SETTINGS frame, the same on both sides. No QPACK table; one
/// session a connection; flow control is QUIC's.
[[nodiscard]] std::vector<std::uint8_t> encode_settings(const Limits& limits);
/// Fails with H3_SETTINGS_ERROR on HTTP/2's settings, on one that occurs twice, and on
/// booleans that are none; with H3_FRAME_ERROR on half a setting; with
/// H3_EXCESSIVE_LOAD on too many.
Result<Settings> decode_settings(ByteSpan payload, const Limits& limits);

}  // namespace moq::native::http3
