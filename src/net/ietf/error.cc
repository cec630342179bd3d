#include "net/ietf/error.h"

#include <algorithm>
#include <optional>

#include "net/ietf/version.h"

namespace moq::ietf {

namespace {

std::string_view describe_request(std::uint64_t code) {
  switch (static_cast<RequestErrorCode>(code)) {
    case RequestErrorCode::internal:
      return "INTERNAL_ERROR";
    case RequestErrorCode::unauthorized:
      return "UNAUTHORIZED";
    case RequestErrorCode::timeout:
      return "TIMEOUT";
    case RequestErrorCode::not_supported:
      return "NOT_SUPPORTED";
    case RequestErrorCode::malformed_auth_token:
      return "MALFORMED_AUTH_TOKEN";
    case RequestErrorCode::expired_auth_token:
      return "EXPIRED_AUTH_TOKEN";
    case RequestErrorCode::going_away:
      return "GOING_AWAY";
    case RequestErrorCode::excessive_load:
      return "EXCESSIVE_LOAD";
    case RequestErrorCode::does_not_exist:
      return "DOES_NOT_EXIST";
    case RequestErrorCode::invalid_range:
      return "INVALID_RANGE";
    case RequestErrorCode::malformed_track:
      return "MALFORMED_TRACK";
    case RequestErrorCode::duplicate_subscription:
      return "DUPLICATE_SUBSCRIPTION";
    case RequestErrorCode::uninterested:
      return "UNINTERESTED";
    case RequestErrorCode::prefix_overlap:
      return "PREFIX_OVERLAP";
    case RequestErrorCode::namespace_too_large:
      return "NAMESPACE_TOO_LARGE";
    case RequestErrorCode::invalid_joining_request_id:
      return "INVALID_JOINING_REQUEST_ID";
    case RequestErrorCode::unsupported_extension:
      return "UNSUPPORTED_EXTENSION";
    case RequestErrorCode::redirect:
      return "REDIRECT";
    case RequestErrorCode::no_objects:
      return "NO_OBJECTS";
    case RequestErrorCode::unknown_status_in_range:
      return "UNKNOWN_STATUS_IN_RANGE";
  }
  return "unknown";
}

std::string_view describe_done(std::uint64_t code) {
  switch (static_cast<PublishDoneCode>(code)) {
    case PublishDoneCode::internal:
      return "INTERNAL_ERROR";
    case PublishDoneCode::unauthorized:
      return "UNAUTHORIZED";
    case PublishDoneCode::track_ended:
      return "TRACK_ENDED";
    case PublishDoneCode::subscription_ended:
      return "SUBSCRIPTION_ENDED";
    case PublishDoneCode::going_away:
      return "GOING_AWAY";
    case PublishDoneCode::too_far_behind:
      return "TOO_FAR_BEHIND";
    case PublishDoneCode::expired:
      return "EXPIRED";
    case PublishDoneCode::update_failed:
      return "UPDATE_FAILED";
    case PublishDoneCode::excessive_load:
      return "EXCESSIVE_LOAD";
    case PublishDoneCode::malformed_track:
      return "MALFORMED_TRACK";
  }
  return "unknown";
}

std::string_view describe_stream(std::uint64_t code) {
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
    case StreamError::unknown_object_status:
      return "UNKNOWN_OBJECT_STATUS";
    case StreamError::expired_auth_token:
      return "EXPIRED_AUTH_TOKEN";
    case StreamError::excessive_load:
      return "EXCESSIVE_LOAD";
    case StreamError::malformed_track:
      return "MALFORMED_TRACK";
  }
  return "unknown";
}

// What stands for an error that a table does not have; for all others INTERNAL_ERROR.
RequestErrorCode nearest(RequestErrorCode error) {
  switch (error) {
    case RequestErrorCode::no_objects:
      return RequestErrorCode::invalid_range;
    case RequestErrorCode::unsupported_extension:
    case RequestErrorCode::uninterested:
      return RequestErrorCode::not_supported;
    case RequestErrorCode::redirect:
      return RequestErrorCode::does_not_exist;
    case RequestErrorCode::excessive_load:
      return RequestErrorCode::timeout;
    case RequestErrorCode::malformed_auth_token:
    case RequestErrorCode::expired_auth_token:
      return RequestErrorCode::unauthorized;
    default:
      return RequestErrorCode::internal;
  }
}

// The draft has no code but CANCELLED for a publisher that ends a subscription early.
StreamError nearest(StreamError error) {
  switch (error) {
    case StreamError::going_away:
    case StreamError::too_far_behind:
    case StreamError::expired_auth_token:
      return StreamError::cancelled;
    default:
      return StreamError::internal;
  }
}

std::span<const RequestErrorRow> rows_for(Version version, MessageKind request) {
  for (const RequestErrorTable& table : version_info(version).request_errors) {
    if (table.requests.contains(request)) return table.rows;
  }
  return {};
}

template <typename Rows, typename E, typename Column>
std::optional<std::uint64_t> code_in(const Rows& rows, E error, Column column) {
  const auto row = std::ranges::find(rows, error, column);
  if (row == rows.end()) return std::nullopt;
  return row->code;
}

}  // namespace

const ErrorDomain& error_domain(RequestErrorCode) {
  static constexpr ErrorDomain kDomain{"moq-transport request", describe_request};
  return kDomain;
}

const ErrorDomain& error_domain(PublishDoneCode) {
  static constexpr ErrorDomain kDomain{"moq-transport subscription", describe_done};
  return kDomain;
}

const ErrorDomain& error_domain(StreamError) {
  static constexpr ErrorDomain kDomain{"moq-transport stream", describe_stream};
  return kDomain;
}

std::uint64_t wire_code(Version version, MessageKind request, RequestErrorCode error) {
  const auto rows = rows_for(version, request);
  if (const auto code = code_in(rows, error, &RequestErrorRow::error)) return *code;
  return code_in(rows, nearest(error), &RequestErrorRow::error).value_or(0);
}

std::uint64_t wire_code(Version version, PublishDoneCode status) {
  return code_in(version_info(version).publish_done, status, &PublishDoneRow::status).value_or(0);
}

std::uint64_t wire_code(Version version, StreamError error) {
  const auto rows = version_info(version).stream_errors;
  if (const auto code = code_in(rows, error, &StreamErrorRow::error)) return *code;
  return code_in(rows, nearest(error), &StreamErrorRow::error).value_or(0);
}

RequestErrorCode request_error_code(Version version, MessageKind request, std::uint64_t code) {
  const auto rows = rows_for(version, request);
  const auto row = std::ranges::find(rows, code, &RequestErrorRow::code);
  return row == rows.end() ? RequestErrorCode::internal : row->error;
}

PublishDoneCode publish_done_code(Version version, std::uint64_t code) {
  const auto rows = version_info(version).publish_done;
  const auto row = std::ranges::find(rows, code, &PublishDoneRow::code);
  return row == rows.end() ? PublishDoneCode::internal : row->status;
}

StreamError stream_error(Version version, std::uint64_t code) {
  const auto rows = version_info(version).stream_errors;
  const auto row = std::ranges::find(rows, code, &StreamErrorRow::code);
  return row == rows.end() ? StreamError::internal : row->error;
}

}  // namespace moq::ietf
