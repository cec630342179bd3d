#include "media/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "media/container.h"
#include "media/error.h"
#include "media/media_test_util.h"
#include "media/publisher.h"
#include "net/model/error.h"

namespace moq::media {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

/// An exporter, and what it wrote.
struct Output {
  std::vector<std::uint8_t> bytes;
  std::optional<Result<void>> done;
  bool closed = false;
  std::unique_ptr<Exporter> exporter;

  void start(const std::shared_ptr<Broadcast>& broadcast, Exporter::Options options = {}) {
    exporter = std::make_unique<Exporter>(
        broadcast, std::move(options),
        [this](ByteSpan part) {
          bytes.insert(bytes.end(), part.begin(), part.end());
          return !closed;
        },
        [this](Result<void> result) { done = std::move(result); });
  }
  [[nodiscard]] std::string error() const {
    return done && !done->has_value() ? done->error().message() : "";
  }
};

/// Publishes all of `source`, with an exporter that listens from the start.
struct RoundTrip {
  TestBroadcast test;
  Output output;
  std::unique_ptr<Publisher> publisher;

  void start(const Recording& source, Exporter::Options options = {},
             const Publisher::Options& publish = {}) {
    auto made = Publisher::create(test.broadcast, source.streams, publish);
    ASSERT_TRUE(made.has_value()) << made.error().message();
    publisher = *std::move(made);
    output.start(test.broadcast, std::move(options));
    test.run();
  }
  void publish(const std::vector<MediaPacket>& packets) {
    for (const MediaPacket& packet : packets) {
      ASSERT_TRUE(publisher->publish(packet).has_value());
      test.run(milliseconds(1));
    }
  }
  Recording finish() {
    publisher->finish();
    test.run();
    EXPECT_TRUE(output.done.has_value());
    EXPECT_EQ(output.error(), "");
    auto recording = record(output.bytes);
    EXPECT_TRUE(recording.has_value()) << recording.error().message();
    return recording ? *std::move(recording) : Recording();
  }
};

/// The same frames with the same distances in time, in each stream.
void expect_same(const Recording& source, const Recording& copy) {
  ASSERT_EQ(copy.streams.size(), source.streams.size());
  for (const MediaKind kind : {MediaKind::video, MediaKind::audio}) {
    if (source.stream(kind) == source.streams.size()) continue;
    const auto expected = source.of(kind);
    const auto got = copy.of(kind);
    ASSERT_EQ(got.size(), expected.size());
    std::size_t different = 0;
    std::int64_t most = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (!(got[i].payload == expected[i].payload)) ++different;
      const std::int64_t shift = (got[i].pts - got[0].pts) - (expected[i].pts - expected[0].pts);
      most = std::max(most, std::abs(shift));
      EXPECT_EQ(got[i].keyframe, expected[i].keyframe) << i;
      EXPECT_LE(got[i].dts, got[i].pts) << i;
      EXPECT_GE(got[i].dts, 0) << i;
      if (i > 0) {
        EXPECT_GT(got[i].dts, got[i - 1].dts) << i;
      }
    }
    EXPECT_EQ(different, 0U);
    // Time bases of containers round.
    EXPECT_LE(most, 60);
    const StreamInfo& before = source.streams[source.stream(kind)];
    const StreamInfo& after = copy.streams[copy.stream(kind)];
    EXPECT_EQ(after.codec_string, before.codec_string);
    EXPECT_EQ(after.width, before.width);
    EXPECT_EQ(after.height, before.height);
    EXPECT_EQ(after.sample_rate, before.sample_rate);
    EXPECT_EQ(after.channels, before.channels);
    // Sound and picture keep their distance.
    const auto picture = copy.of(MediaKind::video);
    const auto first = source.of(MediaKind::video);
    if (!picture.empty() && !first.empty()) {
      EXPECT_NEAR(static_cast<double>(got[0].pts - picture[0].pts),
                  static_cast<double>(expected[0].pts - first[0].pts), 60);
    }
  }
}

