#include "media/packet_reader.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>

#include <fmt/format.h>

extern "C" {
#include <libavutil/pixdesc.h>
}

#include "media/av.h"
#include "media/error.h"

namespace moq::media {
namespace {

constexpr int kIoBuffer = 64 * 1024;
/// How often a wait for standard input looks whether it was cancelled.
constexpr int kPollMillis = 100;
/// What is read ahead to see the first frame of each stream: at most so many
/// frames, and so much media time in microseconds.
constexpr std::size_t kMaxLookahead = 1024;
constexpr std::int64_t kMaxLookaheadTime = 1000000;

ByteSpan extradata(const AVCodecParameters& parameters) {
  if (parameters.extradata == nullptr || parameters.extradata_size <= 0) return {};
  return {parameters.extradata, static_cast<std::size_t>(parameters.extradata_size)};
}

std::ptrdiff_t read_stdin(std::span<std::uint8_t> out, const std::atomic<bool>* cancelled) {
  while (cancelled == nullptr || !cancelled->load(std::memory_order_relaxed)) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int ready = ::poll(&input, 1, kPollMillis);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    if (ready < 0) return -1;
    const ssize_t size = ::read(STDIN_FILENO, out.data(), out.size());
    if (size >= 0 || (errno != EINTR && errno != EAGAIN)) return size;
  }
  return -1;
}

/// "video 0 mpeg2video, audio 1 mp3": what an input holds.
std::string list_streams(const AVFormatContext& context) {
  std::string text;
  for (unsigned i = 0; i < context.nb_streams; ++i) {
    const AVCodecParameters& parameters = *context.streams[i]->codecpar;
    const char* type = av_get_media_type_string(parameters.codec_type);
    text += fmt::format("{}{} stream {} is {}", text.empty() ? "" : ", ",
                        type == nullptr ? "other" : type, i, avcodec_get_name(parameters.codec_id));
  }
  return text.empty() ? "no streams" : text;
}

}  // namespace

struct PacketReader::Impl {
  std::string name;
  Options options;
  Source source;
  std::shared_ptr<std::atomic<bool>> cancelled;
  AVFormatContext* context = nullptr;
  AVIOContext* io = nullptr;
  av::Packet packet;
  std::vector<StreamInfo> streams;
  /// Of each stream of the container: its index in `streams`, or -1.
  std::vector<int> published;
  std::vector<std::int64_t> last_dts;
  std::deque<MediaPacket> ahead;
  std::vector<bool> adts;
  std::int64_t shift = 0;
  std::uint64_t dropped = 0;
  bool source_failed = false;
  bool ended = false;

  ~Impl() {
    avformat_close_input(&context);
    if (io != nullptr) {
      av_freep(&io->buffer);
      avio_context_free(&io);
    }
  }

  static int on_read(void* self, std::uint8_t* buffer, int size) {
    auto& impl = *static_cast<Impl*>(self);
    const std::ptrdiff_t got = impl.source({buffer, static_cast<std::size_t>(size)});
    if (got == 0) return AVERROR_EOF;
    if (got < 0) impl.source_failed = true;
    return got < 0 ? AVERROR(EIO) : static_cast<int>(got);
  }
  static int on_interrupt(void* self) {
    const auto& impl = *static_cast<Impl*>(self);
    return impl.cancelled != nullptr && impl.cancelled->load(std::memory_order_relaxed) ? 1 : 0;
  }

  Result<void> open(const char* url);
  Result<void> describe_streams();
  Result<void> look_ahead();
  Result<std::optional<MediaPacket>> read();
  void describe_video(const AVStream& stream, StreamInfo& info) const;
  Result<std::string> codec_string(const AVCodecParameters& parameters, StreamInfo& info) const;
};

