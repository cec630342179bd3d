#include "media/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "media/error.h"

namespace moq::media {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// Of the hang documentation.
constexpr std::string_view kBigBuckBunny = R"({
  "video": {"renditions": {"video0": {
    "codec": "avc1.64001f",
    "description": "0164001fffe100196764001fac2484014016ec0440000003004000000c23c60c9201000568ee32c8b0",
    "codedWidth": 1280, "codedHeight": 720, "container": {"kind": "legacy"}}}},
  "audio": {"renditions": {"audio1": {
    "codec": "mp4a.40.2", "sampleRate": 44100, "numberOfChannels": 2, "bitrate": 283637,
    "container": {"kind": "legacy"}}}}
})";

std::string problem(std::string_view text, const Catalog::Limits& limits = {}) {
  const auto catalog = Catalog::parse(text, limits);
  if (catalog) return "";
  EXPECT_TRUE(catalog.error().is(MediaError::bad_catalog));
  return catalog.error().detail();
}

TEST(Catalog, ReadsTheReferenceDocument) {
  const auto catalog = Catalog::parse(kBigBuckBunny);
  ASSERT_TRUE(catalog.has_value()) << catalog.error().message();
  const VideoConfig& video = catalog->video.at("video0");
  EXPECT_EQ(video.codec, "avc1.64001f");
  EXPECT_EQ(video.coded_width, 1280U);
  EXPECT_EQ(video.coded_height, 720U);
  EXPECT_EQ(video.container.kind, Container::Kind::legacy);
  ASSERT_TRUE(video.description.has_value());
  EXPECT_EQ(video.description->size(), 41U);
  EXPECT_EQ(video.framerate, std::nullopt);
  const AudioConfig& audio = catalog->audio.at("audio1");
  EXPECT_EQ(audio.sample_rate, 44100U);
  EXPECT_EQ(audio.channels, 2U);
  EXPECT_EQ(audio.bitrate, 283637U);
  EXPECT_EQ(catalog->to_json(), json::parse(kBigBuckBunny));
}

TEST(Catalog, KeepsWhatItDoesNotKnow) {
  const json root = json::parse(R"({
    "scte35": {"spliceId": 42},
    "video": {"display": {"width": 1280, "height": 720}, "rotation": 90, "flip": false,
      "renditions": {
        "future": {"codec": "avc1.64001f", "container": {"kind": "future", "magic": [1, {"a": 2}]}},
        "720p": {"codec": "avc1.64001f", "container": {"kind": "loc"}, "framerate": 29.97,
                 "jitter": 33, "stalled": true, "optimizeForLatency": false, "broadcast": "./source",
                 "displayAspectWidth": 16, "displayAspectHeight": 9,
                 "colorSpace": {"primaries": "bt709"},
                 "timeline": {"track": "720p.timeline.z", "timescale": 1000}}}},
    "audio": {"renditions": {"a": {"codec": "opus", "container": {"kind": "cmaf", "init": "AAEC"},
      "sampleRate": 48000, "numberOfChannels": 2, "language": "de"}}, "later": true}
  })");
  const auto catalog = Catalog::parse(root.dump());
  ASSERT_TRUE(catalog.has_value()) << catalog.error().message();
  EXPECT_EQ(catalog->video.at("future").container.kind, Container::Kind::unknown);
  EXPECT_EQ(catalog->audio.at("a").container.init, from_hex("000102").value());
  EXPECT_EQ(catalog->to_json(), root);
}

TEST(Catalog, ContainerIsLegacyWhenAbsent) {
  const auto catalog = Catalog::parse(R"({"video": {"renditions": {"v": {"codec": "vp8"}}}})");
  ASSERT_TRUE(catalog.has_value());
  EXPECT_EQ(catalog->to_json()["video"]["renditions"]["v"]["container"]["kind"], "legacy");
}

TEST(Catalog, ReadsOlderShapes) {
  const auto catalog = Catalog::parse(R"({
    "video": [{"track": {"name": "video"}, "config": {"codec": "avc1.64001f",
               "displayRatioWidth": 16, "displayRatioHeight": 9}}],
    "audio": {"track": {"name": "audio"}, "config": {"codec": "opus", "sampleRate": 48000,
              "numberOfChannels": 2}}})");
  ASSERT_TRUE(catalog.has_value()) << catalog.error().message();
  EXPECT_EQ(catalog->video.at("video").display_aspect_width, 16U);
  EXPECT_EQ(catalog->audio.at("audio").codec, "opus");
}

