// Track: retention, expiration and fetches.

#include <gtest/gtest.h>

#include <string>

#include "net/model/error.h"
#include "net/model/testing/recorders.h"
#include "net/model/track.h"

namespace moq {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::RecordingReader;
using testing::RecordingSource;

struct TrackCacheTest : ::testing::Test {
  Loop loop;
  std::shared_ptr<CacheBudget> budget = std::make_shared<CacheBudget>();
  Cache cache{budget};
  RecordingSource source;
  std::shared_ptr<Track> track;
  std::vector<std::string> answers;

  TrackCacheTest() { make({}); }
  ~TrackCacheTest() override { track->set_source(nullptr); }

  void make(const Track::Limits& limits) {
    track = std::make_shared<Track>(loop, cache, "video", limits);
  }
  void run(Duration time = {}) { loop.run(loop.now() + time); }

  std::shared_ptr<Group> add(std::uint64_t sequence, std::optional<std::uint64_t> timestamp = 0,
                             std::size_t size = 1) {
    auto group = track->create_group(sequence);
    if (!group) return nullptr;
    if (timestamp) {
      ObjectHeader header;
      header.timestamp = *timestamp;
      EXPECT_TRUE((*group)->only().append(header, Bytes::copy_of(std::string(size, 'x'))));
    }
    (*group)->finish();
    return *group;
  }

  std::string cached() const {
    std::string all;
    for (std::uint64_t n = 0; n < 100; ++n) {
      if (track->cached(n)) all += fmt::format("{}{}", all.empty() ? "" : " ", n);
    }
    return all;
  }

