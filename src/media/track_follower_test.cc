#include "media/track_follower.h"

#include <gtest/gtest.h>

#include <string>

#include "net/model/error.h"

namespace moq::media {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct FollowerTest : testing::Test, TrackFollower::Sink {
  Loop loop{Time{} + seconds(1)};
  Cache cache{std::make_shared<CacheBudget>()};
  std::shared_ptr<Track> track = std::make_shared<Track>(loop, cache, "track");
  std::unique_ptr<TrackFollower> follower;
  std::string told;
  bool destroy_on_object = false;

  void on_object(std::uint64_t group, bool first, bool gap, const Object& object) override {
    told += " " + std::string(gap ? "~" : "") + std::string(first ? "^" : "") +
            std::to_string(group) + object.flatten().text().data()[0];
    if (destroy_on_object) follower.reset();
  }
  void on_end(const std::optional<Error>& error) override {
    told += error ? " error" : " end";
    follower.reset();
  }

  void start(Duration max_latency = seconds(1), TrackFollower::Limits limits = {}) {
    track->accept({});
    SubscribeOptions options;
    options.max_latency = max_latency;
    TrackFollower::Sink& sink = *this;
    follower = std::make_unique<TrackFollower>(track, options, sink, limits);
    run();
  }
  std::shared_ptr<Group> group(std::uint64_t sequence, const std::string& objects,
                               bool finish = true) {
    auto group = track->create_group(sequence).value();
    for (const char c : objects) add(*group, c);
    if (finish) {
      group->only().finish();
      group->finish();
    }
    return group;
  }
  static void add(Group& group, char c) {
    ObjectHeader header;
    header.id = group.only().objects().size();
    header.size = 1;
    ASSERT_TRUE(group.only().append(header, Bytes::copy_of(std::string(1, c))).has_value());
  }
  std::string run(Duration after = {}) {
    loop.run(loop.now() + after);
    while (loop.next() <= loop.now()) loop.run(loop.now());
    return std::exchange(told, {});
  }
};

TEST_F(FollowerTest, DeliversInOrderWhateverTheOrderOfArrival) {
  start();
  group(0, "ab");
  EXPECT_EQ(run(), " ^0a 0b");
  group(2, "e");
  EXPECT_EQ(run(), "");
  group(1, "cd");
  EXPECT_EQ(run(), " ^1c 1d ^2e");
  EXPECT_EQ(follower->stats().groups, 3U);
  EXPECT_EQ(follower->stats().lost_groups, 0U);
}

TEST_F(FollowerTest, DeliversObjectsAsTheyCome) {
  start();
  const auto open = group(0, "a", false);
  EXPECT_EQ(run(), " ^0a");
  ObjectHeader header;
  header.id = 1;
  header.size = 2;
  ASSERT_TRUE(open->only().append_object(header).has_value());
  ASSERT_TRUE(open->only().append_payload(Bytes::copy_of("b")).has_value());
  EXPECT_EQ(run(), "");
  ASSERT_TRUE(open->only().append_payload(Bytes::copy_of("B")).has_value());
  EXPECT_EQ(run(), " 0b");
}

TEST_F(FollowerTest, WaitsForAMissingGroupNoLongerThanTheLatency) {
  start(milliseconds(500));
  group(0, "a");
  run();
  group(2, "c");
  EXPECT_EQ(run(milliseconds(499)), "");
  EXPECT_EQ(run(milliseconds(1)), " ~^2c");
  EXPECT_EQ(follower->stats().lost_groups, 1U);
  // Too late.
  group(1, "b");
  EXPECT_EQ(run(), "");
}

TEST_F(FollowerTest, LeavesAStalledGroupForANewerOne) {
  start(milliseconds(500));
  const auto stalled = group(0, "a", false);
  EXPECT_EQ(run(seconds(10)), " ^0a");
  // A newer group without an object is nothing to go on to.
  const auto empty = group(1, "", false);
  EXPECT_EQ(run(seconds(10)), "");
  add(*empty, 'b');
  EXPECT_EQ(run(), " ~^1b");
  EXPECT_EQ(follower->stats().lost_groups, 1U);
}

TEST_F(FollowerTest, DoesNotWaitForWhatWasDropped) {
  start();
  group(0, "a");
  run();
  track->drop(1, 2, 5);
  group(3, "d");
  EXPECT_EQ(run(), " ~^3d");
  EXPECT_EQ(follower->stats().lost_groups, 2U);
}

TEST_F(FollowerTest, AbortedGroupIsCutShort) {
  start();
  const auto aborted = group(0, "a", false);
  group(1, "b");
  EXPECT_EQ(run(), " ^0a");
  aborted->abort(5);
  EXPECT_EQ(run(), " ~^1b");
  EXPECT_EQ(follower->stats().lost_groups, 1U);
}

TEST_F(FollowerTest, EndsBehindTheLastGroup) {
  start();
  const auto open = group(0, "a", false);
  track->finish(1);
  EXPECT_EQ(run(std::chrono::hours(1)), " ^0a");
  add(*open, 'b');
  open->only().finish();
  open->finish();
  EXPECT_EQ(run(), " 0b end");
}

TEST_F(FollowerTest, EndsWithoutTheLastGroupsOnceTheyAreTooLate) {
  start(milliseconds(500));
  group(0, "a");
  track->finish(3);
  EXPECT_EQ(run(milliseconds(499)), " ^0a");
  EXPECT_EQ(run(milliseconds(1)), " end");
}

TEST_F(FollowerTest, EndOfAnEmptyTrack) {
  start();
  track->finish(0);
  EXPECT_EQ(run(), " end");
}

TEST_F(FollowerTest, AbortDeliversWhatIsThere) {
  start();
  group(0, "a", false);
  group(2, "c");
  run();
  track->abort(Error(ModelError::cancelled));
  EXPECT_EQ(run(), " ~^2c error");
}

TEST_F(FollowerTest, MayBeDestroyedInACall) {
  start();
  destroy_on_object = true;
  group(0, "ab");
  EXPECT_EQ(run(), " ^0a");
  EXPECT_EQ(follower, nullptr);
}

TEST_F(FollowerTest, LimitsWhatWaits) {
  TrackFollower::Limits limits;
  limits.max_groups = 3;
  start(std::chrono::hours(1), limits);
  group(0, "", false);
  for (std::uint64_t i = 1; i < 3; ++i) group(i, "x");
  EXPECT_EQ(run(), "");
  group(3, "y");
  EXPECT_EQ(run(), " ~^1x ^2x ^3y");

  TrackFollower::Limits bytes;
  bytes.max_bytes = 2;
  follower.reset();
  start(std::chrono::hours(1), bytes);
  group(5, "abc");
  EXPECT_EQ(run(), " ~^5a 5b 5c");
}

TEST_F(FollowerTest, PausedItDeliversNothing) {
  start();
  follower->pause();
  group(0, "a");
  EXPECT_EQ(run(), "");
  follower->resume();
  EXPECT_EQ(run(), " ^0a");
}

}  // namespace
}  // namespace moq::media
