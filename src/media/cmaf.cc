#include "media/cmaf.h"

#include <string_view>

#include "media/error.h"

namespace moq::media {
namespace {

/// Samples of one fragment, and units of time a second: limits for peers.
constexpr std::uint32_t kMaxSamples = 65536;
constexpr std::uint32_t kMaxTimescale = 1000000000;
constexpr std::uint64_t kMaxSeconds = 1ULL << 33;

tl::unexpected<Error> malformed(std::string_view what) {
  return fail(MediaError::bad_frame, "CMAF: " + std::string(what));
}

/// Big-endian fields; reading beyond the end gives zero and clears `ok`.
class BoxReader {
 public:
  explicit BoxReader(ByteSpan bytes) : bytes_(bytes) {}
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t at() const { return at_; }

  std::uint64_t integer(std::size_t size) {
    if (bytes_.size() - at_ < size) {
      ok_ = false;
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes_[at_++];
    return value;
  }
  std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }
  void skip(std::size_t size) {
    if (bytes_.size() - at_ < size) ok_ = false;
    at_ = ok_ ? at_ + size : bytes_.size();
  }

 private:
  ByteSpan bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

struct Box {
  std::uint32_t type = 0;
  ByteSpan body;
  std::size_t body_offset = 0;  ///< of the body in what it was found in
};

constexpr std::uint32_t fourcc(std::string_view name) {
  std::uint32_t value = 0;
  for (const char c : name) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

/// The next box at `at`, which moves behind it; none at the end or if malformed
/// (then `at` stays before the end).
std::optional<Box> next_box(ByteSpan bytes, std::size_t& at) {
  BoxReader reader(bytes.subspan(at));
  std::uint64_t size = reader.u32();
  const std::uint32_t type = reader.u32();
  if (size == 1) size = reader.integer(8);
  if (size == 0) size = bytes.size() - at;
  if (!reader.ok() || size < reader.at() || size > bytes.size() - at) return std::nullopt;
  Box box{type, bytes.subspan(at + reader.at(), static_cast<std::size_t>(size) - reader.at()),
          at + reader.at()};
  at += static_cast<std::size_t>(size);
  return box;
}

std::optional<Box> find_box(ByteSpan bytes, std::string_view name) {
  std::size_t at = 0;
  while (const auto box = next_box(bytes, at)) {
    if (box->type == fourcc(name)) return box;
  }
  return std::nullopt;
}

/// The box at the end of a path of nested boxes.
std::optional<ByteSpan> find_path(ByteSpan bytes, std::initializer_list<std::string_view> path) {
  for (const std::string_view name : path) {
    const auto box = find_box(bytes, name);
    if (!box) return std::nullopt;
    bytes = box->body;
  }
  return bytes;
}

struct Defaults {
  std::uint32_t duration = 0;
  std::uint32_t size = 0;
};

class CmafDecoder final : public FrameDecoder {
 public:
  CmafDecoder(std::uint32_t timescale, const Defaults& defaults)
      : timescale_(timescale), defaults_(defaults) {}

  Result<void> decode(const Bytes& object, std::vector<MediaFrame>& frames) override {
    std::size_t at = 0;
    std::optional<Box> moof;
    std::size_t moof_start = 0;
    bool media = false;
    while (at < object.size()) {
      const std::size_t start = at;
      const auto box = next_box(object, at);
      if (!box) return malformed("a box that does not fit");
      if (box->type == fourcc("moof")) {
        moof = box;
        moof_start = start;
      } else if (box->type == fourcc("mdat")) {
        if (!moof) return malformed("mdat without moof");
        MOQ_CHECK_OK(fragment(object, *moof, moof_start, *box, frames));
        moof.reset();
        media = true;
      }
    }
    if (!media) return malformed("no mdat");
    return {};
  }

 private:
  Result<void> fragment(const Bytes& object, const Box& moof, std::size_t moof_start,
                        const Box& mdat, std::vector<MediaFrame>& frames) {
    const auto traf = find_box(moof.body, "traf");
    if (!traf) return malformed("moof without traf");
    const auto tfhd = find_box(traf->body, "tfhd");
    const auto tfdt = find_box(traf->body, "tfdt");
    if (!tfhd || !tfdt) return malformed("traf without tfhd or tfdt");

    Defaults defaults = defaults_;
    BoxReader head(tfhd->body);
    const std::uint32_t flags = head.u32();
    head.skip(4);
    // An explicit base is an offset in the whole file, which an object is not.
    if ((flags & 0x1) != 0) head.skip(8);
    if ((flags & 0x2) != 0) head.skip(4);
    if ((flags & 0x8) != 0) defaults.duration = head.u32();
    if ((flags & 0x10) != 0) defaults.size = head.u32();
    BoxReader time(tfdt->body);
    const bool long_time = time.u32() >> 24 != 0;
    std::uint64_t dts = time.integer(long_time ? 8 : 4);
    if (!head.ok() || !time.ok()) return malformed("tfhd or tfdt is cut");

    // Samples follow one another in mdat, wherever an offset does not say otherwise.
    std::size_t offset = mdat.body_offset;
    std::size_t at = 0;
    while (const auto trun = next_box(traf->body, at)) {
      if (trun->type != fourcc("trun")) continue;
      MOQ_CHECK_OK(
          run(object, *trun, defaults, (flags & 0x1) == 0, moof_start, mdat, offset, dts, frames));
    }
    return {};
  }

  Result<void> run(const Bytes& object, const Box& trun, const Defaults& defaults, bool relative,
                   std::size_t moof_start, const Box& mdat, std::size_t& offset, std::uint64_t& dts,
                   std::vector<MediaFrame>& frames) const {
    BoxReader reader(trun.body);
    const std::uint32_t head = reader.u32();
    const std::uint32_t flags = head & 0xffffff;
    const bool signed_offsets = head >> 24 != 0;
    const std::uint32_t count = reader.u32();
    if (count > kMaxSamples) return malformed("too many samples");
    if ((flags & 0x1) != 0) {
      const std::uint32_t data_offset = reader.u32();
      if (relative) offset = moof_start + data_offset;
    }
    if ((flags & 0x4) != 0) reader.skip(4);
    const std::size_t mdat_end = mdat.body_offset + mdat.body.size();
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t duration = (flags & 0x100) != 0 ? reader.u32() : defaults.duration;
      const std::uint32_t size = (flags & 0x200) != 0 ? reader.u32() : defaults.size;
      if ((flags & 0x400) != 0) reader.skip(4);
      const std::uint32_t shift = (flags & 0x800) != 0 ? reader.u32() : 0;
      if (!reader.ok()) return malformed("trun is cut");
      if (offset < mdat.body_offset || offset > mdat_end || size > mdat_end - offset) {
        return malformed("a sample outside of mdat");
      }
      if (dts / timescale_ > kMaxSeconds) return malformed("time out of range");
      const std::int64_t composition =
          signed_offsets ? static_cast<std::int32_t>(shift) : static_cast<std::int64_t>(shift);
      MediaFrame frame;
      frame.dts = micros(static_cast<std::int64_t>(dts));
      frame.pts = micros(static_cast<std::int64_t>(dts) + composition);
      frame.payload = object.slice(offset, size);
      if (frame.pts < *frame.dts) frame.dts.reset();
      if (size > 0) frames.push_back(std::move(frame));
      offset += size;
      dts += duration;
    }
    return {};
  }

  /// To the nearest microsecond, without overflow for times up to kMaxSeconds.
  [[nodiscard]] std::int64_t micros(std::int64_t time) const {
    const std::int64_t scale = timescale_;
    return time / scale * 1000000 + (time % scale * 1000000 + scale / 2) / scale;
  }

  std::uint32_t timescale_;
  Defaults defaults_;
};

}  // namespace

Result<std::unique_ptr<FrameDecoder>> make_cmaf_decoder(const Bytes& init) {
  const auto header = find_path(init, {"moov", "trak", "mdia", "mdhd"});
  if (!header) return malformed("no moov/trak/mdia/mdhd in the initialization segment");
  BoxReader reader(*header);
  const bool long_times = reader.u32() >> 24 != 0;
  reader.skip(long_times ? 16 : 8);
  const std::uint32_t timescale = reader.u32();
  if (!reader.ok() || timescale == 0 || timescale > kMaxTimescale) {
    return malformed("no timescale in the initialization segment");
  }
  Defaults defaults;
  if (const auto trex = find_path(init, {"moov", "mvex", "trex"})) {
    BoxReader fields(*trex);
    fields.skip(12);
    defaults.duration = fields.u32();
    defaults.size = fields.u32();
    if (!fields.ok()) return malformed("trex is cut");
  }
  return std::make_unique<CmafDecoder>(timescale, defaults);
}

}  // namespace moq::media
