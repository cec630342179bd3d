#include "token/error.h"

#include <array>

namespace moq::token {
namespace {

constexpr std::array<std::string_view, 17> kNames = {
    "MALFORMED",     "TOO_LARGE",      "WRONG_ALGORITHM", "BAD_SIGNATURE", "BAD_CLAIMS",
    "EXPIRED",       "NOT_YET_VALID",  "AUDIENCE",        "USELESS",       "SCOPE_EXCEEDED",
    "WRONG_PATH",    "MISSING_KEY_ID", "BAD_KEY_ID",      "UNKNOWN_KEY",   "BAD_KEY",
    "NOT_PERMITTED", "CRYPTO"};

std::string_view describe(std::uint64_t code) {
  return code < kNames.size() ? kNames[code] : "unknown";
}

constexpr ErrorDomain kDomain{"token", describe};

}  // namespace

const ErrorDomain& error_domain(TokenError) { return kDomain; }

}  // namespace moq::token
