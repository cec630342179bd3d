#include "media/container.h"

#include <array>

#include "media/cmaf.h"
#include "media/error.h"

namespace moq::media {
namespace {

/// Latest timestamp that is believed: 2^53 microseconds are 285 years.
constexpr std::uint64_t kMaxTimestamp = 1ULL << 53;

/// A QUIC variable-length integer (RFC 9000 §16) at `at`, which moves behind it.
std::optional<std::uint64_t> read_varint(ByteSpan bytes, std::size_t& at) {
  if (at >= bytes.size()) return std::nullopt;
  const std::size_t size = std::size_t{1} << (bytes[at] >> 6);
  if (bytes.size() - at < size) return std::nullopt;
  std::uint64_t value = bytes[at] & 0x3f;
  for (std::size_t i = 1; i < size; ++i) value = value << 8 | bytes[at + i];
  at += size;
  return value;
}

class LegacyDecoder final : public FrameDecoder {
 public:
  Result<void> decode(const Bytes& object, std::vector<MediaFrame>& frames) override {
    std::size_t at = 0;
    const auto timestamp = read_varint(object, at);
    if (!timestamp || *timestamp > kMaxTimestamp) {
      return fail(MediaError::bad_frame, "malformed timestamp of a legacy frame");
    }
    // An empty payload marks where content stops.
    if (at == object.size()) return {};
    frames.push_back({static_cast<std::int64_t>(*timestamp), std::nullopt, object.slice(at)});
    return {};
  }
};

/// draft-ietf-moq-loc: a length, key-value pairs with increasing types (even: an
/// integer, odd: bytes), and the codec payload.
class LocDecoder final : public FrameDecoder {
 public:
  Result<void> decode(const Bytes& object, std::vector<MediaFrame>& frames) override {
    std::size_t at = 0;
    const auto size = read_varint(object, at);
    if (!size || *size > object.size() - at) return malformed();
    const std::size_t end = at + static_cast<std::size_t>(*size);
    const ByteSpan properties = object.span().first(end);
    std::optional<std::uint64_t> timestamp;
    std::uint64_t timescale = 1000000;
    std::uint64_t type = 0;
    while (at < end) {
      const auto delta = read_varint(properties, at);
      if (!delta || *delta > kMaxType - type) return malformed();
      type += *delta;
      const auto value = read_varint(properties, at);
      if (!value) return malformed();
      if (type % 2 != 0) {
        if (*value > end - at) return malformed();
        at += static_cast<std::size_t>(*value);
      } else if (type == kTimestamp || type == kTimestampDraft03) {
        timestamp = *value;
      } else if (type == kTimescale) {
        timescale = *value;
      }
    }
    if (!timestamp || timescale == 0 || timescale > kMaxTimescale ||
        *timestamp / timescale > kMaxTimestamp / 1000000) {
      return malformed();
    }
    const std::uint64_t micros =
        *timestamp / timescale * 1000000 + *timestamp % timescale * 1000000 / timescale;
    if (end == object.size()) return {};
    frames.push_back({static_cast<std::int64_t>(micros), std::nullopt, object.slice(end)});
    return {};
  }

 private:
  static constexpr std::uint64_t kTimescale = 0x08;
  static constexpr std::uint64_t kTimestamp = 0x10;
  static constexpr std::uint64_t kTimestampDraft03 = 0x06;
  static constexpr std::uint64_t kMaxType = 1ULL << 62;
  static constexpr std::uint64_t kMaxTimescale = 1000000000;

  static tl::unexpected<Error> malformed() {
    return fail(MediaError::bad_frame, "malformed properties of a LOC frame");
  }
};

}  // namespace

Bytes encode_timestamp(std::uint64_t timestamp) {
  std::array<std::uint8_t, 8> bytes{};
  const std::size_t log = timestamp < 64 ? 0 : timestamp < 16384 ? 1 : timestamp < 1U << 30 ? 2 : 3;
  const std::size_t size = std::size_t{1} << log;
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::uint8_t>(timestamp >> 8 * (size - 1 - i) & 0xff);
  }
  bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x3f) | log << 6);
  return Bytes::copy_of(ByteSpan(bytes).first(size));
}

Result<std::unique_ptr<FrameDecoder>> FrameDecoder::create(const Container& container) {
  switch (container.kind) {
    case Container::Kind::legacy:
      return std::make_unique<LegacyDecoder>();
    case Container::Kind::loc:
      return std::make_unique<LocDecoder>();
    case Container::Kind::cmaf:
      return make_cmaf_decoder(container.init);
    case Container::Kind::unknown:
      break;
  }
  return fail(MediaError::unsupported, "a container that is not known");
}

}  // namespace moq::media
