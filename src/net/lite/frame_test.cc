#include "net/lite/frame.h"

#include <array>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/coding/error.h"
#include "net/lite/limits.h"

namespace moq::lite {
namespace {

using coding::CodingError;
using Buffer = std::vector<std::uint8_t>;

struct Frame {
  FrameHeader header;
  std::string payload;
  friend bool operator==(const Frame&, const Frame&) = default;
};

struct Collector final : FrameSink {
  std::vector<Frame> frames;
  std::vector<Bytes> chunks;
  std::optional<Error> refuse;

  Result<void> on_frame(const FrameHeader& header) override {
    if (refuse) return fail(*refuse);
    frames.push_back({header, ""});
    return {};
  }
  Result<void> on_payload(Bytes chunk) override {
    EXPECT_FALSE(chunk.empty());
    frames.back().payload += chunk.text();
    chunks.push_back(std::move(chunk));
    return {};
  }
};

constexpr std::uint64_t kLimit = 1000;

// Timestamps 100, 98 and 98: a frame of three bytes, an empty one, one of one byte.
const Buffer kLite05{0x40, 200, 3, 'a', 'b', 'c', 3, 0, 0, 1, 'd'};
const std::vector<Frame> kFrames05{{{100, 3}, "abc"}, {{98, 0}, ""}, {{98, 1}, "d"}};
const Buffer kLite04{3, 'a', 'b', 'c', 0, 1, 'd'};
const std::vector<Frame> kFrames04{
    {{std::nullopt, 3}, "abc"}, {{std::nullopt, 0}, ""}, {{std::nullopt, 1}, "d"}};

struct Form {
  Version version;
  const Buffer& image;
  const std::vector<Frame>& frames;
  // After how many bytes a stream may end.
  std::set<std::size_t> ends;
};
const Form kForms[] = {{Version::lite01, kLite04, kFrames04, {0, 4, 5, 7}},
                       {Version::lite02, kLite04, kFrames04, {0, 4, 5, 7}},
                       {Version::lite03, kLite04, kFrames04, {0, 4, 5, 7}},
                       {Version::lite04, kLite04, kFrames04, {0, 4, 5, 7}},
                       {Version::lite05, kLite05, kFrames05, {0, 6, 8, 11}}};

TEST(FrameReader, ReadsFramesHoweverTheyAreCut) {
  for (const Form& form : kForms) {
    SCOPED_TRACE(version_info(form.version).name);
    for (std::size_t step = 1; step <= form.image.size(); ++step) {
      Collector sink;
      FrameReader reader(form.version, sink, kLimit);
      for (std::size_t at = 0; at < form.image.size(); at += step) {
        const std::size_t size = std::min(step, form.image.size() - at);
        ASSERT_TRUE(reader.feed(Bytes::copy_of(ByteSpan(form.image).subspan(at, size))));
      }
      EXPECT_TRUE(reader.finish());
      EXPECT_EQ(sink.frames, form.frames) << "in steps of " << step;
    }
  }
}

TEST(FrameReader, EndsOnlyBetweenFrames) {
  for (const Form& form : kForms) {
    SCOPED_TRACE(version_info(form.version).name);
    for (std::size_t size = 0; size <= form.image.size(); ++size) {
      Collector sink;
      FrameReader reader(form.version, sink, kLimit);
      ASSERT_TRUE(reader.feed(Bytes::copy_of(ByteSpan(form.image).first(size))));
      const auto finished = reader.finish();
      EXPECT_EQ(finished.has_value(), form.ends.contains(size)) << "after " << size << " bytes";
      EXPECT_TRUE(finished || finished.error().is(CodingError::short_buffer));
    }
  }
  Collector sink;
  FrameReader half(Version::lite04, sink, kLimit);
  ASSERT_TRUE(half.feed(Bytes::copy_of(Buffer{0x40})));
  EXPECT_FALSE(half.finish()) << "half a size";
}

TEST(FrameReader, PassesOnPartsOfWhatWasFed) {
  Collector sink;
  FrameReader reader(Version::lite05, sink, kLimit);
  const Bytes fed = Bytes::copy_of(kLite05);
  ASSERT_TRUE(reader.feed(fed));
  ASSERT_EQ(sink.chunks.size(), 2U);
  EXPECT_EQ(sink.chunks[0].data(), fed.data() + 3);
  EXPECT_EQ(sink.chunks[1].data(), fed.data() + 10);
}

TEST(FrameReader, AcceptsLongVarints) {
  Collector sink;
  FrameReader reader(Version::lite05, sink, kLimit);
  ASSERT_TRUE(reader.feed(Bytes::copy_of(Buffer{0x80, 0, 0, 4, 0xc0, 0, 0, 0, 0, 0, 0, 1, 'a'})));
  EXPECT_EQ(sink.frames, (std::vector<Frame>{{{2, 1}, "a"}}));
}

TEST(FrameReader, RefusesAFrameAsSoonAsItsSizeIsKnown) {
  for (const Version version : {Version::lite04, Version::lite05}) {
    Collector sink;
    FrameReader reader(version, sink, 63);
    Buffer image;
    if (version_info(version).has_timestamps) image.push_back(0);
    image.push_back(63);
    image.resize(image.size() + 63);
    ASSERT_TRUE(reader.feed(Bytes::copy_of(image)));
    ASSERT_TRUE(reader.finish());
    Buffer next;
    if (version_info(version).has_timestamps) next.push_back(0);
    next.insert(next.end(), {0x40, 64});
    const auto refused = reader.feed(Bytes::copy_of(next));
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(CodingError::too_large));
    EXPECT_EQ(sink.frames.size(), 1U);
  }
}

Buffer with_deltas(const std::vector<std::int64_t>& deltas) {
  Buffer image;
  for (const std::int64_t delta : deltas) {
    std::uint8_t encoded[coding::kMaxVarintSize];
    const std::size_t size = coding::write_varint(coding::zigzag(delta), encoded);
    image.insert(image.end(), encoded, encoded + size);
    image.push_back(0);
  }
  return image;
}

TEST(FrameReader, KeepsTimestampsInRange) {
  constexpr auto kTop = static_cast<std::int64_t>(kMaxTimestamp);
  const auto feed = [](const std::vector<std::int64_t>& deltas) {
    Collector sink;
    return FrameReader(Version::lite05, sink, kLimit).feed(Bytes::copy_of(with_deltas(deltas)));
  };
  EXPECT_TRUE(feed({kTop}));
  EXPECT_TRUE(feed({kTop, -kTop, kTop}));
  for (const auto& deltas : std::vector<std::vector<std::int64_t>>{
           {-1}, {5, -6}, {kTop, 1}, {kTop, kTop}, {1, -kTop - 1}, {-kTop - 1}}) {
    const auto refused = feed(deltas);
    ASSERT_FALSE(refused) << testing::PrintToString(deltas);
    EXPECT_TRUE(refused.error().is(CodingError::invalid_value));
  }
}

TEST(FrameReader, StopsWhenItsSinkRefuses) {
  Collector sink;
  sink.refuse = Error(CodingError::too_many);
  FrameReader reader(Version::lite04, sink, kLimit);
  const auto refused = reader.feed(Bytes::copy_of(kLite04));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(CodingError::too_many));
}

