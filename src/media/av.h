#pragma once

// Ownership and errors of FFmpeg's C structures. Only for sources of this folder.

#include <memory>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
}

#include "media/codec.h"

namespace moq::media::av {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(&pointer);
  }
};

using Packet = std::unique_ptr<AVPacket, Deleter<av_packet_free>>;
using Parameters = std::unique_ptr<AVCodecParameters, Deleter<avcodec_parameters_free>>;
using CodecContext = std::unique_ptr<AVCodecContext, Deleter<avcodec_free_context>>;

inline constexpr AVRational kMicros{1, 1000000};

/// "what: FFmpeg's text for `code`", with what libavformat last complained of on
/// this thread.
[[nodiscard]] std::string describe(const std::string& what, int code);

/// Sends FFmpeg's messages to our log (at debug) in place of standard error. Once.
void capture_log();

[[nodiscard]] AVCodecID codec_id(Codec codec);
/// One of our codecs, or none.
[[nodiscard]] const CodecTraits* traits_of(AVCodecID id);

/// Replaces `parameters.extradata`. False if out of memory.
[[nodiscard]] bool set_extradata(AVCodecParameters& parameters, ByteSpan bytes);

}  // namespace moq::media::av
