#include "net/transport/error.h"

#include <array>

namespace moq::transport {

const ErrorDomain& error_domain(TransportError) {
  static constexpr ErrorDomain domain{
      "transport", [](std::uint64_t code) -> std::string_view {
        static constexpr std::array<std::string_view, 7> names{
            "LOST",           "UNREACHABLE", "REFUSED",  "HANDSHAKE_FAILED",
            "PROTOCOL_ERROR", "LIMIT",       "FORBIDDEN"};
        return code < names.size() ? names[code] : "unknown";
      }};
  return domain;
}

const ErrorDomain& error_domain(ApplicationError) {
  static constexpr ErrorDomain domain{"application",
                                      [](std::uint64_t) -> std::string_view { return "closed"; }};
  return domain;
}

}  // namespace moq::transport
