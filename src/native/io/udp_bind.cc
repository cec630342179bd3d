#include "native/io/udp_bind.h"

#include <netinet/ip.h>
#include <netinet/udp.h>

#include <atomic>
#include <cerrno>
#include <string>

#include <fmt/format.h>

#include "net/base/log.h"

namespace moq::native {

namespace {

bool set(const FileDescriptor& socket, int level, int name, int value) {
  return setsockopt(socket.get(), level, name, &value, sizeof(value)) == 0;
}

void set_buffer(const FileDescriptor& socket, int name, int wanted, const char* sysctl,
                std::atomic_flag& warned) {
  set(socket, SOL_SOCKET, name, wanted);
  int granted = 0;
  socklen_t size = sizeof(granted);
  if (getsockopt(socket.get(), SOL_SOCKET, name, &granted, &size) != 0) return;
  granted /= 2;  // The kernel reports twice what it was asked for.
  if (granted >= wanted || warned.test_and_set()) return;
  log::warn(
      "the kernel allows UDP sockets a buffer of {} KiB only, and bursts beyond it are lost: "
      "sysctl -w {}={}",
      granted / 1024, sysctl, wanted);
}

void set_options(const FileDescriptor& socket, int family, const UdpOptions& options) {
  static std::atomic_flag warned_receive = ATOMIC_FLAG_INIT;
  static std::atomic_flag warned_send = ATOMIC_FLAG_INIT;
  set_buffer(socket, SO_RCVBUF, options.buffer_size, "net.core.rmem_max", warned_receive);
  set_buffer(socket, SO_SNDBUF, options.buffer_size, "net.core.wmem_max", warned_send);

  // QUIC needs its packets whole: it finds the path's MTU itself. A dual-stack
  // socket takes the IPv4 options for its mapped peers.
  set(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  set(socket, IPPROTO_IP, IP_RECVTOS, 1);
  if (family == AF_INET6) {
    set(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
    set(socket, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    if (options.local_addresses) set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  } else if (options.local_addresses) {
    set(socket, IPPROTO_IP, IP_PKTINFO, 1);
  }
  set(socket, IPPROTO_UDP, UDP_GRO, 1);  // Older kernels hand over packets one by one.
}

tl::unexpected<Error> failed(const SocketAddress& address, int error) {
  std::string remedy;
  switch (error) {
    case EADDRINUSE:
      remedy = fmt::format(
          "another process has it; stop that one (`ss -ulpn 'sport = :{0}'` names it) or choose "
          "another port",
          address.port());
      break;
    case EACCES:
      remedy = "ports below 1024 need CAP_NET_BIND_SERVICE";
      break;
    case EADDRNOTAVAIL:
      remedy = "no interface has this address (`ip address` lists them)";
      break;
    case EAFNOSUPPORT:
      remedy = "this kernel has no IPv6; bind an IPv4 address";
      break;
    default:
      break;
  }
  return fail(IoError{error}, fmt::format("cannot bind UDP {}{}{}", address.to_string(),
                                          remedy.empty() ? "" : ": ", remedy));
}

Result<FileDescriptor> open(const SocketAddress& address, const UdpOptions& options) {
  FileDescriptor socket(
      ::socket(address.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP));
  if (!socket.valid()) return failed(address, errno);
  if (address.family() == AF_INET6) {
    const bool dual_stack = address.is_any() || address.is_v4();
    set(socket, IPPROTO_IPV6, IPV6_V6ONLY, dual_stack ? 0 : 1);
  }
  set_options(socket, address.family(), options);
  return socket;
}

}  // namespace

SocketAddress bound_address(const FileDescriptor& socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  return {reinterpret_cast<const sockaddr*>(&storage), size};
}

Result<std::vector<FileDescriptor>> bind_udp(const SocketAddress& address, std::size_t count,
                                             const UdpOptions& options) {
  SocketAddress bound = address;
  std::vector<FileDescriptor> sockets;
  for (std::size_t i = 0; i < count; ++i) {
    auto socket = open(bound, options);
    int error = socket ? 0 : static_cast<int>(socket.error().code());
    if (socket) {
      // Only after the first bind: it is the one that must fail when the port is
      // taken, be it by a socket that is ready to share.
      if (i > 0) set(*socket, SOL_SOCKET, SO_REUSEPORT, 1);
      if (::bind(socket->get(), bound.get(), bound.size()) != 0) error = errno;
    }
    const bool no_v6 = error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
    if (no_v6 && i == 0 && bound.family() == AF_INET6 && bound.is_any()) {
      const std::uint16_t port = bound.port();
      bound = *SocketAddress::parse("0.0.0.0:0");
      bound.set_port(port);
      log::info("no IPv6 here: UDP port {} is bound for IPv4 only", port);
      --i;
      continue;
    }
    if (error != 0) return failed(bound, error);
    if (i == 0) {
      if (count > 1) set(*socket, SOL_SOCKET, SO_REUSEPORT, 1);
      bound = bound_address(*socket);
    }
    sockets.push_back(*std::move(socket));
  }
  return sockets;
}

}  // namespace moq::native
