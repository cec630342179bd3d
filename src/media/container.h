#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "media/catalog.h"
#include "net/base/bytes.h"
#include "net/base/error.h"

namespace moq::media {

/// One coded picture or audio frame.
struct MediaFrame {
  std::int64_t pts = 0;             ///< presentation time, microseconds
  std::optional<std::int64_t> dts;  ///< decoding time, where the container has it
  Bytes payload;                    ///< as the decoder takes it
};

/// The timestamp in front of a frame in the legacy container: microseconds, as a
/// QUIC variable-length integer. `timestamp` is below 2^62.
[[nodiscard]] Bytes encode_timestamp(std::uint64_t timestamp);

/// Takes media frames out of a rendition's objects.
class FrameDecoder {
 public:
  virtual ~FrameDecoder() = default;
  /// Appends the frames of one object to `frames`; an object may be a marker
  /// without any. Fails with `bad_frame`.
  virtual Result<void> decode(const Bytes& object, std::vector<MediaFrame>& frames) = 0;

  /// The decoder for `container`. Fails with `unsupported` if it is unknown, and
  /// with `bad_frame` if its initialization segment is malformed.
  static Result<std::unique_ptr<FrameDecoder>> create(const Container& container);
};

}  // namespace moq::media