class Codecs : public testing::TestWithParam<Coding> {};

TEST_P(Codecs, ExportHasTheFramesOfTheSource) {
  const Coding& coding = GetParam();
  if (!has_encoder(coding.encoder)) GTEST_SKIP() << "ffmpeg has no " << coding.encoder;
  const TestFile file(coding.suffix);
  make_media(file, coding.options);
  const auto source = record(file.path());
  ASSERT_TRUE(source.has_value()) << source.error().message();
  ASSERT_EQ(source->streams.size(), 2U);
  RoundTrip trip;
  trip.start(*source);
  trip.publish(source->packets);
  const Recording copy = trip.finish();
  expect_same(*source, copy);
  const auto stats = trip.output.exporter->stats();
  EXPECT_EQ(stats.frames, source->packets.size());
  EXPECT_EQ(stats.lost_groups, 0U);
  EXPECT_EQ(stats.bad_frames, 0U);
  EXPECT_EQ(stats.moved_frames, 0U);
  EXPECT_EQ(stats.late_frames, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Media, Codecs,
    testing::Values(Coding{"H264WithBFramesAndAac", "libx264", ".mp4",
                           "-c:v libx264 -bf 3 -g 25 -c:a aac -movflags frag_keyframe+empty_moov"},
                    Coding{"H264WithoutBFrames", "libx264", ".mp4",
                           "-c:v libx264 -tune zerolatency -g 25 -c:a aac"},
                    Coding{
                        "H265AndAac", "libx265", ".mp4",
                        "-c:v libx265 -x265-params log-level=none:keyint=25 -tag:v hvc1 -c:a aac"},
                    Coding{"Vp9AndOpus", "libvpx-vp9", ".webm",
                           "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 25 -c:a libopus"},
                    Coding{"Av1AndOpus", "libaom-av1", ".mp4",
                           "-c:v libaom-av1 -usage realtime -cpu-used 8 -g 25 -c:a libopus"}),
    [](const auto& param) { return std::string(param.param.name); });

Recording make_source(const std::string& options = "-c:v libx264 -bf 2 -g 25 -c:a aac",
                      const std::string& suffix = ".mp4") {
  const TestFile file(suffix);
  make_media(file, options);
  auto source = record(file.path());
  EXPECT_TRUE(source.has_value()) << source.error().message();
  return source ? *std::move(source) : Recording();
}

TEST(Exporter, TakesParameterSetsFromTheStream) {
  const Recording source = make_source("-c:v libx264 -bf 2 -g 25 -c:a aac -f mpegts", ".ts");
  ASSERT_THAT(source.streams[source.stream(MediaKind::video)].codec_string, HasSubstr("avc3"));
  RoundTrip trip;
  trip.start(source);
  trip.publish(source.packets);
  const Recording copy = trip.finish();
  // MP4 has lengths in place of start codes; the sound is the same.
  EXPECT_EQ(copy.of(MediaKind::video).size(), source.of(MediaKind::video).size());
  const auto sound = copy.of(MediaKind::audio);
  const auto expected = source.of(MediaKind::audio);
  ASSERT_EQ(sound.size(), expected.size());
  for (std::size_t i = 0; i < sound.size(); ++i) {
    ASSERT_EQ(sound[i].payload, expected[i].payload) << i;
  }
}

TEST(Exporter, WritesOtherContainers) {
  const Recording source = make_source();
  for (const char* format : {"mkv", "ts", "flv"}) {
    Exporter::Options options;
    options.format = format;
    RoundTrip trip;
    trip.start(source, options);
    trip.publish(source.packets);
    const Recording copy = trip.finish();
    EXPECT_EQ(copy.of(MediaKind::video).size(), source.of(MediaKind::video).size()) << format;
    EXPECT_EQ(copy.of(MediaKind::audio).size(), source.of(MediaKind::audio).size()) << format;
  }
}

TEST(Exporter, GathersAudioInGroups) {
  const Recording source = make_source();
  Publisher::Options publish;
  publish.audio_group = milliseconds(500);
  RoundTrip trip;
  trip.start(source, {}, publish);
  trip.publish(source.packets);
  EXPECT_LE(trip.publisher->stats().groups, 3U + 7U);
  expect_same(source, trip.finish());
}

TEST(Exporter, ChoosesRenditions) {
  const Recording source = make_source();
  Exporter::Options options;
  options.video.enabled = false;
  RoundTrip trip;
  trip.start(source, options);
  trip.publish(source.packets);
  const Recording copy = trip.finish();
  ASSERT_EQ(copy.streams.size(), 1U);
  EXPECT_EQ(copy.streams[0].codec, Codec::aac);

  Exporter::Options nothing;
  nothing.video.name = "1080p";
  nothing.audio.codec = Codec::opus;
  RoundTrip none;
  none.start(source, nothing);
  ASSERT_TRUE(none.output.done.has_value());
  EXPECT_THAT(none.output.error(), HasSubstr("0.avc1"));
  EXPECT_THAT(none.output.error(), HasSubstr("0.aac"));
  EXPECT_TRUE(none.output.bytes.empty());
}

TEST(Exporter, JoinsAtAKeyframe) {
  const Recording source = make_source();
  RoundTrip trip;
  trip.start(source);
  trip.output.exporter.reset();
  const std::size_t half = source.packets.size() / 2;
  const auto middle = source.packets.begin() + static_cast<std::ptrdiff_t>(half);
  trip.publish({source.packets.begin(), middle});
  Output late;
  late.start(trip.test.broadcast);
  trip.test.run();
  trip.publish({middle, source.packets.end()});
  trip.publisher->finish();
  trip.test.run();
  ASSERT_TRUE(late.done.has_value());
  ASSERT_EQ(late.error(), "");
  const auto copy = record(late.bytes);
  ASSERT_TRUE(copy.has_value()) << copy.error().message();
  const auto video = copy->of(MediaKind::video);
  ASSERT_FALSE(video.empty());
  EXPECT_TRUE(video[0].keyframe);
  const auto all = source.of(MediaKind::video);
  ASSERT_EQ(video.size(), 50U);
  for (std::size_t i = 0; i < video.size(); ++i) {
    ASSERT_EQ(video[i].payload, all[all.size() - video.size() + i].payload) << i;
  }
}

TEST(Exporter, GoesOnBehindALostGroup) {
  const Recording source = make_source();
  std::vector<MediaPacket> packets = source.packets;
  RoundTrip trip;
  Exporter::Options options;
  options.max_latency = seconds(2);
  trip.start(source, options);
  // The second group of video, cut short.
  std::size_t keyframes = 0;
  std::vector<MediaPacket> left;
  const std::size_t video = source.stream(MediaKind::video);
  for (const MediaPacket& packet : packets) {
    if (packet.stream == video && packet.keyframe) ++keyframes;
    if (packet.stream == video && keyframes == 2 && !packet.keyframe) continue;
    left.push_back(packet);
  }
  trip.publish(left);
  const Recording copy = trip.finish();
  EXPECT_EQ(copy.of(MediaKind::video).size(), 51U);
  EXPECT_EQ(copy.of(MediaKind::audio).size(), source.of(MediaKind::audio).size());
}

TEST(Exporter, DoesNotWaitForASilentTrack) {
  const Recording source = make_source();
  RoundTrip trip;
  trip.start(source);
  const auto video = source.of(MediaKind::video);
  trip.publish({video.begin(), video.begin() + 30});
  EXPECT_TRUE(trip.output.bytes.empty());
  trip.test.run(seconds(1));
  EXPECT_FALSE(trip.output.bytes.empty());
  const auto so_far = record(trip.output.bytes);
  ASSERT_TRUE(so_far.has_value()) << so_far.error().message();
  EXPECT_GE(so_far->packets.size(), 29U);
  trip.publish({video.begin() + 30, video.end()});
  EXPECT_EQ(trip.finish().of(MediaKind::video).size(), video.size());
}

TEST(Exporter, FramesBehindAPauseKeepTheirTimes) {
  // Thirty a second: microseconds between them that are not all the same.
  const TestFile file(".mp4");
  make_media(file, "-an -r 30 -c:v libx264 -bf 2 -g 30 -f mp4");
  const auto source = record(file.path());
  ASSERT_TRUE(source.has_value()) << source.error().message();
  RoundTrip trip;
  trip.start(*source);
  const auto video = source->of(MediaKind::video);
  for (std::size_t i = 0; i < video.size(); ++i) {
    trip.publish({video[i]});
    // Nothing comes for longer than output waits.
    if (i % 7 == 0) trip.test.run(seconds(2));
  }
  expect_same(*source, trip.finish());
}

// The first pictures show nothing of an order that later ones have.
TEST(Exporter, KnowsTheOrderOfPicturesFromTheFirstOne) {
  const Recording source = make_source();
  RoundTrip trip;
  trip.start(source);
  const auto video = source.of(MediaKind::video);
  trip.publish({video.front()});
  trip.test.run(seconds(2));
  trip.publish({video.begin() + 1, video.end()});
  trip.publish(source.of(MediaKind::audio));
  const Recording copy = trip.finish();
  EXPECT_EQ(trip.output.exporter->stats().moved_frames, 0U);
  EXPECT_EQ(copy.of(MediaKind::video).size(), video.size());
}

TEST(Exporter, EndsWhenThePublisherGivesUp) {
  const Recording source = make_source();
  RoundTrip trip;
  trip.start(source);
  trip.publish({source.packets.begin(), source.packets.begin() + 100});
  trip.publisher->abort(Error(ModelError::cancelled, "gone"));
  trip.test.run();
  ASSERT_TRUE(trip.output.done.has_value());
  EXPECT_THAT(trip.output.error(), HasSubstr("gone"));
  // What came is whole.
  const auto copy = record(trip.output.bytes);
  ASSERT_TRUE(copy.has_value());
  EXPECT_GE(copy->packets.size(), 99U);
}

TEST(Exporter, StopsWhenTheOutputIsClosed) {
  const Recording source = make_source();
  RoundTrip trip;
  trip.start(source);
  trip.publish({source.packets.begin(), source.packets.begin() + 100});
  EXPECT_FALSE(trip.output.done.has_value());
  trip.output.closed = true;
  trip.publish({source.packets.begin() + 100, source.packets.begin() + 110});
  ASSERT_TRUE(trip.output.done.has_value());
  EXPECT_THAT(trip.output.error(), HasSubstr("the output was closed"));
}

TEST(Exporter, CompletesWhatItHasWhenStopped) {
  const Recording source = make_source();
  RoundTrip trip;
  trip.start(source);
  trip.publish({source.packets.begin(), source.packets.begin() + 100});
  trip.output.exporter->stop();
  trip.test.run();
  ASSERT_TRUE(trip.output.done.has_value());
  EXPECT_EQ(trip.output.error(), "");
  EXPECT_EQ(record(trip.output.bytes)->packets.size(), 100U);
}

/// A broadcast whose catalog and one video track are written by hand.
struct Hostile {
  TestBroadcast test;
  Output output;
  std::shared_ptr<Track> catalog;
  std::shared_ptr<Track> track;
  std::shared_ptr<Group> group;

  explicit Hostile(const std::string& text) {
    catalog = test.broadcast->create("catalog.json").value();
    catalog->accept({});
    track = test.broadcast->create("v").value();
    track->accept({});
    put(*catalog, 0, {text});
    output.start(test.broadcast);
    test.run();
  }
  static void put(Track& to, std::uint64_t sequence, const std::vector<std::string>& objects) {
    const auto group = to.create_group(sequence).value();
    for (const std::string& text : objects) {
      ObjectHeader header;
      header.id = group->only().objects().size();
      header.size = text.size();
      ASSERT_TRUE(group->only().append(header, Bytes::copy_of(text)).has_value());
    }
    group->only().finish();
    group->finish();
  }
  std::string end(std::uint64_t groups) {
    track->finish(groups);
    test.run();
    return output.done ? output.error() : "not done";
  }
};

std::string video_catalog(const std::string& fields) {
  return R"({"video": {"renditions": {"v": {)" + fields + "}}}}";
}

TEST(Exporter, RefusesHostileCatalogs) {
  for (const std::string& text :
       {std::string("{"), std::string(2 << 20, ' '), std::string(200000, '['),
        video_catalog(R"("codec": 1)"), std::string("{\"video\": \"\xff\"}")}) {
    const Hostile hostile(text);
    ASSERT_TRUE(hostile.output.done.has_value());
    EXPECT_THAT(hostile.output.error(), HasSubstr("BAD_CATALOG"));
  }
  const Hostile unknown(video_catalog(R"("codec": "x264")"));
  EXPECT_THAT(unknown.output.error(), HasSubstr("v (x264) is of a codec that is not known"));
  const Hostile future(video_catalog(R"("codec": "avc1.64001f", "container": {"kind": "warp"})"));
  EXPECT_THAT(future.output.error(), HasSubstr("container"));
  const Hostile elsewhere(video_catalog(R"("codec": "avc1.64001f", "broadcast": "../x")"));
  EXPECT_THAT(elsewhere.output.error(), HasSubstr("../x"));
  const Hostile missing(R"({"video": {"renditions": {"w": {"codec": "avc1.64001f"}}}})");
  EXPECT_THAT(missing.output.error(), HasSubstr("w (avc1.64001f)"));
}

TEST(Exporter, SurvivesHostileFrames) {
  const std::string time(1, '\0');
  const std::vector<std::string> objects = {"",
                                            "\xff",
                                            "\x40",
                                            time,
                                            time + std::string(100, '\0'),
                                            time + std::string("\0\0\0\1\x67", 5),
                                            time + std::string(1000, '\xff'),
                                            std::string(8, '\xff') + "x"};
  // Bogus descriptions, and none.
  for (const char* fields :
       {R"("codec": "avc1.64001f", "codedWidth": 128, "codedHeight": 96,
           "description": "0164001fffe1ffff")",
        R"("codec": "avc1.64001f", "codedWidth": 128, "codedHeight": 96, "description": "ff")",
        R"("codec": "avc3.64001f")", R"("codec": "hev1.1.6.L93.B0")",
        R"("codec": "hvc1.1.6.L93.B0", "codedWidth": 128, "codedHeight": 96,
           "description": "01ffffffffffffffffffffffffffffffffffffffffffff")",
        R"("codec": "av01.0.00M.08", "codedWidth": 128, "codedHeight": 96, "description": "81")",
        R"("codec": "vp09.00.10.08", "codedWidth": 4000000000, "codedHeight": 1)",
        R"("codec": "vp09.00.10.08", "codedWidth": 128, "codedHeight": 96)"}) {
    Hostile hostile(video_catalog(fields));
    for (std::size_t i = 0; i < 20; ++i) {
      // Each object as the first of a group, too.
      std::vector<std::string> rotated = objects;
      std::rotate(rotated.begin(),
                  rotated.begin() + static_cast<std::ptrdiff_t>(i % objects.size()), rotated.end());
      Hostile::put(*hostile.track, i, rotated);
    }
    hostile.test.run();
    hostile.end(20);
    EXPECT_TRUE(hostile.output.done.has_value()) << fields;
  }
}

