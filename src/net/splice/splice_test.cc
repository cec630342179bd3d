#include "net/splice/splice.h"

#include <gtest/gtest.h>

#include "net/model/error.h"
#include "net/model/testing/recorders.h"

namespace moq {
namespace {

using std::chrono::seconds;
using testing::RecordingReader;
using testing::RecordingSource;

constexpr HopId kPublisher = 7;
constexpr HopId kOther = 8;
constexpr SubscribeOptions kLive{.max_latency = seconds(30)};

Bytes bytes(const std::string& text) { return Bytes::copy_of(text); }

/// A session with one broadcast "live" that has one track "video".
struct Session {
  Session(Loop& l, Splice& splice) : loop(l), leg(splice.add()), cache(budget) {}
  ~Session() { lose(); }

  void announce(HopId publisher, HopId relay) {
    broadcast = std::make_shared<Broadcast>(loop, cache);
    track = *broadcast->create("video");
    track->set_source(&source);
    publication = *leg->origin().publish(
        Path("live"), broadcast,
        {.hops = publisher == 0 ? std::vector<HopId>{0} : std::vector<HopId>{publisher, relay}});
    leg->set_ready();
  }
  void accept(std::uint64_t timescale = 1000) { track->accept({.timescale = timescale}); }
  std::shared_ptr<Group> begin(std::uint64_t sequence) {
    return track->create_group(sequence).value();
  }
  void whole(std::uint64_t sequence, const std::string& text = "x") {
    const auto group = begin(sequence);
    append(*group, text + std::to_string(sequence));
    group->finish();
  }
  static void append(Group& group, const std::string& text) {
    const std::uint64_t id = group.only().objects().size();
    ASSERT_TRUE(group.only().append({.id = id}, bytes(text)));
  }
  /// The session is over: first its streams go, then its owner hears of it.
  void lose() {
    if (track != nullptr) track->set_source(nullptr);
    publication.reset();
    if (broadcast != nullptr) broadcast->close(Error(ModelError::closed, "session"));
    if (leg != nullptr) leg->lose();
    leg.reset();
  }

  Loop& loop;
  std::unique_ptr<SpliceLeg> leg;
  std::shared_ptr<CacheBudget> budget = std::make_shared<CacheBudget>();
  Cache cache;
  RecordingSource source;
  std::shared_ptr<Broadcast> broadcast;
  std::shared_ptr<Track> track;
  std::unique_ptr<Origin::Publication> publication;
};

class SpliceTest : public ::testing::Test, private AnnounceReader {
 protected:
  SpliceTest() { watch = out.watch(Path(), *this); }
  ~SpliceTest() override { subscription.reset(); }

  void run(Duration time = {}) { loop.run(loop.now() + time); }
  /// Subscribes at the broadcast that the application was told of.
  void subscribe(const SubscribeOptions& options = kLive) {
    ASSERT_NE(broadcast, nullptr);
    subscription = (*broadcast->track("video"))->subscribe(options, reader);
    run();
  }
  std::unique_ptr<Session> session(HopId publisher, HopId relay) {
    auto made = std::make_unique<Session>(loop, splice);
    made->announce(publisher, relay);
    made->accept();
    run();
    return made;
  }
  /// "a b": the objects of the reader's group number `index`, "+" if it is open, "!" if
  /// it was given up.
  std::string text(std::size_t index) {
    const Group& group = *reader.groups.at(index);
    std::string all;
    for (const Object& object : group.find(0)->objects()) {
      all += (all.empty() ? "" : " ") + std::string(object.flatten().text());
    }
    return all + (group.aborted() ? "!" : group.closed() ? "" : "+");
  }

  Loop loop;
  std::shared_ptr<CacheBudget> budget = std::make_shared<CacheBudget>();
  Cache cache{budget};
  Origin out{loop, 0};
  Splice splice{loop, out, cache};
  /// What was announced: "live", "-live" for an end, "live'" for the same broadcast.
  std::string announced;
  std::shared_ptr<Broadcast> broadcast;
  RecordingReader reader;
  std::unique_ptr<Subscription> subscription;
  std::unique_ptr<Origin::Watch> watch;

