#include "net/model/error.h"

#include <array>

namespace moq {

namespace {

constexpr std::array<std::string_view, 12> kNames = {
    "not found",  "already exists", "closed",       "too old",  "too many", "too large",
    "incomplete", "out of order",   "routing loop", "bad path", "mismatch", "cancelled",
};

constexpr ErrorDomain kDomain = {"model", [](std::uint64_t code) -> std::string_view {
                                   return code < kNames.size() ? kNames[code] : "unknown";
                                 }};

}  // namespace

const ErrorDomain& error_domain(ModelError) { return kDomain; }

}  // namespace moq
