#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/coding/byte_queue.h"
#include "net/coding/integer.h"
#include "net/ietf/limits.h"

namespace moq::ietf {

/// A control message that has arrived: find_message says what its type means, and
/// decode what its body holds.
struct RawMessage {
  std::uint64_t type = 0;
  Bytes body;
};

/// Cuts a control or request stream into messages, as its bytes arrive.
///
/// Feed what the transport gives, then ask for what must come next until there is
/// nothing. A body that lies in one slice is returned as a part of it; one that is
/// spread over several is copied, by what has arrived. So it holds what was fed and not
/// yet asked for, and of one message at most kMaxMessage bytes.
class MessageReader {
 public:
  /// `form`: VersionInfo::integers. `max_message`: the longest body, in bytes.
  explicit MessageReader(coding::IntegerForm form, std::size_t max_message = kMaxMessage)
      : max_message_(max_message), integer_(form) {}

  /// `fin`: nothing follows, so that a part of something is an error from now on.
  void feed(Bytes bytes, bool fin = false);

  /// The next message; none until all of it has arrived, or if there is none. Fails
  /// with `too_large` as soon as its length is known to be, and with `short_buffer` if
  /// the stream ended inside it.
  [[nodiscard]] Result<std::optional<RawMessage>> next();

  /// The type of the message that has begun to arrive, as soon as it is known; next()
  /// returns it again. So a session can refuse a message before it has all of it.
  [[nodiscard]] Result<std::optional<std::uint64_t>> next_type();

  /// What follows belongs to a message of this type, which was read by somebody else:
  /// the type of a unidirectional control stream is that of its SETUP. To be called
  /// once, before anything is fed.
  void begin(std::uint64_t type) { type_ = type; }

  /// Everything that was fed and not yet returned, for whoever reads the stream from
  /// here on. Not to be called in the middle of a message.
  [[nodiscard]] Bytes take_rest() { return queue_.take_all(); }

  /// Bytes that were fed and not yet returned.
  [[nodiscard]] std::size_t held() const { return queue_.size(); }
  /// Whether all that was fed has been returned.
  [[nodiscard]] bool empty() const { return queue_.empty() && !in_message(); }
  /// Whether that is all there will be.
  [[nodiscard]] bool at_end() const { return fin_ && empty(); }

 private:
  [[nodiscard]] bool in_message() const { return integer_.partial() || type_.has_value(); }
  /// Nothing yet; or an error, inside a message of a stream that has ended.
  [[nodiscard]] Result<void> may_wait() const;
  /// Reads the length; whether it is all there.
  [[nodiscard]] Result<bool> read_length();

  std::size_t max_message_;
  coding::ByteQueue queue_;
  coding::IntegerAccumulator integer_;
  std::optional<std::uint64_t> type_;
  std::size_t length_ = 0;
  std::size_t length_bytes_ = 0;  ///< of the two, how many have come
  bool fin_ = false;
};

}  // namespace moq::ietf