Result<void> PacketReader::Impl::open(const char* url) {
  av::capture_log();
  packet.reset(av_packet_alloc());
  context = avformat_alloc_context();
  if (packet == nullptr || context == nullptr) return fail(MediaError::io, "out of memory");
  context->interrupt_callback = {on_interrupt, this};
  context->max_analyze_duration = options.analyze;
  if (source) {
    auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBuffer));
    io = avio_alloc_context(buffer, kIoBuffer, 0, this, on_read, nullptr, nullptr);
    if (io == nullptr) return fail(MediaError::io, "out of memory");
    context->pb = io;
    context->flags |= AVFMT_FLAG_CUSTOM_IO;
  }
  const AVInputFormat* format = nullptr;
  if (!options.format.empty()) {
    format = av_find_input_format(options.format.c_str());
    if (format == nullptr) {
      return fail(MediaError::unsupported,
                  fmt::format("libavformat has no demuxer \"{}\"", options.format));
    }
  }
  // On failure this frees the context.
  if (const int code = avformat_open_input(&context, url, format, nullptr); code < 0) {
    if (source_failed || code == AVERROR_EXIT) return fail(MediaError::io, name + ": read failed");
    const bool media = code == AVERROR_INVALIDDATA || code == AVERROR_EOF || source;
    return fail(media ? MediaError::not_media : MediaError::io,
                av::describe(name, code) +
                    (media ? "; give a container such as MP4 (fragmented, when it is piped), "
                             "MPEG-TS, Matroska or FLV"
                           : ""));
  }
  if (const int code = avformat_find_stream_info(context, nullptr); code < 0) {
    return fail(MediaError::truncated, av::describe(name, code) +
                                           "; it ends before its streams "
                                           "could be recognised");
  }
  MOQ_CHECK_OK(describe_streams());
  return look_ahead();
}

Result<std::string> PacketReader::Impl::codec_string(const AVCodecParameters& parameters,
                                                     StreamInfo& info) const {
  const ByteSpan extra = extradata(parameters);
  switch (info.codec) {
    case Codec::h264:
    case Codec::h265: {
      if (extra.empty()) return fail(MediaError::unsupported, "no parameter sets");
      if (is_annexb(extra)) {
        return annexb_codec_string(info.codec, annexb_parameter_sets(info.codec, extra));
      }
      info.description = Bytes::copy_of(extra);
      if (info.codec == Codec::h264) return h264_codec_string(extra);
      return h265_codec_string(extra, parameters.codec_tag == MKTAG('h', 'e', 'v', '1'));
    }
    case Codec::vp9: {
      Vp9Format format;
      format.profile = std::clamp(parameters.profile, 0, 3);
      format.level = parameters.level > 0 ? parameters.level
                                          : vp9_level_for(parameters.width, parameters.height);
      const AVPixFmtDescriptor* pixels =
          av_pix_fmt_desc_get(static_cast<AVPixelFormat>(parameters.format));
      if (pixels != nullptr) format.bit_depth = pixels->comp[0].depth;
      return vp9_codec_string(format);
    }
    case Codec::av1:
      // Without av1C the sequence header is in-band, which every decoder takes.
      if (extra.empty() || extra[0] != 0x81) {
        return fmt::format("av01.{}.{:02}M.08", std::clamp(parameters.profile, 0, 2),
                           std::clamp(parameters.level, 0, 31));
      }
      info.description = Bytes::copy_of(extra);
      return av1_codec_string(extra);
    case Codec::aac: {
      // Described by the first ADTS header, in look_ahead.
      if (extra.empty()) return std::string();
      info.description = Bytes::copy_of(extra);
      return aac_codec_string(extra);
    }
    case Codec::opus:
      info.description = extra.empty() ? make_opus_head(static_cast<int>(info.channels), 48000)
                                       : Bytes::copy_of(extra);
      return std::string("opus");
  }
  return fail(MediaError::unsupported, "codec");
}

void PacketReader::Impl::describe_video(const AVStream& stream, StreamInfo& info) const {
  const AVCodecParameters& parameters = *stream.codecpar;
  info.width = static_cast<std::uint32_t>(std::max(parameters.width, 0));
  info.height = static_cast<std::uint32_t>(std::max(parameters.height, 0));
  info.reorder_depth = static_cast<std::uint32_t>(std::clamp(parameters.video_delay, 0, 16));
  AVRational rate = stream.avg_frame_rate;
  if (rate.num <= 0 || rate.den <= 0) rate = stream.r_frame_rate;
  if (rate.num > 0 && rate.den > 0 && av_q2d(rate) < 1000) info.framerate = av_q2d(rate);
  const AVRational sample = parameters.sample_aspect_ratio;
  if (sample.num > 0 && sample.den > 0 && sample.num != sample.den) {
    int width = 0;
    int height = 0;
    av_reduce(&width, &height, static_cast<std::int64_t>(parameters.width) * sample.num,
              static_cast<std::int64_t>(parameters.height) * sample.den, 1 << 16);
    info.aspect_width = static_cast<std::uint32_t>(width);
    info.aspect_height = static_cast<std::uint32_t>(height);
  }
}

