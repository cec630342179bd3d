#include "native/http3/codes.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

namespace moq::native::http3 {
namespace {

using Row = std::pair<Http3Error, std::string_view>;
constexpr std::array<Row, 23> kNames{{
    {Http3Error::datagram_error, "H3_DATAGRAM_ERROR"},
    {Http3Error::no_error, "H3_NO_ERROR"},
    {Http3Error::general_protocol_error, "H3_GENERAL_PROTOCOL_ERROR"},
    {Http3Error::internal_error, "H3_INTERNAL_ERROR"},
    {Http3Error::stream_creation_error, "H3_STREAM_CREATION_ERROR"},
    {Http3Error::closed_critical_stream, "H3_CLOSED_CRITICAL_STREAM"},
    {Http3Error::frame_unexpected, "H3_FRAME_UNEXPECTED"},
    {Http3Error::frame_error, "H3_FRAME_ERROR"},
    {Http3Error::excessive_load, "H3_EXCESSIVE_LOAD"},
    {Http3Error::id_error, "H3_ID_ERROR"},
    {Http3Error::settings_error, "H3_SETTINGS_ERROR"},
    {Http3Error::missing_settings, "H3_MISSING_SETTINGS"},
    {Http3Error::request_rejected, "H3_REQUEST_REJECTED"},
    {Http3Error::request_cancelled, "H3_REQUEST_CANCELLED"},
    {Http3Error::request_incomplete, "H3_REQUEST_INCOMPLETE"},
    {Http3Error::message_error, "H3_MESSAGE_ERROR"},
    {Http3Error::connect_error, "H3_CONNECT_ERROR"},
    {Http3Error::version_fallback, "H3_VERSION_FALLBACK"},
    {Http3Error::qpack_decompression_failed, "QPACK_DECOMPRESSION_FAILED"},
    {Http3Error::qpack_encoder_stream_error, "QPACK_ENCODER_STREAM_ERROR"},
    {Http3Error::qpack_decoder_stream_error, "QPACK_DECODER_STREAM_ERROR"},
    {Http3Error::wt_session_gone, "WT_SESSION_GONE"},
    {Http3Error::wt_buffered_stream_rejected, "WT_BUFFERED_STREAM_REJECTED"},
}};

std::string_view describe(std::uint64_t code) {
  const auto* const row = std::ranges::find(kNames, static_cast<Http3Error>(code), &Row::first);
  return row == kNames.end() ? "unknown" : row->second;
}

constexpr std::uint64_t kFirst = 0x52e4a40fa8db;
constexpr std::uint64_t kMaxApplication = std::numeric_limits<std::uint32_t>::max();
// Each 31st code of HTTP/3 is reserved (RFC 9114 §8.1).
constexpr std::uint64_t kRun = 30;
constexpr std::uint64_t kLast = kFirst + kMaxApplication + kMaxApplication / kRun;

}  // namespace

const ErrorDomain& error_domain(Http3Error) {
  static constexpr ErrorDomain kDomain{"http3", describe};
  return kDomain;
}

bool is_stream_error(const Error& error) {
  return error.is(Http3Error::message_error) || error.is(Http3Error::excessive_load) ||
         error.is(Http3Error::request_rejected) || error.is(Http3Error::request_incomplete);
}

std::uint64_t to_http3(std::uint64_t application) {
  application = std::min(application, kMaxApplication);
  return kFirst + application + application / kRun;
}

std::optional<std::uint64_t> from_http3(std::uint64_t code) {
  if (code < kFirst || code > kLast) return std::nullopt;
  const std::uint64_t shifted = code - kFirst;
  if (shifted % (kRun + 1) == kRun) return std::nullopt;
  return shifted - shifted / (kRun + 1);
}

}  // namespace moq::native::http3
