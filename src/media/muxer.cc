#include "media/muxer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "media/av.h"
#include "media/error.h"

namespace moq::media {
namespace {

constexpr int kIoBuffer = 64 * 1024;
constexpr std::uint64_t kAacFrame = 1024;
/// Of a picture that is decoded to see what it declares: 8K.
constexpr std::int64_t kMaxPixels = std::int64_t{8192} * 4608;

struct Format {
  std::string_view name;
  const char* muxer;
  /// Of MP4: fragments end where we flush, and a track that begins later than
  /// another says so in its first fragment.
  const char* movflags;
};
constexpr std::array<Format, 4> kFormats = {
    {{"fmp4", "mp4", "frag_custom+frag_discont+empty_moov+default_base_moof"},
     {"mkv", "matroska", nullptr},
     {"ts", "mpegts", nullptr},
     {"flv", "flv", nullptr}}};

#if LIBAVFORMAT_VERSION_MAJOR >= 61
using IoData = const std::uint8_t;
#else
using IoData = std::uint8_t;
#endif

class AvMuxer final : public Muxer {
 public:
  AvMuxer(const Format& format, Write write) : format_(format), write_(std::move(write)) {}
  AvMuxer(const AvMuxer&) = delete;
  AvMuxer& operator=(const AvMuxer&) = delete;
  ~AvMuxer() override {
    if (io_ != nullptr) {
      av_freep(&io_->buffer);
      avio_context_free(&io_);
    }
    avformat_free_context(context_);
  }

  Result<void> open() {
    av::capture_log();
    packet_.reset(av_packet_alloc());
    const int code = avformat_alloc_output_context2(&context_, nullptr, format_.muxer, nullptr);
    auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBuffer));
    io_ = avio_alloc_context(buffer, kIoBuffer, 1, this, nullptr, on_write, nullptr);
    if (code < 0 || packet_ == nullptr || io_ == nullptr) {
      return fail(MediaError::unsupported,
                  av::describe(fmt::format("libavformat's muxer \"{}\"", format_.muxer), code));
    }
    io_->seekable = 0;
    context_->pb = io_;
    context_->flags |= AVFMT_FLAG_CUSTOM_IO;
    // Opus in MP4 was experimental in older releases.
    context_->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    return {};
  }

  Result<std::size_t> add_track(const MuxTrack& track) override;
  Result<void> begin() override;
  Result<void> write(std::size_t track, const MuxFrame& frame) override;
  Result<void> flush() override;
  Result<void> finish() override;

 private:
  static int on_write(void* self, IoData* data, int size) {
    auto& muxer = *static_cast<AvMuxer*>(self);
    if (muxer.gone_ || !muxer.write_({data, static_cast<std::size_t>(size)})) {
      muxer.gone_ = true;
      return AVERROR(EPIPE);
    }
    return size;
  }
  Result<void> checked(int code, const std::string& what) const {
    if (gone_) return fail(MediaError::io, "the output was closed");
    if (code < 0) return fail(MediaError::mux, av::describe(what, code));
    return {};
  }
  Result<void> fill_video(const MuxTrack& track, AVStream& stream) const;
  Result<void> fill_audio(const MuxTrack& track, AVStream& stream) const;

  const Format& format_;
  Write write_;
  AVFormatContext* context_ = nullptr;
  AVIOContext* io_ = nullptr;
  av::Packet packet_;
  std::vector<std::string> names_;
  std::vector<std::int64_t> last_dts_;  ///< in the muxer's time bases
  bool begun_ = false;
  bool gone_ = false;
};

