#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "media/codec.h"
#include "net/base/bytes.h"
#include "net/base/error.h"

namespace moq::media {

/// What a muxer is told of a track.
struct MuxTrack {
  std::string name;  ///< for messages
  Codec codec = Codec::h264;
  std::string codec_string;  ///< WebCodecs
  /// The decoder's configuration record, or Annex B parameter sets.
  Bytes extradata;
  std::uint64_t width = 0;  ///< pixels
  std::uint64_t height = 0;
  double framerate = 0;           ///< 0: unknown
  std::uint64_t sample_rate = 0;  ///< Hz
  std::uint64_t channels = 0;
};

/// A frame in decoding order.
struct MuxFrame {
  std::int64_t pts = 0;       ///< microseconds, not before `dts`
  std::int64_t dts = 0;       ///< microseconds, ascending in a track, not negative
  std::int64_t duration = 0;  ///< microseconds; not beyond the next frame's `dts`
  bool keyframe = false;
  Bytes payload;
};

/// What can be found out of a video track that its catalog entry need not say.
struct VideoProbe {
  std::uint64_t width = 0;  ///< 0: unknown
  std::uint64_t height = 0;
  std::size_t reorder_depth = 0;  ///< what its parameter sets declare
};
/// Decodes the keyframe. What it does not understand stays 0.
[[nodiscard]] VideoProbe probe_video(Codec codec, ByteSpan extradata, ByteSpan keyframe);

/// Writes frames to a container as a stream: output is never read or sought.
class Muxer {
 public:
  /// Takes all of the bytes; false: the output is gone.
  using Write = std::function<bool(ByteSpan)>;

  static constexpr std::uint64_t kMaxDimension = 32768;  ///< pixels
  static constexpr std::uint64_t kMaxChannels = 64;
  static constexpr std::uint64_t kMaxSampleRate = 768000;

  /// `format`: "fmp4", "mkv", "ts" or "flv". Fails with `unsupported`.
  static Result<std::unique_ptr<Muxer>> create(std::string_view format, Write write);
  virtual ~Muxer() = default;

  /// Before `begin`; returns the track's index. Fails with `mux`, naming the
  /// track, if the properties are out of range.
  virtual Result<std::size_t> add_track(const MuxTrack& track) = 0;
  /// Writes the header.
  virtual Result<void> begin() = 0;
  virtual Result<void> write(std::size_t track, const MuxFrame& frame) = 0;
  /// Hands out all that was written (a fragment).
  virtual Result<void> flush() = 0;
  /// Writes the trailer.
  virtual Result<void> finish() = 0;
};

}  // namespace moq::media
