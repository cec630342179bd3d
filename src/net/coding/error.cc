#include "net/coding/error.h"

namespace moq::coding {

const ErrorDomain& error_domain(CodingError) {
  static constexpr ErrorDomain kDomain{"coding", [](std::uint64_t code) -> std::string_view {
                                         switch (static_cast<CodingError>(code)) {
                                           case CodingError::short_buffer:
                                             return "short buffer";
                                           case CodingError::trailing_bytes:
                                             return "trailing bytes";
                                           case CodingError::too_large:
                                             return "too large";
                                           case CodingError::too_many:
                                             return "too many";
                                           case CodingError::invalid_value:
                                             return "invalid value";
                                           case CodingError::invalid_text:
                                             return "invalid text";
                                           case CodingError::duplicate_parameter:
                                             return "duplicate parameter";
                                           case CodingError::uri_too_long:
                                             return "URI too long";
                                           case CodingError::unknown_type:
                                             return "unknown type";
                                           case CodingError::unsupported:
                                             return "unsupported";
                                           case CodingError::unknown_parameter:
                                             return "unknown parameter";
                                         }
                                         return "unknown";
                                       }};
  return kDomain;
}

}  // namespace moq::coding
