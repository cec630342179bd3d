// How subscriptions of moq-transport end: what PUBLISH_DONE says to whom, and what of it goes
// on to others.

#include <gtest/gtest.h>

#include "net/ietf/token.h"
#include "net/session/testing/ietf_relay.h"

namespace moq {
namespace {

using ietf::Filter;
using ietf::FilterType;
using ietf::MessageKind;
using ietf::PublishDoneCode;
using ietf::RequestErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::IetfLink;
using testing::IetfPeer;
using testing::IetfRelay;
using testing::kLive;
using testing::Node;
using testing::RawStream;
using testing::run_for;
using testing::Viewer;

using Asked = IetfPeer::Asked;

/// A relay whose raw peer watches.
class IetfEnding : public IetfRelay {
 protected:
  Asked range(std::uint64_t first, std::uint64_t last) {
    return peer->ask(ietf::Subscribe{
        .track = kLive,
        .filter = {
            .type = FilterType::absolute_range, .start = {.group = first}, .end_group = last}});
  }
  std::optional<PublishDoneCode> done(const Asked& request) {
    const auto all = peer->answers<ietf::PublishDone>(request);
    EXPECT_LE(all.size(), 1U);
    if (all.empty()) return std::nullopt;
    return ietf::publish_done_code(peer->version(), all.front().status);
  }
};

TEST_P(IetfEnding, TheEndOfARangeIsNotThatOfTheTrack) {
  start();
  const Asked some = range(0, 1);
  source.group(0, {"x"});
  run();
  EXPECT_EQ(done(some), std::nullopt);
  source.group(1, {"x"});
  run();
  EXPECT_EQ(done(some), PublishDoneCode::subscription_ended);
  const Asked more = range(2, 7);
  source.group(2, {"x"});
  source.track->finish(3);
  run();
  EXPECT_EQ(done(more), PublishDoneCode::track_ended);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfEnding, WhyATrackWasGivenUpIsToldOn) {
  const struct {
    Error error;
    PublishDoneCode told;
  } kCases[] = {
      {Error(PublishDoneCode::going_away, ""), PublishDoneCode::going_away},
      {Error(ietf::StreamError::going_away, ""), PublishDoneCode::going_away},
      {Error(PublishDoneCode::malformed_track, ""), PublishDoneCode::malformed_track},
      // These are between others.
      {Error(PublishDoneCode::unauthorized, ""), PublishDoneCode::internal},
      {Error(PublishDoneCode::too_far_behind, ""), PublishDoneCode::internal},
  };
  start();
  int number = 0;
  for (const auto& [error, told] : kCases) {
    const std::string name = "track" + std::to_string(number++);
    const auto track = source.broadcast->create(name).value();
    track->accept({});
    const Asked request = subscribe({.track_namespace = {"live"}, .track_name = name});
    run();
    track->abort(error);
    run();
    const auto expected =
        ietf::publish_done_code(peer->version(), ietf::wire_code(peer->version(), told));
    EXPECT_EQ(done(request), expected) << number;
  }
  EXPECT_FALSE(link->error());
  expect_clean();
}

/// Where updates are answered.
class IetfEndingUpdates : public IetfEnding {
 protected:
  static constexpr std::uint64_t kUnknownAlias = 77;
  static ietf::RequestUpdate bad_update() {
    return {.tokens = {{.action = ietf::TokenAction::use_alias, .alias = kUnknownAlias}}};
  }
};

TEST_P(IetfEndingUpdates, AnUpdateThatFailsIsAnsweredAndEndsASubscription) {
  start();
  const Asked request = subscribe();
  source.group(0, {"x"});
  run();
  peer->update(request, bad_update());
  run();
  EXPECT_EQ(peer->refusal(request), RequestErrorCode::malformed_auth_token);
  EXPECT_EQ(done(request), PublishDoneCode::update_failed);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfEndingUpdates, AnUpdateThatFailsEndsAFetch) {
  (void)source.begin(0);
  start();
  const Asked fetched = fetch({.group = 0}, {.group = 0});
  run();
  ASSERT_FALSE(peer->refusal(fetched));
  peer->update(fetched, bad_update());
  run();
  EXPECT_EQ(peer->refusal(fetched), RequestErrorCode::malformed_auth_token);
  for (RawStream* stream : peer->media()) EXPECT_TRUE(stream->was_reset);
  EXPECT_FALSE(link->error());
  expect_clean();
}

/// A relay whose raw peer publishes.
class IetfEndingPublisher : public ::testing::TestWithParam<const char*> {
 protected:
  void start() {
    link.emplace(loop, relay, IetfLink::Options{.version = GetParam(), .side = Side::server});
    peer = link->peer.get();
    peer->setup();
    peer->ask(ietf::PublishNamespace{.track_namespace = {"live"}});
    run();
  }
  void run(Duration duration = milliseconds(100)) { run_for(loop, duration); }
  std::unique_ptr<Subscription> watch(const SubscribeOptions& options, Viewer& viewer) {
    auto subscription =
        relay.origin.find(Path("live"))->track("video").value()->subscribe(options, viewer);
    run();
    return subscription;
  }
  void accept(const IetfPeer::Heard<ietf::Subscribe>& asked) {
    const std::uint64_t id = asked.message.request_id;
    peer->answer(*asked.stream, ietf::SubscribeOk{.request_id = id, .track_alias = id},
                 MessageKind::subscribe);
    run();
  }
  void group(const IetfPeer::Heard<ietf::Subscribe>& asked, std::uint64_t sequence) {
    peer->subgroup(
            {.track_alias = asked.message.request_id, .group = sequence, .end_of_group = true},
            peer->object(0, "x"))
        .fin();
    run();
  }

