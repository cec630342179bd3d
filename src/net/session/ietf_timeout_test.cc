// Delivery timeouts and FILL_TIMEOUT: what comes too late for a subscriber of moq-transport,
// and what a FETCH does not wait for.

#include <gtest/gtest.h>

#include <functional>
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

/// Where subgroups have a timeout, too, and fetches.
class IetfSubgroupTimeout : public IetfTimeout {
 protected:
  Asked fetch(Duration fill, Location start, Location end) {
    return peer->ask(ietf::Fetch{.range = {.track = kLive, .start = start, .end = end},
                                 .fill_timeout = fill});
  }
  /// The objects of the only fetch as far as they have come, and what is unknown.
  std::vector<std::string> fetched() {
    const Bytes all = stream().reader().take_rest();
    coding::Reader in(all, peer->traits().integers);
    EXPECT_EQ(in.varint().value(), ietf::kFetchStream);
    (void)in.varint().value();
    Sink sink;
    ietf::FetchReader reader(peer->version(), ietf::GroupOrder::ascending, sink, 1000);
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
      seen.push_back("unknown to group " + std::to_string(range.last.group));
      return {};
    }
    std::vector<std::string> seen;
  };
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

TEST_P(IetfSubgroupTimeout, AFetchWithoutPatienceGetsWhatIsThere) {
  source.track->accept(*source.track->info(), Location{.group = 0, .object = 3});
  const auto group = source.begin(0);
  Source::append(*group, 0, "zero");
  Source::append(*group, 0, "one");
  start();
  fetch({}, {}, {.group = 0, .object = 4});
  run(milliseconds(100));
  EXPECT_TRUE(stream().ended);
  EXPECT_EQ(fetched(), (std::vector<std::string>{"0/0", "0/1", "unknown to group 0"}));
}

TEST_P(IetfSubgroupTimeout, AFetchWaitsAsLongAsItIsTold) {
  /// Which never answers.
  struct Upstream final : TrackSource {
    void on_demand(Track& /*track*/, const std::optional<SubscribeOptions>& /*wanted*/) override {}
    void on_fetch(Track& /*track*/, std::uint64_t /*sequence*/) override { ++asked; }
    int asked = 0;
  } upstream;
  source.group(1, {"one"});
  source.track->set_source(&upstream);
  start();
  const Asked request = fetch(seconds(2), {}, {.group = 1, .object = 0});
  run(milliseconds(1900));
  EXPECT_EQ(upstream.asked, 1);
  EXPECT_FALSE(stream().ended);
  run(milliseconds(200));
  EXPECT_TRUE(stream().ended);
  EXPECT_EQ(fetched(), (std::vector<std::string>{"unknown to group 0", "1/0"}));
  EXPECT_FALSE(peer->refusal(request));
  // What comes later harms nobody.
  source.track->fail_fetch(0, Error(ietf::RequestErrorCode::internal));
  run();
  EXPECT_FALSE(link->error());
  source.track->set_source(nullptr);
}

INSTANTIATE_TEST_SUITE_P(Drafts, IetfTimeout, ::testing::ValuesIn(testing::kDrafts),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Drafts, IetfSubgroupTimeout, ::testing::Values("moq-transport-18"),
                         testing::kVersionName);

}  // namespace
}  // namespace moq
