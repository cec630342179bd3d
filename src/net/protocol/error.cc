#include "net/protocol/error.h"

#include <string_view>

namespace moq {

namespace {

std::string_view name_of(std::uint64_t code) {
  switch (static_cast<SessionError>(code)) {
    case SessionError::no_error:
      return "NO_ERROR";
    case SessionError::internal:
      return "INTERNAL_ERROR";
    case SessionError::unauthorized:
      return "UNAUTHORIZED";
    case SessionError::protocol_violation:
      return "PROTOCOL_VIOLATION";
    case SessionError::invalid_request_id:
      return "INVALID_REQUEST_ID";
    case SessionError::duplicate_track_alias:
      return "DUPLICATE_TRACK_ALIAS";
    case SessionError::key_value_formatting:
      return "KEY_VALUE_FORMATTING_ERROR";
    case SessionError::too_many_requests:
      return "TOO_MANY_REQUESTS";
    case SessionError::invalid_path:
      return "INVALID_PATH";
    case SessionError::malformed_path:
      return "MALFORMED_PATH";
    case SessionError::goaway_timeout:
      return "GOAWAY_TIMEOUT";
    case SessionError::control_message_timeout:
      return "CONTROL_MESSAGE_TIMEOUT";
    case SessionError::data_stream_timeout:
      return "DATA_STREAM_TIMEOUT";
    case SessionError::auth_token_cache_overflow:
      return "AUTH_TOKEN_CACHE_OVERFLOW";
    case SessionError::duplicate_auth_token_alias:
      return "DUPLICATE_AUTH_TOKEN_ALIAS";
    case SessionError::version_negotiation:
      return "VERSION_NEGOTIATION_FAILED";
    case SessionError::malformed_auth_token:
      return "MALFORMED_AUTH_TOKEN";
    case SessionError::unknown_auth_token_alias:
      return "UNKNOWN_AUTH_TOKEN_ALIAS";
    case SessionError::expired_auth_token:
      return "EXPIRED_AUTH_TOKEN";
    case SessionError::invalid_authority:
      return "INVALID_AUTHORITY";
    case SessionError::malformed_authority:
      return "MALFORMED_AUTHORITY";
  }
  return "unknown";
}

}  // namespace

const ErrorDomain& error_domain(SessionError) {
  static constexpr ErrorDomain kDomain{"MoQ session", name_of};
  return kDomain;
}

Error to_session_error(const Error& error) {
  if (&error.domain() == &error_domain(SessionError{})) return error;
  return {SessionError::protocol_violation, error.message()};
}

}  // namespace moq
