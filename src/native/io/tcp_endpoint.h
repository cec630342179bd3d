#pragma once

#include <cstring>

#include <boost/asio/ip/tcp.hpp>

#include "native/io/packet_io.h"

namespace moq::native {

/// `address`, as Asio has it for TCP.
inline boost::asio::ip::tcp::endpoint to_tcp(const SocketAddress& address) {
  boost::asio::ip::tcp::endpoint endpoint;
  endpoint.resize(address.size());
  std::memcpy(endpoint.data(), address.get(), address.size());
  return endpoint;
}

inline SocketAddress from_tcp(const boost::asio::ip::tcp::endpoint& endpoint) {
  return {endpoint.data(), static_cast<socklen_t>(endpoint.size())};
}

}  // namespace moq::native
