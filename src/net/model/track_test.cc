#include "net/model/track.h"

#include <gtest/gtest.h>

#include <string>

#include "net/model/error.h"
#include "net/model/testing/recorders.h"

namespace moq {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::RecordingReader;
using testing::RecordingSource;

struct TrackTest : ::testing::Test {
  Loop loop;
  std::shared_ptr<CacheBudget> budget = std::make_shared<CacheBudget>();
  Cache cache{budget};
  Track::Limits limits;
  RecordingSource source;
  RecordingReader reader;
  std::shared_ptr<Track> track = std::make_shared<Track>(loop, cache, "video", limits);

  ~TrackTest() override { track->set_source(nullptr); }

  void run(Duration time = {}) { loop.run(loop.now() + time); }

  /// A pending track with a source.
  void use_source() { track->set_source(&source); }

  std::shared_ptr<Group> add(std::uint64_t sequence, std::uint64_t timestamp = 0) {
    auto group = track->create_group(sequence);
    if (!group) return nullptr;
    ObjectHeader header;
    header.timestamp = timestamp;
    EXPECT_TRUE((*group)->only().append(header, Bytes::copy_of("x")));
    (*group)->finish();
    return *group;
  }

  static SubscribeOptions from(std::uint64_t start) {
    SubscribeOptions options;
    options.start = start;
    return options;
  }
  static SubscribeOptions range(std::uint64_t start, std::uint64_t end) {
    SubscribeOptions options = from(start);
    options.end = end;
    return options;
  }
};

TEST_F(TrackTest, DeliversFromTheLatestOn) {
  track->accept({});
  add(4);
  add(5);
  auto subscription = track->subscribe({}, reader);
  EXPECT_EQ(reader.take(), "") << "never inside the call";
  run();
  EXPECT_EQ(reader.take(), "info1000 group5");
  EXPECT_EQ(subscription->start(), 5U);
  add(6);
  EXPECT_EQ(reader.take(), "group6");
  add(3);
  EXPECT_EQ(reader.take(), "");
  EXPECT_EQ(&subscription->track(), track.get());
}

TEST_F(TrackTest, LateJoinerGetsTheWholeLatestGroup) {
  track->accept({});
  auto group = *track->create_group(0);
  ASSERT_TRUE(group->only().append({}, Bytes::copy_of("first")));
  auto subscription = track->subscribe({}, reader);
  run();
  ASSERT_EQ(reader.groups.size(), 1U);
  EXPECT_EQ(reader.groups[0]->only().objects().at(0).flatten().text(), "first");
  EXPECT_FALSE(reader.groups[0]->closed());
}

TEST_F(TrackTest, ExplicitStartDeliversWhatIsCachedInOrder) {
  track->accept({});
  for (std::uint64_t n : {2, 6, 4, 5}) add(n);
  auto subscription = track->subscribe(from(3), reader);
  run();
  EXPECT_EQ(reader.take(), "info1000 group4 group5 group6");
  EXPECT_EQ(subscription->start(), 4U) << "a track without source has no group 3";
  add(8);
  add(7);
  EXPECT_EQ(reader.take(), "group8 group7") << "out of order, as they arrive";
}

TEST_F(TrackTest, StartOfASourcesTrackIsTheOneAskedFor) {
  use_source();
  track->accept({});
  auto subscription = track->subscribe(from(3), reader);
  run();
  EXPECT_FALSE(subscription->start());
  add(5);
  EXPECT_EQ(subscription->start(), 3U);
  add(3);
  EXPECT_EQ(reader.take(), "info1000 group5 group3");
}

TEST_F(TrackTest, StartAheadOfTheLatestWaits) {
  track->accept({});
  add(1);
  auto subscription = track->subscribe(from(3), reader);
  run();
  add(2);
  EXPECT_EQ(reader.take(), "info1000");
  add(3);
  EXPECT_EQ(reader.take(), "group3");
}

TEST_F(TrackTest, NothingBeforeTheProperties) {
  add(1);
  auto subscription = track->subscribe({}, reader);
  run();
  add(2);
  EXPECT_EQ(reader.take(), "");
  TrackInfo info;
  info.timescale = 90000;
  track->accept(info);
  EXPECT_EQ(reader.take(), "info90000 group2");
  track->accept(info);
  EXPECT_EQ(reader.take(), "");
}

TEST_F(TrackTest, OtherPropertiesAbort) {
  track->accept({});
  TrackInfo other;
  other.priority = 3;
  track->accept(other);
  ASSERT_TRUE(track->error());
  EXPECT_TRUE(track->error()->is(ModelError::mismatch));
}

TEST_F(TrackTest, OtherDeliveryTimeoutsDoNot) {
  track->accept({.object_delivery_timeout = seconds(1)});
  track->accept({.subgroup_delivery_timeout = seconds(2)});
  EXPECT_FALSE(track->error());
  EXPECT_EQ(track->info()->object_delivery_timeout, seconds(1)) << "the first are kept";
  EXPECT_EQ(track->info()->subgroup_delivery_timeout, std::nullopt);
}

TEST_F(TrackTest, TheLargestObjectIsWhatIsHereOrWhatTheSourceTellsOf) {
  EXPECT_EQ(track->largest(), std::nullopt);
  track->accept({}, Location{.group = 4, .object = 7});
  EXPECT_EQ(track->largest(), (Location{.group = 4, .object = 7}));
  const auto group = *track->create_group(4);
  EXPECT_EQ(track->largest(), (Location{.group = 4, .object = 7}));
  ASSERT_TRUE(group->only().append({.id = 8}, Bytes::copy_of("x")));
  EXPECT_EQ(track->largest(), (Location{.group = 4, .object = 8}));
  ASSERT_TRUE((*group->add(1))->append({.id = 9}, Bytes::copy_of("x")));
  EXPECT_EQ(track->largest(), (Location{.group = 4, .object = 9}));
  // Of a later demand.
  track->accept({}, Location{.group = 6});
  EXPECT_EQ(track->largest(), (Location{.group = 6, .object = 0}));
  track->accept({});
  EXPECT_EQ(track->largest(), (Location{.group = 6, .object = 0}));
  EXPECT_FALSE(track->error());
}

TEST_F(TrackTest, TheLargestObjectDoesNotGoBack) {
  track->accept({}, Location{.group = 1});
  add(5);
  EXPECT_EQ(track->largest(), (Location{.group = 5, .object = 0}));
  // One that has no object yet, and goes again.
  const auto next = *track->create_group(6);
  EXPECT_EQ(track->largest(), (Location{.group = 5, .object = 0}));
  next->abort(1);
  EXPECT_EQ(track->largest(), (Location{.group = 5, .object = 0}));
}

TEST_F(TrackTest, WhatASourceHasToldHoldsAsLongAsItsDemand) {
  use_source();
  auto subscription = track->subscribe({}, reader);
  run();
  track->accept({}, Location{.group = 9});
  add(3);
  EXPECT_EQ(track->largest(), (Location{.group = 9, .object = 0}));
  subscription.reset();
  run();
  EXPECT_EQ(track->largest(), (Location{.group = 3, .object = 0}));
}

TEST_F(TrackTest, TimescaleZeroAborts) {
  TrackInfo info;
  info.timescale = 0;
  track->accept(info);
  ASSERT_TRUE(track->error());
  EXPECT_TRUE(track->error()->is(ModelError::mismatch));
  EXPECT_FALSE(track->info());
}

TEST_F(TrackTest, EndOfTheRangeIsTold) {
  track->accept({});
  auto subscription = track->subscribe(range(1, 2), reader);
  run();
  add(1);
  EXPECT_EQ(reader.take(), "info1000 group1");
  add(2);
  EXPECT_EQ(reader.take(), "group2 end3");
  add(3);
  track->finish(4);
  EXPECT_EQ(reader.take(), "");
}

TEST_F(TrackTest, GroupsBeforeTheEndMayComeAfterIt) {
  track->accept({});
  auto subscription = track->subscribe(range(1, 3), reader);
  run();
  add(7);
  EXPECT_EQ(reader.take(), "info1000 end4");
  add(2);
  EXPECT_EQ(reader.take(), "group2");
}

TEST_F(TrackTest, EndCannotBeMovedOnceTold) {
  track->accept({});
  auto subscription = track->subscribe(range(0, 1), reader);
  run();
  add(1);
  EXPECT_EQ(reader.take(), "info1000 group1 end2");
  subscription->update(range(0, 9));
  run();
  add(2);
  EXPECT_EQ(reader.take(), "");
}

TEST_F(TrackTest, FinishIsTheEnd) {
  track->accept({});
  auto subscription = track->subscribe({}, reader);
  run();
  auto open = *track->create_group(0);
  add(2);
  track->finish(3);
  EXPECT_EQ(reader.take(), "info1000 group0 group2 end3");
  EXPECT_EQ(track->end(), 3U);
  EXPECT_TRUE(track->create_group(3).error().is(ModelError::closed));
  EXPECT_FALSE(open->closed()) << "may still finish";
  add(1);
  EXPECT_EQ(reader.take(), "group1");
  track->finish(9);
  EXPECT_EQ(track->end(), 3U);
  RecordingReader late;
  auto second = track->subscribe({}, late);
  run();
  EXPECT_EQ(late.take(), "info1000 group2 end3");
}

TEST_F(TrackTest, EndIsNeverBeforeAGroup) {
  track->accept({});
  add(5);
  track->finish(2);
  EXPECT_EQ(track->end(), 6U);
}

TEST_F(TrackTest, AbortReachesGroupsAndReaders) {
  track->accept({});
  auto subscription = track->subscribe({}, reader);
  run();
  auto open = *track->create_group(0);
  RecordingReader unstarted;
  auto second = track->subscribe({}, unstarted);
  track->abort(Error(error_domain(ModelError::closed), 2, "gone"));
  EXPECT_EQ(reader.take(), "info1000 group0 abort2");
  EXPECT_EQ(open->only().abort_code(), Group::kCancelledCode) << "2 is no stream code here";
  run();
  EXPECT_EQ(unstarted.take(), "abort2");
  subscription->update(from(3));
  track->abort(ModelError::cancelled);
  run();
  EXPECT_EQ(reader.take(), "") << "it was the last call";
  EXPECT_TRUE(track->create_group(1).error().is(ModelError::closed));
  EXPECT_EQ(track->latest(), nullptr);
  RecordingReader late;
  auto third = track->subscribe({}, late);
  run();
  EXPECT_EQ(late.take(), "abort2");
}

TEST_F(TrackTest, AbortWithAStreamCodePassesItOn) {
  static const ErrorDomain domain{"stream", [](std::uint64_t) -> std::string_view { return "x"; }};
  track->accept({});
  auto open = *track->create_group(0);
  track->abort(Error(domain, 4, "going away"));
  EXPECT_EQ(open->only().abort_code(), 4U);
}

TEST_F(TrackTest, DropsAreCutToTheSubscription) {
  track->accept({});
  auto subscription = track->subscribe(range(3, 9), reader);
  RecordingReader waiting;
  auto second = track->subscribe({}, waiting);
  run();
  track->drop(0, 2, 7);
  track->drop(0, 4, 7);
  track->drop(8, 20, 7);
  track->drop(5, 4, 7);
  EXPECT_EQ(reader.take(), "info1000 drop3-4:7 drop8-9:7");
  EXPECT_EQ(waiting.take(), "info1000");
  add(12);
  track->drop(11, 13, 1);
  EXPECT_EQ(waiting.take(), "group12 drop12-13:1");
}

TEST_F(TrackTest, DatagramsGoToWhoRuns) {
  track->accept({});
  auto all = track->subscribe({}, reader);
  RecordingReader ranged;
  auto some = track->subscribe(range(5, 6), ranged);
  track->datagram({.sequence = 4});
  run();
  for (std::uint64_t n = 4; n < 8; ++n)
    track->datagram({.sequence = n, .payload = Bytes::copy_of("d")});
  EXPECT_EQ(reader.take(), "info1000 datagram4 datagram5 datagram6 datagram7");
  EXPECT_EQ(ranged.take(), "info1000 datagram5 datagram6");
  EXPECT_EQ(track->size(), 0U) << "not cached";
}

TEST_F(TrackTest, UpdateWithALowerStartDeliversWhatIsCached) {
  track->accept({});
  for (std::uint64_t n = 0; n < 5; ++n) add(n);
  auto subscription = track->subscribe({}, reader);
  run();
  EXPECT_EQ(reader.take(), "info1000 group4");
  subscription->update(from(2));
  EXPECT_EQ(reader.take(), "");
  run();
  EXPECT_EQ(reader.take(), "group2 group3");
  EXPECT_EQ(subscription->start(), 2U);
  EXPECT_EQ(subscription->options(), from(2));
  subscription->update(from(6));
  add(5);
  EXPECT_EQ(reader.take(), "") << "a higher start takes effect at once";
  add(6);
  EXPECT_EQ(reader.take(), "group6");
}

TEST_F(TrackTest, UpdateWithALaterEndDelivers) {
  track->accept({});
  auto subscription = track->subscribe(range(0, 5), reader);
  run();
  add(0);
  subscription->update(range(0, 6));
  run();
  add(5);
  EXPECT_EQ(reader.take(), "info1000 group0 group5");
  add(6);
  EXPECT_EQ(reader.take(), "group6 end7");
}

TEST_F(TrackTest, AnAbortedGroupIsReplacedButNotDeliveredTwice) {
  track->accept({});
  auto subscription = track->subscribe({}, reader);
  run();
  auto first = *track->create_group(3);
  EXPECT_TRUE(track->create_group(3).error().is(ModelError::exists));
  first->abort(1);
  auto second = track->create_group(3);
  ASSERT_TRUE(second);
  EXPECT_NE(*second, first);
  EXPECT_EQ(track->latest(), *second);
  EXPECT_EQ(reader.take(), "info1000 group3");
  RecordingReader late;
  auto other = track->subscribe({}, late);
  run();
  EXPECT_EQ(late.take(), "info1000 group3");
  EXPECT_EQ(late.groups.at(0), *second);
}

TEST_F(TrackTest, AnAbortedLatestIsNotDelivered) {
  track->accept({});
  (*track->create_group(3))->abort(1);
  auto subscription = track->subscribe({}, reader);
  run();
  EXPECT_EQ(reader.take(), "info1000");
  add(4);
  EXPECT_EQ(reader.take(), "group4");
}

TEST_F(TrackTest, ReaderMayEndItsSubscription) {
  track->accept({});
  add(0);
  add(1);
  for (const char* last : {"info1000", "info1000 group0", "info1000 group0 group1"}) {
    RecordingReader one;
    auto subscription = track->subscribe(from(0), one);
    RecordingReader two;
    auto other = track->subscribe(from(0), two);
    const std::string until = last;
    std::string seen;
    one.then = [&] {
      seen += seen.empty() ? one.calls.back() : " " + one.calls.back();
      if (seen == until) subscription.reset();
    };
    run();
    EXPECT_EQ(seen, until);
    EXPECT_EQ(two.take(), "info1000 group0 group1");
  }
}

TEST_F(TrackTest, ReaderMayEndEverySubscriptionAndTheTrack) {
  track->accept({});
  RecordingReader readers[3];
  std::unique_ptr<Subscription> subscriptions[3];
  for (int i = 0; i < 3; ++i) subscriptions[i] = track->subscribe({}, readers[i]);
  run();
  readers[1].then = [&] {
    for (auto& subscription : subscriptions) subscription.reset();
    track = std::make_shared<Track>(loop, cache, "other", limits);
  };
  add(0);
  EXPECT_EQ(readers[0].take(), "info1000 group0");
  EXPECT_EQ(readers[1].take(), "info1000 group0");
  EXPECT_EQ(readers[2].take(), "info1000");
}

TEST_F(TrackTest, ReaderMayChangeTheTrack) {
  track->accept({});
  RecordingReader other;
  auto first = track->subscribe({}, reader);
  auto second = track->subscribe(from(0), other);
  run();
  RecordingReader third;
  std::unique_ptr<Subscription> made;
  reader.then = [&] {
    reader.then = nullptr;
    made = track->subscribe({}, third);
    add(8);
  };
  add(7);
  EXPECT_EQ(reader.take(), "info1000 group7 group8");
  EXPECT_EQ(other.take(), "info1000 group8 group7");
  run();
  EXPECT_EQ(third.take(), "info1000 group8");
  reader.then = [&] { track->abort(ModelError::cancelled); };
  auto last = track->create_group(9);
  ASSERT_TRUE(last);
  EXPECT_TRUE((*last)->aborted()) << "the producer finds it when it writes";
  EXPECT_EQ(reader.take(), "group9 abort11");
  EXPECT_EQ(other.take(), "abort11");
}

TEST_F(TrackTest, SubscriptionKeepsItsTrack) {
  track->accept({});
  add(0);
  auto subscription = track->subscribe({}, reader);
  track = std::make_shared<Track>(loop, cache, "other", limits);
  run();
  EXPECT_EQ(reader.take(), "info1000 group0");
  subscription.reset();
  EXPECT_EQ(cache.used(), Group::kOverhead + Group::kObjectOverhead + 1) << "the reader's group";
}

// --- Demand.

TEST_F(TrackTest, DemandIsToldOncePerTick) {
  use_source();
  SubscribeOptions low;
  low.priority = 1;
  SubscribeOptions high;
  high.priority = 9;
  auto a = track->subscribe(low, reader);
  auto b = track->subscribe(high, reader);
  EXPECT_EQ(source.take(), "");
  run();
  EXPECT_EQ(source.take(), "demand");
  EXPECT_EQ(source.demand->priority, 9);
  a.reset();
  run();
  EXPECT_EQ(source.take(), "") << "nothing changed in the combination";
  b.reset();
  run();
  EXPECT_EQ(source.take(), "none");
}

TEST_F(TrackTest, NothingIsToldOfWhatTheTickUndoes) {
  use_source();
  auto a = track->subscribe({}, reader);
  run();
  source.take();
  loop.post([&] {
    a.reset();
    loop.post([&] { loop.post([&] { a = track->subscribe({}, reader); }); });
  });
  run();
  EXPECT_EQ(source.take(), "");
  track->accept({});
  auto open = *track->create_group(0);
  EXPECT_FALSE(open->closed());
  RecordingReader other;
  track->subscribe(from(1), other).reset();
  run();
  EXPECT_EQ(source.take(), "");
}

TEST_F(TrackTest, SourceThatComesLaterHearsOfDemand) {
  auto a = track->subscribe({}, reader);
  run();
  use_source();
  EXPECT_EQ(source.take(), "");
  run();
  EXPECT_EQ(source.take(), "demand");
}

TEST_F(TrackTest, CombinedOptions) {
  EXPECT_EQ(track->combined(), std::nullopt);
  SubscribeOptions a{3, true, seconds(1), 7, 10};
  SubscribeOptions b{5, true, seconds(4), std::nullopt, 12};
  SubscribeOptions c{1, false, seconds(2), 5, std::nullopt};
  auto sa = track->subscribe(a, reader);
  EXPECT_EQ(track->combined(), a);
  auto sb = track->subscribe(b, reader);
  EXPECT_EQ(track->combined(), (SubscribeOptions{5, true, seconds(4), 7, 12}));
  auto sc = track->subscribe(c, reader);
  EXPECT_EQ(track->combined(), (SubscribeOptions{5, false, seconds(4), 5, std::nullopt}));
}

TEST_F(TrackTest, EndOfDemandAbortsWhatIsOpen) {
  use_source();
  track->accept({});
  auto subscription = track->subscribe({}, reader);
  run();
  auto finished = add(0);
  auto open = *track->create_group(1);
  subscription.reset();
  EXPECT_FALSE(open->closed()) << "until the tick has ended";
  run();
  EXPECT_EQ(open->only().abort_code(), Group::kCancelledCode);
  EXPECT_TRUE(finished->complete());
  EXPECT_EQ(track->cached(0), finished);
  EXPECT_EQ(track->cached(1), nullptr);
  EXPECT_EQ(track->latest(), finished);
}

TEST_F(TrackTest, AfterAPauseTheLatestIsWhatTheSourceNames) {
  use_source();
  track->accept({});
  auto subscription = track->subscribe({}, reader);
  run();
  add(0);
  add(1);
  subscription.reset();
  run();
  reader.take();
  subscription = track->subscribe({}, reader);
  run();
  EXPECT_EQ(reader.take(), "info1000") << "1 may be stale";
  EXPECT_FALSE(subscription->start());
  EXPECT_TRUE(track->create_group(0).error().is(ModelError::exists));
  EXPECT_EQ(reader.take(), "") << "that is not the latest";
  EXPECT_TRUE(track->create_group(1).error().is(ModelError::exists));
  EXPECT_EQ(reader.take(), "group1");
  EXPECT_EQ(subscription->start(), 1U);

  subscription.reset();
  run();
  subscription = track->subscribe({}, reader);
  run();
  reader.take();
  add(7);
  EXPECT_EQ(reader.take(), "group7");
}

TEST_F(TrackTest, WhatTheFirstGroupOfASourceHasOvertakenIsDelivered) {
  use_source();
  track->accept({});
  auto first = track->subscribe({}, reader);
  run();
  add(4);
  add(3);
  add(5);
  EXPECT_EQ(reader.take(), "info1000 group4 group3 group5");
  EXPECT_EQ(first->start(), 4U);

  RecordingReader late_reader;
  auto late = track->subscribe({}, late_reader);
  run();
  add(2);
  EXPECT_EQ(late_reader.take(), "info1000 group5") << "2 was before its time";
  EXPECT_EQ(reader.take(), "group2");
}

TEST_F(TrackTest, AfterAPauseWhatWasThereBeforeIsNotOvertaken) {
  use_source();
  track->accept({});
  auto subscription = track->subscribe({}, reader);
  run();
  add(0);
  add(2);
  subscription.reset();
  run();
  reader.take();
  subscription = track->subscribe({}, reader);
  run();
  add(5);
  add(1);
  add(4);
  EXPECT_EQ(reader.take(), "info1000 group5 group4");
}

TEST_F(TrackTest, AfterAPauseExplicitStartsGetWhatIsCached) {
  use_source();
  track->accept({});
  auto subscription = track->subscribe({}, reader);
  run();
  add(0);
  add(1);
  subscription.reset();
  run();
  reader.take();
  subscription = track->subscribe(range(0, 1), reader);
  run();
  EXPECT_EQ(reader.take(), "info1000 group0 group1") << "the end is for the source to name";
  EXPECT_TRUE(track->create_group(1).error().is(ModelError::exists));
  EXPECT_EQ(reader.take(), "end2");
}

TEST_F(TrackTest, AfterAPauseTheEndIsNamedAgain) {
  use_source();
  track->accept({});
  auto subscription = track->subscribe({}, reader);
  run();
  add(0);
  track->finish(1);
  subscription.reset();
  run();
  reader.take();
  subscription = track->subscribe({}, reader);
  run();
  EXPECT_EQ(reader.take(), "info1000");
  track->finish(1);
  EXPECT_EQ(reader.take(), "group0 end1") << "the group before the end is the latest";
}

TEST_F(TrackTest, WithoutItsSourceTheLatestIsTheLatest) {
  use_source();
  track->accept({});
  add(3);
  track->set_source(nullptr);
  use_source();
  auto subscription = track->subscribe({}, reader);
  run();
  EXPECT_EQ(reader.take(), "info1000");
  track->set_source(nullptr);
  EXPECT_EQ(reader.take(), "group3");
}

TEST_F(TrackTest, ALocalProducerNeedsNoDemand) {
  track->accept({});
  auto subscription = track->subscribe({}, reader);
  run();
  auto open = *track->create_group(0);
  subscription.reset();
  run();
  EXPECT_FALSE(open->closed());
  subscription = track->subscribe({}, reader);
  reader.take();
  run();
  EXPECT_EQ(reader.take(), "info1000 group0");
}

TEST_F(TrackTest, AbortEndsDemand) {
  use_source();
  auto subscription = track->subscribe({}, reader);
  run();
  source.take();
  track->abort(ModelError::closed);
  run();
  EXPECT_EQ(source.take(), "none");
  subscription.reset();
  run();
  EXPECT_EQ(source.take(), "");
}

TEST_F(TrackTest, SourceMayAnswerAtOnce) {
  use_source();
  source.then = [&](Track& from, const std::optional<SubscribeOptions>& wanted) {
    if (!wanted) return;
    from.accept({});
    add(6);
  };
  auto subscription = track->subscribe({}, reader);
  run();
  EXPECT_EQ(reader.take(), "info1000 group6");
}

}  // namespace
}  // namespace moq
