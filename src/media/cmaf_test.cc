#include "media/cmaf.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "media/export.h"
#include "media/media_test_util.h"

namespace moq::media {
namespace {

/// A top-level box of an MP4 file.
struct TopBox {
  std::string type;
  ByteSpan bytes;
};

std::vector<TopBox> top_boxes(ByteSpan file) {
  std::vector<TopBox> boxes;
  while (file.size() >= 8) {
    const std::size_t size = static_cast<std::size_t>(file[0]) << 24 | file[1] << 16U |
                             file[2] << 8U | static_cast<std::size_t>(file[3]);
    if (size < 8 || size > file.size()) break;
    boxes.push_back({std::string(as_text(file.subspan(4, 4))), file.first(size)});
    file = file.subspan(size);
  }
  return boxes;
}

Bytes join(ByteSpan a, ByteSpan b) {
  std::vector<std::uint8_t> bytes(a.begin(), a.end());
  bytes.insert(bytes.end(), b.begin(), b.end());
  return Bytes::copy_of(bytes);
}

/// A broadcast as publishers of CMAF make it: fragments as they are, and the
/// rest of the file in the catalog.
class Cmaf : public testing::TestWithParam<const char*> {};

TEST_P(Cmaf, ExportHasTheFramesOfTheFragments) {
  const TestFile file(".mp4");
  make_media(file, std::string("-an -c:v libx264 -bf 2 -g 25 -movflags empty_moov+") + GetParam());
  const auto bytes = file.read();
  const auto source = record(bytes);
  ASSERT_TRUE(source.has_value()) << source.error().message();
  const auto frames = source->of(MediaKind::video);

  TestBroadcast test;
  const auto boxes = top_boxes(bytes);
  ASSERT_GE(boxes.size(), 4U);
  ASSERT_EQ(boxes[0].type, "ftyp");
  ASSERT_EQ(boxes[1].type, "moov");
  Catalog catalog;
  VideoConfig config;
  config.codec = source->streams[0].codec_string;
  config.description = source->streams[0].description;
  config.coded_width = source->streams[0].width;
  config.coded_height = source->streams[0].height;
  config.container.kind = Container::Kind::cmaf;
  config.container.init = join(boxes[0].bytes, boxes[1].bytes);
  catalog.video.emplace("0.m4s", config);
  const auto put = [&test](Track& track, std::uint64_t sequence,
                           const std::vector<Bytes>& objects) {
    const auto group = track.create_group(sequence).value();
    for (const Bytes& object : objects) {
      ObjectHeader header;
      header.id = group->only().objects().size();
      header.size = object.size();
      ASSERT_TRUE(group->only().append(header, object).has_value());
      test.run();
    }
    group->only().finish();
    group->finish();
  };
  const auto catalog_track = test.broadcast->create("catalog.json").value();
  catalog_track->accept({});
  put(*catalog_track, 0, {Bytes::copy_of(catalog.to_text())});
  const auto track = test.broadcast->create("0.m4s").value();
  track->accept({});

  std::vector<std::uint8_t> output;
  std::optional<Result<void>> done;
  const Exporter exporter(
      test.broadcast, {},
      [&](ByteSpan part) {
        output.insert(output.end(), part.begin(), part.end());
        return true;
      },
      [&](Result<void> result) { done = std::move(result); });
  test.run();

  // A group for each keyframe, found by counting the fragments' frames.
  std::vector<Bytes> fragments;
  for (std::size_t i = 2; i + 1 < boxes.size(); ++i) {
    if (boxes[i].type == "moof") fragments.push_back(join(boxes[i].bytes, boxes[i + 1].bytes));
  }
  ASSERT_EQ(frames.size() % fragments.size(), 0U);
  const std::size_t each = frames.size() / fragments.size();
  std::uint64_t groups = 0;
  for (std::size_t i = 0; i < fragments.size();) {
    std::vector<Bytes> group;
    do {
      group.push_back(fragments[i++]);
    } while (i < fragments.size() && !frames[i * each].keyframe);
    put(*track, groups++, group);
  }
  EXPECT_EQ(groups, 3U);
  track->finish(groups);
  test.run();

  ASSERT_TRUE(done.has_value());
  ASSERT_TRUE(done->has_value()) << done->error().message();
  const auto copy = record(output);
  ASSERT_TRUE(copy.has_value()) << copy.error().message();
  const auto got = copy->of(MediaKind::video);
  ASSERT_EQ(got.size(), frames.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].payload, frames[i].payload) << i;
    EXPECT_EQ(got[i].keyframe, frames[i].keyframe) << i;
    // The fragments' own decoding times, not ones made up.
    EXPECT_NEAR(static_cast<double>(got[i].dts - got[0].dts),
                static_cast<double>(frames[i].dts - frames[0].dts), 60)
        << i;
    EXPECT_NEAR(static_cast<double>(got[i].pts - got[0].pts),
                static_cast<double>(frames[i].pts - frames[0].pts), 60)
        << i;
  }
  EXPECT_EQ(exporter.stats().bad_frames, 0U);
}

INSTANTIATE_TEST_SUITE_P(Fragments, Cmaf,
                         testing::Values("default_base_moof+frag_every_frame",
                                         "default_base_moof+frag_keyframe"),
                         [](const auto& param) {
                           return std::string(param.index == 0 ? "OfAFrame" : "OfAGroup");
                         });

}  // namespace
}  // namespace moq::media
