#pragma once

#include <chrono>
#include <cstddef>

#include "net/base/time.h"

namespace moq::native::http3 {

/// What a peer can make a connection hold, each with its default.
struct Limits {
  /// A connection without a session by then is closed: with a client that sends no
  /// CONNECT, or a server that does not answer.
  Duration connect_timeout = std::chrono::seconds(10);
  /// How long the decision on a request for a session may take; the answer is 503 then.
  Duration decision_timeout = std::chrono::seconds(15);
  /// Requests for a session that are decided on; more are answered with 429.
  std::uint64_t max_decisions = 4;
  /// After the end of a session, how long its connection waits for the peer to close
  /// its side; and after a late refusal.
  Duration close_timeout = std::chrono::seconds(1);
  /// Bytes of a HEADERS frame, and of the fields in it, each with 32 more
  /// (SETTINGS_MAX_FIELD_SECTION_SIZE). A longer one ends its request.
  std::size_t max_field_section = 16384;
  /// Fields of a HEADERS frame. More end the request.
  std::size_t max_fields = 128;
  /// Bytes of a SETTINGS or GOAWAY frame. A longer one closes the connection.
  std::size_t max_control_frame = 4096;
  /// Settings, known or not. More close the connection.
  std::size_t max_settings = 64;
  /// A stream of the peer's whose header (type, and number of the session) is not whole by
  /// then is rejected with H3_REQUEST_INCOMPLETE.
  Duration stream_header_timeout = std::chrono::seconds(10);
  /// Streams that wait for their session to be accepted; more are rejected with
  /// WT_BUFFERED_STREAM_REJECTED. What they may send meanwhile is QUIC's flow
  /// control's to limit.
  std::size_t max_early_streams = 64;
  /// Requests that are not the session, over the life of a connection. More close
  /// it with H3_EXCESSIVE_LOAD.
  std::size_t max_requests = 100;
};

}  // namespace moq::native::http3
