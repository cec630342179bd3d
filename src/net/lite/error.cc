#include "net/lite/error.h"

namespace moq::lite {

const ErrorDomain& error_domain(SessionError) {
  static constexpr ErrorDomain kDomain{"moq-lite session",
                                       [](std::uint64_t code) -> std::string_view {
                                         switch (static_cast<SessionError>(code)) {
                                           case SessionError::no_error:
                                             return "NO_ERROR";
                                           case SessionError::internal:
                                             return "INTERNAL_ERROR";
                                           case SessionError::unauthorized:
                                             return "UNAUTHORIZED";
                                           case SessionError::protocol_violation:
                                             return "PROTOCOL_VIOLATION";
                                           case SessionError::key_value_formatting:
                                             return "KEY_VALUE_FORMATTING_ERROR";
                                           case SessionError::goaway_timeout:
                                             return "GOAWAY_TIMEOUT";
                                           case SessionError::control_message_timeout:
                                             return "CONTROL_MESSAGE_TIMEOUT";
                                           case SessionError::version_negotiation:
                                             return "VERSION_NEGOTIATION_FAILED";
                                         }
                                         return "unknown";
                                       }};
  return kDomain;
}

const ErrorDomain& error_domain(StreamError) {
  static constexpr ErrorDomain kDomain{"moq-lite stream",
                                       [](std::uint64_t code) -> std::string_view {
                                         switch (static_cast<StreamError>(code)) {
                                           case StreamError::internal:
                                             return "INTERNAL_ERROR";
                                           case StreamError::cancelled:
                                             return "CANCELLED";
                                           case StreamError::delivery_timeout:
                                             return "DELIVERY_TIMEOUT";
                                           case StreamError::session_closed:
                                             return "SESSION_CLOSED";
                                           case StreamError::going_away:
                                             return "GOING_AWAY";
                                           case StreamError::too_far_behind:
                                             return "TOO_FAR_BEHIND";
                                           case StreamError::malformed:
                                             return "MALFORMED";
                                         }
                                         return "unknown";
                                       }};
  return kDomain;
}

Error to_session_error(const Error& error) {
  if (&error.domain() == &error_domain(SessionError{})) return error;
  return {SessionError::protocol_violation, error.message()};
}

Error to_stream_error(const Error& error) {
  if (&error.domain() == &error_domain(StreamError{})) return error;
  return {StreamError::malformed, error.message()};
}

}  // namespace moq::lite
