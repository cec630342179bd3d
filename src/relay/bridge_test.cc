#include "relay/bridge.h"

#include <deque>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/model/error.h"
#include "net/model/testing/recorders.h"

namespace moq::relay {
namespace {

using namespace std::chrono_literals;
using moq::testing::RecordingReader;
using moq::testing::RecordingSource;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Writes down what a worker's origin announces: "+path[hops]", "-path".
class Announcements final : public AnnounceReader {
 public:
  explicit Announcements(Origin& origin) : watch_(origin.watch(Path(), *this)) {}

  std::vector<std::string> take() { return std::exchange(calls_, {}); }

 private:
  void on_announcements(const std::vector<Announcement>& changes) override {
    for (const Announcement& change : changes) {
      if (change.broadcast == nullptr) {
        calls_.push_back("-" + change.path.text());
      } else {
        calls_.push_back(fmt::format("+{}[{}]", change.path.text(), fmt::join(change.hops, ",")));
      }
    }
  }

  std::vector<std::string> calls_;
  std::unique_ptr<Origin::Watch> watch_;
};

struct Worker {
  explicit Worker(const std::shared_ptr<CacheBudget>& budget) : cache(budget) {}

  Loop loop;
  Cache cache;
  Origin origin{loop, 7};
  Announcements announced{origin};
  std::unique_ptr<Bridge> bridge = std::make_unique<Bridge>(loop, origin, cache);
};

// Workers whose loops and mail are driven by hand.
class BridgeTest : public ::testing::Test {
 protected:
  BridgeTest() {
    for (int i = 0; i < 3; ++i) workers_.push_back(std::make_unique<Worker>(budget_));
    for (std::size_t from = 0; from < workers_.size(); ++from) {
      for (std::size_t to = 0; to < workers_.size(); ++to) {
        if (to == from) continue;
        workers_[from]->bridge->connect(to, [this, from, to](Bridge::Messages messages) {
          ++batches_;
          mail_.push_back({from, to, std::move(messages)});
        });
      }
    }
    run();
    batches_ = 0;
  }

  Worker& at(std::size_t worker) { return *workers_[worker]; }

  // One tick of each loop, without delivering mail.
  void tick() {
    now_ += 1ms;
    for (auto& worker : workers_) worker->loop.run(now_);
  }
  // Delivers all mail and its consequences.
  void run() {
    tick();
    while (!mail_.empty()) {
      Mail mail = std::move(mail_.front());
      mail_.pop_front();
      if (at(mail.to).bridge) at(mail.to).bridge->receive(mail.from, std::move(mail.messages));
      if (mail_.empty()) tick();
    }
  }

  // A broadcast with one live track, published at worker 0.
  void publish(const std::string& path = "room", std::vector<HopId> hops = {5}) {
    broadcast_ = std::make_shared<Broadcast>(at(0).loop, at(0).cache);
    track_ = *broadcast_->create("video");
    track_->accept({.timescale = 90});
    publication_ = *at(0).origin.publish(Path(path), broadcast_, Route{.hops = std::move(hops)});
    run();
  }

  std::shared_ptr<Track> remote_track(std::size_t worker = 1, const std::string& name = "video") {
    const auto broadcast = at(worker).origin.find(Path("room"));
    if (broadcast == nullptr) return nullptr;
    auto track = broadcast->track(name);
    return track ? *track : nullptr;
  }

  static void append(Group& group, std::uint64_t id, const std::string& text) {
    ASSERT_TRUE(group.only().append({.id = id, .timestamp = 10 * id}, Bytes::copy_of(text)));
  }

  // "text@timestamp ..." of all objects.
  static std::string contents(const Group& group) {
    std::string all;
    const Subgroup* subgroup = group.find(0);
    if (subgroup == nullptr) return all;
    for (const Object& object : subgroup->objects()) {
      all += fmt::format("{}@{} ", object.flatten().text(), object.timestamp);
    }
    return all;
  }

  struct Mail {
    std::size_t from;
    std::size_t to;
    Bridge::Messages messages;
  };

