#include "native/io/network.h"

#include <netinet/in.h>

#include <cstring>

namespace moq::native {

Network network_of(const SocketAddress& address) {
  const SocketAddress plain = address.unmapped();
  if (plain.is_v4()) {
    sockaddr_in v4{};
    std::memcpy(&v4, plain.get(), sizeof(v4));
    return {false, v4.sin_addr.s_addr};
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, plain.get(), sizeof(v6));
  std::uint64_t prefix = 0;
  std::memcpy(&prefix, &v6.sin6_addr, sizeof(prefix));
  return {true, prefix};
}

}  // namespace moq::native
