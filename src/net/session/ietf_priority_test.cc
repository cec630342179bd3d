// What a moq-transport session sends first where a link is too slow for all of it: as its
// peer's requests say.

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "net/session/testing/ietf_relay.h"

namespace moq {
namespace {

using ietf::FilterType;
using ietf::GroupOrder;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::IetfPeer;
using testing::IetfRelay;
using testing::RawStream;
using testing::Source;

using Asked = IetfPeer::Asked;
using Groups = std::vector<std::uint64_t>;

/// On a link on which a group of 50000 bytes takes 400 ms.
class IetfPriority : public IetfRelay {
 protected:
  void start() {
    // Those of another peer, which is gone.
    over_.clear();
    IetfRelay::start({}, {.bitrate = 1'000'000});
  }
  Asked ask(const std::string& broadcast, ietf::Subscribe message) {
    message.track = {.track_namespace = {broadcast}, .track_name = "video"};
    message.filter = {.type = FilterType::absolute_start};
    const Asked request = peer->ask(message);
    run(seconds(1));
    EXPECT_EQ(peer->answers<ietf::SubscribeOk>(request).size(), 1U) << broadcast;
    return request;
  }
  static void large_group(Source& to, std::uint64_t sequence) {
    to.group(sequence, {std::string(50000, 'x')}, sequence);
  }
  /// The groups that become whole in this time, in that order.
  Groups finished(Duration duration = seconds(3)) {
    Groups out;
    const Time until = loop.now() + duration;
    while (loop.now() < until) {
      run(milliseconds(10));
      for (RawStream* stream : peer->media()) {
        if (stream->ended && over_.insert(stream).second) out.push_back(group_of(*stream));
      }
    }
    return out;
  }

 private:
  std::uint64_t group_of(RawStream& stream) const {
    const Bytes bytes = stream.reader().take_rest();
    coding::Reader in(bytes, peer->traits().integers);
    const std::uint64_t type = in.varint().value();
    return ietf::read_subgroup_header(type, in).value().group;
  }

  std::set<RawStream*> over_;
};

TEST_P(IetfPriority, GroupsGoInTheOrderThatIsAskedFor) {
  for (const GroupOrder order : {GroupOrder::ascending, GroupOrder::descending}) {
    SCOPED_TRACE(static_cast<int>(order));
    Source sent(relay, "a");
    start();
    ask("a", {.group_order = order});
    for (std::uint64_t i = 1; i <= 3; ++i) large_group(sent, i);
    EXPECT_EQ(finished(), order == GroupOrder::ascending ? (Groups{1, 2, 3}) : (Groups{3, 2, 1}));
  }
}

/// Where answers tell of the order.
class IetfPriorityTold : public IetfPriority {};

TEST_P(IetfPriorityTold, AnswersTellOfTheOrderThatWasAskedFor) {
  Source sent(relay, "a", {.ordered = true, .max_latency = seconds(10)});
  sent.group(0, {"zero"});
  start();
  for (const GroupOrder order : {GroupOrder::ascending, GroupOrder::descending}) {
    const Asked request = ask("a", {.group_order = order});
    EXPECT_EQ(peer->answers<ietf::SubscribeOk>(request).front().group_order, order);
    const Asked fetched =
        peer->ask(ietf::Fetch{.group_order = order,
                              .range = {.track = {.track_namespace = {"a"}, .track_name = "video"},
                                        .end = {.group = 0}}});
    run(seconds(1));
    ASSERT_EQ(peer->answers<ietf::FetchOk>(fetched).size(), 1U);
    EXPECT_EQ(peer->answers<ietf::FetchOk>(fetched).front().group_order, order);
  }
}

TEST_P(IetfPriority, WithoutAnOrderItIsThePublishers) {
  for (const bool ordered : {false, true}) {
    SCOPED_TRACE(ordered);
    Source sent(relay, "a", {.ordered = ordered, .max_latency = seconds(10)});
    start();
    ask("a", {});
    for (std::uint64_t i = 1; i <= 3; ++i) large_group(sent, i);
    EXPECT_EQ(finished(), ordered ? (Groups{1, 2, 3}) : (Groups{3, 2, 1}));
  }
}

TEST_P(IetfPriority, SubscriptionOfTheLowerNumberGoesFirst) {
  for (const bool first_is_urgent : {false, true}) {
    SCOPED_TRACE(first_is_urgent);
    Source first(relay, "a");
    Source second(relay, "b");
    start();
    ask("a", {.subscriber_priority = static_cast<std::uint8_t>(first_is_urgent ? 5 : 9)});
    ask("b", {.subscriber_priority = static_cast<std::uint8_t>(first_is_urgent ? 9 : 5)});
    large_group(first, 1);
    large_group(second, 2);
    EXPECT_EQ(finished(), first_is_urgent ? (Groups{1, 2}) : (Groups{2, 1}));
  }
}

TEST_P(IetfPriority, WhereSubscriptionsAreAlikeThePublishersPriorityCounts) {
  for (const bool first_is_urgent : {false, true}) {
    SCOPED_TRACE(first_is_urgent);
    const auto info = [](bool urgent) {
      return TrackInfo{.priority = static_cast<std::uint8_t>(urgent ? 9 : 5),
                       .max_latency = seconds(10)};
    };
    Source first(relay, "a", info(first_is_urgent));
    Source second(relay, "b", info(!first_is_urgent));
    start();
    ask("a", {.subscriber_priority = 7});
    ask("b", {.subscriber_priority = 7});
    large_group(first, 1);
    large_group(second, 2);
    EXPECT_EQ(finished(), first_is_urgent ? (Groups{1, 2}) : (Groups{2, 1}));
  }
}

TEST_P(IetfPriority, SubscribersPriorityCountsBeforeThePublishers) {
  Source first(relay, "a", {.priority = 9, .max_latency = seconds(10)});
  Source second(relay, "b", {.priority = 5, .max_latency = seconds(10)});
  start();
  ask("a", {.subscriber_priority = 8});
  ask("b", {.subscriber_priority = 7});
  large_group(first, 1);
  large_group(second, 2);
  EXPECT_EQ(finished(), (Groups{2, 1}));
}

TEST_P(IetfPriority, UpdateCountsForWhatIsOnItsWay) {
  Source first(relay, "a");
  Source second(relay, "b");
  start();
  ask("a", {.subscriber_priority = 5});
  const Asked slower = ask("b", {.subscriber_priority = 9});
  large_group(first, 1);
  large_group(second, 2);
  run(milliseconds(100));
  peer->update(slower, {.subscriber_priority = 1});
  EXPECT_EQ(finished(), (Groups{2, 1}));
}

INSTANTIATE_TEST_SUITE_P(Drafts, IetfPriorityTold, ::testing::Values("moq-transport-14"),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Drafts, IetfPriority, ::testing::ValuesIn(testing::kDrafts),
                         testing::kVersionName);

}  // namespace
}  // namespace moq
