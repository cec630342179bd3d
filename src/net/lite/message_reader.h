#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/coding/byte_queue.h"
#include "net/coding/varint.h"
#include "net/lite/limits.h"

namespace moq::lite {

/// Cuts a stream of bytes into varints (types) and messages, as they arrive.
///
/// Feed what the transport gives, then ask for what must come next until there is
/// nothing. A message that lies in one slice is returned as a part of it; one that
/// is spread over several is copied, by what has arrived, never by what it claims.
/// Ask for one thing until it is there, before asking for the other kind.
class MessageReader {
 public:
  /// `max_message`: the longest body, in bytes.
  explicit MessageReader(std::size_t max_message = kMaxMessage) : max_message_(max_message) {}

  /// Changes the longest body for messages whose length has not been read yet.
  void set_max_message(std::size_t max_message) { max_message_ = max_message; }

  /// `fin`: nothing follows, so that a part of something is an error from now on.
  void feed(Bytes bytes, bool fin = false);

  /// The next varint; none until all of it has arrived, or if there is none. Fails
  /// with `short_buffer` if the stream ended inside it.
  [[nodiscard]] Result<std::optional<std::uint64_t>> next_varint();
  /// The body of the next message, behind its length; none until all of it has
  /// arrived, or if there is none. Fails with `too_large` as soon as its length is
  /// known to be, and with `short_buffer` if the stream ended inside it.
  [[nodiscard]] Result<std::optional<Bytes>> next_message();

  /// Everything that was fed and not yet returned, for whoever reads the stream
  /// from here on. Not to be called in the middle of a varint or message.
  [[nodiscard]] Bytes take_rest() { return queue_.take_all(); }

  /// Whether all that was fed has been returned.
  [[nodiscard]] bool empty() const { return queue_.empty() && !in_item(); }
  /// Whether that is all there will be.
  [[nodiscard]] bool at_end() const { return fin_ && empty(); }

 private:
  [[nodiscard]] bool in_item() const { return varint_.partial() || length_.has_value(); }
  /// Nothing yet; or an error, inside an item of a stream that has ended.
  [[nodiscard]] Result<void> may_wait() const;

  std::size_t max_message_;
  coding::ByteQueue queue_;
  coding::VarintAccumulator varint_;
  std::optional<std::size_t> length_;
  bool fin_ = false;
};

}  // namespace moq::lite
