#pragma once

#include "net/base/error.h"

namespace moq::transport {

/// Local reasons for the end of a session.
enum class TransportError : std::uint8_t {
  lost,         ///< the peer vanished: idle timeout, no answer to a probe
  unreachable,  ///< no connection could be made
  refused,      ///< the peer takes no new connections
  handshake,    ///< TLS or version negotiation failed
  protocol,     ///< the peer broke the transport's rules
  limit,        ///< a limit of ours was passed
  forbidden,    ///< the peer lets us in with other credentials only
};
const ErrorDomain& error_domain(TransportError);

/// An application's close code as the transport carried it; the protocol on top
/// knows its name.
enum class ApplicationError : std::uint64_t {};
const ErrorDomain& error_domain(ApplicationError);

}  // namespace moq::transport
