#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "native/io/event_loop.h"
#include "native/io/packet_io.h"

namespace moq::native {

using Resolved = std::function<void(Result<std::vector<SocketAddress>>)>;

/// Looks up the addresses of `host` (a name or an IP address), in the system
/// resolver's order, at most kMaxAddresses. `done` is called once in a tick of
/// `events`. Letting go of the handle, which must happen on that thread and
/// before `events` is gone, forgets the lookup; a resolver that hangs holds
/// nothing up.
[[nodiscard]] std::shared_ptr<void> resolve(EventLoop& events, std::string host, std::uint16_t port,
                                            Resolved done);

inline constexpr std::size_t kMaxAddresses = 16;

}  // namespace moq::native