 private:
  void on_announcements(const std::vector<Announcement>& changes) override {
    for (const Announcement& change : changes) {
      announced += change.broadcast == nullptr ? "-" : "";
      announced += change.path.text();
      announced += change.broadcast == broadcast ? "'" : "";
      announced += ' ';
      broadcast = change.broadcast;
    }
  }
};

TEST_F(SpliceTest, GroupsComeOnceFromWhicheverSessionIsThere) {
  auto a = session(kPublisher, 1);
  subscribe();
  a->whole(3);
  run();
  EXPECT_EQ(reader.take(), "info1000 group3");
  a->leg->set_leaving();
  auto b = session(kPublisher, 2);
  EXPECT_EQ(b->source.demand->start, 4) << "asked for what is missing";
  EXPECT_TRUE(a->source.demand) << "and the older one goes on";
  a->whole(4);
  run();
  EXPECT_TRUE(a->source.demand);
  b->whole(4);
  b->whole(5);
  run();
  EXPECT_EQ(reader.take(), "group4 group5");
  EXPECT_FALSE(a->source.demand) << "the newer one has shown that it delivers";
  EXPECT_TRUE(a->leg->idle());
  a->lose();
  run();
  b->whole(6);
  run();
  EXPECT_EQ(reader.take(), "group6");
  EXPECT_EQ(text(1), "x4");
  EXPECT_EQ(announced, "live live' ") << "no end, and no new beginning";
}

TEST_F(SpliceTest, TheLargestObjectIsThatOfAnySession) {
  auto a = std::make_unique<Session>(loop, splice);
  a->announce(kPublisher, 1);
  a->track->accept({}, Location{.group = 3, .object = 2});
  run();
  subscribe();
  EXPECT_EQ(reader.take(), "info1000");
  EXPECT_EQ(subscription->track().largest(), (Location{.group = 3, .object = 2}));
  a->leg->set_leaving();
  auto b = std::make_unique<Session>(loop, splice);
  b->announce(kPublisher, 2);
  b->track->accept({}, Location{.group = 4});
  run();
  EXPECT_EQ(subscription->track().largest(), (Location{.group = 4, .object = 0}));
}

TEST_F(SpliceTest, EachByteOfAGroupOnTwoSessionsComesOnce) {
  auto a = session(kPublisher, 1);
  subscribe();
  const auto on_a = a->begin(0);
  Session::append(*on_a, "a");
  run();
  auto b = session(kPublisher, 2);
  const auto on_b = b->begin(0);
  ASSERT_TRUE(on_b->only().append_object({.id = 0, .size = 1}));
  run();
  Session::append(*on_a, "b");
  run();
  EXPECT_EQ(text(0), "a b+");
  ASSERT_TRUE(on_b->only().append_payload(bytes("a")));
  ASSERT_TRUE(on_b->only().append_object({.id = 1, .size = 1}));
  ASSERT_TRUE(on_b->only().append_payload(bytes("b")));
  // A frame of which each session delivers a part.
  ASSERT_TRUE(on_a->only().append_object({.id = 2, .size = 4}));
  ASSERT_TRUE(on_a->only().append_payload(bytes("cd")));
  run();
  ASSERT_TRUE(on_b->only().append_object({.id = 2, .size = 4}));
  ASSERT_TRUE(on_b->only().append_payload(bytes("cdef")));
  on_b->finish();
  run();
  EXPECT_EQ(text(0), "a b cdef");
  EXPECT_EQ(reader.take(), "info1000 group0");
}

TEST_F(SpliceTest, GroupThatWasCutGoesOnWithTheNextSession) {
  auto a = session(kPublisher, 1);
  subscribe();
  const auto cut = a->begin(0);
  Session::append(*cut, "a");
  run();
  a->lose();
  run(seconds(1));
  EXPECT_EQ(text(0), "a+") << "it waits";
  auto b = session(kPublisher, 2);
  EXPECT_EQ(b->source.demand->start, 0);
  const auto again = b->begin(0);
  Session::append(*again, "a");
  Session::append(*again, "b");
  again->finish();
  run();
  EXPECT_EQ(text(0), "a b");
  EXPECT_EQ(reader.take(), "info1000 group0");
  EXPECT_EQ(announced, "live live' ");
}

TEST_F(SpliceTest, GroupThatTheNextSessionDoesNotHaveIsGivenUp) {
  auto a = session(0, 1);
  subscribe();
  Session::append(*a->begin(0), "a");
  run();
  a->lose();
  run();
  auto b = session(0, 2);
  EXPECT_FALSE(b->source.demand->start) << "nobody knows whether its numbers are the same";
  b->whole(1);
  run();
  EXPECT_EQ(text(0), "a!");
  EXPECT_EQ(reader.take(), "info1000 group0 group1");
}

TEST_F(SpliceTest, OlderSessionStaysUntilWhatOnlyItHasIsWhole) {
  auto a = session(0, 1);
  subscribe();
  const auto slow = a->begin(0);
  Session::append(*slow, "a");
  run();
  a->leg->set_leaving();
  auto b = session(0, 2);
  b->whole(1);
  run();
  EXPECT_TRUE(a->source.demand);
  Session::append(*slow, "b");
  slow->finish();
  run();
  EXPECT_FALSE(a->source.demand);
  EXPECT_EQ(text(0), "a b");
  EXPECT_EQ(reader.take(), "info1000 group0 group1");
}

TEST_F(SpliceTest, OlderSessionStaysForAGroupThatTheNewerWasAskedForAndHasNot) {
  auto a = session(kPublisher, 1);
  subscribe();
  const auto slow = a->begin(0);
  Session::append(*slow, "a");
  run();
  a->leg->set_leaving();
  auto b = session(kPublisher, 2);
  ASSERT_EQ(b->source.demand->start, 0);
  b->whole(1);
  b->whole(2);
  run();
  EXPECT_TRUE(a->source.demand);
  Session::append(*slow, "b");
  slow->finish();
  run();
  EXPECT_EQ(text(0), "a b");
  EXPECT_FALSE(a->source.demand);
}

TEST_F(SpliceTest, GroupThatTheNewerSessionHasDroppedIsGivenUpWithTheOlder) {
  auto a = session(kPublisher, 1);
  subscribe();
  const auto slow = a->begin(0);
  Session::append(*slow, "a");
  run();
  a->leg->set_leaving();
  auto b = session(kPublisher, 2);
  b->whole(1);
  b->track->drop(0, 0, 5);
  run();
  EXPECT_EQ(text(0), "a+") << "the older session may have the rest";
  a->lose();
  run();
  EXPECT_EQ(text(0), "a!");
}

TEST_F(SpliceTest, DropByTheOlderSessionIsToldAndLetsGoOfIt) {
  auto a = session(kPublisher, 1);
  subscribe();
  a->whole(0);
  run();
  a->leg->set_leaving();
  Session b(loop, splice);
  b.announce(kPublisher, 2);
  b.track->set_source(nullptr);
  b.accept();
  b.whole(3);
  run();
  EXPECT_TRUE(a->source.demand) << "it may have what is between";
  reader.take();
  a->track->drop(1, 2, 5);
  run();
  EXPECT_EQ(reader.take(), "drop1-2:5");
  EXPECT_FALSE(a->source.demand);
}

TEST_F(SpliceTest, DatagramsComeOnceFromTwoSessions) {
  auto a = session(kPublisher, 1);
  subscribe();
  a->track->datagram({.sequence = 1, .timestamp = 5, .payload = bytes("one")});
  run();
  a->leg->set_leaving();
  Session b(loop, splice);
  b.announce(kPublisher, 2);
  b.accept(90'000);
  run();
  for (const std::uint64_t sequence : {1, 2, 3}) {
    b.track->datagram({.sequence = sequence, .timestamp = sequence * 90, .payload = bytes("x")});
    a->track->datagram({.sequence = sequence, .timestamp = sequence, .payload = bytes("x")});
  }
  run();
  EXPECT_EQ(reader.take(), "info1000 datagram1 datagram2 datagram3");
}

TEST_F(SpliceTest, BroadcastThatIsReplacedAgainAndAgainCostsTwoSubscriptions) {
  auto a = session(kPublisher, 1);
  subscribe();
  a->whole(0);
  run();
  std::vector<std::shared_ptr<Broadcast>> replaced;
  std::vector<std::shared_ptr<Track>> tracks;
  for (int i = 0; i < 10; ++i) {
    replaced.push_back(a->broadcast);
    tracks.push_back(a->track);
    // Nothing is withdrawn in between: one instance follows the other in one turn.
    a->track->set_source(nullptr);
    a->publication.reset();
    a->announce(kPublisher, 1);
    a->accept();
    run();
  }
  std::size_t subscribed = a->track->idle() ? 0 : 1;
  for (const auto& track : tracks) subscribed += track->idle() ? 0 : 1;
  EXPECT_LE(subscribed, 2U);
  EXPECT_FALSE(a->track->idle());
}

TEST_F(SpliceTest, SequencesThatBeginAnewAreAnotherBroadcast) {
  auto a = session(0, 1);
  subscribe();
  a->whole(100);
  a->lose();
  run();
  auto b = session(0, 2);
  b->whole(0);
  run(seconds(1));
  EXPECT_EQ(announced, "live live ") << "replaced, so that readers can turn to it";
  subscription.reset();
  reader.take();
  subscribe();
  b->whole(1);
  run();
  EXPECT_EQ(reader.take(), "info1000 group1");
}

TEST_F(SpliceTest, OtherContentOfTheSameNumberIsAnotherBroadcast) {
  auto a = session(0, 1);
  subscribe();
  a->whole(0, "one");
  a->lose();
  run();
  auto b = session(0, 2);
  b->whole(0, "two");
  run(seconds(1));
  EXPECT_EQ(announced, "live live ");
  EXPECT_EQ(text(0), "one0");
}

TEST_F(SpliceTest, AnotherPublisherReplacesTheBroadcast) {
  auto a = session(kPublisher, 1);
  subscribe();
  a->leg->set_leaving();
  const auto b = session(kOther, 2);
  EXPECT_EQ(announced, "live live ");
  // What readers of the first one have goes on.
  a->whole(0);
  run();
  EXPECT_EQ(reader.take(), "info1000 group0");
  a->lose();
  run();
  EXPECT_EQ(reader.take(), fmt::format("abort{}", static_cast<int>(ModelError::closed)));
}

TEST_F(SpliceTest, WithdrawalByASessionThatStaysIsTold) {
  const auto a = session(kPublisher, 1);
  a->publication.reset();
  run();
  EXPECT_EQ(announced, "live -live ");
}

TEST_F(SpliceTest, WithdrawalByASessionThatLeavesWaitsForTheNext) {
  const auto a = session(kPublisher, 1);
  a->leg->set_leaving();
  a->publication.reset();
  run(seconds(60));
  EXPECT_EQ(announced, "live ") << "there is no session that could say";
  const auto b = std::make_unique<Session>(loop, splice);
  b->leg->set_ready();
  run(seconds(9));
  EXPECT_EQ(announced, "live ");
  b->announce(kPublisher, 2);
  run();
  run(seconds(60));
  EXPECT_EQ(announced, "live live' ");
}

TEST_F(SpliceTest, WhatTheNextSessionDoesNotAnnounceInTimeIsWithdrawn) {
  const auto a = session(kPublisher, 1);
  subscribe();
  a->lose();
  const auto b = std::make_unique<Session>(loop, splice);
  b->leg->set_ready();
  run(seconds(9));
  EXPECT_EQ(announced, "live ");
  run(seconds(2));
  run();
  EXPECT_EQ(announced, "live -live ");
  EXPECT_EQ(reader.take(), fmt::format("info1000 abort{}", static_cast<int>(ModelError::closed)));
}

TEST_F(SpliceTest, StaysWithTheOlderSessionWhileTheNewerRefuses) {
  auto a = session(kPublisher, 1);
  subscribe();
  a->leg->set_leaving();
  auto b = session(kPublisher, 2);
  b->track->abort(Error(ModelError::not_found, "not yet"));
  run();
  a->whole(0);
  run();
  EXPECT_EQ(reader.take(), "info1000 group0");
  EXPECT_TRUE(a->source.demand);
}

TEST_F(SpliceTest, RefusalByTheOnlySessionIsTold) {
  const auto a = session(kPublisher, 1);
  subscribe();
  a->track->abort(Error(ModelError::not_found, "no such track"));
  run();
  EXPECT_EQ(reader.take(),
            fmt::format("info1000 abort{}", static_cast<int>(ModelError::not_found)));
}

TEST_F(SpliceTest, EndComesOnceAndAfterItNothingIsMissed) {
  auto a = session(kPublisher, 1);
  subscribe();
  a->whole(0);
  a->leg->set_leaving();
  auto b = session(kPublisher, 2);
  a->track->finish(2);
  run();
  EXPECT_EQ(reader.take(), "info1000 group0") << "the newer one says when it ends";
  b->whole(1);
  b->track->finish(2);
  run();
  EXPECT_EQ(reader.take(), "group1 end2");
  b->lose();
  a->lose();
  run(seconds(1));
  EXPECT_EQ(reader.take(), "");
}

TEST_F(SpliceTest, NobodyWantsItAnyMore) {
  auto a = session(kPublisher, 1);
  subscribe();
  auto b = session(kPublisher, 2);
  subscription.reset();
  run();
  EXPECT_FALSE(a->source.demand);
  EXPECT_FALSE(b->source.demand);
  EXPECT_TRUE(a->leg->idle());
  EXPECT_TRUE(b->leg->idle());
}

TEST_F(SpliceTest, FetchesFromTheNewestSession) {
  const auto a = session(kPublisher, 1);
  const auto b = session(kPublisher, 2);
  std::string got;
  (*broadcast->track("video"))->fetch(5, [&](const Result<std::shared_ptr<Group>>& group) {
    reader.groups.push_back(*group);
    got = "group";
  });
  run();
  EXPECT_EQ(a->source.take(), "");
  EXPECT_EQ(b->source.take(), "fetch5");
  const auto group = *b->track->create_fetched(5);
  run();
  Session::append(*group, "f");
  group->finish();
  run();
  EXPECT_EQ(got, "group");
  EXPECT_EQ(text(0), "f");
}

TEST_F(SpliceTest, ClosingGivesUpWhatWaits) {
  auto a = session(kPublisher, 1);
  subscribe();
  Session::append(*a->begin(0), "a");
  run();
  a->lose();
  run();
  EXPECT_EQ(text(0), "a+");
  splice.close();
  run();
  EXPECT_EQ(text(0), "a!");
  EXPECT_EQ(announced, "live -live ");
  EXPECT_EQ(reader.take(),
            fmt::format("info1000 group0 abort{}", static_cast<int>(ModelError::closed)));
}

TEST_F(SpliceTest, TrackThatKeepsNothingIsSplicedAllTheSame) {
  budget->duration = 0;
  auto a = session(kPublisher, 1);
  subscribe();
  const auto cut = a->begin(0);
  Session::append(*cut, "a");
  run(seconds(1));
  a->whole(1);
  run();
  ASSERT_EQ((*broadcast->track("video"))->cached(0), nullptr);
  auto b = session(kPublisher, 2);
  EXPECT_EQ(b->source.demand->start, 0);
  const auto again = b->begin(0);
  Session::append(*again, "a");
  Session::append(*again, "b");
  run();
  a->lose();
  again->finish();
  run();
  EXPECT_EQ(text(0), "a b");
  EXPECT_EQ(reader.take(), "info1000 group0 group1");
}

TEST_F(SpliceTest, LateSessionThatBeginsWithWhatIsForgottenIsNoOtherPublisher) {
  auto a = session(kPublisher, 1);
  subscribe();
  a->whole(0);
  run();
  auto b = session(kPublisher, 2);
  EXPECT_EQ(b->source.demand->start, 1);
  // Until the newer one delivers, the older one does, for longer than readers' groups are kept.
  for (std::uint64_t sequence = 1; sequence <= 9; ++sequence) {
    a->whole(sequence);
    run(seconds(1));
  }
  ASSERT_EQ((*broadcast->track("video"))->cached(1), nullptr);
  for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) b->whole(sequence);
  run();
  a->lose();
  run(seconds(1));
  EXPECT_EQ(announced, "live live' ");
  EXPECT_EQ(
      reader.take(),
      "info1000 group0 group1 group2 group3 group4 group5 group6 group7 group8 group9 group10");
}

TEST_F(SpliceTest, GroupOfTheOlderSessionGoesOnWithTheNewer) {
  auto a = session(kPublisher, 1);
  subscribe();
  a->whole(0);
  const auto first = a->begin(1);
  Session::append(*first, "a");
  run();
  auto b = session(kPublisher, 2);
  Session::append(*a->begin(2), "c2");
  const auto again = b->begin(1);
  Session::append(*again, "a");
  run();
  EXPECT_FALSE(a->source.demand) << "the newer one has all of group 1 that there is";
  again->finish();
  b->whole(2, "c");
  run();
  EXPECT_EQ(text(1), "a");
  EXPECT_EQ(text(2), "c2");
  EXPECT_EQ(reader.take(), "info1000 group0 group1 group2");
}

TEST_F(SpliceTest, LateGroupComesHoweverManyHaveOvertakenIt) {
  const auto a = session(kPublisher, 1);
  subscribe();
  a->whole(0);
  const auto slow = a->begin(1);
  for (std::uint64_t sequence = 3; sequence < 3 + 2 * SplicedTrack::kMaxAhead; ++sequence) {
    a->whole(sequence);
  }
  run();
  reader.take();
  a->whole(2);
  Session::append(*slow, "x1");
  slow->finish();
  run();
  EXPECT_EQ(reader.take(), "group2");
  EXPECT_EQ(text(1), "x1");
}

TEST_F(SpliceTest, OlderSessionStaysForAGroupThatManyHaveOvertaken) {
  auto a = session(kPublisher, 1);
  subscribe();
  a->whole(0);
  const auto slow = a->begin(1);
  Session::append(*slow, "a");
  for (std::uint64_t sequence = 2; sequence < 2 + 2 * SplicedTrack::kMaxAhead; ++sequence) {
    a->whole(sequence);
  }
  run();
  const auto b = session(kPublisher, 2);
  EXPECT_EQ(b->source.demand->start, 1) << "the oldest that is not whole";
}

TEST_F(SpliceTest, DropFarAheadSilencesNothing) {
  const auto a = session(kPublisher, 1);
  subscribe();
  a->whole(0);
  run();
  a->track->drop(1'000'000, 2'000'000, 5);
  run();
  reader.take();
  a->whole(1);
  run();
  EXPECT_EQ(reader.take(), "group1");
  a->leg->set_leaving();
  const auto b = session(kPublisher, 2);
  EXPECT_EQ(b->source.demand->start, 2) << "what is asked of the next session neither";
}

TEST_F(SpliceTest, TimestampsKeepTheScaleThatReadersKnow) {
  auto a = session(kPublisher, 1);
  subscribe();
  a->whole(0);
  run();
  Session b(loop, splice);
  b.announce(kPublisher, 2);
  b.accept(90'000);
  run();
  const auto group = b.begin(1);
  ASSERT_TRUE(group->only().append({.id = 0, .timestamp = 180'000}, bytes("x")));
  run();
  EXPECT_EQ(reader.groups.at(1)->first_timestamp(), 2000);
}

}  // namespace
}  // namespace moq
