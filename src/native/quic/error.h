#pragma once

#include <cstdint>

#include "net/base/error.h"

namespace moq::native::quic {

/// RFC 9000 §20.1. Codes from 0x100 on carry a TLS alert in their low byte.
enum class QuicError : std::uint64_t {
  no_error = 0x0,
  internal_error = 0x1,
  connection_refused = 0x2,
  flow_control_error = 0x3,
  stream_limit_error = 0x4,
  stream_state_error = 0x5,
  final_size_error = 0x6,
  frame_encoding_error = 0x7,
  transport_parameter_error = 0x8,
  connection_id_limit_error = 0x9,
  protocol_violation = 0xa,
  invalid_token = 0xb,
  application_error = 0xc,
  crypto_buffer_exceeded = 0xd,
  key_update_error = 0xe,
  aead_limit_reached = 0xf,
  no_viable_path = 0x10,
  crypto_error = 0x100,
  no_application_protocol = 0x178,
};
const ErrorDomain& error_domain(QuicError);

}  // namespace moq::native::quic
