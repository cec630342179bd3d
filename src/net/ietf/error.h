#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "net/base/error.h"
#include "net/ietf/message_type.h"
#include "net/protocol/error.h"

/// Errors of moq-transport. Each domain is an enum with the codes of draft-18, where it
/// has one, and each draft a table from it to the draft's own codes. A code that a peer
/// sends and the table does not have is an INTERNAL_ERROR (draft-18 §"Grease").
namespace moq::ietf {

/// Why a request fails (§"REQUEST_ERROR", and the messages of draft-14). Those at the
/// end are of older drafts alone; their numbers are never sent.
enum class RequestErrorCode : std::uint64_t {
  internal = 0x0,
  unauthorized = 0x1,
  timeout = 0x2,
  not_supported = 0x3,
  malformed_auth_token = 0x4,
  expired_auth_token = 0x5,
  going_away = 0x6,
  excessive_load = 0x9,
  does_not_exist = 0x10,  ///< a track, or a namespace (NAMESPACE_PREFIX_UNKNOWN)
  invalid_range = 0x11,
  malformed_track = 0x12,
  duplicate_subscription = 0x19,
  uninterested = 0x20,
  prefix_overlap = 0x30,
  namespace_too_large = 0x31,
  invalid_joining_request_id = 0x32,
  unsupported_extension = 0x33,
  redirect = 0x34,
  no_objects = 0x10000,               ///< of a fetch, in draft-14
  unknown_status_in_range = 0x10001,  ///< of a fetch, up to draft-15
};
const ErrorDomain& error_domain(RequestErrorCode);

/// Why a subscription ends (§"PUBLISH_DONE").
enum class PublishDoneCode : std::uint64_t {
  internal = 0x0,
  unauthorized = 0x1,
  track_ended = 0x2,
  subscription_ended = 0x3,
  going_away = 0x4,
  too_far_behind = 0x5,
  expired = 0x6,
  update_failed = 0x8,
  excessive_load = 0x9,
  malformed_track = 0x12,
};
const ErrorDomain& error_domain(PublishDoneCode);

/// Codes that a stream is reset or stopped with (§"Stream Reset Error Codes").
enum class StreamError : std::uint64_t {
  internal = 0x0,
  cancelled = 0x1,
  delivery_timeout = 0x2,
  session_closed = 0x3,
  going_away = 0x4,
  too_far_behind = 0x5,
  unknown_object_status = 0x6,
  expired_auth_token = 0x7,
  excessive_load = 0x9,
  malformed_track = 0x12,
};
const ErrorDomain& error_domain(StreamError);

struct RequestErrorRow {
  RequestErrorCode error;
  std::uint64_t code;
};
/// The codes for failures of `requests`.
struct RequestErrorTable {
  KindSet requests;
  std::span<const RequestErrorRow> rows;
};
struct PublishDoneRow {
  PublishDoneCode status;
  std::uint64_t code;
};
struct StreamErrorRow {
  StreamError error;
  std::uint64_t code;
};

/// The draft's code for a failure of `request`, or for what comes nearest.
[[nodiscard]] std::uint64_t wire_code(Version version, MessageKind request, RequestErrorCode error);
[[nodiscard]] std::uint64_t wire_code(Version version, PublishDoneCode status);
[[nodiscard]] std::uint64_t wire_code(Version version, StreamError error);

/// What a code that was received means.
[[nodiscard]] RequestErrorCode request_error_code(Version version, MessageKind request,
                                                  std::uint64_t code);
[[nodiscard]] PublishDoneCode publish_done_code(Version version, std::uint64_t code);
[[nodiscard]] StreamError stream_error(Version version, std::uint64_t code);

}  // namespace moq::ietf