Result<void> AvMuxer::fill_video(const MuxTrack& track, AVStream& stream) const {
  AVCodecParameters& parameters = *stream.codecpar;
  if (track.width == 0 || track.height == 0 || track.width > kMaxDimension ||
      track.height > kMaxDimension) {
    return fail(MediaError::mux, fmt::format("track {}: a picture of {} by {} pixels", track.name,
                                             track.width, track.height));
  }
  parameters.codec_type = AVMEDIA_TYPE_VIDEO;
  parameters.width = static_cast<int>(track.width);
  parameters.height = static_cast<int>(track.height);
  parameters.format = AV_PIX_FMT_YUV420P;
  if (track.framerate > 0 && track.framerate < 1000) {
    stream.avg_frame_rate = av_d2q(track.framerate, 1001000);
  }
  if (track.codec == Codec::vp9) {
    const Vp9Format vp9 = vp9_format_of(track.codec_string);
    parameters.profile = vp9.profile;
    parameters.level =
        vp9.level != 0 ? vp9.level : vp9_level_for(parameters.width, parameters.height);
    const bool full_chroma = vp9.profile % 2 == 1;
    parameters.format = vp9.bit_depth == 8 ? (full_chroma ? AV_PIX_FMT_YUV444P : AV_PIX_FMT_YUV420P)
                        : vp9.bit_depth == 10
                            ? (full_chroma ? AV_PIX_FMT_YUV444P10 : AV_PIX_FMT_YUV420P10)
                            : (full_chroma ? AV_PIX_FMT_YUV444P12 : AV_PIX_FMT_YUV420P12);
  }
  if (format_.movflags != nullptr && track.codec_string.starts_with("hvc1")) {
    parameters.codec_tag = MKTAG('h', 'v', 'c', '1');
  }
  return {};
}

Result<void> AvMuxer::fill_audio(const MuxTrack& track, AVStream& stream) const {
  AVCodecParameters& parameters = *stream.codecpar;
  if (track.sample_rate == 0 || track.sample_rate > kMaxSampleRate || track.channels == 0 ||
      track.channels > kMaxChannels) {
    return fail(MediaError::mux, fmt::format("track {}: audio of {} Hz and {} channels", track.name,
                                             track.sample_rate, track.channels));
  }
  parameters.codec_type = AVMEDIA_TYPE_AUDIO;
  parameters.sample_rate = static_cast<int>(track.sample_rate);
  av_channel_layout_default(&parameters.ch_layout, static_cast<int>(track.channels));
  if (track.codec == Codec::aac) parameters.frame_size = kAacFrame;
  return {};
}

Result<std::size_t> AvMuxer::add_track(const MuxTrack& track) {
  AVStream* stream = avformat_new_stream(context_, nullptr);
  if (stream == nullptr) return fail(MediaError::mux, "out of memory");
  const std::size_t index = names_.size();
  names_.push_back(track.name);
  last_dts_.push_back(-1);
  stream->time_base = av::kMicros;
  stream->codecpar->codec_id = av::codec_id(track.codec);
  if (traits(track.codec).kind == MediaKind::video) {
    MOQ_CHECK_OK(fill_video(track, *stream));
  } else {
    MOQ_CHECK_OK(fill_audio(track, *stream));
  }
  Bytes extradata = track.extradata;
  if (extradata.empty() && track.codec == Codec::opus) {
    extradata = make_opus_head(static_cast<int>(track.channels), 48000);
  }
  if (extradata.empty() && track.codec == Codec::aac) {
    MOQ_TRY(extradata, make_audio_specific_config(2, static_cast<int>(track.sample_rate),
                                                  static_cast<int>(track.channels)));
  }
  if (!av::set_extradata(*stream->codecpar, extradata)) {
    return fail(MediaError::mux, "out of memory");
  }
  return index;
}

Result<void> AvMuxer::begin() {
  AVDictionary* options = nullptr;
  if (format_.movflags != nullptr) {
    av_dict_set(&options, "movflags", format_.movflags, 0);
    av_dict_set(&options, "use_editlist", "0", 0);
  }
  // Times start at zero already; libavformat would shift tracks one by one.
  context_->avoid_negative_ts = 0;
  const int code = avformat_write_header(context_, &options);
  av_dict_free(&options);
  std::string tracks;
  for (const std::string& name : names_) tracks += (tracks.empty() ? "" : ", ") + name;
  MOQ_CHECK_OK(checked(code, fmt::format("{} of {}", format_.name, tracks)));
  begun_ = true;
  avio_flush(io_);
  return checked(0, {});
}

