#include "media/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "media/error.h"
#include "media/media_test_util.h"

namespace moq::media {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

/// Carries tasks from the reading thread to the test's.
struct Mailbox {
  std::mutex mutex;
  std::condition_variable arrived;
  std::vector<std::function<void()>> tasks;

  void post(std::function<void()> task) {
    {
      const std::lock_guard lock(mutex);
      tasks.push_back(std::move(task));
    }
    arrived.notify_one();
  }
  /// Waits for tasks, and takes them.
  std::vector<std::function<void()>> take() {
    std::unique_lock lock(mutex);
    arrived.wait(lock, [this] { return !tasks.empty(); });
    return std::exchange(tasks, {});
  }
};

struct Import {
  TestBroadcast test;
  Mailbox mailbox;
  std::optional<Result<void>> done;
  std::unique_ptr<Importer> importer;

  void start(Importer::Open open, const Importer::Options& options = {}) {
    importer = std::make_unique<Importer>(
        test.broadcast, std::move(open),
        [this](std::function<void()> task) { mailbox.post(std::move(task)); }, options,
        [this](Result<void> result) { done = std::move(result); });
  }
  void start(std::vector<std::uint8_t> bytes, const Importer::Options& options = {}) {
    start([bytes = std::move(bytes)](
              const auto&) { return PacketReader::open(memory_source(bytes), "memory", {}); },
          options);
  }
  /// Runs what the reading thread has sent.
  void deliver() {
    for (const auto& task : mailbox.take()) {
      task();
      test.run();
    }
  }
  void finish() {
    while (!done) deliver();
  }
  Group& group(const std::string& track, std::uint64_t sequence) {
    return *test.broadcast->track(track).value()->cached(sequence);
  }
};

std::vector<std::uint8_t> make_file() {
  const TestFile file(".mp4");
  make_media(file, "-c:v libx264 -bf 2 -g 25 -c:a aac -movflags frag_keyframe+empty_moov");
  return file.read();
}

TEST(Importer, PublishesTheCatalogAndTheTracks) {
  const auto bytes = make_file();
  const auto source = record(bytes);
  ASSERT_TRUE(source.has_value());
  Import import;
  import.start(bytes);
  import.finish();
  ASSERT_TRUE(import.done->has_value()) << import.done->error().message();

  const auto catalog =
      Catalog::parse(import.group("catalog.json", 0).only().objects().front().flatten().text());
  ASSERT_TRUE(catalog.has_value());
  const VideoConfig& video = catalog->video.at("0.avc1");
  EXPECT_THAT(video.codec, HasSubstr("avc1."));
  EXPECT_EQ(video.coded_width, 128U);
  EXPECT_EQ(video.framerate, 25);
  EXPECT_EQ(video.optimize_for_latency, false);
  EXPECT_EQ(video.container.kind, Container::Kind::legacy);
  EXPECT_TRUE(video.description.has_value());
  const AudioConfig& audio = catalog->audio.at("0.aac");
  EXPECT_EQ(audio.codec, "mp4a.40.2");
  EXPECT_EQ(audio.sample_rate, 48000U);
  EXPECT_EQ(audio.channels, 1U);

  const auto track = import.test.broadcast->track("0.avc1").value();
  EXPECT_EQ(track->info()->timescale, 1000000U);
  EXPECT_GT(import.test.broadcast->track("0.aac").value()->info()->priority,
            track->info()->priority);
  EXPECT_EQ(track->end(), 3U);
  const auto frames = source->of(MediaKind::video);
  const Subgroup& first = import.group("0.avc1", 0).only();
  ASSERT_EQ(first.objects().size(), 25U);
  EXPECT_EQ(first.state(), Subgroup::State::finished);
  for (std::size_t i = 0; i < 25; ++i) {
    // The legacy container: a varint of microseconds, and the payload.
    const Object& object = first.objects()[i];
    EXPECT_EQ(object.timestamp, static_cast<std::uint64_t>(frames[i].pts));
    const Bytes payload = object.flatten();
    EXPECT_EQ(payload.slice(payload.size() - frames[i].payload.size()), frames[i].payload);
  }
  EXPECT_EQ(import.group("0.aac", 5).only().objects().size(), 1U);
  EXPECT_EQ(import.importer->stats().frames, source->packets.size());
}

TEST(Importer, PacesByDecodingTimeWhenAsked) {
  Import import;
  Importer::Options options;
  options.realtime = true;
  import.start(make_file(), options);
  while (import.importer->publisher() == nullptr) import.deliver();
  // Everything that is due now, and no more, whatever the thread has read.
  while (import.importer->stats().frames == 0) import.deliver();
  const Time start = import.test.loop.now();
  std::int64_t last = 0;
  for (int step = 1; step <= 20; ++step) {
    import.test.run(milliseconds(50));
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::microseconds>(import.test.loop.now() - start);
    const std::int64_t pts = import.importer->stats().pts;
    // Presentation is at most the reordering (2 frames and one) ahead of decoding.
    EXPECT_LE(pts, elapsed.count() + 200000);
    last = pts;
  }
  EXPECT_LT(last, 1300000);
  EXPECT_FALSE(import.done.has_value());
  // At the latest when all of it is due, all of it is there.
  import.test.run(seconds(10));
  while (!import.done) {
    import.deliver();
    import.test.run(seconds(1));
  }
  EXPECT_TRUE(import.done->has_value());
}

TEST(Importer, ReportsAnInputThatIsNoMedia) {
  Import import;
  import.start(std::vector<std::uint8_t>(50000, 'x'));
  import.finish();
  ASSERT_FALSE(import.done->has_value());
  EXPECT_TRUE(import.done->error().is(MediaError::not_media));
  EXPECT_EQ(import.importer->publisher(), nullptr);
}

TEST(Importer, ReportsATrackThatExists) {
  Import import;
  ASSERT_TRUE(import.test.broadcast->create("0.aac").has_value());
  import.start(make_file());
  import.finish();
  ASSERT_FALSE(import.done->has_value());
}

TEST(Importer, MayBeDestroyedWhileTheQueueIsFull) {
  Import import;
  Importer::Options options;
  options.max_queued_packets = 1;
  import.start(make_file(), options);
  // Nothing is taken: the thread waits for room.
  import.mailbox.take();
  import.importer.reset();
  EXPECT_FALSE(import.done.has_value());
}

TEST(Importer, MayBeDestroyedWhileItWaitsForInput) {
  Import import;
  std::mutex mutex;
  std::condition_variable waiting;
  bool reading = false;
  import.start([&](const std::shared_ptr<std::atomic<bool>>& cancelled) {
    return PacketReader::open(
        [&, cancelled](std::span<std::uint8_t>) -> std::ptrdiff_t {
          {
            const std::lock_guard lock(mutex);
  reading = true;
}
waiting.notify_one();
while (!cancelled->load()) std::this_thread::yield();
return -1;
}  // namespace
,
        "endless", {});
}  // namespace moq::media
);
{
  std::unique_lock lock(mutex);
  waiting.wait(lock, [&] { return reading; });
}
import.importer.reset();
EXPECT_FALSE(import.done.has_value());
}

}  // namespace
}  // namespace moq::media
