#pragma once

#include <cstdint>
#include <utility>

#include "native/io/packet_io.h"

namespace moq::native {

/// What limits on addresses count: an IPv4 address, or the first 64 bits of an IPv6
/// address, which one host has all of.
using Network = std::pair<bool, std::uint64_t>;

Network network_of(const SocketAddress& address);

}  // namespace moq::native
