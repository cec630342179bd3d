// A peer of moq-transport that keeps the rules and asks for too much, or reads too little:
// what it makes this side keep has a limit.

#include <gtest/gtest.h>

#include "net/session/testing/ietf_relay.h"

namespace moq {
namespace {

using ietf::FetchType;
using ietf::Filter;
using ietf::FilterType;
using ietf::RequestErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Buffer;
using testing::IetfPeer;
using testing::IetfRelay;
using testing::kLive;
using testing::RawStream;
using testing::Source;
using testing::operator+;

using Asked = IetfPeer::Asked;

constexpr std::uint64_t kBig = coding::kMaxVarint;

class IetfLimits : public IetfRelay {};
/// Where each request has a stream of its own, and where none has.
class IetfLimitsStreams : public IetfLimits {};
class IetfLimitsShared : public IetfLimits {};

// --- How much is asked for

TEST_P(IetfLimits, WhatIsNotThereIsRefusedAlone) {
  start();
  const Asked broadcast = subscribe({.track_namespace = {"dead"}, .track_name = "video"});
  const Asked track = subscribe({.track_namespace = {"live"}, .track_name = "radio"});
  const Asked slash = subscribe({.track_namespace = {"a/b"}, .track_name = "radio"});
  const Asked long_name = subscribe(
      {.track_namespace = {std::string(1100, 'x')}, .track_name = std::string(1100, 'x')});
  run();
  for (const Asked& request : {broadcast, track, slash, long_name}) {
    expect_refusal(request, RequestErrorCode::does_not_exist);
  }
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfLimits, TooManyRequestsAreRefused) {
  start({.max_requests = 3});
  std::vector<Asked> requests;
  for (int i = 0; i < 5; ++i) {
    requests.push_back(peer->ask(ietf::PublishNamespace{.track_namespace = {std::to_string(i)}}));
  }
  run();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(peer->refusal(requests[i]).has_value(), i >= 3) << i;
  }
  expect_refusal(requests[3], RequestErrorCode::excessive_load);
  EXPECT_EQ(link->refused, std::vector(2, SessionLimit::requests));
  // One that ends makes room.
  if (on_streams()) {
    peer->cancel(requests[0]);
  } else {
    peer->control().send(peer->encoded(ietf::PublishNamespaceDone{.track_namespace = {"0"}}));
  }
  run();
  const Asked next = peer->ask(ietf::PublishNamespace{.track_namespace = {"next"}});
  run();
  EXPECT_FALSE(peer->refusal(next));
  EXPECT_FALSE(link->error());
  // GOAWAY is taken all the same.
  bool told = false;
  link->session->draining([&](const std::string&) { told = true; });
  peer->control().send(peer->encoded(ietf::Goaway{.request_id = 1}));
  run();
  EXPECT_TRUE(told);
  expect_clean();
}

TEST_P(IetfLimits, TooManyFetchesAreRefused) {
  (void)source.begin(0);
  start({.max_fetches = 2});
  std::vector<Asked> fetches;
  for (int i = 0; i < 4; ++i) fetches.push_back(fetch({.group = 0}, {.group = 0}));
  run();
  for (std::size_t i = 0; i < fetches.size(); ++i) {
    EXPECT_EQ(peer->refusal(fetches[i]).has_value(), i >= 2) << i;
  }
  expect_refusal(fetches[3], RequestErrorCode::excessive_load);
  peer->cancel(fetches[0]);
  run();
  const Asked next = fetch({.group = 0}, {.group = 0});
  run();
  EXPECT_FALSE(peer->refusal(next));
  EXPECT_FALSE(link->error());
  expect_clean();
}

// The publisher has told of an object, and gives it to nobody.
TEST_P(IetfLimits, FetchesOfWhatNeverComesEnd) {
  source.track->accept(*source.track->info(), Location{.group = 0, .object = 3});
  const auto group = source.begin(0);
  start();
  const Asked fetched = fetch({}, {.group = 0, .object = 4});
  run(seconds(9));
  EXPECT_FALSE(peer->refusal(fetched));
  for (RawStream* stream : peer->media()) EXPECT_FALSE(stream->ended);
  run(seconds(2));
  const bool ranges = testing::draft_of(GetParam()).fetch.ranges;
  EXPECT_EQ(peer->refusal(fetched).has_value(), !ranges);
  if (ranges) {
    ASSERT_EQ(peer->media().size(), 1U);
    EXPECT_TRUE(peer->media().front()->ended);
  }
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfLimits, FetchesOfBillionsOfGroupsEnd) {
  source.group(3, {"three"});
  source.group(kBig - 1, {"last"});
  start();
  std::vector<Asked> fetches;
  for (int i = 0; i < 20; ++i) {
    fetches.push_back(fetch({.group = static_cast<std::uint64_t>(i % 4)}, {.group = kBig}));
    fetches.push_back(
        peer->ask(ietf::Fetch{.group_order = ietf::GroupOrder::descending,
                              .range = {.track = kLive, .start = {}, .end = {.group = kBig - 1}}}));
  }
  const std::size_t turns = 200;
  for (std::size_t i = 0; i < turns; ++i) run(milliseconds(10));
  for (const Asked& each : fetches) {
    EXPECT_EQ(peer->answers<ietf::FetchOk>(each).size(), 1U);
  }
  ASSERT_EQ(peer->media().size(), fetches.size());
  for (RawStream* stream : peer->media()) EXPECT_TRUE(stream->ended);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfLimits, RangesThatAreNoneAreRefused) {
  source.group(0, {"zero"});
  start();
  // Behind the last object, and in one group backwards.
  const Asked fetched = fetch({.group = 2}, {.group = 3});
  const Asked backwards = fetch({.group = 0, .object = 9}, {.group = 0, .object = 2});
  const Asked joining = peer->ask(
      ietf::Fetch{.range = {.type = FetchType::relative_joining, .joining_request_id = kBig - 1}});
  run();
  expect_refusal(fetched, RequestErrorCode::invalid_range);
  expect_refusal(backwards, RequestErrorCode::invalid_range);
  expect_refusal(joining, RequestErrorCode::invalid_joining_request_id);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfLimits, UpdatesOfAnyRangeAreHarmless) {
  start();
  const Asked request = subscribe();
  source.group(3, {"three"});
  run();
  for (const std::uint64_t first : {std::uint64_t{4}, std::uint64_t{9}, kBig - 1}) {
    peer->update(request,
                 {.filter = Filter{.type = FilterType::absolute_start, .start = {.group = first}},
                  .subscriber_priority = 255,
                  .forward = first % 2 == 0});
    source.group(source.track->latest()->sequence() + 1, {"more"});
    run();
  }
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfLimits, SubscriptionsToNamespacesThatComeAndGoLeaveNothing) {
  std::vector<std::unique_ptr<Source>> sources;
  for (int i = 0; i < 20; ++i) {
    sources.push_back(std::make_unique<Source>(relay, "b" + std::to_string(i)));
  }
  start();
  const std::size_t before = link->session->active();
  for (int i = 0; i < 50; ++i) {
    const Asked request = peer->ask(ietf::SubscribeNamespace{.prefix = {}});
    run(milliseconds(10));
    if (on_streams()) {
      peer->cancel(request);
    } else {
      peer->control().send(peer->encoded(ietf::UnsubscribeNamespace{.prefix = {}}));
    }
    run(milliseconds(10));
  }
  EXPECT_EQ(link->session->active(), before);
  EXPECT_FALSE(link->error());
  sources.clear();
  expect_clean();
}

TEST_P(IetfLimits, PrefixesThatOverlapAreRefused) {
  start();
  const Asked all = peer->ask(ietf::SubscribeNamespace{.prefix = {"a"}});
  const Asked same = peer->ask(ietf::SubscribeNamespace{.prefix = {"a"}});
  const Asked below = peer->ask(ietf::SubscribeNamespace{.prefix = {"a", "b"}});
  run();
  EXPECT_FALSE(peer->refusal(all));
  expect_refusal(same, RequestErrorCode::prefix_overlap);
  expect_refusal(below, RequestErrorCode::prefix_overlap);
  expect_clean();
}

TEST_P(IetfLimits, TokensBeyondTheCacheCloseTheSession) {
  start();
  const auto enroll = [&](std::uint64_t alias) {
    return ietf::Token{
        .action = ietf::TokenAction::enroll, .alias = alias, .value = std::string(4000, 't')};
  };
  for (std::uint64_t i = 0; i < 4; ++i) {
    peer->ask(
        ietf::PublishNamespace{.track_namespace = {std::to_string(i)}, .tokens = {enroll(i)}});
  }
  const Asked unknown = peer->ask(
      ietf::PublishNamespace{.track_namespace = {"unknown"},
                             .tokens = {{.action = ietf::TokenAction::use_alias, .alias = 9}}});
  run();
  EXPECT_FALSE(link->error());
  expect_refusal(unknown, RequestErrorCode::malformed_auth_token);
  peer->ask(ietf::PublishNamespace{.track_namespace = {"more"}, .tokens = {enroll(5)}});
  run();
  EXPECT_TRUE(link->closed_with(SessionError::auth_token_cache_overflow));
  expect_clean();
}

TEST_P(IetfLimits, TokensAreUsedByTheirAliasesAndRemoved) {
  start();
  const auto token = [](ietf::TokenAction action, std::uint64_t alias) {
    ietf::Token out{.action = action, .alias = alias};
    // Four of these fit.
    if (action == ietf::TokenAction::enroll) out.value = std::string(4000, 't');
    return out;
  };
  const auto publish = [&](const std::string& name, std::vector<ietf::Token> tokens) {
    const Asked request =
        peer->ask(ietf::PublishNamespace{.track_namespace = {name}, .tokens = std::move(tokens)});
    run();
    return request;
  };
  for (std::uint64_t i = 0; i < 4; ++i) {
    publish("enroll" + std::to_string(i), {token(ietf::TokenAction::enroll, i)});
    EXPECT_NE(relay.origin.find(Path("enroll" + std::to_string(i))), nullptr);
  }
  publish("use", {token(ietf::TokenAction::use_alias, 2)});
  EXPECT_NE(relay.origin.find(Path("use")), nullptr);
  publish("remove", {token(ietf::TokenAction::remove, 2)});
  EXPECT_NE(relay.origin.find(Path("remove")), nullptr);
  // There is room again, and the alias is free.
  const Asked removed = publish("removed", {token(ietf::TokenAction::use_alias, 2)});
  expect_refusal(removed, RequestErrorCode::malformed_auth_token);
  EXPECT_EQ(relay.origin.find(Path("removed")), nullptr);
  publish("again", {token(ietf::TokenAction::enroll, 2)});
  EXPECT_FALSE(link->error());
  EXPECT_NE(relay.origin.find(Path("again")), nullptr);
  publish("use again", {token(ietf::TokenAction::use_alias, 2)});
  EXPECT_NE(relay.origin.find(Path("use again")), nullptr);
  // But for one more there is not.
  publish("more", {token(ietf::TokenAction::enroll, 9)});
  EXPECT_TRUE(link->closed_with(SessionError::auth_token_cache_overflow));
  expect_clean();
}

// --- Peers that read nothing, or slowly

TEST_P(IetfLimitsStreams, PeerThatReadsNoAnnouncementsIsBounded) {
  start({.max_backlog = 20000}, {.bitrate = 8000});
  std::vector<std::unique_ptr<Source>> sources;
  const Asked watch = peer->ask(ietf::SubscribeNamespace{.prefix = {}});
  run(seconds(1));
  for (int i = 0; i < 600; ++i) {
    sources.push_back(std::make_unique<Source>(relay, "b" + std::to_string(i)));
    run(milliseconds(1));
  }
  run(seconds(20));
  EXPECT_TRUE(watch.stream->was_reset) << watch.stream->received;
  EXPECT_FALSE(link->error());
  sources.clear();
  expect_clean();
}

TEST_P(IetfLimitsStreams, PeerThatReadsNoAnswersToUpdatesIsBounded) {
  // What is acknowledged only after a second is as if it were not read.
  start({.max_backlog = 20000}, {.delay = milliseconds(500)});
  run(seconds(2));
  const Asked request = subscribe();
  run(seconds(2));
  for (int i = 0; i < 600; ++i) peer->update(request);
  run(seconds(5));
  EXPECT_TRUE(request.stream->was_reset);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfLimitsShared, PeerThatReadsNoAnswersIsClosed) {
  start({.max_backlog = 20000}, {.bitrate = 80000});
  for (int i = 0; i < 2000 && !link->error(); ++i) {
    peer->ask(ietf::TrackStatus{.track = {.track_namespace = {"dead"}, .track_name = "v"}});
    run(milliseconds(2));
  }
  run(seconds(20));
  ASSERT_TRUE(link->error());
  EXPECT_TRUE(link->error()->is(SessionError::control_message_timeout)) << link->error()->message();
  expect_clean();
}

TEST_P(IetfLimitsShared, PeerThatReadsNoAnnouncementsIsClosed) {
  start({.max_backlog = 20000}, {.bitrate = 8000});
  peer->ask(ietf::SubscribeNamespace{.prefix = {}});
  run(seconds(1));
  std::vector<std::unique_ptr<Source>> sources;
  for (int i = 0; i < 600; ++i) {
    sources.push_back(std::make_unique<Source>(relay, "b" + std::to_string(i)));
    run(milliseconds(1));
  }
  run(seconds(20));
  ASSERT_TRUE(link->error());
  EXPECT_TRUE(link->error()->is(SessionError::control_message_timeout));
  sources.clear();
  expect_clean();
}

TEST_P(IetfLimitsStreams, HalfMessagesAreBoundedInAll) {
  start({}, {.max_streams = 2000});
  std::vector<Asked> requests;
  for (int i = 0; i < 700; ++i) {
    requests.push_back(peer->ask(ietf::PublishNamespace{.track_namespace = {std::to_string(i)}}));
    // All but the last byte of an update.
    requests.back().stream->send(peer->number(2) + Buffer{0xff, 0xff} + Buffer(0xfffe, 0));
    run(milliseconds(5));
  }
  run(seconds(1));
  const auto reset = std::ranges::count_if(
      requests, [](const Asked& each) { return each.stream->was_reset.has_value(); });
  EXPECT_GE(reset, 150);
  EXPECT_LT(reset, 700);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfLimits, GroupsThatThePeerDoesNotTakeAreBounded) {
  start({.max_groups_in_flight = 10}, {.max_streams = 5});
  subscribe();
  run();
  for (std::uint64_t i = 0; i < 100; ++i) {
    (void)source.begin(i);  // open for ever
    run(milliseconds(1));
  }
  run();
  EXPECT_LE(link->transport->open_streams(), 14U);
  expect_clean();
}

TEST_P(IetfLimits, SubgroupsThatThePeerDoesNotTakeAreBounded) {
  start({.max_groups_in_flight = 10}, {.max_streams = 5});
  subscribe();
  run();
  for (std::uint64_t i = 0; i < 20; ++i) {
    const auto group = source.begin(i);
    for (std::uint64_t subgroup = 0; subgroup < 60; ++subgroup)
      (void)group->add(subgroup, {.ends_group = false});
    run(milliseconds(1));
  }
  run();
  EXPECT_LE(link->transport->open_streams(), 14U);
  expect_clean();
}

TEST_P(IetfLimits, GroupsThatTheCacheLetGoOfAreNotHeldForASlowPeer) {
  start({}, {.bitrate = 8000});
  subscribe();
  run(seconds(1));
  relay.budget->capacity = 100000;
  for (std::uint64_t i = 0; i < 50; ++i) {
    source.group(i, {std::string(20000, 'x')}, i);
    run(milliseconds(10));
  }
  EXPECT_LE(relay.budget->used.load(), 150000U);
  expect_clean();
}

TEST_P(IetfLimits, GroupsOlderThanTheLimitAreNotHeldForASlowPeer) {
  start({.max_delivery_latency = seconds(8)}, {.bitrate = 8000});
  subscribe();
  run(seconds(1));
  for (std::uint64_t i = 0; i < 60; ++i) {
    source.group(i, {std::string(20000, 'x')}, i);
    run(seconds(1));
  }
  EXPECT_LE(relay.budget->used.load(), 11 * 25000U);
  expect_clean();
}

TEST_P(IetfLimitsShared, RequestsThatWaitForTheDecisionHaveALimit) {
  Decision decide;
  link.emplace(loop, relay,
               testing::IetfLink::Options{.version = GetParam(),
                                          .authorize = [&](const std::string&, Decision decision) {
                                            decide = std::move(decision);
                                          }});
  peer = link->peer.get();
  peer->setup();
  run();
  ASSERT_TRUE(decide);
  for (int i = 0; i < 10; ++i)
    subscribe({.track_namespace = {"x"}, .track_name = std::string(4000, 'x')});
  run();
  EXPECT_FALSE(link->error());
  for (int i = 0; i < 10; ++i)
    subscribe({.track_namespace = {"x"}, .track_name = std::string(4000, 'x')});
  run();
  EXPECT_TRUE(link->closed_with(SessionError::too_many_requests));
  decide(Scope{});
  run();
  expect_clean();
}

INSTANTIATE_TEST_SUITE_P(Drafts, IetfLimits, ::testing::ValuesIn(testing::kDrafts),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Drafts, IetfLimitsStreams, ::testing::Values("moq-transport-18"),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Drafts, IetfLimitsShared, ::testing::Values("moq-transport-14"),
                         testing::kVersionName);

}  // namespace
}  // namespace moq
