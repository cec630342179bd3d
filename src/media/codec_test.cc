#include "media/codec.h"

#include <gtest/gtest.h>

#include <vector>

#include "media/catalog.h"
#include "media/error.h"

namespace moq::media {
namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

TEST(Codec, StringsAreThoseOfTheRecords) {
  // The avcC of the hang documentation's example.
  EXPECT_EQ(h264_codec_string(
                hex("0164001fffe100196764001fac2484014016ec0440000003004000000c23c60c9201000568ee"
                    "32c8b0"))
                .value(),
            "avc1.64001f");
  EXPECT_EQ(aac_codec_string(hex("1210")).value(), "mp4a.40.2");
  EXPECT_EQ(aac_codec_string(hex("2b92")).value(), "mp4a.40.5");
  EXPECT_EQ(aac_codec_string(hex("f9483d")).value(), "mp4a.40.42");
  EXPECT_EQ(av1_codec_string(hex("81050c00")).value(), "av01.0.05M.08");
  EXPECT_EQ(av1_codec_string(hex("8128ec00")).value(), "av01.1.08H.12");
}

TEST(Codec, H265StringReversesCompatibilityAndDropsTrailingConstraints) {
  // ISO 14496-15 Annex E.3: profile 1, compatibility 0x60000000, level 93, constraint 0xB0.
  const Bytes record = hex("010160000000b000000000005df000fcfdf8f800000f00");
  EXPECT_EQ(h265_codec_string(record, false).value(), "hvc1.1.6.L93.B0");
  EXPECT_EQ(h265_codec_string(record, true).value(), "hev1.1.6.L93.B0");
  // Profile space 2 and the high tier; no constraints at all.
  const Bytes high = hex("01a1600000000000000000005df000fcfdf8f800000f00");
  EXPECT_EQ(h265_codec_string(high, false).value(), "hvc1.B1.6.H93");
}

TEST(Codec, MalformedRecordsFail) {
  for (const char* text : {"", "01", "016400", "0064001fffe100", "ffffffffffff"}) {
    EXPECT_FALSE(h264_codec_string(hex(text)).has_value()) << text;
    EXPECT_FALSE(h265_codec_string(hex(text), false).has_value()) << text;
    EXPECT_FALSE(av1_codec_string(hex(text)).has_value()) << text;
  }
  EXPECT_FALSE(aac_codec_string(hex("12")).has_value());
  EXPECT_FALSE(aac_codec_string(hex("0000")).has_value());
}

TEST(Codec, NamesAndPrefixes) {
  EXPECT_EQ(codec_of("avc3.42e01e"), Codec::h264);
  EXPECT_EQ(codec_of("hev1.1.6.L93"), Codec::h265);
  EXPECT_EQ(codec_of("vp09.00.10.08"), Codec::vp9);
  EXPECT_EQ(codec_of("av01.0.05M.08"), Codec::av1);
  EXPECT_EQ(codec_of("mp4a.40.2"), Codec::aac);
  EXPECT_EQ(codec_of("opus"), Codec::opus);
  EXPECT_EQ(codec_of("pcm"), std::nullopt);
  EXPECT_EQ(codec_of(""), std::nullopt);
  EXPECT_EQ(codec_named("h265"), Codec::h265);
  EXPECT_EQ(codec_named("H265"), std::nullopt);
}

TEST(Codec, Vp9StringsGoThereAndBack) {
  const Vp9Format format{2, 41, 10};
  EXPECT_EQ(vp9_codec_string(format), "vp09.02.41.10");
  const Vp9Format back = vp9_format_of("vp09.02.41.10.01.09.16.09.00");
  EXPECT_EQ(back.profile, 2);
  EXPECT_EQ(back.level, 41);
  EXPECT_EQ(back.bit_depth, 10);
  // What makes no sense is as good as unknown.
  const Vp9Format odd = vp9_format_of("vp09.99.-1.7");
  EXPECT_EQ(odd.profile, 0);
  EXPECT_EQ(odd.level, 0);
  EXPECT_EQ(odd.bit_depth, 8);
  EXPECT_EQ(vp9_format_of("vp9").profile, 0);
  EXPECT_EQ(vp9_level_for(1280, 720), 31);
  EXPECT_EQ(vp9_level_for(1 << 16, 1 << 16), 62);
}

TEST(Codec, ParameterSetsAreFoundInAnnexB) {
  // Access unit delimiter, SPS, PPS, IDR slice; start codes of 4 and 3 bytes.
  const Bytes frame =
      hex("0000000109f0"
          "00000001674d401e"
          "00000168ee3c80"
          "0000016588");
  EXPECT_TRUE(is_annexb(frame));
  const Bytes sets = annexb_parameter_sets(Codec::h264, frame);
  EXPECT_EQ(to_hex(sets),
            "00000001674d401e"
            "0000000168ee3c80");
  EXPECT_EQ(annexb_codec_string(Codec::h264, sets).value(), "avc3.4d401e");
  EXPECT_FALSE(is_annexb(hex("0000000567")));
  EXPECT_TRUE(annexb_parameter_sets(Codec::h264, hex("0000000165880000")).empty());
  EXPECT_FALSE(annexb_codec_string(Codec::h264, hex("0000000167")).has_value());
}

TEST(Codec, H265ParameterSetsAreReadWithoutEmulationPrevention) {
  // profile_tier_level with zeros that the encoder had to break up with 03.
  const Bytes sps = hex("00000001420101016000000300b0000003000003005da0");
  EXPECT_EQ(annexb_codec_string(Codec::h265, sps).value(), "hev1.1.6.L93.B0");
}

TEST(Codec, AdtsHeaderBecomesAnAudioSpecificConfig) {
  // AAC-LC, 44.1 kHz, stereo, a frame of 8 bytes.
  const auto header = parse_adts(hex("fff15080011ffc00"));
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->size, 7U);
  EXPECT_EQ(header->object_type, 2);
  EXPECT_EQ(header->sample_rate, 44100);
  EXPECT_EQ(header->channels, 2);
  EXPECT_EQ(to_hex(make_audio_specific_config(2, 44100, 2).value()), "1210");
  EXPECT_FALSE(make_audio_specific_config(2, 44101, 2).has_value());
  EXPECT_FALSE(make_audio_specific_config(2, 44100, 7).has_value());
  // A frame longer than what is there, another sync word, an unknown rate.
  EXPECT_FALSE(parse_adts(hex("fff15080fffffc00")).has_value());
  EXPECT_FALSE(parse_adts(hex("ffe15080011ffc00")).has_value());
  EXPECT_FALSE(parse_adts(hex("fff1f480011ffc00")).has_value());
}

TEST(Codec, Av1SequenceHeaderIsFoundBehindOtherObus) {
  // Temporal delimiter, sequence header of 3 bytes, frame without a size.
  EXPECT_EQ(to_hex(av1_sequence_header(hex("1200"
                                           "0a03112233"
                                           "30ffff"))),
            "0a03112233");
  EXPECT_TRUE(av1_sequence_header(hex("1200"
                                      "0a05112233"))
                  .empty());
  EXPECT_TRUE(av1_sequence_header(hex("0affffffffffff")).empty());
  EXPECT_TRUE(av1_sequence_header({}).empty());
}

}  // namespace
}  // namespace moq::media
