#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/base/bytes.h"
#include "net/base/error.h"

namespace moq::media {

enum class MediaKind : std::uint8_t { video, audio };

/// The codecs that are imported and exported.
enum class Codec : std::uint8_t { h264, h265, vp9, av1, aac, opus };

/// What is fixed for a codec.
struct CodecTraits {
  Codec codec;
  MediaKind kind;
  /// As in `--video-codec` and `--audio-codec`.
  std::string_view name;
  /// How its WebCodecs codec strings begin; the second may be empty.
  std::string_view prefix;
  std::string_view other_prefix;
  /// Whether pictures may be decoded in another order than they are shown in
  /// (in VP9 and AV1, a packet holds what is hidden until its own time).
  bool reorders;
};
[[nodiscard]] const CodecTraits& traits(Codec codec);

/// The codec that a WebCodecs codec string names; none if it is not one of ours.
[[nodiscard]] std::optional<Codec> codec_of(std::string_view codec_string);
/// The codec called `name` ("h264", "opus").
[[nodiscard]] std::optional<Codec> codec_named(std::string_view name);

/// Codec strings (WebCodecs codec registry) from decoder configuration records.
/// Each fails with `unsupported` if the record is malformed.
///
/// From an avcC box: "avc1.PPCCLL".
[[nodiscard]] Result<std::string> h264_codec_string(ByteSpan avcc);
/// From an hvcC box: "hvc1…", or "hev1…" if parameter sets may be in-band too.
[[nodiscard]] Result<std::string> h265_codec_string(ByteSpan hvcc, bool in_band);
/// From an av1C box: "av01.P.LLT.DD".
[[nodiscard]] Result<std::string> av1_codec_string(ByteSpan av1c);
/// From an AudioSpecificConfig: "mp4a.40.N".
[[nodiscard]] Result<std::string> aac_codec_string(ByteSpan config);

/// What VP9's codec string says, as libavcodec's numbers.
struct Vp9Format {
  int profile = 0;    ///< 0 to 3
  int level = 0;      ///< 10 times the level; 0: unknown
  int bit_depth = 8;  ///< 8, 10 or 12
};
[[nodiscard]] std::string vp9_codec_string(const Vp9Format& format);
[[nodiscard]] Vp9Format vp9_format_of(std::string_view codec_string);
/// The least VP9 level (times 10) whose pictures may have `width` by `height` pixels.
[[nodiscard]] int vp9_level_for(int width, int height);

/// Whether `bytes` are Annex B: NAL units behind start codes.
[[nodiscard]] bool is_annexb(ByteSpan bytes);
/// The parameter sets among the Annex B NAL units of a keyframe of `codec`
/// (h264 or h265), behind start codes; empty if there are none.
[[nodiscard]] Bytes annexb_parameter_sets(Codec codec, ByteSpan bytes);
/// The codec string of Annex B parameter sets: "avc3…" or "hev1…".
[[nodiscard]] Result<std::string> annexb_codec_string(Codec codec, ByteSpan parameter_sets);
/// The sequence header OBU of an AV1 temporal unit; empty if it has none.
[[nodiscard]] Bytes av1_sequence_header(ByteSpan bytes);

/// A two-byte AudioSpecificConfig. `object_type` 1 to 30; fails with
/// `unsupported` for rates outside of the table, and channels beyond 7.1.
[[nodiscard]] Result<Bytes> make_audio_specific_config(int object_type, int sample_rate,
                                                       int channels);
/// What an ADTS header says.
struct AdtsHeader {
  std::size_t size = 0;  ///< bytes before the payload
  int object_type = 0;
  int sample_rate = 0;
  int channels = 0;
};
[[nodiscard]] std::optional<AdtsHeader> parse_adts(ByteSpan bytes);

/// An OpusHead for up to two channels (RFC 7845 §5.1).
[[nodiscard]] Bytes make_opus_head(int channels, int sample_rate);

}  // namespace moq::media