Result<void> PacketReader::Impl::describe_streams() {
  std::string problems;
  published.assign(context->nb_streams, -1);
  for (unsigned i = 0; i < context->nb_streams; ++i) {
    AVStream& stream = *context->streams[i];
    const AVCodecParameters& parameters = *stream.codecpar;
    const CodecTraits* codec = av::traits_of(parameters.codec_id);
    const bool wanted =
        codec != nullptr && (codec->kind == MediaKind::video ? options.video : options.audio);
    stream.discard = AVDISCARD_ALL;
    if (!wanted || (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0) continue;
    StreamInfo info;
    info.codec = codec->codec;
    info.bitrate = static_cast<std::uint64_t>(std::max<std::int64_t>(parameters.bit_rate, 0));
    if (codec->kind == MediaKind::video) {
      describe_video(stream, info);
    } else {
      info.sample_rate = static_cast<std::uint32_t>(std::max(parameters.sample_rate, 0));
      info.channels = static_cast<std::uint32_t>(std::max(parameters.ch_layout.nb_channels, 0));
    }
    auto text = codec_string(parameters, info);
    if (!text) {
      problems += fmt::format("; stream {}: {}", i, text.error().detail());
      continue;
    }
    info.codec_string = *std::move(text);
    stream.discard = AVDISCARD_DEFAULT;
    published[i] = static_cast<int>(streams.size());
    streams.push_back(std::move(info));
  }
  adts.assign(streams.size(), false);
  last_dts.assign(streams.size(), 0);
  if (streams.empty()) {
    return fail(MediaError::unsupported,
                fmt::format("{}: nothing to publish ({}{}); encode to H.264, H.265, VP9 or AV1 "
                            "video and AAC or Opus audio, as with ffmpeg -c:v libx264 -c:a aac",
                            name, list_streams(*context), problems));
  }
  return {};
}

Result<void> PacketReader::Impl::look_ahead() {
  std::vector<bool> seen(streams.size(), false);
  std::int64_t first = INT64_MAX;
  std::int64_t last = INT64_MIN;
  const auto enough = [&] {
    const bool described = std::none_of(streams.begin(), streams.end(),
                                        [](const auto& info) { return info.codec_string.empty(); });
    const bool all = std::find(seen.begin(), seen.end(), false) == seen.end();
    return all || (described && !ahead.empty() && last - first > kMaxLookaheadTime);
  };
  while (!enough() && ahead.size() < kMaxLookahead && !ended) {
    MOQ_TRY(auto frame, read());
    if (!frame) break;
    seen[frame->stream] = true;
    first = std::min(first, frame->pts);
    last = std::max(last, frame->pts);
    ahead.push_back(*std::move(frame));
  }
  for (const StreamInfo& info : streams) {
    if (info.codec_string.empty()) {
      return fail(MediaError::unsupported,
                  name + ": an AAC stream has neither an AudioSpecificConfig nor ADTS headers");
    }
  }
  // Containers may start below zero (encoder delay), the legacy container cannot.
  if (!ahead.empty() && first < 0) {
    shift = -first;
    for (MediaPacket& frame : ahead) {
      frame.pts += shift;
      frame.dts += shift;
    }
  }
  return {};
}

Result<std::optional<MediaPacket>> PacketReader::Impl::read() {
  while (!ended) {
    av_packet_unref(packet.get());
    const int code = av_read_frame(context, packet.get());
    if (code == AVERROR(EAGAIN)) continue;
    if (code < 0) {
      ended = true;
      if (source_failed || code == AVERROR_EXIT)
        return fail(MediaError::io, name + ": read failed");
      if (code == AVERROR_EOF) break;
      return fail(code == AVERROR_INVALIDDATA ? MediaError::truncated : MediaError::io,
                  av::describe(name, code));
    }
    const auto index = static_cast<std::size_t>(packet->stream_index);
    // Streams that appear later (MPEG-TS) are not published.
    if (index >= published.size() || published[index] < 0) continue;
    const auto number = static_cast<std::size_t>(published[index]);
    StreamInfo& info = streams[number];
    if (static_cast<std::size_t>(packet->size) > options.max_packet) {
      return fail(MediaError::too_large, fmt::format("{}: a frame of {} bytes (at most {})", name,
                                                     packet->size, options.max_packet));
    }
    // What an edit list hides (AV_PKT_FLAG_DISCARD) is needed to decode what it shows.
    if ((packet->flags & AV_PKT_FLAG_CORRUPT) != 0 || packet->size <= 0) {
      ++dropped;
      continue;
    }
    const AVRational base = context->streams[index]->time_base;
    if (packet->pts == AV_NOPTS_VALUE) packet->pts = packet->dts;
    if (packet->pts == AV_NOPTS_VALUE) {
      ++dropped;
      continue;
    }
    MediaPacket out;
    out.stream = number;
    out.pts = av_rescale_q(packet->pts, base, av::kMicros) + shift;
    out.dts = packet->dts == AV_NOPTS_VALUE ? last_dts[number]
                                            : av_rescale_q(packet->dts, base, av::kMicros) + shift;
    last_dts[number] = out.dts;
    out.keyframe = (packet->flags & AV_PKT_FLAG_KEY) != 0;
    ByteSpan payload(packet->data, static_cast<std::size_t>(packet->size));
    if (info.codec == Codec::aac) {
      const auto header = parse_adts(payload);
      if (info.codec_string.empty() && header) {
        MOQ_TRY(info.description, make_audio_specific_config(
                                      header->object_type, header->sample_rate, header->channels));
        MOQ_TRY(info.codec_string, aac_codec_string(info.description));
        adts[number] = true;
      }
      if (adts[number]) {
        if (!header) {
          ++dropped;
          continue;
        }
        payload = payload.subspan(header->size);
      }
    }
    out.payload = Bytes::copy_of(payload);
    return out;
  }
  return std::nullopt;
}

PacketReader::PacketReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PacketReader::~PacketReader() = default;

Result<std::unique_ptr<PacketReader>> PacketReader::open(
    const std::string& url, const Options& options, std::shared_ptr<std::atomic<bool>> cancelled) {
  auto impl = std::make_unique<Impl>();
  impl->name = url == "-" ? "standard input" : url;
  impl->options = options;
  impl->cancelled = cancelled;
  if (url == "-") {
    impl->source = [cancelled](std::span<std::uint8_t> out) {
      return read_stdin(out, cancelled.get());
    };
  }
  MOQ_CHECK_OK(impl->open(url == "-" ? nullptr : url.c_str()));
  return std::unique_ptr<PacketReader>(new PacketReader(std::move(impl)));
}

Result<std::unique_ptr<PacketReader>> PacketReader::open(Source source, const std::string& name,
                                                         const Options& options) {
  auto impl = std::make_unique<Impl>();
  impl->name = name;
  impl->options = options;
  impl->source = std::move(source);
  MOQ_CHECK_OK(impl->open(nullptr));
  return std::unique_ptr<PacketReader>(new PacketReader(std::move(impl)));
}

const std::vector<StreamInfo>& PacketReader::streams() const { return impl_->streams; }
std::uint64_t PacketReader::dropped() const { return impl_->dropped; }

Result<std::optional<MediaPacket>> PacketReader::next() {
  if (!impl_->ahead.empty()) {
    MediaPacket packet = std::move(impl_->ahead.front());
    impl_->ahead.pop_front();
    return packet;
  }
  MOQ_TRY(auto packet, impl_->read());
  if (packet) packet->pts = std::max<std::int64_t>(packet->pts, 0);
  return packet;
}

}  // namespace moq::media