  Time now_{};
  std::shared_ptr<CacheBudget> budget_ = std::make_shared<CacheBudget>();
  std::vector<std::unique_ptr<Worker>> workers_;
  std::deque<Mail> mail_;
  int batches_ = 0;
  std::shared_ptr<Broadcast> broadcast_;
  std::shared_ptr<Track> track_;
  std::unique_ptr<Origin::Publication> publication_;
};

TEST_F(BridgeTest, ABroadcastIsAnnouncedEverywhereWithTheHopsThatItHas) {
  publish("room", {5, 6});
  EXPECT_THAT(at(1).announced.take(), ElementsAre("+room[5,6]"));
  EXPECT_THAT(at(2).announced.take(), ElementsAre("+room[5,6]"));
  EXPECT_THAT(at(0).announced.take(), ElementsAre("+room[5,6]"));
  EXPECT_EQ(batches_, 2);
  publication_.reset();
  run();
  EXPECT_THAT(at(1).announced.take(), ElementsAre("-room"));
  EXPECT_THAT(at(0).announced.take(), ElementsAre("-room"));
}

TEST_F(BridgeTest, WhatCameOverABridgeGoesOverNoOther) {
  publish();
  EXPECT_EQ(at(1).origin.size(), 1U);
  // Two batches: from worker 0 to each. None from 1 to 2, nor back.
  EXPECT_EQ(batches_, 2);
}

TEST_F(BridgeTest, ALocalRouteIsPreferredByItsHopsAndTakesOver) {
  publish("room", {5, 6});
  const auto local = std::make_shared<Broadcast>(at(1).loop, at(1).cache);
  auto nearer = *at(1).origin.publish(Path("room"), local, Route{.hops = {8}});
  run();
  EXPECT_EQ(at(1).origin.find(Path("room")), local);
  EXPECT_NE(at(0).origin.find(Path("room")), broadcast_);
  nearer.reset();
  run();
  EXPECT_EQ(at(0).origin.find(Path("room")), broadcast_);
}

TEST_F(BridgeTest, AReplacementIsOneAnnouncement) {
  publish();
  at(1).announced.take();
  const auto other = std::make_shared<Broadcast>(at(0).loop, at(0).cache);
  publication_ = *at(0).origin.publish(Path("room"), other, Route{.hops = {9}});
  run();
  EXPECT_THAT(at(1).announced.take(), ElementsAre("+room[9]"));
}

TEST_F(BridgeTest, GroupsCrossAsTheyGrow) {
  publish();
  RecordingReader reader;
  const auto track = remote_track();
  ASSERT_NE(track, nullptr);
  auto group = *track_->create_group(3);
  append(*group, 0, "old");
  const auto subscription = track->subscribe({.max_latency = 1s}, reader);
  run();
  ASSERT_EQ(reader.take(), "info90 group3");
  EXPECT_EQ(contents(*reader.groups[0]), "old@0 ");

  ASSERT_TRUE(group->only().append_object({.id = 1, .timestamp = 10, .size = 6}));
  ASSERT_TRUE(group->only().append_payload(Bytes::copy_of("abc")));
  run();
  EXPECT_EQ(contents(*reader.groups[0]), "old@0 abc@10 ");
  EXPECT_FALSE(reader.groups[0]->find(0)->objects()[1].complete());
  ASSERT_TRUE(group->only().append_payload(Bytes::copy_of("def")));
  group->finish();
  run();
  EXPECT_EQ(contents(*reader.groups[0]), "old@0 abcdef@10 ");
  EXPECT_TRUE(reader.groups[0]->complete());

  auto next = *track_->create_group(4);
  append(*next, 0, "new");
  next->abort(0x5);
  run();
  EXPECT_EQ(reader.take(), "group4");
  EXPECT_TRUE(reader.groups[1]->aborted());
  EXPECT_EQ(reader.groups[1]->find(0)->abort_code(), 0x5U);
}

TEST_F(BridgeTest, WhatASubgroupIsCrosses) {
  publish();
  RecordingReader reader;
  const auto track = remote_track();
  const auto subscription = track->subscribe({}, reader);
  run();
  const auto group = *track_->create_group(1);
  Subgroup& subgroup = **group->add(3, {.ends_group = false, .priority = 7});
  ASSERT_TRUE(subgroup.append({.id = 0}, Bytes::copy_of("x")));
  run();
  const Subgroup* there = track->latest()->find(3);
  ASSERT_NE(there, nullptr);
  EXPECT_EQ(there->info().priority, 7);
  EXPECT_FALSE(there->ends_group());
  subgroup.set_ends_group();
  subgroup.finish();
  run();
  EXPECT_TRUE(there->ends_group());
}

TEST_F(BridgeTest, PublishedTracksCross) {
  struct Names final : AnnounceReader {
    void on_announcements(const std::vector<Announcement>& changes) override {
      for (const Announcement& change : changes) names = change.tracks;
    }
    TrackNames names;
  } heard;
  const auto watch = at(1).origin.watch(Path(), heard, nullptr, 0, WatchTracks::yes);
  publish();
  EXPECT_EQ(heard.names, nullptr);
  Route route = publication_->route();
  route.tracks = std::make_shared<const std::set<std::string>>(std::set<std::string>{"video"});
  ASSERT_TRUE(publication_->update(route));
  run();
  ASSERT_NE(heard.names, nullptr);
  EXPECT_TRUE(heard.names->contains("video"));
}

TEST_F(BridgeTest, PayloadIsSharedAndCountedOnce) {
  publish();
  RecordingReader reader;
  const auto subscription = remote_track()->subscribe({}, reader);
  const std::string payload(100'000, 'x');
  auto group = *track_->create_group(0);
  append(*group, 0, payload);
  group->finish();
  run();
  ASSERT_EQ(reader.groups.size(), 1U);
  EXPECT_EQ(reader.groups[0]->find(0)->objects()[0].payload[0].data(),
            group->find(0)->objects()[0].payload[0].data());
  EXPECT_EQ(budget_->used.load(), payload.size() + 2 * (Group::kOverhead + Group::kObjectOverhead));
}

TEST_F(BridgeTest, PayloadThatGrowsInItsStorageCrossesOnce) {
  publish();
  RecordingReader reader;
  const auto subscription = remote_track()->subscribe({}, reader);
  BytesBuilder builder;
  auto group = *track_->create_group(0);
  ASSERT_TRUE(group->only().append_object({.id = 0, .size = 9}));
  for (const char* part : {"abc", "def", "ghi"}) {
    ASSERT_TRUE(group->only().append_payload(builder.append(as_bytes(part))));
    run();
  }
  EXPECT_EQ(contents(*reader.groups.at(0)), "abcdefghi@0 ");
  EXPECT_EQ(reader.groups[0]->find(0)->objects()[0].payload.size(), 1U);
}

TEST_F(BridgeTest, ATrackCrossesOnceHoweverManyReadIt) {
  publish();
  RecordingSource source;
  track_->set_source(&source);
  RecordingReader one;
  RecordingReader two;
  const auto first = remote_track()->subscribe({.priority = 3}, one);
  const auto second = remote_track()->subscribe({.priority = 9}, two);
  run();
  EXPECT_EQ(at(0).bridge->outgoing(), 1U);
  EXPECT_EQ(source.demand->priority, 9);
  auto group = *track_->create_group(0);
  run();
  EXPECT_EQ(one.take(), "info90 group0");
  EXPECT_EQ(two.take(), "info90 group0");
  EXPECT_EQ(one.groups[0], two.groups[0]);
  track_->set_source(nullptr);
}

TEST_F(BridgeTest, AllThatHappensInATickIsOneBatch) {
  publish();
  RecordingReader reader;
  const auto subscription = remote_track()->subscribe({.max_latency = 1s}, reader);
  run();
  batches_ = 0;
  for (std::uint64_t sequence = 0; sequence < 4; ++sequence) {
    auto group = *track_->create_group(sequence);
    for (std::uint64_t id = 0; id < 4; ++id) append(*group, id, "x");
    group->finish();
  }
  run();
  EXPECT_EQ(batches_, 1);
  EXPECT_EQ(reader.groups.size(), 4U);
  EXPECT_TRUE(reader.groups[3]->complete());
}

TEST_F(BridgeTest, TheEndOfDemandReachesTheSource) {
  publish();
  RecordingSource source;
  track_->set_source(&source);
  RecordingReader reader;
  auto subscription = remote_track()->subscribe({}, reader);
  run();
  EXPECT_EQ(source.take(), "demand");
  auto group = *track_->create_group(0);
  run();
  subscription.reset();
  run();
  EXPECT_EQ(source.take(), "none");
  // Nothing crosses any more.
  batches_ = 0;
  group = *track_->create_group(1);
  append(*group, 0, "unseen");
  run();
  EXPECT_EQ(batches_, 0);
  track_->set_source(nullptr);
}

TEST_F(BridgeTest, DemandThatComesAgainGetsTheLatestGroup) {
  publish();
  RecordingReader first;
  auto subscription = remote_track()->subscribe({}, first);
  auto group = *track_->create_group(0);
  append(*group, 0, "a");
  run();
  subscription.reset();
  run();
  append(*group, 1, "b");
  RecordingReader second;
  subscription = remote_track()->subscribe({}, second);
  run();
  EXPECT_EQ(second.take(), "info90 group0");
  append(*group, 2, "c");
  run();
  EXPECT_EQ(contents(*second.groups[0]), "a@0 b@10 c@20 ");
}

// What is still under way for a demand that is over belongs to nobody.
TEST_F(BridgeTest, ALateGroupOfAnEarlierDemandDoesNotBlockTheNext) {
  publish();
  RecordingReader first;
  auto subscription = remote_track()->subscribe({}, first);
  run();
  auto group = *track_->create_group(0);
  append(*group, 0, "a");
  tick();  // the group is in the mail
  ASSERT_EQ(mail_.size(), 1U);
  subscription.reset();
  at(1).loop.run(now_);
  RecordingReader second;
  subscription = remote_track()->subscribe({}, second);
  run();
  append(*group, 1, "b");
  run();
  ASSERT_EQ(second.groups.size(), 1U);
  EXPECT_EQ(contents(*second.groups[0]), "a@0 b@10 ");
}

TEST_F(BridgeTest, AnEndThatWasAskedForIsNotTheTracksEnd) {
  publish();
  RecordingReader reader;
  const auto subscription = remote_track()->subscribe({.start = 0, .end = 1}, reader);
  run();
  for (std::uint64_t sequence = 0; sequence < 2; ++sequence) {
    (*track_->create_group(sequence))->finish();
  }
  run();
  EXPECT_EQ(reader.take(), "info90 group0 group1 end2");
  EXPECT_FALSE(remote_track()->end());
  // Another reader, who wants more, is not held up by it.
  RecordingReader other;
  const auto more = remote_track()->subscribe({}, other);
  run();
  (*track_->create_group(2))->finish();
  track_->finish(3);
  run();
  EXPECT_EQ(other.take(), "info90 group1 group2 end3");
}

TEST_F(BridgeTest, DropsDatagramsAndAbortsCross) {
  publish();
  RecordingReader reader;
  const auto subscription = remote_track()->subscribe({.start = 0}, reader);
  run();
  track_->datagram({.sequence = 7, .timestamp = 1, .payload = Bytes::copy_of("d")});
  track_->drop(1, 2, 5);
  run();
  EXPECT_EQ(reader.take(), "info90 datagram7 drop1-2:5");
  track_->abort(Error(ModelError::cancelled, "test"));
  run();
  EXPECT_EQ(reader.take(), fmt::format("abort{}", static_cast<int>(ModelError::cancelled)));
  EXPECT_EQ(at(0).bridge->outgoing(), 0U);
  EXPECT_EQ(at(1).bridge->incoming(), 0U);
}

TEST_F(BridgeTest, TheLargestObjectCrossesBeforeTheObjects) {
  publish();
  const auto group = *track_->create_group(3);
  append(*group, 0, "a");
  append(*group, 1, "b");
  const auto track = remote_track();
  std::optional<Location> largest;
  track->when_info([&](const auto&) { largest = track->largest(); });
  run();
  EXPECT_EQ(largest, (Location{.group = 3, .object = 1}));
  EXPECT_EQ(track->latest(), nullptr);
}

TEST_F(BridgeTest, FetchesCross) {
  publish();
  auto group = *track_->create_group(0);
  append(*group, 0, "cached");
  group->finish();
  (*track_->create_group(1))->finish();
  const auto track = remote_track();
  std::optional<Result<std::shared_ptr<Group>>> there;
  std::optional<Result<std::shared_ptr<Group>>> missing;
  track->fetch(0, [&](auto result) { there = result; });
  track->fetch(9, [&](auto result) { missing = result; });
  run();
  ASSERT_TRUE(there && *there);
  EXPECT_EQ(contents(***there), "cached@0 ");
  EXPECT_TRUE((**there)->complete());
  ASSERT_TRUE(missing);
  EXPECT_TRUE(missing->error().is(ModelError::not_found));
}

TEST_F(BridgeTest, ATrackThatDoesNotExistFailsThere) {
  publish();
  RecordingReader reader;
  const auto subscription = remote_track(1, "audio")->subscribe({}, reader);
  run();
  EXPECT_EQ(reader.take(), fmt::format("abort{}", static_cast<int>(ModelError::not_found)));
}

TEST_F(BridgeTest, AWithdrawnBroadcastIsReadToItsEnd) {
  publish();
  RecordingReader reader;
  auto subscription = remote_track()->subscribe({}, reader);
  run();
  publication_.reset();
  run();
  EXPECT_EQ(at(1).origin.find(Path("room")), nullptr);
  (*track_->create_group(0))->finish();
  run();
  EXPECT_EQ(reader.take(), "info90 group0");
  subscription.reset();
  run();
  EXPECT_EQ(at(1).bridge->incoming(), 0U);
  EXPECT_EQ(at(0).bridge->outgoing(), 0U);
}

TEST_F(BridgeTest, TracksThatNobodyWantsAreForgotten) {
  publish();
  for (int i = 0; i < 3000; ++i) {
    auto track = remote_track(1, fmt::format("track{}", i));
    ASSERT_NE(track, nullptr);
    track.reset();
    run();
  }
  EXPECT_LT(at(1).bridge->incoming(), 1100U);
  EXPECT_LT(at(0).bridge->outgoing(), 1100U);
}

TEST_F(BridgeTest, AnyWorkerMayEndFirst) {
  publish();
  RecordingReader reader;
  auto subscription = remote_track()->subscribe({}, reader);
  auto group = *track_->create_group(0);
  run();
  at(1).bridge.reset();
  append(*group, 0, "x");
  subscription.reset();
  run();
  at(0).bridge.reset();
  run();
  EXPECT_EQ(at(2).origin.size(), 1U);
}

}  // namespace
}  // namespace moq::relay
