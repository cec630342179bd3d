#include "media/codec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "media/error.h"

namespace moq::media {
namespace {

constexpr std::array<CodecTraits, 6> kCodecs = {{
    {Codec::h264, MediaKind::video, "h264", "avc1.", "avc3.", true},
    {Codec::h265, MediaKind::video, "h265", "hvc1.", "hev1.", true},
    {Codec::vp9, MediaKind::video, "vp9", "vp09.", "", false},
    {Codec::av1, MediaKind::video, "av1", "av01.", "", false},
    {Codec::aac, MediaKind::audio, "aac", "mp4a.40.", "", false},
    {Codec::opus, MediaKind::audio, "opus", "opus", "", false},
}};

constexpr std::array<int, 13> kAacRates = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                           22050, 16000, 12000, 11025, 8000,  7350};

/// profile_space, tier, profile_idc: `record[0]`; then compatibility (4),
/// constraints (6) and level (1), as in hvcC and profile_tier_level().
std::string h265_from_profile(ByteSpan record, bool in_band) {
  const int space = record[0] >> 6;
  std::uint32_t compatibility = 0;
  for (int bit = 0; bit < 32; ++bit) {
    if ((record[1 + bit / 8] >> (7 - bit % 8) & 1) != 0) compatibility |= 1U << bit;
  }
  std::string text = in_band ? "hev1." : "hvc1.";
  if (space > 0) text += static_cast<char>('A' + space - 1);
  text += fmt::format("{}.{:X}.{}{}", record[0] & 0x1f, compatibility,
                      (record[0] & 0x20) != 0 ? 'H' : 'L', record[11]);
  std::size_t significant = 6;
  while (significant > 0 && record[4 + significant] == 0) --significant;
  for (std::size_t i = 0; i < significant; ++i) text += fmt::format(".{:X}", record[5 + i]);
  return text;
}

/// Calls `visit(nal)` for each NAL unit behind a start code.
template <typename Visit>
void for_each_nal(ByteSpan bytes, Visit visit) {
  const auto start_code = [&](std::size_t i) {
    return i + 3 <= bytes.size() && bytes[i] == 0 && bytes[i + 1] == 0 && bytes[i + 2] == 1;
  };
  std::size_t i = 0;
  while (i < bytes.size() && !start_code(i)) ++i;
  while (i < bytes.size()) {
    const std::size_t begin = i + 3;
    i = begin;
    while (i < bytes.size() && !start_code(i)) ++i;
    std::size_t end = i;
    while (end > begin && bytes[end - 1] == 0) --end;
    if (end > begin) visit(bytes.subspan(begin, end - begin));
  }
}

bool is_parameter_set(Codec codec, ByteSpan nal) {
  if (codec == Codec::h264) return (nal[0] & 0x1f) == 7 || (nal[0] & 0x1f) == 8;
  const int type = nal[0] >> 1 & 0x3f;
  return type >= 32 && type <= 34;
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

const CodecTraits& traits(Codec codec) { return kCodecs[static_cast<std::size_t>(codec)]; }

std::optional<Codec> codec_of(std::string_view codec_string) {
  for (const CodecTraits& entry : kCodecs) {
    if (codec_string.starts_with(entry.prefix) ||
        (!entry.other_prefix.empty() && codec_string.starts_with(entry.other_prefix))) {
      return entry.codec;
    }
  }
  return std::nullopt;
}

std::optional<Codec> codec_named(std::string_view name) {
  for (const CodecTraits& entry : kCodecs) {
    if (entry.name == name) return entry.codec;
  }
  return std::nullopt;
}

Result<std::string> h264_codec_string(ByteSpan avcc) {
  if (avcc.size() < 7 || avcc[0] != 1) return fail(MediaError::unsupported, "malformed avcC");
  return fmt::format("avc1.{:02x}{:02x}{:02x}", avcc[1], avcc[2], avcc[3]);
}

Result<std::string> h265_codec_string(ByteSpan hvcc, bool in_band) {
  if (hvcc.size() < 23 || hvcc[0] != 1) return fail(MediaError::unsupported, "malformed hvcC");
  return h265_from_profile(hvcc.subspan(1, 12), in_band);
}

Result<std::string> av1_codec_string(ByteSpan av1c) {
  if (av1c.size() < 4 || av1c[0] != 0x81) return fail(MediaError::unsupported, "malformed av1C");
  const bool high = (av1c[2] & 0x40) != 0;
  const bool twelve = (av1c[2] & 0x20) != 0;
  return fmt::format("av01.{}.{:02}{}.{:02}", av1c[1] >> 5, av1c[1] & 0x1f,
                     (av1c[2] & 0x80) != 0 ? 'H' : 'M', high ? (twelve ? 12 : 10) : 8);
}

Result<std::string> aac_codec_string(ByteSpan config) {
  if (config.size() < 2) return fail(MediaError::unsupported, "malformed AudioSpecificConfig");
  int object_type = config[0] >> 3;
  if (object_type == 31) object_type = 32 + ((config[0] & 7) << 3 | config[1] >> 5);
  if (object_type == 0) return fail(MediaError::unsupported, "AudioSpecificConfig of no type");
  return fmt::format("mp4a.40.{}", object_type);
}

std::string vp9_codec_string(const Vp9Format& format) {
  return fmt::format("vp09.{:02}.{:02}.{:02}", format.profile,
                     format.level == 0 ? 10 : format.level, format.bit_depth);
}

Vp9Format vp9_format_of(std::string_view codec_string) {
  Vp9Format format;
  std::vector<int> fields;
  std::string_view rest = codec_string.substr(std::min<std::size_t>(5, codec_string.size()));
  while (!rest.empty() && fields.size() < 3) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    fields.push_back(number(rest.substr(0, dot)).value_or(-1));
    rest.remove_prefix(std::min(dot + 1, rest.size()));
  }
  if (!fields.empty() && fields[0] >= 0 && fields[0] <= 3) format.profile = fields[0];
  if (fields.size() > 1 && fields[1] >= 10 && fields[1] <= 62) format.level = fields[1];
  if (fields.size() > 2 && (fields[2] == 10 || fields[2] == 12)) format.bit_depth = fields[2];
  return format;
}

int vp9_level_for(int width, int height) {
  struct Level {
    int level;
    std::int64_t pixels;
  };
  // VP9 Levels (webmproject.org): "Max Luma Picture Size".
  constexpr std::array<Level, 9> kLevels = {{{10, 36864},
                                             {11, 73728},
                                             {20, 122880},
                                             {21, 245760},
                                             {30, 552960},
                                             {31, 983040},
                                             {40, 2228224},
                                             {50, 8912896},
                                             {60, 35651584}}};
  const std::int64_t pixels = static_cast<std::int64_t>(width) * height;
  for (const Level& level : kLevels) {
    if (pixels <= level.pixels) return level.level;
  }
  return 62;
}

bool is_annexb(ByteSpan bytes) {
  if (bytes.size() < 4 || bytes[0] != 0 || bytes[1] != 0) return false;
  return bytes[2] == 1 || (bytes[2] == 0 && bytes[3] == 1);
}

Bytes annexb_parameter_sets(Codec codec, ByteSpan bytes) {
  std::vector<std::uint8_t> sets;
  for_each_nal(bytes, [&](ByteSpan nal) {
    if (!is_parameter_set(codec, nal)) return;
    sets.insert(sets.end(), {0, 0, 0, 1});
    sets.insert(sets.end(), nal.begin(), nal.end());
  });
  return sets.empty() ? Bytes() : Bytes::copy_of(sets);
}

Result<std::string> annexb_codec_string(Codec codec, ByteSpan parameter_sets) {
  std::string text;
  for_each_nal(parameter_sets, [&](ByteSpan nal) {
    if (!text.empty()) return;
    if (codec == Codec::h264 && (nal[0] & 0x1f) == 7 && nal.size() >= 4) {
      text = fmt::format("avc3.{:02x}{:02x}{:02x}", nal[1], nal[2], nal[3]);
    }
    if (codec == Codec::h265 && (nal[0] >> 1 & 0x3f) == 33) {
      // Without emulation prevention bytes: header (2), ids (1), profile_tier_level (12).
      std::vector<std::uint8_t> plain;
      int zeros = 0;
      for (std::size_t i = 0; i < nal.size() && plain.size() < 15; ++i) {
        if (zeros >= 2 && nal[i] == 3) {
          zeros = 0;
          continue;
        }
        zeros = nal[i] == 0 ? zeros + 1 : 0;
        plain.push_back(nal[i]);
      }
      if (plain.size() == 15) text = h265_from_profile(ByteSpan(plain).subspan(3, 12), true);
    }
  });
  if (text.empty()) return fail(MediaError::unsupported, "no sequence parameter set");
  return text;
}

Bytes av1_sequence_header(ByteSpan bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::uint8_t header = bytes[at];
    std::size_t body = at + 1 + ((header & 4) != 0 ? 1 : 0);
    std::uint64_t size = 0;
    if ((header & 2) != 0) {
      int shift = 0;
      while (true) {
        if (body >= bytes.size() || shift > 28) return {};
        const std::uint8_t byte = bytes[body++];
        size |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) break;
        shift += 7;
      }
    } else if (body <= bytes.size()) {
      size = bytes.size() - body;
    }
    if (body > bytes.size() || size > bytes.size() - body) return {};
    const std::size_t end = body + static_cast<std::size_t>(size);
    if ((header >> 3 & 0xf) == 1) return Bytes::copy_of(bytes.subspan(at, end - at));
    at = end;
  }
  return {};
}

