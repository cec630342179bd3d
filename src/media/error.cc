#include "media/error.h"

#include <array>

namespace moq::media {
namespace {

constexpr std::array<std::string_view, 10> kNames = {
    "IO",        "NOT_MEDIA", "UNSUPPORTED", "TRUNCATED", "BAD_CATALOG",
    "BAD_FRAME", "NO_TRACK",  "MUX",         "CANCELLED", "TOO_LARGE"};

std::string_view describe(std::uint64_t code) {
  return code < kNames.size() ? kNames[code] : "unknown";
}

constexpr ErrorDomain kDomain{"media", describe};

}  // namespace

const ErrorDomain& error_domain(MediaError) { return kDomain; }

}  // namespace moq::media
