#pragma once

#include <cstddef>
#include <vector>

#include "native/io/file_descriptor.h"
#include "native/io/packet_io.h"

namespace moq::native {

struct UdpOptions {
  /// Bytes asked of the kernel for each direction's queue. A warning names the
  /// sysctl when the kernel's limit cuts them.
  int buffer_size = 4 * 1024 * 1024;
  /// Let the kernel split large sends; turned off by itself where it cannot.
  bool gso = true;
  /// Report the address that each packet was sent to, so that a listener on a
  /// wildcard address answers from it. Off: `local` is the bound address.
  bool local_addresses = true;
};

/// Binds `count` sockets to one address: more than one are a SO_REUSEPORT group,
/// among which the kernel spreads the peers. A port that any other socket has is
/// refused (EADDRINUSE), never shared.
///
/// [::] takes IPv4 as well; it falls back to 0.0.0.0 where there is no IPv6.
/// Port 0 takes a free one, the same for all.
Result<std::vector<FileDescriptor>> bind_udp(const SocketAddress& address, std::size_t count = 1,
                                             const UdpOptions& options = {});

/// The address that a socket is bound to; empty if it is none.
SocketAddress bound_address(const FileDescriptor& socket);

}  // namespace moq::native