  void fetch(std::uint64_t sequence) {
    track->fetch(sequence, [this, sequence](const Result<std::shared_ptr<Group>>& group) {
      answers.push_back(group ? fmt::format("{}={}", sequence, (*group)->sequence())
                              : fmt::format("{}!{}", sequence, group.error().message()));
    });
  }
  std::string take() {
    std::string all = fmt::format("{}", fmt::join(answers, " "));
    answers.clear();
    return all;
  }
};

// --- Retention.

TEST_F(TrackCacheTest, OldGroupsGoWithTheNextWrite) {
  TrackInfo info;
  info.max_latency = seconds(2);
  track->accept(info);
  auto held = add(0);
  run(seconds(1));
  add(1);
  run(seconds(1));
  add(2);
  EXPECT_EQ(cached(), "0 1 2") << "not older than two seconds";
  run(milliseconds(1));
  EXPECT_EQ(cached(), "0 1 2");
  add(3);
  EXPECT_EQ(cached(), "1 2 3");
  EXPECT_TRUE(held->complete()) << "its readers keep it";
  run(seconds(60));
  EXPECT_EQ(cached(), "1 2 3");
  add(4);
  EXPECT_EQ(cached(), "4");
}

TEST_F(TrackCacheTest, CacheDurationBoundsThePublishers) {
  TrackInfo info;
  info.max_latency = seconds(100);
  track->accept(info);
  budget->duration = Duration(seconds(1)).count();
  add(0);
  run(seconds(2));
  add(1);
  EXPECT_EQ(cached(), "1");
}

TEST_F(TrackCacheTest, TheLatestStaysHoweverOld) {
  track->accept({});
  add(10);
  run(seconds(100));
  add(3);
  EXPECT_EQ(cached(), "3 10");
  EXPECT_EQ(track->latest()->sequence(), 10U);
  run(seconds(100));
  add(11);
  EXPECT_EQ(cached(), "11");
}

TEST_F(TrackCacheTest, AgesAreOfArrivalNotOfSequence) {
  TrackInfo info;
  info.max_latency = seconds(2);
  track->accept(info);
  add(5);
  run(seconds(1));
  add(1);
  run(seconds(1));
  add(6);
  run(milliseconds(500));
  add(7);
  EXPECT_EQ(cached(), "1 6 7") << "5 came first";
}

TEST_F(TrackCacheTest, NoMoreGroupsThanTheLimit) {
  make({.group = {}, .max_groups = 3});
  track->accept({});
  for (std::uint64_t n = 1; n < 6; ++n) add(n);
  EXPECT_EQ(cached(), "3 4 5");
  EXPECT_TRUE(track->create_group(2).error().is(ModelError::too_old));
  add(9);
  EXPECT_EQ(cached(), "4 5 9");
  add(7);
  EXPECT_EQ(cached(), "5 7 9");
  EXPECT_EQ(track->size(), 3U);
}

TEST_F(TrackCacheTest, EvenOneGroupAtMost) {
  make({.group = {}, .max_groups = 1});
  track->accept({});
  add(4);
  EXPECT_TRUE(track->create_group(3).error().is(ModelError::too_old));
  add(5);
  EXPECT_EQ(cached(), "5");
}

TEST_F(TrackCacheTest, EvictedGroupsLeaveTheIndex) {
  track->accept({});
  budget->capacity = 3 * (Group::kOverhead + Group::kObjectOverhead + 100);
  for (std::uint64_t n = 0; n < 4; ++n) add(n, 0, 100);
  EXPECT_EQ(cached(), "1 2 3");
  EXPECT_LE(cache.used(), budget->capacity) << "nobody held it";
  auto held = track->cached(1);
  add(4, 0, 100);
  EXPECT_EQ(cached(), "2 3 4");
  EXPECT_EQ(held->only().abort_code(), Cache::kEvictedCode);
}

TEST_F(TrackCacheTest, TheLatestIsNeverEvicted) {
  track->accept({});
  auto other = std::make_shared<Track>(loop, cache, "audio");
  budget->capacity = Group::kOverhead + 2000;
  add(0, 0, 1000);
  for (std::uint64_t n = 0; n < 5; ++n) {
    auto group = *other->create_group(n);
    ASSERT_TRUE(group->only().append({}, Bytes::copy_of(std::string(3000, 'x'))));
  }
  EXPECT_TRUE(track->latest()->complete());
  EXPECT_FALSE(other->latest()->aborted());
  EXPECT_EQ(other->size(), 1U);
  add(1);
  EXPECT_EQ(cached(), "1") << "0 is not the latest any more";
}

TEST_F(TrackCacheTest, ALatestThatReadersKeepCanBeEvictedWithoutItsTrack) {
  track->accept({});
  auto held = add(0);
  make({});
  budget->capacity = 1;
  add(0);
  EXPECT_EQ(held->only().abort_code(), Cache::kEvictedCode);
}

TEST_F(TrackCacheTest, EvictionDuringCreationIsHarmless) {
  track->accept({});
  budget->capacity = 1;
  for (std::uint64_t n : {5, 3, 7, 6, 2, 9}) add(n);
  EXPECT_EQ(track->latest()->sequence(), 9U);
}

// --- Expiration.

TEST_F(TrackCacheTest, TheLatestNeverExpires) {
  track->accept({});
  auto group = add(3);
  EXPECT_FALSE(track->expired(*group, Duration{}));
  run(seconds(100));
  EXPECT_FALSE(track->expired(*group, Duration{}));
  add(2);
  EXPECT_FALSE(track->expired(*group, Duration{}));
}

TEST_F(TrackCacheTest, ExpiresByArrival) {
  track->accept({});
  auto old = add(0, std::nullopt);
  run(seconds(2));
  add(1, std::nullopt);
  EXPECT_TRUE(track->expired(*old, milliseconds(1999)));
  EXPECT_FALSE(track->expired(*old, seconds(2))) << "more than, not as much as";
  auto late = add(0);
  EXPECT_EQ(late, nullptr);
}

TEST_F(TrackCacheTest, ArrivalBehindTheLatestIsNotOld) {
  track->accept({});
  add(5, std::nullopt);
  run(seconds(2));
  auto late = add(4, std::nullopt);
  EXPECT_FALSE(track->expired(*late, Duration{}));
}

TEST_F(TrackCacheTest, ExpiresByTimestamp) {
  TrackInfo info;
  info.timescale = 90000;
  track->accept(info);
  auto old = add(0, 1000);
  add(1, 1000 + 90000);
  EXPECT_FALSE(track->expired(*old, seconds(1)));
  EXPECT_TRUE(track->expired(*old, seconds(1) - Duration(1)));
  auto future = add(0, 0);
  EXPECT_EQ(future, nullptr);
}

TEST_F(TrackCacheTest, TimestampsGoAgainstTheNewestGroupWithAnObject) {
  track->accept({});
  auto old = add(0, 1000);
  add(1, 3000);
  add(2, std::nullopt);
  EXPECT_TRUE(track->expired(*old, milliseconds(1999)));
  EXPECT_FALSE(track->expired(*old, milliseconds(2000)));
  EXPECT_FALSE(track->expired(*track->cached(1), Duration{}));
  auto three = *track->create_group(3);
  EXPECT_FALSE(track->expired(*old, milliseconds(2000)));
  ObjectHeader header;
  header.timestamp = 9000;
  ASSERT_TRUE(three->only().append(header, {}));
  EXPECT_TRUE(track->expired(*old, milliseconds(7999)));
}

TEST_F(TrackCacheTest, TimestampsMayGoBackAndBeHuge) {
  TrackInfo info;
  info.timescale = 1;
  track->accept(info);
  auto old = add(0, 500);
  add(1, 100);
  EXPECT_FALSE(track->expired(*old, Duration{}));
  auto zero = add(2, 0);
  add(3, UINT64_MAX);
  EXPECT_TRUE(track->expired(*zero, Duration::max()));
  EXPECT_TRUE(track->expired(*zero, Duration{}));
}

TEST_F(TrackCacheTest, HugeTimescale) {
  TrackInfo info;
  info.timescale = UINT64_MAX;
  track->accept(info);
  auto old = add(0, 0);
  add(1, UINT64_MAX);
  EXPECT_FALSE(track->expired(*old, seconds(1))) << "exactly one second";
  EXPECT_TRUE(track->expired(*old, seconds(1) - Duration(1)));
  EXPECT_FALSE(track->expired(*old, Duration::max()));
}

TEST_F(TrackCacheTest, TimestampsNeedATimescale) {
  auto old = add(0, 0);
  add(1, 1U << 30);
  EXPECT_FALSE(track->expired(*old, Duration{}));
  track->accept({});
  EXPECT_TRUE(track->expired(*old, Duration{}));
}

// --- Fetch.

TEST_F(TrackCacheTest, FetchFromTheCache) {
  track->accept({});
  add(0);
  auto open = *track->create_group(1);
  fetch(0);
  fetch(1);
  fetch(2);
  EXPECT_EQ(take(), "") << "from the loop";
  run();
  EXPECT_EQ(take(), "0=0 1=1 2!model: not found (0x0): group");
}

TEST_F(TrackCacheTest, ConcurrentFetchesAreOne) {
  track->set_source(&source);
  track->accept({});
  fetch(4);
  fetch(4);
  run();
  fetch(4);
  run();
  EXPECT_EQ(source.take(), "fetch4");
  EXPECT_EQ(take(), "");
  auto group = track->create_fetched(4);
  ASSERT_TRUE(group);
  run();
  EXPECT_EQ(take(), "4=4 4=4 4=4");
  (*group)->finish();
  fetch(4);
  run();
  EXPECT_EQ(source.take(), "") << "it is cached";
  EXPECT_EQ(take(), "4=4");
}

TEST_F(TrackCacheTest, AFailedFetchMayBeRepeated) {
  track->set_source(&source);
  fetch(4);
  run();
  track->fail_fetch(4, ModelError::too_old);
  track->fail_fetch(5, ModelError::too_old);
  run();
  EXPECT_EQ(take(), "4!model: too old (0x3)");
  fetch(4);
  run();
  EXPECT_EQ(source.take(), "fetch4 fetch4");
}

TEST_F(TrackCacheTest, FetchedGroupsAreNotAnnounced) {
  track->set_source(&source);
  track->accept({});
  RecordingReader reader;
  auto subscription = track->subscribe({}, reader);
  run();
  add(3);
  reader.take();
  fetch(7);
  run();
  auto group = *track->create_fetched(7);
  EXPECT_EQ(reader.take(), "");
  EXPECT_EQ(track->latest()->sequence(), 3U);
  RecordingReader late;
  auto second = track->subscribe(SubscribeOptions{}, late);
  run();
  EXPECT_EQ(late.take(), "info1000 group3");
  EXPECT_TRUE(track->create_group(7).error().is(ModelError::exists));
  EXPECT_EQ(reader.take(), "group7") << "now the source has named it";
  EXPECT_EQ(track->latest(), group);
}

TEST_F(TrackCacheTest, TimestampsOfFetchedGroupsCountOnceTheyAreNamed) {
  track->set_source(&source);
  track->accept({});
  auto old = add(3, 1000);
  add(4, 1000);
  fetch(7);
  run();
  auto group = *track->create_fetched(7);
  ObjectHeader header;
  header.timestamp = 9000;
  ASSERT_TRUE(group->only().append(header, {}));
  EXPECT_FALSE(track->expired(*old, seconds(7)));
  EXPECT_TRUE(track->create_group(7).error().is(ModelError::exists));
  EXPECT_TRUE(track->expired(*old, seconds(7)));
}

TEST_F(TrackCacheTest, FetchedGroupsCountForTheLimit) {
  make({.group = {}, .max_groups = 2});
  track->set_source(&source);
  track->accept({});
  add(3);
  add(6);
  fetch(5);
  run();
  ASSERT_TRUE(track->create_fetched(5));
  EXPECT_EQ(cached(), "5 6");
}

TEST_F(TrackCacheTest, FetchedGroupsSurviveTheEndOfDemand) {
  track->set_source(&source);
  track->accept({});
  RecordingReader reader;
  auto subscription = track->subscribe({}, reader);
  run();
  fetch(7);
  run();
  auto group = *track->create_fetched(7);
  subscription.reset();
  run();
  EXPECT_FALSE(group->closed());
}

TEST_F(TrackCacheTest, FetchIsAnsweredByALiveGroup) {
  track->set_source(&source);
  track->accept({});
  fetch(4);
  run();
  auto group = *track->create_group(4);
  run();
  EXPECT_EQ(take(), "4=4");
  EXPECT_TRUE(track->create_fetched(4).error().is(ModelError::exists));
}

TEST_F(TrackCacheTest, OnlyWhatWasAskedForIsFetched) {
  track->set_source(&source);
  track->accept({});
  EXPECT_TRUE(track->create_fetched(4).error().is(ModelError::not_found));
}

TEST_F(TrackCacheTest, FetchBeyondTheEnd) {
  track->set_source(&source);
  track->accept({});
  track->finish(4);
  fetch(4);
  fetch(3);
  run();
  EXPECT_EQ(take(), "4!model: not found (0x0): beyond the end");
  EXPECT_EQ(source.take(), "fetch3");
}

TEST_F(TrackCacheTest, FetchOnAPendingTrackWaits) {
  fetch(4);
  run();
  EXPECT_EQ(take(), "");
  track->set_source(&source);
  run();
  EXPECT_EQ(source.take(), "fetch4");
  track->set_source(nullptr);
  run();
  EXPECT_EQ(take(), "4!model: closed (0x2): source");
  fetch(5);
  track->accept({});
  run();
  EXPECT_EQ(take(), "5!model: not found (0x0): group");
}

TEST_F(TrackCacheTest, FetchesFailWithTheTrack) {
  track->set_source(&source);
  fetch(4);
  track->abort(ModelError::cancelled);
  fetch(5);
  run();
  EXPECT_EQ(take(), "4!model: cancelled (0xb) 5!model: cancelled (0xb)");
  make({});
  track->set_source(&source);
  fetch(6);
  make({});
  run();
  EXPECT_EQ(take(), "6!model: closed (0x2): video");
  EXPECT_EQ(source.take(), "");
}

TEST_F(TrackCacheTest, FetchLimits) {
  make({.group = {}, .max_groups = 8, .max_fetches = 2, .max_waiters = 3});
  track->set_source(&source);
  for (std::uint64_t n : {1, 2, 3, 2, 2}) fetch(n);
  run();
  EXPECT_EQ(take(), "3!model: too many (0x4): fetches 2!model: too many (0x4): fetches");
  track->fail_fetch(2, ModelError::not_found);
  fetch(3);
  run();
  EXPECT_EQ(source.take(), "fetch1 fetch2 fetch3");
}

TEST_F(TrackCacheTest, AFetchedGroupTooOldToKeepStillAnswers) {
  make({.group = {}, .max_groups = 2});
  track->set_source(&source);
  track->accept({});
  add(5);
  add(6);
  fetch(1);
  run();
  ASSERT_TRUE(track->create_fetched(1));
  run();
  EXPECT_EQ(take(), "1=1");
  EXPECT_EQ(cached(), "5 6");
}

TEST_F(TrackCacheTest, InfoIsAwaited) {
  std::string got;
  const auto say = [&](const Result<TrackInfo>& info) {
    got += info ? fmt::format("{} ", info->timescale) : info.error().message() + " ";
  };
  track->when_info(say);
  run();
  EXPECT_EQ(got, "");
  track->accept({});
  EXPECT_EQ(got, "");
  run();
  track->when_info(say);
  run();
  EXPECT_EQ(got, "1000 1000 ");
  got.clear();
  make({});
  track->when_info(say);
  track->abort(ModelError::not_found);
  track->when_info(say);
  run();
  EXPECT_EQ(got, "model: not found (0x0) model: not found (0x0) ");
  got.clear();
  make({});
  track->when_info(say);
  make({.group = {}, .max_groups = 8, .max_fetches = 2, .max_waiters = 0});
  track->when_info(say);
  run();
  EXPECT_EQ(got, "model: closed (0x2): video model: too many (0x4): waiting for track properties ");
}

}  // namespace
}  // namespace moq