TEST(Exporter, UpdateOfTheCatalogKeepsTheTracks) {
  const Recording source = make_source();
  RoundTrip trip;
  trip.start(source);
  trip.publish({source.packets.begin(), source.packets.begin() + 100});
  const auto catalog = trip.test.broadcast->track("catalog.json").value();
  Catalog changed = trip.publisher->catalog();
  changed.video.begin()->second.bitrate = 123456;
  Hostile::put(*catalog, 1, {changed.to_text()});
  Hostile::put(*catalog, 2, {"nonsense"});
  trip.publish({source.packets.begin() + 100, source.packets.end()});
  expect_same(source, trip.finish());
}

/// Publishes `source` with only its video in the first catalog.
struct LateSound : RoundTrip {
  void begin(const Recording& source) {
    publisher = Publisher::create(test.broadcast, source.streams, {}).value();
    catalog = test.broadcast->track("catalog.json").value();
    Catalog video = publisher->catalog();
    video.audio.clear();
    Hostile::put(*catalog, 1, {video.to_text()});
    output.start(test.broadcast);
    test.run();
  }
  std::shared_ptr<Track> catalog;
};

TEST(Exporter, TakesTracksThatTheCatalogGetsBeforeTheOutputBegins) {
  const Recording source = make_source();
  LateSound trip;
  trip.begin(source);
  const auto video = source.of(MediaKind::video);
  trip.publish({video.begin(), video.begin() + 3});
  EXPECT_TRUE(trip.output.bytes.empty());
  Hostile::put(*trip.catalog, 2, {trip.publisher->catalog().to_text()});
  trip.test.run();
  trip.publish(source.of(MediaKind::audio));
  trip.publish({video.begin() + 3, video.end()});
  expect_same(source, trip.finish());
}

