#pragma once

#include <cstdint>
#include <optional>

#include "net/base/error.h"

namespace moq::native::http3 {

/// RFC 9114 §8.1, RFC 9204 §6, RFC 9297 §5.2 and draft-ietf-webtrans-http3 §9.5.
enum class Http3Error : std::uint64_t {
  datagram_error = 0x33,
  no_error = 0x100,
  general_protocol_error = 0x101,
  internal_error = 0x102,
  stream_creation_error = 0x103,
  closed_critical_stream = 0x104,
  frame_unexpected = 0x105,
  frame_error = 0x106,
  excessive_load = 0x107,
  id_error = 0x108,
  settings_error = 0x109,
  missing_settings = 0x10a,
  request_rejected = 0x10b,
  request_cancelled = 0x10c,
  request_incomplete = 0x10d,
  message_error = 0x10e,
  connect_error = 0x10f,
  version_fallback = 0x110,
  qpack_decompression_failed = 0x200,
  qpack_encoder_stream_error = 0x201,
  qpack_decoder_stream_error = 0x202,
  wt_session_gone = 0x170d7b68,
  wt_buffered_stream_rejected = 0x3994bd84,
};
const ErrorDomain& error_domain(Http3Error);

/// Whether the error ends one request stream only, not the connection.
[[nodiscard]] bool is_stream_error(const Error& error);

/// An application's code (32 bits; larger ones are sent as the largest) as the code
/// of RESET_STREAM or STOP_SENDING (draft-ietf-webtrans-http3 §4.4).
[[nodiscard]] std::uint64_t to_http3(std::uint64_t application);
/// The application's code of a RESET_STREAM or STOP_SENDING; none if it carries none.
[[nodiscard]] std::optional<std::uint64_t> from_http3(std::uint64_t code);

}  // namespace moq::native::http3
