// Delivery timeouts and FILL_TIMEOUT: what comes too late for a subscriber of moq-transport,
// and what a FETCH does not wait for.

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/ietf/fetch_object.h"
#include "net/ietf/properties.h"
#include "net/session/testing/ietf_relay.h"

namespace moq {
namespace {

using ietf::FilterType;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::IetfPeer;
using testing::IetfRelay;
using testing::kLive;
using testing::RawStream;
using testing::Source;

using Asked = IetfPeer::Asked;

/// On a link on which an object of 100000 bytes takes 800 ms.
class IetfTimeout : public IetfRelay {
 protected:
  void start(const TrackInfo& info = {.max_latency = seconds(60)}) {
    timed.emplace(relay, "timed", info);
    IetfRelay::start({}, {.bitrate = 1'000'000});
  }
  Asked ask(ietf::Subscribe message) {
    message.track = {.track_namespace = {"timed"}, .track_name = "video"};
    message.filter = {.type = FilterType::absolute_start};
    const Asked request = peer->ask(message);
    run(seconds(1));
    EXPECT_EQ(peer->answers<ietf::SubscribeOk>(request).size(), 1U);
    return request;
  }
  void append(Group& group, std::size_t size = 100'000) {
    Subgroup& objects = group.only();
    Source::must(objects.append({.id = objects.objects().size(), .arrival = loop.now()},
                                Bytes::copy_of(std::string(size, 'x'))));
  }
  /// The only stream with media there is.
  [[nodiscard]] RawStream& stream() {
    EXPECT_EQ(peer->media().size(), 1U);
    return *peer->media().front();
  }
  void expect_late(std::size_t most) {
    EXPECT_EQ(stream().was_reset, code(ietf::StreamError::delivery_timeout));
    EXPECT_LT(stream().received, most);
  }