TEST(Exporter, DoesNotWaitForLongForAKindThatIsNotThere) {
  const Recording source = make_source();
  LateSound trip;
  trip.begin(source);
  const auto video = source.of(MediaKind::video);
  trip.publish({video.begin(), video.begin() + 30});
  EXPECT_TRUE(trip.output.bytes.empty());
  trip.test.run(seconds(1));
  EXPECT_FALSE(trip.output.bytes.empty());
  // Too late for this container.
  Hostile::put(*trip.catalog, 2, {trip.publisher->catalog().to_text()});
  trip.publish({video.begin() + 30, video.end()});
  const Recording copy = trip.finish();
  EXPECT_EQ(copy.streams.size(), 1U);
  EXPECT_EQ(copy.of(MediaKind::video).size(), video.size());
}

TEST(CatalogReader, FollowsMergePatches) {
  TestBroadcast test;
  const auto track = test.broadcast->create("catalog.json").value();
  track->accept({});
  std::vector<std::string> told;
  std::optional<std::unique_ptr<CatalogReader>> reader;
  auto made = CatalogReader::create(
      *test.broadcast, Catalog::Limits(),
      [&](const Result<Catalog>& catalog) {
        told.push_back(catalog ? catalog->to_json().dump() : catalog.error().detail());
      },
      [&](const auto&) { told.emplace_back("end"); });
  ASSERT_TRUE(made.has_value());
  test.run();
  Hostile::put(*track, 0, {R"({"a": 1, "b": {"c": 2}})", R"({"a": null, "b": {"d": 3}})"});
  Hostile::put(*track, 1, {"7", R"({"x": 1})"});
  track->finish(2);
  test.run();
  ASSERT_EQ(told.size(), 5U);
  EXPECT_EQ(told[0], R"({"a":1,"b":{"c":2}})");
  EXPECT_EQ(told[1], R"({"b":{"c":2,"d":3}})");
  EXPECT_THAT(told[2], HasSubstr("not an object"));
  EXPECT_THAT(told[3], HasSubstr("not there"));
  EXPECT_EQ(told[4], "end");
}

}  // namespace
}  // namespace moq::media
