#pragma once

#include <ngtcp2/ngtcp2.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace moq::native::quic {

/// While it lives, packets that are decrypted on this thread set `heard`, and
/// their STOP_SENDING frames are appended to `stops`. ngtcp2's decrypt callback
/// does not say whose packet it has.
class ReadingScope {
 public:
  using Stops = std::vector<std::pair<std::int64_t, std::uint64_t>>;
  ReadingScope(bool& heard, Stops& stops);
  ReadingScope(const ReadingScope&) = delete;
  ReadingScope& operator=(const ReadingScope&) = delete;
  ~ReadingScope();

  bool& heard;
  Stops& stops;
};

}  // namespace moq::native::quic