  Loop loop;
  Node relay{loop, 22};
  std::optional<IetfLink> link;
  IetfPeer* peer = nullptr;
};

TEST_P(IetfEndingPublisher, WhoWantsARangeTakesNothingFromThoseWhoComeLater) {
  start();
  Viewer few;
  auto first = watch({.max_latency = seconds(10), .start = 0, .end = 1}, few);
  const auto asked = peer->heard<ietf::Subscribe>();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].message.filter.type, FilterType::absolute_start);
  accept(asked[0]);
  group(asked[0], 0);
  Viewer many;
  const auto second = watch({.max_latency = seconds(10)}, many);
  group(asked[0], 1);
  EXPECT_EQ(few.end, 2U);
  first.reset();
  run();
  group(asked[0], 2);
  EXPECT_EQ(many.text(2), "x");
  EXPECT_EQ(few.text(2), "-");
  EXPECT_FALSE(link->error());
}

TEST_P(IetfEndingPublisher, ASubscriptionThatHasEndedCanBeHadAnew) {
  start();
  Viewer viewer;
  auto subscription = watch({.max_latency = seconds(10)}, viewer);
  auto asked = peer->heard<ietf::Subscribe>();
  ASSERT_EQ(asked.size(), 1U);
  accept(asked[0]);
  group(asked[0], 0);
  const auto over = ietf::wire_code(peer->version(), PublishDoneCode::subscription_ended);
  peer->answer(*asked[0].stream,
               ietf::PublishDone{
                   .request_id = asked[0].message.request_id, .status = over, .stream_count = 1},
               MessageKind::subscribe);
  run(seconds(3));
  EXPECT_EQ(viewer.end, 1U);
  EXPECT_EQ(viewer.text(0), "x") << "what it had is whole";
  subscription.reset();
  Viewer later;
  subscription = watch({.max_latency = seconds(10)}, later);
  asked = peer->heard<ietf::Subscribe>();
  ASSERT_EQ(asked.size(), 2U);
  accept(asked[1]);
  group(asked[1], 5);
  EXPECT_EQ(later.text(5), "x");
  EXPECT_FALSE(link->error());
}

INSTANTIATE_TEST_SUITE_P(Drafts, IetfEnding, ::testing::ValuesIn(testing::kDrafts),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Drafts, IetfEndingUpdates, ::testing::Values("moq-transport-18"),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Drafts, IetfEndingPublisher, ::testing::ValuesIn(testing::kDrafts),
                         testing::kVersionName);

}  // namespace
}  // namespace moq
