#pragma once

#include <cstdint>

#include "net/base/error.h"
#include "net/protocol/error.h"

namespace moq::lite {

/// Codes that a stream is reset or stopped with. As for sessions, 0x20 to 0x3f must
/// not be interpreted, and 0x40 and above are the application's.
enum class StreamError : std::uint64_t {
  internal = 0x0,
  cancelled = 0x1,
  delivery_timeout = 0x2,
  session_closed = 0x3,
  going_away = 0x4,
  too_far_behind = 0x5,
  malformed = 0x12,
  // Of the range that a peer does not interpret:
  not_found = 0x20,    ///< no such broadcast, track or group
  unsupported = 0x21,  ///< a stream type that this version does not have
};
const ErrorDomain& error_domain(StreamError);

/// What a stream that runs into a failure of the model or the session is reset with.
[[nodiscard]] StreamError stream_error_for(const Error& error);

/// What to reset a Group or Fetch Stream with when its frames do not decode:
/// MALFORMED, with the reason. Errors that are StreamErrors already are kept.
[[nodiscard]] Error to_stream_error(const Error& error);

}  // namespace moq::lite
