#pragma once

#include "net/base/error.h"

namespace moq {

/// Local failures of the model; mapped to wire codes by the protocol families.
enum class ModelError : std::uint8_t {
  not_found,     ///< no such broadcast, track or group
  exists,        ///< it is there already
  closed,        ///< what it belongs to is gone
  too_old,       ///< outside what is kept
  too_many,      ///< a named limit would be passed
  too_large,     ///< a payload beyond its declared size or a limit
  incomplete,    ///< an object was left unfinished
  out_of_order,  ///< object ids must increase
  loop,          ///< the route passes through this relay
  invalid_path,  ///< too long
  mismatch,      ///< properties of a track changed
  cancelled,     ///< given up by the producer
};
const ErrorDomain& error_domain(ModelError);

}  // namespace moq
