#include "net/ietf/stream.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "net/coding/error.h"

namespace moq::ietf {
namespace {

using coding::CodingError;
using enum Version;
using Buffer = std::vector<std::uint8_t>;

Bytes bytes(const Buffer& buffer) { return Bytes::copy_of(buffer); }

TEST(StreamKinds, AreThoseOfTheDraft) {
  const VersionInfo& v14 = version_info(draft14);
  const VersionInfo& v18 = version_info(draft18);
  EXPECT_EQ(stream_kind(v14, 0x05), StreamKind::fetch);
  EXPECT_EQ(stream_kind(v18, 0x05), StreamKind::fetch);
  EXPECT_EQ(stream_kind(v14, 0x1d), StreamKind::subgroup);
  EXPECT_EQ(stream_kind(v14, 0x16), std::nullopt);
  EXPECT_EQ(stream_kind(v14, 0x30), std::nullopt);
  EXPECT_EQ(stream_kind(v18, 0x2f00), StreamKind::setup);
  EXPECT_EQ(stream_kind(v14, 0x2f00), std::nullopt);
  EXPECT_EQ(stream_kind(v14, 0x20), std::nullopt) << "CLIENT_SETUP, on a bidirectional stream";
  EXPECT_EQ(stream_kind(v18, kPaddingStream), StreamKind::padding);
  EXPECT_EQ(stream_kind(v14, kPaddingStream), std::nullopt);
  for (const std::uint64_t type : {0x00, 0x03, 0x3f, 0x80}) {
    EXPECT_EQ(stream_kind(v18, type), std::nullopt) << type;
  }
}

struct Case {
  Version version;
  Buffer head;
  StreamKind kind;
};
const Case kCases[] = {
    {draft14, {0x14, 2, 0x41, 0x2c, 7, 9}, StreamKind::subgroup},
    {draft14, {0x05, 0x41, 0x2c}, StreamKind::fetch},
    {draft18, {0x59, 0x81, 0x2c, 7, 200}, StreamKind::subgroup},
    {draft18, {0x05, 4}, StreamKind::fetch},
    {draft18, {0xaf, 0x00}, StreamKind::setup},
    // 0x132b3e28 takes five bytes, as 35 bits.
    {draft18, {0xf0, 0x13, 0x2b, 0x3e, 0x28}, StreamKind::padding},
};

TEST(StreamStarts, AreReadHoweverTheyAreCut) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(::testing::PrintToString(one.head));
    Buffer image = one.head;
    image.insert(image.end(), {'r', 'e', 's', 't'});
    for (std::size_t step = 1; step <= image.size(); ++step) {
      StreamStartReader reader(one.version);
      std::optional<StreamStart> start;
      std::size_t at = 0;
      while (!start) {
        const std::size_t size = std::min(step, image.size() - at);
        ASSERT_GT(size, 0U);
        start = reader.feed(Bytes::copy_of(ByteSpan(image).subspan(at, size))).value();
        at += size;
      }
      EXPECT_EQ(start->kind, one.kind);
      EXPECT_EQ(reader.take_rest().size(), at - one.head.size()) << "in steps of " << step;
    }
  }
}

TEST(StreamStarts, SayWhatTheHeaderSays) {
  StreamStartReader subgroup(draft14);
  const auto start = subgroup.feed(bytes(kCases[0].head)).value();
  EXPECT_EQ(start->subgroup, (SubgroupHeader{.track_alias = 2,
                                             .group = 300,
                                             .id_mode = SubgroupIdMode::explicit_id,
                                             .subgroup = 7,
                                             .priority = 9}));
  StreamStartReader fetch(draft14);
  EXPECT_EQ(fetch.feed(bytes(kCases[1].head)).value()->fetch.request_id, 300U);
  EXPECT_EQ(encode(draft14, FetchHeader{.request_id = 300}).value(), kCases[1].head);
  EXPECT_TRUE(encode(draft14, FetchHeader{.request_id = coding::kMaxVarint + 1})
                  .error()
                  .is(CodingError::too_large));
  EXPECT_EQ(encode_padding(draft18, kPaddingStream), kCases[5].head);
}

TEST(StreamStarts, MayBeAsLongAsIntegersCanBe) {
  // Nine bytes each, and a priority.
  Buffer image;
  for (const std::uint8_t last : Buffer{0x14, 1, 2, 3}) {
    image.insert(image.end(), {0xff, 0, 0, 0, 0, 0, 0, 0, last});
  }
  image.push_back(9);
  StreamStartReader reader(draft18);
  const auto start = reader.feed(bytes(image)).value();
  ASSERT_TRUE(start);
  EXPECT_EQ(start->subgroup.subgroup, 3U);
  EXPECT_TRUE(reader.take_rest().empty());
}

TEST(StreamStarts, AreRefused) {
  for (const Buffer& image : std::vector<Buffer>{{0x3f}, {0x16}, {0x1f}, {0x20}}) {
    EXPECT_TRUE(
        StreamStartReader(draft14).feed(bytes(image)).error().is(CodingError::unknown_type));
    EXPECT_TRUE(
        StreamStartReader(draft18).feed(bytes(image)).error().is(CodingError::unknown_type));
  }
  for (const Case& one : kCases) {
    for (std::size_t size = 0; size < one.head.size(); ++size) {
      const auto cut =
          StreamStartReader(one.version).feed(Bytes::copy_of(ByteSpan(one.head).first(size)), true);
      EXPECT_TRUE(cut.error().is(CodingError::short_buffer)) << size;
    }
  }
}

}  // namespace
}  // namespace moq::ietf
