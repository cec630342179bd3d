#include "native/quic/error.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace moq::native::quic {
namespace {

using Row = std::pair<QuicError, std::string_view>;
constexpr std::array<Row, 18> kNames{{
    {QuicError::no_error, "NO_ERROR"},
    {QuicError::internal_error, "INTERNAL_ERROR"},
    {QuicError::connection_refused, "CONNECTION_REFUSED"},
    {QuicError::flow_control_error, "FLOW_CONTROL_ERROR"},
    {QuicError::stream_limit_error, "STREAM_LIMIT_ERROR"},
    {QuicError::stream_state_error, "STREAM_STATE_ERROR"},
    {QuicError::final_size_error, "FINAL_SIZE_ERROR"},
    {QuicError::frame_encoding_error, "FRAME_ENCODING_ERROR"},
    {QuicError::transport_parameter_error, "TRANSPORT_PARAMETER_ERROR"},
    {QuicError::connection_id_limit_error, "CONNECTION_ID_LIMIT_ERROR"},
    {QuicError::protocol_violation, "PROTOCOL_VIOLATION"},
    {QuicError::invalid_token, "INVALID_TOKEN"},
    {QuicError::application_error, "APPLICATION_ERROR"},
    {QuicError::crypto_buffer_exceeded, "CRYPTO_BUFFER_EXCEEDED"},
    {QuicError::key_update_error, "KEY_UPDATE_ERROR"},
    {QuicError::aead_limit_reached, "AEAD_LIMIT_REACHED"},
    {QuicError::no_viable_path, "NO_VIABLE_PATH"},
    {QuicError::no_application_protocol, "CRYPTO_ERROR: no_application_protocol"},
}};

std::string_view describe(std::uint64_t code) {
  const auto row = std::ranges::find(kNames, static_cast<QuicError>(code), &Row::first);
  if (row != kNames.end()) return row->second;
  return (code & ~0xffULL) == 0x100 ? "CRYPTO_ERROR" : "unknown";
}

}  // namespace

const ErrorDomain& error_domain(QuicError) {
  static constexpr ErrorDomain kDomain{"quic", describe};
  return kDomain;
}

}  // namespace moq::native::quic
