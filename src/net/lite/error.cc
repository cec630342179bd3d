#include "net/lite/error.h"

#include "net/coding/error.h"
#include "net/model/error.h"

namespace moq::lite {

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
                                           case StreamError::not_found:
                                             return "NOT_FOUND";
                                           case StreamError::unsupported:
                                             return "UNSUPPORTED";
                                         }
                                         return "unknown";
                                       }};
  return kDomain;
}

Error to_stream_error(const Error& error) {
  if (&error.domain() == &error_domain(StreamError{})) return error;
  return {StreamError::malformed, error.message()};
}

StreamError stream_error_for(const Error& error) {
  if (&error.domain() == &error_domain(StreamError{})) {
    return static_cast<StreamError>(error.code());
  }
  if (&error.domain() == &error_domain(coding::CodingError{})) return StreamError::malformed;
  if (&error.domain() != &error_domain(ModelError{})) return StreamError::internal;
  switch (static_cast<ModelError>(error.code())) {
    case ModelError::not_found:
      return StreamError::not_found;
    case ModelError::closed:
    case ModelError::exists:
    case ModelError::cancelled:
      return StreamError::cancelled;
    case ModelError::too_old:
    case ModelError::too_many:
      return StreamError::too_far_behind;
    case ModelError::too_large:
    case ModelError::incomplete:
    case ModelError::out_of_order:
    case ModelError::mismatch:
      return StreamError::malformed;
    case ModelError::loop:
    case ModelError::invalid_path:
      break;
  }
  return StreamError::internal;
}

}  // namespace moq::lite
