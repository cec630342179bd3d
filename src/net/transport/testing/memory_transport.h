#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "net/base/loop.h"
#include "net/transport/transport.h"

namespace moq::transport::testing {

/// How two in-memory sessions are connected.
struct MemoryOptions {
  /// One way.
  Duration delay = std::chrono::milliseconds(1);
  /// Bits per second in each direction; 0: no limit.
  std::uint64_t bitrate = 0;
  /// Streams of each kind that a side may have open at the other.
  std::size_t max_streams = 100;
  bool datagrams = true;
  bool carries_path = false;
  /// Whether going_away reaches the peer.
  bool carries_going_away = false;
  std::string protocol = "moq-lite-05";
};

/// A session that never loses anything. Packets are filled by the scheduler as
/// a real transport would, up to 1200 bytes each.
class MemorySession : public Session {
 public:
  /// Streams that are open, in both directions and kinds.
  [[nodiscard]] virtual std::size_t open_streams() const = 0;
  /// The transport is gone without a word, as when its host dies.
  virtual void vanish() = 0;
  /// Whether probe_peer was called.
  [[nodiscard]] virtual bool probed() const = 0;
};

/// The two ends of a connection on one loop. Either end may be destroyed first;
/// the other then sees the session closed.
std::pair<std::unique_ptr<MemorySession>, std::unique_ptr<MemorySession>> memory_pair(
    Loop& loop, const MemoryOptions& options = {});

}  // namespace moq::transport::testing