Object object(std::uint64_t timestamp, std::uint64_t size) {
  Object out;
  out.timestamp = timestamp;
  out.size = size;
  return out;
}

Buffer encoded(const VersionInfo& version, const Object& of, const Object* previous) {
  std::array<std::uint8_t, EncodedHeaders::kMaxHeader> out{};
  EncodedHeaders::Place place{.previous = previous};
  const std::size_t size = version.encode_frame_header(of, place, out);
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
}

TEST(FrameEncoder, MatchesTheImages) {
  const Object first = object(100, 3);
  const Object second = object(98, 0);
  const VersionInfo& v5 = version_info(Version::lite05);
  EXPECT_EQ(v5.wire_form, kWireFormLite05);
  EXPECT_EQ(encoded(v5, first, nullptr), (Buffer{0x40, 200, 3}));
  EXPECT_EQ(encoded(v5, second, &first), (Buffer{3, 0}));
  const VersionInfo& v4 = version_info(Version::lite04);
  EXPECT_EQ(v4.wire_form, kWireFormLite04);
  EXPECT_EQ(encoded(v4, first, nullptr), (Buffer{3}));
  EXPECT_EQ(encoded(v4, second, &first), (Buffer{0}));
}

TEST(FrameEncoder, StaysValidForAnyTimestamp) {
  const VersionInfo& version = version_info(Version::lite05);
  const Object far = object(std::numeric_limits<std::uint64_t>::max(), 0);
  const Object zero = object(0, 0);
  const Object top = object(kMaxTimestamp, 0);
  EXPECT_EQ(encoded(version, far, nullptr), encoded(version, top, nullptr));
  EXPECT_EQ(encoded(version, zero, &far), encoded(version, zero, &top));
  EXPECT_EQ(encoded(version, far, &far), (Buffer{0, 0}));
}

TEST(FrameEncoder, IsUndoneByTheReader) {
  std::mt19937_64 random(20260822);
  for (const Version version : {Version::lite04, Version::lite05}) {
    const VersionInfo& row = version_info(version);
    std::vector<Object> objects;
    Buffer image;
    std::vector<Frame> expected;
    for (int i = 0; i < 500; ++i) {
      Object next = object((random() & kMaxTimestamp) >> random() % 61, random() % kLimit);
      const Buffer header = encoded(row, next, objects.empty() ? nullptr : &objects.back());
      const std::string payload(next.size, static_cast<char>('a' + i % 26));
      image.insert(image.end(), header.begin(), header.end());
      image.insert(image.end(), payload.begin(), payload.end());
      expected.push_back({{next.timestamp, next.size}, payload});
      if (!row.has_timestamps) expected.back().header.timestamp.reset();
      objects.push_back(std::move(next));
    }
    Collector sink;
    FrameReader reader(version, sink, kLimit);
    for (std::size_t at = 0; at < image.size();) {
      const std::size_t size = std::min<std::size_t>(1 + random() % 1500, image.size() - at);
      ASSERT_TRUE(reader.feed(Bytes::copy_of(ByteSpan(image).subspan(at, size))));
      at += size;
    }
    ASSERT_TRUE(reader.finish());
    EXPECT_EQ(sink.frames, expected);
  }
}

}  // namespace
}  // namespace moq::lite
