#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "media/codec.h"
#include "net/base/bytes.h"
#include "net/base/error.h"

namespace moq::media {

/// A stream of an input that can be published.
struct StreamInfo {
  Codec codec = Codec::h264;
  std::string codec_string;  ///< WebCodecs
  /// The decoder's configuration record; empty: it is in-band.
  Bytes description;
  std::uint64_t bitrate = 0;  ///< bits per second; 0: unknown

  std::uint32_t width = 0;         ///< coded, in pixels
  std::uint32_t height = 0;        ///< coded, in pixels
  std::uint32_t aspect_width = 0;  ///< display aspect ratio; 0: square pixels
  std::uint32_t aspect_height = 0;
  double framerate = 0;  ///< frames per second; 0: unknown
  /// Pictures that may have to be decoded before the next can be shown.
  std::uint32_t reorder_depth = 0;

  std::uint32_t sample_rate = 0;  ///< Hz
  std::uint32_t channels = 0;

  [[nodiscard]] MediaKind kind() const { return traits(codec).kind; }
};

/// One coded frame of an input.
struct MediaPacket {
  std::size_t stream = 0;  ///< index in PacketReader::streams
  std::int64_t pts = 0;    ///< microseconds, never negative
  std::int64_t dts = 0;    ///< microseconds, may be negative
  bool keyframe = false;
  Bytes payload;  ///< as the catalog's description says (length-prefixed, no ADTS)
};

/// Reads coded frames from whatever libavformat can open. Blocks; belongs to the
/// thread that uses it, except for `interrupt`.
class PacketReader {
 public:
  /// Fills the span; the number of bytes, 0 at the end, negative on an error.
  using Source = std::function<std::ptrdiff_t(std::span<std::uint8_t>)>;

  struct Options {
    /// libavformat's name of the container ("mp4", "mpegts"); empty: found out.
    std::string format;
    /// How much media may be looked at to find its streams, in microseconds.
    std::int64_t analyze = 2000000;
    std::size_t max_packet = 16U << 20;  ///< bytes of a frame
    bool video = true;
    bool audio = true;
  };

  /// Opens a file or URL; "-" is standard input. `cancelled`, when given, is
  /// looked at while waiting for input. Fails with `io`, `not_media`, or
  /// `unsupported` if no stream can be published.
  static Result<std::unique_ptr<PacketReader>> open(
      const std::string& url, const Options& options,
      std::shared_ptr<std::atomic<bool>> cancelled = nullptr);
  /// Reads the container from `source`. `name` is for messages.
  static Result<std::unique_ptr<PacketReader>> open(Source source, const std::string& name,
                                                    const Options& options);
  ~PacketReader();
  PacketReader(const PacketReader&) = delete;
  PacketReader& operator=(const PacketReader&) = delete;

  [[nodiscard]] const std::vector<StreamInfo>& streams() const;
  /// The next frame in the order of the container; none at the end. Fails with
  /// `io`, `truncated` or `too_large`.
  Result<std::optional<MediaPacket>> next();
  /// Frames left out: damaged, empty or without a timestamp.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  struct Impl;
  explicit PacketReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace moq::media
