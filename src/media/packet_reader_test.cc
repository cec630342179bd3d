#include "media/packet_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "media/error.h"
#include "media/media_test_util.h"

namespace moq::media {
namespace {

using testing::HasSubstr;

constexpr const char* kFragmented =
    "-c:v libx264 -bf 2 -g 25 -c:a aac -f mp4 -movflags frag_keyframe+empty_moov";

TEST(PacketReader, DescribesAFragmentedMp4FromAPipe) {
  const TestFile file(".mp4");
  make_media(file, kFragmented);
  // Bytes in odd portions, as a pipe may give them.
  auto source = memory_source(file.read());
  const auto reader = PacketReader::open(
      [&](std::span<std::uint8_t> out) {
        return source(out.first(std::min<std::size_t>(777, out.size())));
      },
      "pipe", {});
  ASSERT_TRUE(reader.has_value()) << reader.error().message();
  const auto& streams = (*reader)->streams();
  ASSERT_EQ(streams.size(), 2U);
  EXPECT_EQ(streams[0].codec, Codec::h264);
  EXPECT_THAT(streams[0].codec_string, HasSubstr("avc1."));
  EXPECT_EQ(streams[0].width, 128U);
  EXPECT_EQ(streams[0].height, 96U);
  EXPECT_DOUBLE_EQ(streams[0].framerate, 25);
  EXPECT_GT(streams[0].reorder_depth, 0U);
  EXPECT_EQ(streams[0].description.data()[0], 1);
  EXPECT_EQ(streams[1].codec_string, "mp4a.40.2");
  EXPECT_EQ(streams[1].sample_rate, 48000U);
  EXPECT_EQ(streams[1].channels, 1U);

  const auto recording = record(**reader);
  ASSERT_TRUE(recording.has_value()) << recording.error().message();
  EXPECT_EQ(recording->of(MediaKind::video).size(), 75U);
  EXPECT_GE(recording->of(MediaKind::audio).size(), 141U);
  int keyframes = 0;
  for (const MediaPacket& packet : recording->of(MediaKind::video)) {
    EXPECT_GE(packet.pts, packet.dts);
    EXPECT_GE(packet.pts, 0);
    keyframes += packet.keyframe ? 1 : 0;
  }
  EXPECT_EQ(keyframes, 3);
  EXPECT_EQ((*reader)->dropped(), 0U);
}

TEST(PacketReader, TakesAdtsOffMpegTs) {
  const TestFile ts(".ts");
  make_media(ts, "-c:v libx264 -g 25 -c:a aac -f mpegts");
  const auto recording = record(ts.path());
  ASSERT_TRUE(recording.has_value()) << recording.error().message();
  const StreamInfo& video = recording->streams[recording->stream(MediaKind::video)];
  EXPECT_THAT(video.codec_string, HasSubstr("avc3."));
  EXPECT_TRUE(video.description.empty());
  const StreamInfo& audio = recording->streams[recording->stream(MediaKind::audio)];
  EXPECT_EQ(audio.codec_string, "mp4a.40.2");
  EXPECT_EQ(audio.description.size(), 2U);
  for (const MediaPacket& packet : recording->of(MediaKind::audio)) {
    EXPECT_FALSE(parse_adts(packet.payload).has_value());
  }
}

TEST(PacketReader, SaysWhatIsWrongWithAnInput) {
  const auto missing = PacketReader::open("/nonexistent/input.mp4", {});
  ASSERT_FALSE(missing.has_value());
  EXPECT_TRUE(missing.error().is(MediaError::io));
  EXPECT_THAT(missing.error().detail(), HasSubstr("/nonexistent/input.mp4"));
  EXPECT_THAT(missing.error().detail(), HasSubstr("No such file"));

  const auto text = record(std::vector<std::uint8_t>(100000, 'x'));
  ASSERT_FALSE(text.has_value());
  EXPECT_TRUE(text.error().is(MediaError::not_media)) << text.error().message();
  EXPECT_THAT(text.error().detail(), HasSubstr("memory"));
  EXPECT_THAT(text.error().detail(), HasSubstr("MPEG-TS"));

  const auto nothing = record(std::vector<std::uint8_t>());
  ASSERT_FALSE(nothing.has_value());
  EXPECT_TRUE(nothing.error().is(MediaError::not_media)) << nothing.error().message();

  PacketReader::Options options;
  options.format = "nonsense";
  const auto format = PacketReader::open(memory_source({}), "memory", options);
  ASSERT_FALSE(format.has_value());
  EXPECT_THAT(format.error().detail(), HasSubstr("nonsense"));
}

TEST(PacketReader, NamesTheStreamsThatCannotBePublished) {
  const TestFile file(".ts");
  make_media(file, "-c:v mpeg2video -c:a mp2 -f mpegts");
  const auto recording = record(file.path());
  ASSERT_FALSE(recording.has_value());
  EXPECT_TRUE(recording.error().is(MediaError::unsupported));
  EXPECT_THAT(recording.error().detail(), HasSubstr("mpeg2video"));
  EXPECT_THAT(recording.error().detail(), HasSubstr("mp2"));
  EXPECT_THAT(recording.error().detail(), HasSubstr("-c:v libx264"));
}

TEST(PacketReader, LeavesOutWhatIsNotAskedFor) {
  const TestFile file(".mp4");
  make_media(file, kFragmented, 1);
  PacketReader::Options options;
  options.audio = false;
  const auto reader = PacketReader::open(file.path(), options);
  ASSERT_TRUE(reader.has_value());
  ASSERT_EQ((*reader)->streams().size(), 1U);
  EXPECT_EQ((*reader)->streams()[0].kind(), MediaKind::video);
}

TEST(PacketReader, GivesWhatIsWholeOfATruncatedInput) {
  const TestFile file(".mp4");
  make_media(file, kFragmented);
  const auto whole = record(file.read());
  ASSERT_TRUE(whole.has_value());
  auto bytes = file.read();
  bytes.resize(bytes.size() * 2 / 3);
  const auto reader = PacketReader::open(memory_source(bytes), "memory", {});
  ASSERT_TRUE(reader.has_value()) << reader.error().message();
  std::size_t count = 0;
  while (true) {
    auto packet = (*reader)->next();
    if (!packet) {
      EXPECT_TRUE(packet.error().is(MediaError::truncated)) << packet.error().message();
      break;
    }
    if (!*packet) break;
    ++count;
  }
  EXPECT_GT(count, 0U);
  EXPECT_LT(count, whole->packets.size());

  // Not even its beginning is whole.
  bytes.resize(40);
  EXPECT_FALSE(record(bytes).has_value());
}

TEST(PacketReader, LimitsTheSizeOfAFrame) {
  const TestFile file(".mp4");
  make_media(file, kFragmented, 1);
  PacketReader::Options options;
  options.max_packet = 100;
  const auto reader = PacketReader::open(file.path(), options);
  ASSERT_FALSE(reader.has_value());
  EXPECT_TRUE(reader.error().is(MediaError::too_large));
}

}  // namespace
}  // namespace moq::media
