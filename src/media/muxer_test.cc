#include "media/muxer.h"

#include <gtest/gtest.h>

#include <array>

#include "media/media_test_util.h"

namespace moq::media {
namespace {

class ProbeVideo : public testing::TestWithParam<Coding> {};

// One keyframe must do: of a slow publisher no more may have come in time.
TEST_P(ProbeVideo, FindsInOneKeyframeHowFarPicturesAreReordered) {
  if (!has_encoder(GetParam().encoder)) GTEST_SKIP() << "no " << GetParam().encoder;
  const TestFile file(GetParam().suffix);
  make_media(file, GetParam().options, 1);
  const auto source = record(file.path());
  ASSERT_TRUE(source.has_value()) << source.error().message();
  const StreamInfo& stream = source->streams.at(source->stream(MediaKind::video));
  const auto frames = source->of(MediaKind::video);
  ASSERT_TRUE(frames.at(0).keyframe);
  const Bytes description = stream.description.empty()
                                ? annexb_parameter_sets(stream.codec, frames[0].payload)
                                : stream.description;
  const VideoProbe probe = probe_video(stream.codec, description, frames[0].payload);
  EXPECT_EQ(probe.reorder_depth, stream.reorder_depth);
  EXPECT_EQ(probe.reorder_depth, 2U);
  EXPECT_EQ(probe.width, stream.width);
  EXPECT_EQ(probe.height, stream.height);
}

INSTANTIATE_TEST_SUITE_P(
    , ProbeVideo,
    testing::Values(Coding{"h264_described", "libx264", ".mp4", "-an -c:v libx264 -bf 2 -f mp4"},
                    Coding{"h264_in_band", "libx264", ".ts", "-an -c:v libx264 -bf 2 -f mpegts"},
                    Coding{
                        "h265_described", "libx265", ".mp4",
                        "-an -c:v libx265 -bf 2 -x265-params log-level=error -tag:v hvc1 -f mp4"},
                    Coding{"h265_in_band", "libx265", ".ts",
                           "-an -c:v libx265 -bf 2 -x265-params log-level=error -f mpegts"}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(ProbeVideoTest, KnowsNothingOfDamagedFrames) {
  const Bytes damaged = Bytes::copy_of(std::vector<std::uint8_t>(40, 0xff));
  for (const Codec codec : {Codec::h264, Codec::h265, Codec::vp9, Codec::av1}) {
    const VideoProbe probe = probe_video(codec, damaged, damaged);
    EXPECT_EQ(probe.reorder_depth, 0U);
  }
}

// The duration of a fragment's last frame may be a guess: the next has not come yet.
TEST(MuxerTest, FragmentsBeginWhenTheirFramesSay) {
  const TestFile file(".mp4");
  make_media(file, "-an -c:v libx264 -bf 2 -g 25 -f mp4", 2);
  const auto source = record(file.path());
  ASSERT_TRUE(source.has_value()) << source.error().message();
  const StreamInfo& stream = source->streams.at(0);
  std::vector<std::uint8_t> bytes;
  const auto made = Muxer::create("fmp4", [&](ByteSpan more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
    return true;
  });
  ASSERT_TRUE(made.has_value()) << made.error().message();
  Muxer& muxer = **made;
  ASSERT_TRUE(muxer
                  .add_track({.name = "video",
                              .codec = stream.codec,
                              .codec_string = stream.codec_string,
                              .extradata = stream.description,
                              .width = stream.width,
                              .height = stream.height})
                  .has_value());
  ASSERT_TRUE(muxer.begin().has_value());
  const std::int64_t shift = -source->packets.front().dts;
  for (std::size_t i = 0; i < source->packets.size(); ++i) {
    const MediaPacket& packet = source->packets[i];
    // Much too short, too short, and right in turn.
    const std::int64_t guess = std::array{1, 20000, 40000}[i % 3];
    const MuxFrame frame{.pts = packet.pts + shift,
                         .dts = packet.dts + shift,
                         .duration = guess,
                         .keyframe = packet.keyframe,
                         .payload = packet.payload};
    ASSERT_TRUE(muxer.write(0, frame).has_value());
    ASSERT_TRUE(muxer.flush().has_value());
  }
  ASSERT_TRUE(muxer.finish().has_value());
  const auto copy = record(bytes);
  ASSERT_TRUE(copy.has_value()) << copy.error().message();
  ASSERT_EQ(copy->packets.size(), source->packets.size());
  for (std::size_t i = 0; i < copy->packets.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(copy->packets[i].pts),
                static_cast<double>(source->packets[i].pts + shift), 2)
        << i;
  }
}

}  // namespace
}  // namespace moq::media
