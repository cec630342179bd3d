#pragma once

#include <cstdint>

#include "net/base/error.h"

namespace moq {

/// Codes that a session is closed with, of which moq-transport has all and moq-lite some.
/// There, 0x20 to 0x3f must not be interpreted; 0x40 and above are the application's.
enum class SessionError : std::uint64_t {
  no_error = 0x0,
  internal = 0x1,
  unauthorized = 0x2,
  protocol_violation = 0x3,
  invalid_request_id = 0x4,
  duplicate_track_alias = 0x5,
  key_value_formatting = 0x6,
  too_many_requests = 0x7,
  invalid_path = 0x8,
  malformed_path = 0x9,
  goaway_timeout = 0x10,
  control_message_timeout = 0x11,
  data_stream_timeout = 0x12,
  auth_token_cache_overflow = 0x13,
  duplicate_auth_token_alias = 0x14,
  version_negotiation = 0x15,
  malformed_auth_token = 0x16,
  unknown_auth_token_alias = 0x17,
  expired_auth_token = 0x18,
  invalid_authority = 0x19,
  malformed_authority = 0x1a,
};
const ErrorDomain& error_domain(SessionError);

/// What to close the session with when a control message does not decode:
/// PROTOCOL_VIOLATION, with the reason. Errors that are SessionErrors already are kept.
[[nodiscard]] Error to_session_error(const Error& error);

}  // namespace moq
