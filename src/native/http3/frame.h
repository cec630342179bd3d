#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/coding/varint.h"

namespace moq::native::http3 {

/// RFC 9114 §7.2, and the signal that begins a WebTransport stream.
enum class FrameType : std::uint64_t {
  data = 0x0,
  headers = 0x1,
  cancel_push = 0x3,
  settings = 0x4,
  push_promise = 0x5,
  goaway = 0x7,
  max_push_id = 0xd,
  webtransport_stream = 0x41,
};

/// RFC 9114 §6.2, RFC 9204 §4.2, draft-ietf-webtrans-http3 §4.2.
enum class UniStreamType : std::uint64_t {
  control = 0x0,
  push = 0x1,
  qpack_encoder = 0x2,
  qpack_decoder = 0x3,
  webtransport = 0x54,
};

/// Whether the type was HTTP/2's and must not be used (RFC 9114 §7.2.8).
[[nodiscard]] bool is_reserved_frame(std::uint64_t type);

/// A stream's frames (RFC 9114 §7.1) as they arrive, in pieces of any size. Holds at
/// most one frame, of a size that its handler has agreed to.
class FrameParser {
 public:
  enum class Take : std::uint8_t { whole, parts, skip };

  /// What becomes of frames. An error ends the parsing and is `feed`'s.
  class Handler {
   public:
    /// A frame begins that has `size` bytes: whether they are wanted together, as
    /// they come, or not.
    virtual Result<Take> on_frame(std::uint64_t type, std::uint64_t size) = 0;
    virtual Result<void> on_whole_frame(std::uint64_t type, ByteSpan payload) = 0;
    /// Of a frame whose parts are wanted; never empty.
    virtual Result<void> on_frame_part(ByteSpan part) = 0;

   protected:
    ~Handler() = default;
  };

  Result<void> feed(ByteSpan bytes, Handler& handler);
  /// The stream has ended. Fails with H3_FRAME_ERROR inside a frame.
  [[nodiscard]] Result<void> finish() const;
  /// Called by the handler: `feed` returns without looking at what follows.
  void stop() { stopped_ = true; }

 private:
  enum class State : std::uint8_t { type, size, payload };

  State state_ = State::type;
  bool stopped_ = false;
  Take take_ = Take::skip;
  coding::VarintAccumulator varint_;
  std::uint64_t type_ = 0;
  std::uint64_t left_ = 0;
  std::vector<std::uint8_t> whole_;
};

/// Appends type, length and payload.
void append_frame(std::vector<std::uint8_t>& out, FrameType type, ByteSpan payload);
/// Appends type and length; the payload is to follow.
void append_frame_header(std::vector<std::uint8_t>& out, FrameType type, std::size_t size);

}  // namespace moq::native::http3
