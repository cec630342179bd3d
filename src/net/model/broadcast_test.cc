#include "net/model/broadcast.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "net/model/error.h"
#include "net/model/testing/recorders.h"

namespace moq {
namespace {

using testing::RecordingReader;

struct Maker : BroadcastSource {
  std::vector<std::string> asked;
  std::function<void(Track&)> then;
  void on_track(Broadcast&, const std::shared_ptr<Track>& track) override {
    asked.push_back(track->name());
    if (then) then(*track);
  }
};

struct CloseWatcher : BroadcastWatcher {
  int closed = 0;
  std::function<void()> then;
  void on_broadcast_closed() override {
    ++closed;
    if (then) then();
  }
};

struct BroadcastTest : ::testing::Test {
  Loop loop;
  Cache cache{std::make_shared<CacheBudget>()};
  Broadcast::Limits limits;
  Maker maker;
  std::shared_ptr<Broadcast> broadcast = make();

  std::shared_ptr<Broadcast> make() { return std::make_shared<Broadcast>(loop, cache, limits); }
};

TEST_F(BroadcastTest, KnowsWhatWasCreated) {
  auto video = *broadcast->create("video");
  EXPECT_EQ(*broadcast->track("video"), video);
  EXPECT_TRUE(broadcast->create("video").error().is(ModelError::exists));
  EXPECT_TRUE(broadcast->track("audio").error().is(ModelError::not_found));
  EXPECT_EQ(&broadcast->loop(), &loop);
}

TEST_F(BroadcastTest, SourceMakesTracksOnce) {
  broadcast->set_source(&maker);
  auto video = *broadcast->track("video");
  EXPECT_EQ(*broadcast->track("video"), video);
  EXPECT_EQ(maker.asked, std::vector<std::string>{"video"});
  EXPECT_TRUE(broadcast->create("video").error().is(ModelError::exists));
}

TEST_F(BroadcastTest, AbortedTracksAreMadeAnew) {
  broadcast->set_source(&maker);
  auto first = *broadcast->track("video");
  first->abort(ModelError::not_found);
  auto second = *broadcast->track("video");
  EXPECT_NE(first, second);
  EXPECT_EQ(maker.asked.size(), 2U);
  second->abort(ModelError::not_found);
  EXPECT_TRUE(broadcast->create("video"));
  EXPECT_EQ(broadcast->size(), 1U);
}

TEST_F(BroadcastTest, SourceMayRefuseAtOnce) {
  broadcast->set_source(&maker);
  maker.then = [](Track& track) { track.abort(ModelError::not_found); };
  auto track = *broadcast->track("video");
  RecordingReader reader;
  auto subscription = track->subscribe({}, reader);
  loop.run(loop.now());
  EXPECT_EQ(reader.take(), "abort0");
}

TEST_F(BroadcastTest, TracksAreLimited) {
  limits.max_tracks = 2;
  broadcast = make();
  broadcast->set_source(&maker);
  auto a = *broadcast->create("a");
  ASSERT_TRUE(broadcast->create("b"));
  EXPECT_TRUE(broadcast->track("c").error().is(ModelError::too_many));
  EXPECT_TRUE(broadcast->create("c").error().is(ModelError::too_many));
  EXPECT_TRUE(broadcast->track("a"));
  a->abort(ModelError::not_found);
  EXPECT_TRUE(broadcast->track("c")) << "aborted tracks make room";
  EXPECT_EQ(maker.asked, std::vector<std::string>{"c"});
}

TEST_F(BroadcastTest, IdleTracksMakeRoom) {
  limits.max_tracks = 2;
  broadcast = make();
  broadcast->set_source(&maker);
  auto created = *broadcast->create("not made on demand");
  auto b = *broadcast->track("b");
  RecordingReader reader;
  auto subscription = b->subscribe({}, reader);
  EXPECT_TRUE(broadcast->track("c").error().is(ModelError::too_many)) << "b is subscribed to";
  subscription.reset();
  auto c = *broadcast->track("c");
  ASSERT_TRUE(b->error());
  EXPECT_TRUE(b->error()->is(ModelError::closed));
  bool known = false;
  c->when_info([&](const Result<TrackInfo>&) { known = true; });
  EXPECT_FALSE(c->idle());
  EXPECT_TRUE(broadcast->track("d").error().is(ModelError::too_many));
  c->accept({});
  EXPECT_TRUE(c->idle());
  EXPECT_TRUE(broadcast->track("d"));
  EXPECT_FALSE(created->error());
  loop.run(loop.now());
  EXPECT_TRUE(known);
}

TEST_F(BroadcastTest, CloseAbortsTracks) {
  auto video = *broadcast->create("video");
  EXPECT_FALSE(broadcast->closed());
  broadcast->close(ModelError::cancelled);
  broadcast->close(ModelError::not_found);
  EXPECT_TRUE(broadcast->closed());
  ASSERT_TRUE(video->error());
  EXPECT_TRUE(video->error()->is(ModelError::cancelled));
  EXPECT_TRUE(broadcast->track("video").error().is(ModelError::closed));
  EXPECT_TRUE(broadcast->create("video").error().is(ModelError::closed));
}

TEST_F(BroadcastTest, ItsEndIsThatOfItsTracks) {
  auto video = *broadcast->create("video");
  broadcast.reset();
  ASSERT_TRUE(video->error());
  EXPECT_TRUE(video->error()->is(ModelError::closed));
}

TEST_F(BroadcastTest, WatchersHearOfTheEndOnce) {
  CloseWatcher first;
  auto second = std::make_unique<CloseWatcher>();
  CloseWatcher gone_before;
  broadcast->attach(first);
  broadcast->attach(*second);
  {
    CloseWatcher left;
    broadcast->attach(left);
  }
  first.then = [&] { second.reset(); };
  broadcast->close(ModelError::closed);
  broadcast->close(ModelError::closed);
  EXPECT_EQ(first.closed, 1);
  EXPECT_EQ(second, nullptr);
  broadcast->attach(gone_before);
  EXPECT_EQ(gone_before.closed, 0);
}

TEST_F(BroadcastTest, ReadersMayDropTheBroadcastAsItCloses) {
  auto video = *broadcast->create("video");
  auto audio = *broadcast->create("audio");
  RecordingReader reader;
  auto subscription = video->subscribe({}, reader);
  loop.run(loop.now());
  reader.then = [&] {
    subscription.reset();
    broadcast.reset();
  };
  const std::weak_ptr<Broadcast> weak = broadcast;
  broadcast->close(ModelError::closed);
  EXPECT_TRUE(weak.expired());
  EXPECT_TRUE(audio->error());
  EXPECT_EQ(reader.take(), "abort2");
}

}  // namespace
}  // namespace moq
