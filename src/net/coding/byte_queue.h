#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "net/base/bytes.h"

namespace moq::coding {

/// The bytes of a stream, from when they arrive until somebody has asked for them. Holds
/// what was pushed and not yet taken; shares it where it can.
class ByteQueue {
 public:
  void push(Bytes bytes);
  [[nodiscard]] bool empty() const { return queue_.empty(); }
  /// Bytes that were pushed and not yet taken.
  [[nodiscard]] std::size_t size() const;
  /// The piece that is next, not empty; of a queue that is not empty.
  [[nodiscard]] const Bytes& front() const { return queue_.front(); }
  /// Takes up to `size` bytes off the front piece; of a queue that is not empty.
  Bytes take(std::size_t size);
  /// Takes `size` bytes once all have arrived, and meanwhile those that have: asked again, it
  /// goes on, and must be asked for the same. What lies in one piece is a part of it; what
  /// is spread over several is copied, by what has arrived, never by what was asked for.
  [[nodiscard]] std::optional<Bytes> take_whole(std::size_t size);
  /// Takes all there is.
  [[nodiscard]] Bytes take_all();

 private:
  std::deque<Bytes> queue_;
  std::vector<std::uint8_t> whole_;  ///< of what take_whole was asked for
};

}  // namespace moq::coding