  std::optional<Source> timed;
};

TEST_P(IetfTimeout, ALateObjectCostsItsSubgroupAlsoInTheLatestGroup) {
  for (const auto timeout : {milliseconds(500), milliseconds(5000)}) {
    start();
    ask({.object_delivery_timeout = timeout});
    const auto group = timed->begin(1);
    append(*group);
    append(*group);
    Source::finish(*group);
    run(seconds(3));
    if (timeout < seconds(1)) {
      expect_late(100'000);
    } else {
      EXPECT_TRUE(stream().ended);
    }
    EXPECT_FALSE(link->error());
  }
}

TEST_P(IetfTimeout, WhatArrivesInTimeIsSentThoughItsGroupIsOld) {
  start();
  ask({.object_delivery_timeout = milliseconds(500)});
  const auto old = timed->begin(1);
  append(*old, 10);
  run(seconds(10));
  timed->group(2, {"new"}, 10'000);
  run(seconds(1));
  append(*old, 10);
  Source::finish(*old);
  run(seconds(1));
  ASSERT_EQ(peer->media().size(), 2U);
  for (const RawStream* each : peer->media()) EXPECT_TRUE(each->ended);
}

TEST_P(IetfTimeout, TheLesserOfBothSidesCounts) {
  struct Case {
    Duration publisher;
    std::optional<Duration> subscriber;
    bool late;
  };
  // Zero is none.
  for (const Case& each :
       {Case{milliseconds(500), {}, true}, Case{milliseconds(500), seconds(9), true},
        Case{milliseconds(500), Duration::zero(), true}, Case{seconds(9), milliseconds(500), true},
        Case{seconds(9), {}, false}}) {
    SCOPED_TRACE(each.publisher.count());
    start({.max_latency = seconds(60), .object_delivery_timeout = each.publisher});
    const Asked request = ask({.object_delivery_timeout = each.subscriber});
    const auto ok = peer->answers<ietf::SubscribeOk>(request).front();
    EXPECT_EQ(ietf::track_properties(peer->traits(), ok).value().object_delivery_timeout,
              each.publisher)
        << "it is told on";
    const auto group = timed->begin(1);
    append(*group);
    append(*group);
    Source::finish(*group);
    run(seconds(3));
    if (each.late) {
      expect_late(100'000);
    } else {
      EXPECT_TRUE(stream().ended);
    }
  }
}

TEST_P(IetfTimeout, AnUpdateChangesIt) {
  start();
  const Asked request = ask({});
  const auto group = timed->begin(1);
  append(*group);
  append(*group);
  Source::finish(*group);
  run(milliseconds(100));
  peer->update(request, {.object_delivery_timeout = milliseconds(300)});
  run(seconds(3));
  expect_late(100'000);
}

TEST_P(IetfTimeout, ItIsNotAskedOfOthers) {
  start();
  ask({.object_delivery_timeout = milliseconds(1)});
  ASSERT_TRUE(timed->track->combined());
  EXPECT_EQ(timed->track->combined()->max_latency, Duration::max());
}

TEST_P(IetfTimeout, ASubscriptionEndsThoughItsLastGroupWasLate) {
  start();
  const Asked request = ask({.object_delivery_timeout = milliseconds(500)});
  const auto group = timed->begin(1);
  append(*group);
  Source::finish(*group);
  timed->track->finish(2);
  run(seconds(3));
  const auto done = peer->answers<ietf::PublishDone>(request);
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done.front().stream_count, 1U);
}

TEST_P(IetfTimeout, AStreamWithoutATurnIsResetAtTheNextGroup) {
  start();
  ask({.group_order = ietf::GroupOrder::descending, .object_delivery_timeout = milliseconds(500)});
  // Newer groups take all of the link.
  for (std::uint64_t i = 1; i <= 4; ++i) {
    const auto group = timed->begin(i);
    append(*group);
    Source::finish(*group);
    run(milliseconds(700));
  }
  EXPECT_EQ(peer->media().front()->was_reset, code(ietf::StreamError::delivery_timeout));
}

/// A publisher of any version, behind a relay whose viewer has a slow link.
class IetfTimeoutBehind : public IetfRelay {};

TEST_P(IetfTimeoutBehind, ItCountsFromTheArrivalAtTheRelay) {
  for (const char* upstream : testing::kAllVersions) {
    SCOPED_TRACE(upstream);
    testing::Node publisher{loop, 7};
    Source behind(publisher, "behind", {.max_latency = seconds(60)});
    const auto connection = testing::connect(loop, publisher, relay, {.version = upstream});
    start({}, {.bitrate = 1'000'000});
    peer->ask(ietf::Subscribe{.track = {.track_namespace = {"behind"}, .track_name = "video"},
                              .filter = {.type = FilterType::absolute_start},
                              .object_delivery_timeout = milliseconds(500)});
    run(seconds(1));
    behind.group(1, {std::string(100'000, 'x'), std::string(100'000, 'x')});
    run(seconds(3));
    ASSERT_EQ(peer->media().size(), 1U);
    EXPECT_EQ(peer->media().front()->was_reset, code(ietf::StreamError::delivery_timeout));
    EXPECT_FALSE(connection->server_error);
    link.reset();
  }
}

/// Which never answers.
struct SilentUpstream final : TrackSource {
  void on_demand(Track& /*track*/, const std::optional<SubscribeOptions>& /*wanted*/) override {}
  void on_fetch(Track& /*track*/, std::uint64_t /*sequence*/) override { ++asked; }
  int asked = 0;
};

/// Fetches of what is not there.
class IetfFetchTimeout : public IetfRelay {};

TEST_P(IetfFetchTimeout, AnUpstreamThatDoesNotAnswerIsNotWaitedForWithoutEnd) {
  SilentUpstream upstream;
  source.group(1, {"one"});
  source.track->set_source(&upstream);
  start();
  const Asked request = fetch({}, {.group = 1, .object = 0});
  run(seconds(9));
  EXPECT_EQ(upstream.asked, 1);
  EXPECT_FALSE(peer->refusal(request));
  run(seconds(2));
  if (testing::draft_of(GetParam()).fetch.ranges) {
    ASSERT_EQ(peer->media().size(), 1U);
    EXPECT_TRUE(peer->media().front()->ended);
  } else {
    EXPECT_EQ(peer->refusal(request), ietf::RequestErrorCode::unknown_status_in_range);
  }
  source.track->set_source(nullptr);
  expect_clean();
}

TEST_P(IetfFetchTimeout, ASlowReaderCostsNoPatience) {
  SilentUpstream upstream;
  const auto group = source.begin(0);
  Source::append(*group, 0, "first");
  source.group(2, {"two"});
  source.track->set_source(&upstream);
  start({}, {.bitrate = 1'000'000});
  const Asked request = fetch({}, {.group = 2, .object = 0});
  run(seconds(1));
  // It waited for this, which the peer takes eight seconds for. Then the next group is asked
  // for, and waited for anew.
  Source::append(*group, 1, std::string(1'000'000, 'x'));
  Source::finish(*group);
  run(seconds(12));
  EXPECT_EQ(upstream.asked, 1);
  EXPECT_FALSE(peer->refusal(request));
  for (RawStream* each : peer->media()) {
    EXPECT_FALSE(each->ended);
    EXPECT_FALSE(each->was_reset);
  }
  source.track->set_source(nullptr);
  expect_clean();
}

TEST_P(IetfFetchTimeout, WhatWasResetMayHaveHadMore) {
  const auto torn = source.begin(0);
  Source::append(*torn, 0, "zero");
  torn->only().abort(1);
  torn->finish();
  source.group(1, {"one"});
  start();
  const Asked request = fetch({}, {.group = 1, .object = 0});
  run();
  if (testing::draft_of(GetParam()).fetch.ranges) {
    ASSERT_EQ(peer->media().size(), 1U);
    EXPECT_TRUE(peer->media().front()->ended);
  } else {
    ASSERT_EQ(peer->media().size(), 1U);
    EXPECT_EQ(peer->media().front()->was_reset, code(ietf::StreamError::unknown_object_status));
    EXPECT_GE(peer->media().front()->received, std::string("zero").size());
    EXPECT_FALSE(peer->refusal(request));
  }
  EXPECT_FALSE(link->error());
}

/// Where subgroups have a timeout, too, and fetches.
class IetfSubgroupTimeout : public IetfTimeout {
 protected:
  using Seen = std::vector<std::string>;

  Asked fetch(Duration fill, Location start, Location end,
              ietf::GroupOrder order = ietf::GroupOrder::ascending) {
    order_ = order;
    return peer->ask(ietf::Fetch{.group_order = order,
                                 .range = {.track = kLive, .start = start, .end = end},
                                 .fill_timeout = fill});
  }
  /// The objects of the only fetch as far as they have come, and what is unknown.
  Seen fetched() {
    EXPECT_TRUE(stream().ended);
    const Bytes all = stream().reader().take_rest();
    coding::Reader in(all, peer->traits().integers);
    EXPECT_EQ(in.varint().value(), ietf::kFetchStream);
    (void)in.varint().value();
    Sink sink;
    ietf::FetchReader reader(peer->version(), order_, sink, 1000);
    EXPECT_TRUE(reader.feed(Bytes::copy_of(in.rest())));
    return sink.seen;
  }

 private:
  struct Sink final : ietf::FetchSink {
    static std::string name(Location at) {
      return std::to_string(at.group) + "/" + std::to_string(at.object);
    }
    Result<void> on_object(const ietf::FetchObject& object) override {
      seen.push_back(name(object.location));
      return {};
    }
    Result<void> on_payload(Bytes /*chunk*/) override { return {}; }
    Result<void> on_end_of_range(const ietf::EndOfRange& range) override {
      EXPECT_TRUE(range.unknown);
      constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();
      seen.push_back("unknown to " + (range.last.object == kLast
                                          ? "the end of " + std::to_string(range.last.group)
                                          : name(range.last)));
      return {};
    }
    Seen seen;
  };
  ietf::GroupOrder order_ = ietf::GroupOrder::ascending;
};

TEST_P(IetfSubgroupTimeout, ASubgroupThatTakesTooLongAfterItsEndIsReset) {
  start();
  ask({.subgroup_delivery_timeout = milliseconds(300)});
  const auto group = timed->begin(1);
  append(*group);
  run(milliseconds(600));
  EXPECT_FALSE(stream().was_reset) << "it goes on";
  append(*group);
  Source::finish(*group);
  run(milliseconds(200));
  EXPECT_FALSE(stream().was_reset);
  run(seconds(3));
  expect_late(150'000);
}

TEST_P(IetfSubgroupTimeout, ASubgroupThatArrivesInTimeIsNotReset) {
  start({.max_latency = seconds(60), .subgroup_delivery_timeout = milliseconds(300)});
  ask({});
  const auto group = timed->begin(1);
  append(*group, 1000);
  run(seconds(3));
  append(*group, 1000);
  Source::finish(*group);
  run(seconds(3));
  EXPECT_TRUE(stream().ended);
  EXPECT_FALSE(stream().was_reset);
}

TEST_P(IetfSubgroupTimeout, AnUpdateCountsForSubgroupsOnTheirWay) {
  start();
  const Asked request = ask({.subgroup_delivery_timeout = seconds(60)});
  const auto group = timed->begin(1);
  append(*group);
  append(*group);
  Source::finish(*group);
  run(milliseconds(100));
  peer->update(request, {.subgroup_delivery_timeout = milliseconds(100)});
  run(seconds(3));
  expect_late(100'000);
}

TEST_P(IetfSubgroupTimeout, UpdatesDoNotPutADeadlineOff) {
  start();
  const Asked request = ask({.subgroup_delivery_timeout = seconds(60)});
  const auto group = timed->begin(1);
  append(*group);
  append(*group);
  append(*group);
  Source::finish(*group);
  for (int i = 0; i < 5; ++i) {
    run(milliseconds(200));
    peer->update(request, {.subgroup_delivery_timeout = milliseconds(i % 2 == 0 ? 900 : 901)});
  }
  run(milliseconds(200));
  expect_late(250'000);
}

TEST_P(IetfSubgroupTimeout, AFetchWithoutPatienceGetsWhatIsThere) {
  source.track->accept(*source.track->info(), Location{.group = 0, .object = 3});
  const auto group = source.begin(0);
  Source::append(*group, 0, "zero");
  Source::append(*group, 0, "one");
  start();
  fetch({}, {}, {.group = 0, .object = 4});
  run(milliseconds(100));
  EXPECT_EQ(fetched(), (Seen{"0/0", "0/1", "unknown to 0/3"}));
}

TEST_P(IetfSubgroupTimeout, GroupsThatAreNotThereAreUnknownHoweverMany) {
  SilentUpstream upstream;
  source.group(3, {"three"});
  source.group(100, {"hundred"});
  source.track->set_source(&upstream);
  start();
  for (const auto order : {ietf::GroupOrder::ascending, ietf::GroupOrder::descending}) {
    fetch({}, {}, {.group = 100, .object = 0}, order);
    run();
    const bool up = order == ietf::GroupOrder::ascending;
    EXPECT_EQ(fetched(),
              up ? (Seen{"unknown to the end of 2", "3/0", "unknown to the end of 99", "100/0"})
                 : (Seen{"100/0", "unknown to the end of 4", "3/0", "unknown to the end of 0"}));
    IetfTimeout::start();
  }
  EXPECT_EQ(upstream.asked, 0);
  source.track->set_source(nullptr);
}

TEST_P(IetfSubgroupTimeout, OfAGroupThatWasGivenUpThereIsWhatCame) {
  SilentUpstream upstream;
  const auto torn = source.begin(0);
  Source::append(*torn, 0, "zero");
  torn->abort(1);
  source.group(1, {"one"});
  source.track->set_source(&upstream);
  start();
  fetch({}, {}, {.group = 1, .object = 0});
  run();
  EXPECT_EQ(fetched(), (Seen{"0/0", "unknown to the end of 0", "1/0"}));
  EXPECT_EQ(upstream.asked, 0);
  source.track->set_source(nullptr);
}

TEST_P(IetfSubgroupTimeout, WhatStallsHidesNothingBehindIt) {
  const auto group = source.begin(0);
  Subgroup* stalled = group->add(0).value();
  Subgroup* whole = group->add(1).value();
  Source::must(stalled->append({.id = 0}, Bytes::copy_of(std::string_view("zero"))));
  Source::must(stalled->append_object({.id = 3, .size = 10}));
  for (const std::uint64_t id : {5, 6}) {
    Source::must(whole->append({.id = id}, Bytes::copy_of(std::string_view("whole"))));
  }
  start();
  fetch({}, {}, {.group = 0, .object = 0});
  run();
  EXPECT_EQ(fetched(), (Seen{"0/0", "unknown to 0/3", "unknown to 0/4", "0/5", "0/6"}));
}

TEST_P(IetfSubgroupTimeout, AFetchWaitsAsLongAsItIsTold) {
  SilentUpstream upstream;
  source.group(1, {"one"});
  source.track->set_source(&upstream);
  start();
  const Asked request = fetch(seconds(2), {}, {.group = 1, .object = 0});
  run(milliseconds(1900));
  EXPECT_EQ(upstream.asked, 1);
  EXPECT_FALSE(stream().ended);
  run(milliseconds(200));
  EXPECT_EQ(fetched(), (Seen{"unknown to the end of 0", "1/0"}));
  EXPECT_FALSE(peer->refusal(request));
  // What comes later harms nobody.
  source.track->fail_fetch(0, Error(ietf::RequestErrorCode::internal));
  run();
  EXPECT_FALSE(link->error());
  source.track->set_source(nullptr);
}

TEST_P(IetfSubgroupTimeout, AllWaitsOfAFetchCountTogether) {
  SilentUpstream upstream;
  source.group(3, {"three"});
  source.track->set_source(&upstream);
  start();
  fetch(seconds(15), {}, {.group = 3, .object = 0});
  run(seconds(14));
  // Ten seconds for one group, and what is left for another.
  EXPECT_EQ(upstream.asked, 2);
  EXPECT_FALSE(stream().ended);
  run(seconds(2));
  EXPECT_EQ(fetched(), (Seen{"unknown to the end of 0", "unknown to the end of 1",
                             "unknown to the end of 2", "3/0"}));
  source.track->set_source(nullptr);
}

TEST_P(IetfSubgroupTimeout, ATrackThatIsNotKnownInTimeIsRefused) {
  SilentUpstream upstream;
  struct Slow final : BroadcastSource {
    explicit Slow(TrackSource& s) : source(s) {}
    void on_track(Broadcast& /*broadcast*/, const std::shared_ptr<Track>& track) override {
      track->set_source(&source);
    }
    TrackSource& source;
  } slow(upstream);
  source.broadcast->set_source(&slow);
  start();
  const Asked request = peer->ask(
      ietf::Fetch{.range = {.track = {.track_namespace = {"live"}, .track_name = "unknown"}},
                  .fill_timeout = milliseconds(500)});
  run(milliseconds(400));
  EXPECT_FALSE(peer->refusal(request));
  run(milliseconds(200));
  EXPECT_EQ(peer->refusal(request), ietf::RequestErrorCode::timeout);
  source.broadcast->track("unknown").value()->set_source(nullptr);
  source.broadcast->set_source(nullptr);
}

INSTANTIATE_TEST_SUITE_P(Drafts, IetfTimeout, ::testing::ValuesIn(testing::kDrafts),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Drafts, IetfTimeoutBehind, ::testing::ValuesIn(testing::kDrafts),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Drafts, IetfFetchTimeout, ::testing::ValuesIn(testing::kDrafts),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Drafts, IetfSubgroupTimeout, ::testing::Values("moq-transport-18"),
                         testing::kVersionName);

}  // namespace
}  // namespace moq
