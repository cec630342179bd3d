#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/coding/varint.h"
#include "net/lite/version.h"
#include "net/model/group.h"

namespace moq::lite {

/// What precedes a frame's payload.
struct FrameHeader {
  /// Absolute, in units of the track's timescale, at most kMaxTimestamp; none in
  /// versions whose frames have no timestamp.
  std::optional<std::uint64_t> timestamp;
  /// Of the payload, in bytes.
  std::uint64_t size = 0;

  friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

/// Receives the frames of one stream.
class FrameSink {
 public:
  /// A frame begins; exactly `header.size` bytes of payload follow. An error stops
  /// the reader and is returned by feed().
  virtual Result<void> on_frame(const FrameHeader& header) = 0;
  /// The next part of its payload, never empty: a part of what was fed, not a copy.
  virtual Result<void> on_payload(Bytes chunk) = 0;

 protected:
  ~FrameSink() = default;
};

/// Reads the frames of a Group or Fetch Stream, in chunks as they arrive. Keeps
/// no payload. After an error it must not be fed again.
class FrameReader {
 public:
  /// `max_size`: the largest payload of a frame in bytes, Group::Limits::max_bytes.
  /// The sink must outlive the reader.
  FrameReader(Version version, FrameSink& sink, std::uint64_t max_size);

  /// Fails with `too_large` for a frame above the limit, as soon as its size is
  /// known; with `invalid_value` for a timestamp below 0 or above kMaxTimestamp;
  /// or with the sink's error.
  Result<void> feed(const Bytes& bytes);
  /// For the end of the stream: fails with `short_buffer` inside a frame.
  [[nodiscard]] Result<void> finish() const;

 private:
  enum class State : std::uint8_t { timestamp, size, payload };

  Result<void> on_varint(std::uint64_t value);
  Result<void> begin(std::uint64_t size);

  FrameSink& sink_;
  std::uint64_t max_size_;
  State first_;
  State state_;
  coding::VarintAccumulator varint_;
  std::uint64_t timestamp_ = 0;
  std::uint64_t remaining_ = 0;
};

/// The forms in which EncodedHeaders keeps frame headers.
inline constexpr std::size_t kWireFormLite04 = 0;  ///< size
inline constexpr std::size_t kWireFormLite05 = 1;  ///< timestamp delta, size

/// Encoders of the two forms, for EncodedHeaders::at. Timestamps above
/// kMaxTimestamp, which no peer can have sent, are encoded as that.
std::size_t encode_frame_lite04(const Object& object, EncodedHeaders::Place& place,
                                std::span<std::uint8_t, EncodedHeaders::kMaxHeader> out);
std::size_t encode_frame_lite05(const Object& object, EncodedHeaders::Place& place,
                                std::span<std::uint8_t, EncodedHeaders::kMaxHeader> out);

}  // namespace moq::lite
