#include "media/av.h"

#include <array>
#include <cstdarg>
#include <cstring>
#include <mutex>

#include "net/base/log.h"

namespace moq::media::av {
namespace {

constexpr std::array<AVCodecID, 6> kCodecIds = {AV_CODEC_ID_H264, AV_CODEC_ID_HEVC,
                                                AV_CODEC_ID_VP9,  AV_CODEC_ID_AV1,
                                                AV_CODEC_ID_AAC,  AV_CODEC_ID_OPUS};

thread_local std::string last_complaint;

void on_log(void* source, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_WARNING) return;
  std::array<char, 512> line{};
  int print_prefix = 1;
  av_log_format_line2(source, level, format, arguments, line.data(), static_cast<int>(line.size()),
                      &print_prefix);
  std::string_view text(line.data());
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (level <= AV_LOG_ERROR) last_complaint = text;
  log::debug("{}", text);
}

}  // namespace

std::string describe(const std::string& what, int code) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(code, text.data(), text.size());
  std::string message = what + ": " + text.data();
  if (!last_complaint.empty()) message += " (" + last_complaint + ")";
  last_complaint.clear();
  return message;
}

void capture_log() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_callback(on_log); });
  last_complaint.clear();
}

AVCodecID codec_id(Codec codec) { return kCodecIds[static_cast<std::size_t>(codec)]; }

const CodecTraits* traits_of(AVCodecID id) {
  for (std::size_t i = 0; i < kCodecIds.size(); ++i) {
    if (kCodecIds[i] == id) return &traits(static_cast<Codec>(i));
  }
  return nullptr;
}

bool set_extradata(AVCodecParameters& parameters, ByteSpan bytes) {
  av_freep(&parameters.extradata);
  parameters.extradata_size = 0;
  if (bytes.empty()) return true;
  auto* copy = static_cast<std::uint8_t*>(av_mallocz(bytes.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  if (copy == nullptr) return false;
  std::memcpy(copy, bytes.data(), bytes.size());
  parameters.extradata = copy;
  parameters.extradata_size = static_cast<int>(bytes.size());
  return true;
}

}  // namespace moq::media::av