TEST(Catalog, EmptyIsEmpty) {
  const auto catalog = Catalog::parse("{}");
  ASSERT_TRUE(catalog.has_value());
  EXPECT_EQ(catalog->to_text(), "{}");
}

TEST(Catalog, NamesWhatIsWrong) {
  const auto video = [](const std::string& fields) {
    return R"({"video": {"renditions": {"v": {)" + fields + "}}}}";
  };
  EXPECT_THAT(problem("not json"), HasSubstr("not JSON"));
  EXPECT_THAT(problem("[]"), HasSubstr("not an object"));
  EXPECT_THAT(problem(R"({"video": 7})"), HasSubstr("video"));
  EXPECT_THAT(problem(R"({"video": {"renditions": []}})"), HasSubstr("renditions"));
  EXPECT_THAT(problem(R"({"video": {"renditions": {"v": 1}}})"), HasSubstr("video.v"));
  EXPECT_THAT(problem(R"({"video": [{"track": 1, "config": {}}]})"), HasSubstr("video"));
  EXPECT_THAT(problem(video("")), HasSubstr("codec is missing"));
  EXPECT_THAT(problem(video(R"("codec": 7)")), HasSubstr("codec is not a string"));
  const std::string codec = R"("codec": "vp8", )";
  EXPECT_THAT(problem(video(codec + R"("codedWidth": -1)")), HasSubstr("codedWidth"));
  EXPECT_THAT(problem(video(codec + R"("codedWidth": 1.5)")), HasSubstr("codedWidth"));
  EXPECT_THAT(problem(video(codec + R"("codedWidth": 9007199254740992)")), HasSubstr("codedWidth"));
  EXPECT_THAT(problem(video(codec + R"("framerate": "fast")")), HasSubstr("framerate"));
  EXPECT_THAT(problem(video(codec + R"("stalled": 1)")), HasSubstr("stalled"));
  // Base64 in place of hexadecimal, and half a byte.
  EXPECT_THAT(problem(video(codec + R"("description": "AUIAKv/hABtnQgAq")")),
              HasSubstr("description is not hexadecimal"));
  EXPECT_THAT(problem(video(codec + R"("description": "014")")), HasSubstr("description"));
  EXPECT_THAT(problem(video(codec + R"("container": {"kind": "cmaf"})")), HasSubstr("init"));
  EXPECT_THAT(problem(video(codec + R"("container": {})")), HasSubstr("container"));
  EXPECT_THAT(problem(R"({"audio": {"renditions": {"a": {"codec": "opus"}}}})"),
              HasSubstr("sampleRate is missing"));
}

TEST(Catalog, LimitsHold) {
  Catalog::Limits limits;
  limits.max_bytes = 100;
  EXPECT_THAT(problem(std::string(101, ' '), limits), HasSubstr("larger than 100 bytes"));

  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += R"({"a":)";
  EXPECT_THAT(problem(deep), HasSubstr("nested"));
  EXPECT_THAT(problem(R"({"x": )" + std::string(40, '[') + std::string(40, ']') + "}"),
              HasSubstr("nested"));
  // Brackets in strings are not nesting.
  EXPECT_EQ(problem(R"({"x": "\")" + std::string(40, '[') + "\"}"), "");

  json root;
  for (int i = 0; i < 65; ++i) root["video"]["renditions"][std::to_string(i)]["codec"] = "vp8";
  EXPECT_THAT(problem(root.dump()), HasSubstr("too many"));

  root = json();
  root["video"]["renditions"][std::string(257, 'x')]["codec"] = "vp8";
  EXPECT_THAT(problem(root.dump()), HasSubstr("too long"));

  root = json();
  root["video"]["renditions"]["v"] = {{"codec", "vp8"}, {"description", std::string(200000, '0')}};
  EXPECT_THAT(problem(root.dump()), HasSubstr("too large"));
}

TEST(CatalogText, HexAndBase64GoThereAndBack) {
  const std::string text("\x00\xff\x10 abc", 7);
  EXPECT_EQ(to_hex(as_bytes(text)), "00ff1020616263");
  EXPECT_EQ(from_hex("00FF1020616263")->text(), text);
  EXPECT_FALSE(from_hex("0g").has_value());
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto part = as_bytes(text).first(size);
    EXPECT_EQ(from_base64(to_base64(part))->text(), as_text(part));
  }
  EXPECT_EQ(to_base64(as_bytes("fooba")), "Zm9vYmE=");
  for (const char* bad : {"A", "AA", "AAA", "A===", "====", "AA=A", "A A=", "AA\n="}) {
    EXPECT_FALSE(from_base64(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace moq::media
