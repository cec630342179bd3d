#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "net/base/bytes.h"

namespace moq::native::quic {

/// Appends the (stream ID, code) of every STOP_SENDING frame in the payload of
/// a 1-RTT packet to `found`. ngtcp2 1.11 answers the frame but tells nobody of
/// it. Stops at the first frame that it cannot read: ngtcp2 judges the packet.
void find_stop_sending(ByteSpan payload,
                       std::vector<std::pair<std::int64_t, std::uint64_t>>& found);

}  // namespace moq::native::quic
