#include "media/container.h"

#include <gtest/gtest.h>

#include "media/error.h"

namespace moq::media {
namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

/// "pts[/dts]:payload" of each frame, or the error.
std::string decode(const Container& container, std::string_view object) {
  auto decoder = FrameDecoder::create(container);
  if (!decoder) return decoder.error().detail();
  std::vector<MediaFrame> frames;
  if (auto result = (*decoder)->decode(hex(object), frames); !result) {
    EXPECT_TRUE(result.error().is(MediaError::bad_frame));
    return "bad";
  }
  std::string text;
  for (const MediaFrame& frame : frames) {
    text += (text.empty() ? "" : " ") + std::to_string(frame.pts);
    if (frame.dts) text += "/" + std::to_string(*frame.dts);
    text += ":" + to_hex(frame.payload);
  }
  return text;
}

Container kind(Container::Kind kind) {
  Container container;
  container.kind = kind;
  return container;
}

TEST(LegacyContainer, TimestampIsAVarint) {
  for (const std::uint64_t time :
       {0ULL, 63ULL, 64ULL, 16383ULL, 16384ULL, 1073741823ULL, 1073741824ULL, 1ULL << 52}) {
    const Bytes prefix = encode_timestamp(time);
    EXPECT_EQ(decode(Container(), to_hex(prefix) + "aa"), std::to_string(time) + ":aa");
    // Cut anywhere, it is malformed.
    for (std::size_t size = 0; size < prefix.size(); ++size) {
      EXPECT_EQ(decode(Container(), to_hex(prefix.slice(0, size))), "bad");
    }
  }
  EXPECT_EQ(to_hex(encode_timestamp(33333)), "80008235");
}

TEST(LegacyContainer, EmptyPayloadIsAMarker) {
  EXPECT_EQ(decode(Container(), "05"), "");
  EXPECT_EQ(decode(Container(), "ffffffffffffffffaa"), "bad");
}

TEST(LocContainer, ReadsTimestampAndTimescale) {
  const Container loc = kind(Container::Kind::loc);
  // Timestamp 0x10 = 1000.
  EXPECT_EQ(decode(loc,
                   "03"
                   "10"
                   "43e8"
                   "aabb"),
            "1000:aabb");
  // Timescale 0x08 = 1000, bytes 0x0d, then the timestamp in milliseconds.
  EXPECT_EQ(decode(loc,
                   "0a"
                   "08"
                   "43e8"
                   "05"
                   "02ffff"
                   "03"
                   "43e8"
                   "aa"),
            "1000000:aa");
  // The timestamp's number in an older draft.
  EXPECT_EQ(decode(loc,
                   "02"
                   "06"
                   "05"
                   "aa"),
            "5:aa");
  EXPECT_EQ(decode(loc,
                   "03"
                   "10"
                   "43e8"),
            "");
  for (const char* bad : {"", "05", "00aa",
                          "02"
                          "08"
                          "00"
                          "aa",
                          "03"
                          "0d"
                          "05ff"
                          "aa",
                          "04"
                          "10"
                          "43e8",
                          "02"
                          "10"
                          "43",
                          "ffffffffffffffff",
                          "0a"
                          "10"
                          "ffffffffffffffff"
                          "aa"}) {
    EXPECT_EQ(decode(loc, bad), "bad") << bad;
  }
}

TEST(CmafContainer, ReadsWhatTheFragmentSays) {
  Container cmaf = kind(Container::Kind::cmaf);
  const std::string mdhd =
      "00000020"
      "6d646864"
      "00000000"
      "00000000"
      "00000000"
      "000003e8"
      "00000000"
      "55c40000";
  const std::string mdia =
      "00000028"
      "6d646961" +
      mdhd;
  const std::string trak =
      "00000030"
      "7472616b" +
      mdia;
  // Default duration 40, default size 2.
  const std::string trex =
      "00000020"
      "74726578"
      "00000000"
      "00000001"
      "00000001"
      "00000028"
      "00000002"
      "00000000";
  const std::string mvex =
      "00000028"
      "6d766578" +
      trex;
  cmaf.init =
      hex("00000060"
          "6d6f6f76" +
          trak + mvex);

  const std::string tfhd =
      "00000010"
      "74666864"
      "00020000"
      "00000001";
  const std::string tfdt =
      "00000010"
      "74666474"
      "00000000"
      "000003e8";
  // Two samples with composition offsets, data at moof + 0x58.
  const std::string trun =
      "0000001c"
      "7472756e"
      "00000801"
      "00000002"
      "00000060"
      "00000050"
      "00000000";
  const std::string traf =
      "00000044"
      "74726166" +
      tfhd + tfdt + trun;
  const std::string mfhd =
      "00000010"
      "6d666864"
      "00000000"
      "00000001";
  const std::string moof =
      "0000005c"
      "6d6f6f66" +
      mfhd + traf;
  const std::string mdat =
      "0000000c"
      "6d646174"
      "aabbccdd";
  // moof (92) + mdat header (8) = 100.
  const auto with_offset = [&](const std::string& offset) {
    std::string text = moof;
    return text.replace(text.find("00000060"), 8, offset) + mdat;
  };
  EXPECT_EQ(decode(cmaf, with_offset("00000064")), "1080000/1000000:aabb 1040000/1040000:ccdd");
  EXPECT_EQ(decode(cmaf, with_offset("00000066")), "bad");
  EXPECT_EQ(decode(cmaf, with_offset("00000060")), "bad");
  EXPECT_EQ(decode(cmaf, with_offset("ffffffff")), "bad");
  EXPECT_EQ(decode(cmaf, mdat), "bad");
  EXPECT_EQ(decode(cmaf, moof), "bad");
  EXPECT_EQ(decode(cmaf, ""), "bad");
  // Cut anywhere, it is malformed.
  const std::string whole = with_offset("00000064");
  for (std::size_t size = 0; size < whole.size(); size += 2) {
    EXPECT_EQ(decode(cmaf, whole.substr(0, size)), "bad") << size;
  }
}

TEST(CmafContainer, InitializationSegmentMustHaveATimescale) {
  Container cmaf = kind(Container::Kind::cmaf);
  for (const char* init : {"",
                           "00000008"
                           "6d6f6f76",
                           "ffffffff6d6f6f76", "0000000000", "000000010000000000000000"}) {
    cmaf.init = hex(init);
    const auto decoder = FrameDecoder::create(cmaf);
    ASSERT_FALSE(decoder.has_value()) << init;
    EXPECT_TRUE(decoder.error().is(MediaError::bad_frame));
  }
}

TEST(Container, UnknownIsUnsupported) {
  const auto decoder = FrameDecoder::create(kind(Container::Kind::unknown));
  ASSERT_FALSE(decoder.has_value());
  EXPECT_TRUE(decoder.error().is(MediaError::unsupported));
}

}  // namespace
}  // namespace moq::media