Result<Bytes> make_audio_specific_config(int object_type, int sample_rate, int channels) {
  const auto* rate = std::find(kAacRates.begin(), kAacRates.end(), sample_rate);
  const bool channels_known = (channels >= 1 && channels <= 6) || channels == 8;
  if (rate == kAacRates.end() || !channels_known || object_type < 1 || object_type > 30) {
    return fail(MediaError::unsupported,
                fmt::format("AAC of {} Hz and {} channels", sample_rate, channels));
  }
  const auto index = static_cast<unsigned>(rate - kAacRates.begin());
  const auto layout = static_cast<unsigned>(channels == 8 ? 7 : channels);
  const unsigned bits = static_cast<unsigned>(object_type) << 11 | index << 7 | layout << 3;
  const std::array<std::uint8_t, 2> config = {static_cast<std::uint8_t>(bits >> 8),
                                              static_cast<std::uint8_t>(bits & 0xff)};
  return Bytes::copy_of(config);
}

std::optional<AdtsHeader> parse_adts(ByteSpan bytes) {
  if (bytes.size() < 7 || bytes[0] != 0xff || (bytes[1] & 0xf6) != 0xf0) return std::nullopt;
  AdtsHeader header;
  header.size = (bytes[1] & 1) != 0 ? 7 : 9;
  header.object_type = (bytes[2] >> 6) + 1;
  const std::size_t index = bytes[2] >> 2 & 0xf;
  if (index >= kAacRates.size()) return std::nullopt;
  header.sample_rate = kAacRates[index];
  header.channels = (bytes[2] & 1) << 2 | bytes[3] >> 6;
  if (header.channels == 7) header.channels = 8;
  const std::size_t frame = (bytes[3] & 3U) << 11 | bytes[4] << 3U | bytes[5] >> 5U;
  if (frame < header.size || frame > bytes.size()) return std::nullopt;
  return header;
}

Bytes make_opus_head(int channels, int sample_rate) {
  std::vector<std::uint8_t> head = {'O', 'p', 'u', 's', 'H', 'e', 'a', 'd', 1};
  head.push_back(static_cast<std::uint8_t>(channels));
  head.insert(head.end(), {0, 0});
  for (int shift = 0; shift < 32; shift += 8) {
    head.push_back(static_cast<std::uint8_t>(sample_rate >> shift & 0xff));
  }
  head.insert(head.end(), {0, 0, 0});
  return Bytes::copy_of(head);
}

}  // namespace moq::media
