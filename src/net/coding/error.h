#pragma once

#include "net/base/error.h"

namespace moq::coding {

/// Why bytes are not the message they should be. Local codes: the protocol
/// families say which of their own codes a peer gets to see.
enum class CodingError : std::uint8_t {
  short_buffer,         ///< the bytes end before the value does
  trailing_bytes,       ///< more bytes than the message has fields
  too_large,            ///< a length or number beyond its limit
  too_many,             ///< a count beyond its limit
  invalid_value,        ///< a number that its field does not allow
  invalid_text,         ///< not UTF-8
  duplicate_parameter,  ///< a parameter id that occurs twice
  uri_too_long,         ///< the URI of a GOAWAY, which has a limit in the drafts
  unknown_type,         ///< a message type that the version does not have
  unsupported,          ///< the version has no such message
  unknown_parameter,    ///< a parameter id that may not be in the message
};
const ErrorDomain& error_domain(CodingError);

}  // namespace moq::coding