Result<void> AvMuxer::write(std::size_t track, const MuxFrame& frame) {
  if (!begun_) return fail(MediaError::mux, "a frame before the header");
  av_packet_unref(packet_.get());
  // A copy, as libavcodec's parsers read a little beyond the end.
  if (av_new_packet(packet_.get(), static_cast<int>(frame.payload.size())) < 0) {
    return fail(MediaError::mux, "out of memory");
  }
  if (!frame.payload.empty()) {
    std::memcpy(packet_->data, frame.payload.data(), frame.payload.size());
  }
  packet_->stream_index = static_cast<int>(track);
  packet_->pts = frame.pts;
  packet_->dts = frame.dts;
  packet_->duration = frame.duration;
  if (frame.keyframe) packet_->flags |= AV_PKT_FLAG_KEY;
  av_packet_rescale_ts(packet_.get(), av::kMicros, context_->streams[track]->time_base);
  // A coarser time base must not make two times one.
  std::int64_t& last = last_dts_[track];
  packet_->dts = std::max(packet_->dts, last + 1);
  packet_->pts = std::max(packet_->pts, packet_->dts);
  last = packet_->dts;
  return checked(av_write_frame(context_, packet_.get()), "track " + names_[track]);
}

Result<void> AvMuxer::flush() {
  const int code = av_write_frame(context_, nullptr);
  avio_flush(io_);
  if (format_.movflags != nullptr) {
    // Otherwise the next fragment begins where the durations say, of which the last was a
    // guess, whatever its first frame says. Holds for one fragment.
    av_opt_set(context_->priv_data, "movflags", "+frag_discont", 0);
  }
  return checked(code, std::string(format_.name));
}

Result<void> AvMuxer::finish() {
  if (!begun_) return {};
  begun_ = false;
  const int code = av_write_trailer(context_);
  avio_flush(io_);
  return checked(code, std::string(format_.name));
}

}  // namespace

Result<std::unique_ptr<Muxer>> Muxer::create(std::string_view format, Write write) {
  for (const Format& entry : kFormats) {
    if (entry.name != format) continue;
    auto muxer = std::make_unique<AvMuxer>(entry, std::move(write));
    MOQ_CHECK_OK(muxer->open());
    return muxer;
  }
  return fail(MediaError::unsupported,
              fmt::format("no output format \"{}\"; there are fmp4, mkv, ts and flv", format));
}

VideoProbe probe_video(Codec codec, ByteSpan extradata, ByteSpan keyframe) {
  VideoProbe probe;
  const AVCodecID id = av::codec_id(codec);
  const AVCodec* decoder = avcodec_find_decoder(id);
  const av::CodecContext context(avcodec_alloc_context3(decoder));
  if (context == nullptr) return probe;
  context->thread_count = 1;
  const av::Parameters parameters(avcodec_parameters_alloc());
  if (parameters == nullptr) return probe;
  parameters->codec_type = AVMEDIA_TYPE_VIDEO;
  parameters->codec_id = id;
  if (!av::set_extradata(*parameters, extradata) ||
      avcodec_parameters_to_context(context.get(), parameters.get()) < 0) {
    return probe;
  }
  context->max_pixels = kMaxPixels;
  context->error_concealment = 0;
  context->skip_loop_filter = AVDISCARD_ALL;
  // Decoders put parameter sets to use with the first picture.
  if (decoder != nullptr && traits(codec).reorders &&
      avcodec_open2(context.get(), decoder, nullptr) >= 0) {
    const av::Packet packet(av_packet_alloc());
    if (packet == nullptr || av_new_packet(packet.get(), static_cast<int>(keyframe.size())) < 0) {
      return probe;
    }
    std::copy(keyframe.begin(), keyframe.end(), packet->data);
    avcodec_send_packet(context.get(), packet.get());
    probe.reorder_depth = static_cast<std::size_t>(std::max(context->has_b_frames, 0));
  }
  AVCodecParserContext* parser = av_parser_init(id);
  if (parser == nullptr) return probe;
  parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
  std::vector<std::uint8_t> padded(keyframe.begin(), keyframe.end());
  padded.resize(keyframe.size() + AV_INPUT_BUFFER_PADDING_SIZE);
  std::uint8_t* out = nullptr;
  int out_size = 0;
  av_parser_parse2(parser, context.get(), &out, &out_size, padded.data(),
                   static_cast<int>(keyframe.size()), 0, 0, 0);
  if (parser->width > 0 && parser->height > 0) {
    probe.width = static_cast<std::uint64_t>(parser->width);
    probe.height = static_cast<std::uint64_t>(parser->height);
  }
  av_parser_close(parser);
  return probe;
}

}  // namespace moq::media
