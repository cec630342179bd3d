// What a moq-transport session makes of a peer that breaks the rules, or keeps them and
// asks for too much: what is closed is what must be, with the draft's code, and what the
// peer makes this side keep has a limit.

#include <gtest/gtest.h>

#include "net/session/testing/ietf_relay.h"

namespace moq {
namespace {

using ietf::FilterType;
using ietf::MessageKind;
using ietf::StreamError;
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

class IetfHostile : public IetfRelay {};
/// Where each request has a stream of its own, and where none has.
class IetfHostileStreams : public IetfHostile {};
class IetfHostileShared : public IetfHostile {};

// --- Messages and streams

TEST_P(IetfHostile, UnknownTypesCloseTheSession) {
  start();
  peer->control().send(peer->raw(0x3e, {}));
  run();
  EXPECT_TRUE(violated());
  start();
  peer->open_uni(peer->number(0x2a));
  run();
  EXPECT_TRUE(violated());
  start();
  peer->open_bidi(peer->raw(0x3e, {}));
  run();
  EXPECT_TRUE(violated());
  expect_clean();
}

TEST_P(IetfHostile, SetupSaysWhereToWhereTheTransportDoesNot) {
  const transport::testing::MemoryOptions carries{.carries_path = true};
  connect({}, carries);
  peer->setup();
  run();
  EXPECT_TRUE(link->closed_with(SessionError::invalid_path));
  connect({}, carries);
  const std::string authority = "relay.example";
  if (peer->traits().setup == ietf::SetupForm::one_each) {
    peer->open_uni(peer->encoded(ietf::Setup{.options = {.authority = authority}}));
  } else {
    peer->open_bidi(setup::encode(
        setup::ClientSetup{.versions = {peer->traits().code},
                           .parameters = {{.id = setup::kAuthority, .bytes = authority}}}));
  }
  run();
  EXPECT_TRUE(link->closed_with(SessionError::invalid_authority));
  expect_clean();
}

TEST_P(IetfHostile, MalformedRequestsCloseTheSession) {
  connect();
  const Buffer good = peer->encoded(ietf::Subscribe{.track = kLive});
  Buffer trailing = good;
  ++trailing[2];
  trailing.push_back(0);
  const auto names = [&](std::size_t count, const std::string& field) {
    Buffer out = peer->number(0) + peer->number(count);
    for (std::size_t i = 0; i < count; ++i) {
      out = out + peer->number(field.size()) + Buffer(field.begin(), field.end());
    }
    return out;
  };
  struct Case {
    const char* what;
    Buffer bytes;
  };
  const std::vector<Case> cases = {
      {"trailing bytes", trailing},
      {"an empty message", peer->raw(0x03, {})},
      {"33 fields", peer->raw(0x06, names(33, "f") + peer->number(0))},
      {"a namespace beyond 4096 bytes",
       peer->raw(0x06, names(2, std::string(2100, 'f')) + peer->number(0))},
      {"fields without end", peer->raw(0x06, peer->number(0) + peer->number(kBig))},
      {"a fetch of a kind that there is not",
       peer->raw(0x16, peer->number(0) + Buffer{1, 1, 7} + peer->number(0))},
      {"parameters without end", peer->raw(0x06, names(1, "f") + peer->number(kBig))},
  };
  for (const Case& given : cases) {
    SCOPED_TRACE(given.what);
    start();
    begin(given.bytes);
    run();
    EXPECT_TRUE(link->error()) << "the session goes on";
    EXPECT_TRUE(violated());
    expect_clean();
  }
  // And what its stream ends inside of.
  if (!on_streams()) return;
  start();
  begin(Buffer(good.begin(), good.end() - 1)).fin();
  run();
  EXPECT_TRUE(violated());
}

TEST_P(IetfHostile, MessageByteByByteIsOneMessage) {
  start();
  source.group(0, {"zero"});
  RawStream& stream = on_streams() ? peer->open_bidi() : peer->control();
  for (const std::uint8_t byte : peer->encoded(
           ietf::Subscribe{.track = kLive, .filter = {.type = FilterType::largest_object}})) {
    stream.send({byte});
    run(milliseconds(10));
  }
  run();
  EXPECT_EQ(peer->media().size(), 1U);
  EXPECT_FALSE(link->error());
}

TEST_P(IetfHostileStreams, UnfinishedHeadersTimeOut) {
  start({.header_timeout = seconds(3)});
  RawStream& type_only = peer->open_bidi(peer->number(3));
  RawStream& nothing = peer->open_bidi();
  run(seconds(2));
  RawStream& half = peer->open_uni(Buffer{0x10, 1});
  run(milliseconds(900));
  EXPECT_FALSE(type_only.was_reset);
  run(milliseconds(300));
  EXPECT_EQ(type_only.was_reset, code(StreamError::delivery_timeout));
  EXPECT_FALSE(half.was_stopped);
  run(seconds(2));
  EXPECT_EQ(half.was_stopped, code(StreamError::delivery_timeout));
  // One on which nothing came at all is no stream yet.
  nothing.send(peer->number(3));
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfHostile, StreamsEndedAtAnyPointLeaveNothing) {
  if (!on_streams()) return;
  source.group(0, {"zero", std::string(5000, 'x')});
  const auto open = source.begin(1);
  Source::append(*open, 0, "open");
  connect();
  const std::vector<Buffer> requests = {
      peer->encoded(
          ietf::Subscribe{.track = kLive, .filter = {.type = FilterType::absolute_start}}),
      peer->encoded(ietf::Fetch{.range = {.track = kLive, .end = {.group = 1}}}),
      peer->encoded(ietf::TrackStatus{.track = kLive}),
      peer->encoded(ietf::PublishNamespace{.track_namespace = {"a"}}),
      peer->encoded(ietf::SubscribeNamespace{}),
      peer->encoded(ietf::Publish{.track = {.track_namespace = {"a"}, .track_name = "v"}}),
  };
  for (const Buffer& request : requests) {
    for (std::size_t cut = 0; cut <= request.size(); ++cut) {
      for (int ending = 0; ending < 4; ++ending) {
        start();
        const std::size_t before = link->session->active();
        RawStream& stream = peer->open_bidi(
            Buffer(request.begin(), request.begin() + static_cast<std::ptrdiff_t>(cut)));
        if (ending % 2 == 0) run();
        if (ending < 2) {
          stream.reset(9).stop(9);
        } else {
          stream.stop(9).reset(9);
        }
        run(seconds(3));
        EXPECT_FALSE(link->error()) << cut;
        EXPECT_EQ(link->session->active(), before) << cut << ' ' << ending;
        expect_clean();
      }
    }
  }
}

TEST_P(IetfHostile, DatagramsOfNobodyAreHarmlessAndMalformedOnesAreNot) {
  start();
  const ietf::ObjectDatagram object{.track_alias = kBig,
                                    .group = kBig,
                                    .object = kBig,
                                    .priority = 1,
                                    .payload = Bytes::copy_of("x")};
  peer->datagram(ietf::encode(peer->version(), object).value());
  run();
  EXPECT_FALSE(link->error());
  for (const Buffer& bytes : {Buffer{}, Buffer{0x80}, Buffer{0x00, 1}, Buffer(1200, 0xff)}) {
    start();
    peer->datagram(bytes);
    run();
    EXPECT_TRUE(violated()) << bytes.size();
  }
  expect_clean();
}

TEST_P(IetfHostile, StreamsOfTracksThatNobodyAskedForAreStoppedInTime) {
  start({.header_timeout = seconds(3)});
  RawStream& waiting = peer->subgroup({.track_alias = 77, .group = kBig}, peer->object(kBig, "x"));
  run(seconds(2));
  EXPECT_FALSE(waiting.was_stopped) << "its track may be told yet";
  run(seconds(2));
  EXPECT_EQ(waiting.was_stopped, code(StreamError::delivery_timeout));
  EXPECT_FALSE(link->error());
  EXPECT_EQ(relay.budget->used.load(), 0U);
}

TEST_P(IetfHostile, WhatWaitsForItsTrackIsBoundedInAll) {
  start();
  // 50 streams of 1 MiB each: more than kMaxHeld.
  std::vector<RawStream*> streams;
  for (int i = 0; i < 50; ++i) {
    streams.push_back(&peer->subgroup({.track_alias = 77, .group = 1}));
    streams.back()->send(Buffer(1 << 20, 0));
    run(milliseconds(20));
  }
  run(seconds(1));
  const auto stopped =
      std::ranges::count_if(streams, [](RawStream* each) { return each->was_stopped.has_value(); });
  EXPECT_GE(stopped, 18);
  EXPECT_LT(stopped, 50);
  EXPECT_FALSE(link->error());
  expect_clean();
}

// --- The session

TEST_P(IetfHostile, SecondSetupClosesTheSession) {
  start();
  if (on_streams()) {
    peer->control().send(peer->encoded(ietf::Setup{}));
  } else {
    peer->control().send(setup::encode(setup::ClientSetup{.versions = {peer->traits().code}}));
  }
  run();
  EXPECT_TRUE(violated());
  expect_clean();
}

TEST_P(IetfHostile, SecondControlStreamClosesTheSession) {
  start();
  if (on_streams()) {
    peer->open_uni(peer->encoded(ietf::Setup{}));
  } else {
    peer->open_bidi(setup::encode(setup::ClientSetup{.versions = {peer->traits().code}}));
  }
  run();
  EXPECT_TRUE(violated());
  expect_clean();
}

TEST_P(IetfHostile, EndOfTheControlStreamClosesTheSession) {
  for (int ending = 0; ending < 3; ++ending) {
    start();
    if (ending == 0) peer->control().fin();
    if (ending == 1) peer->control().reset(1);
    if (ending == 2) peer->control().send({0x80}).fin();
    run();
    EXPECT_TRUE(violated()) << ending;
    expect_clean();
  }
}

TEST_P(IetfHostile, WithoutSetupTheSessionEndsAndNothingIsServed) {
  source.group(0, {"zero"});
  connect();
  const Buffer request = peer->encoded(
      ietf::Subscribe{.track = kLive, .filter = {.type = FilterType::largest_object}});
  RawStream& stream = peer->open_bidi(on_streams() ? request : Buffer{0x20});
  run(seconds(9));
  EXPECT_EQ(stream.received, 0U);
  EXPECT_TRUE(peer->media().empty());
  EXPECT_FALSE(link->error());
  run(seconds(2));
  EXPECT_TRUE(link->closed_with(SessionError::control_message_timeout));
}

TEST_P(IetfHostileStreams, WhatWaitsForSetupIsBounded) {
  connect({.header_timeout = seconds(60)});
  const Buffer request = peer->encoded(ietf::SubscribeNamespace{});
  std::vector<RawStream*> streams;
  for (int i = 0; i < 50; ++i) {
    streams.push_back(&peer->open_bidi(request + Buffer(1 << 20, 0)));
    run(milliseconds(20));
  }
  run(seconds(1));
  const auto reset =
      std::ranges::count_if(streams, [](RawStream* each) { return each->was_reset.has_value(); });
  EXPECT_GE(reset, 18);
  EXPECT_LT(reset, 50);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfHostileStreams, StreamsGivenUpBeforeSetupAreForgotten) {
  connect();
  for (int i = 0; i < 500; ++i) {
    peer->open_bidi(peer->encoded(ietf::SubscribeNamespace{})).reset(1).stop(1);
    run(milliseconds(5));
  }
  EXPECT_LE(link->session->active(), 1U);
  // Half of one, where another was.
  for (int i = 0; i < 50; ++i) peer->open_bidi(peer->number(3));
  run();
  peer->setup();
  run();
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfHostile, SecondGoawayClosesTheSession) {
  start();
  std::vector<std::string> told;
  link->session->draining([&](const std::string& uri) { told.push_back(uri); });
  const Buffer goaway = peer->encoded(ietf::Goaway{.request_id = 1});
  peer->control().send(goaway);
  run();
  EXPECT_FALSE(link->error());
  peer->control().send(goaway);
  run();
  EXPECT_TRUE(violated());
  EXPECT_EQ(told, std::vector<std::string>{""});
  expect_clean();
}

TEST_P(IetfHostile, GoawayOfAClientWithAUriClosesTheSession) {
  start();
  peer->control().send(peer->encoded(ietf::Goaway{.uri = "https://b/", .request_id = 1}));
  run();
  EXPECT_TRUE(violated());
  expect_clean();
}

// --- Ids of requests

TEST_P(IetfHostile, RequestIdsThatMayNotBeCloseTheSession) {
  for (const std::uint64_t id : {std::uint64_t{1}, std::uint64_t{0}, kBig}) {
    start();
    subscribe();
    run();
    ASSERT_FALSE(link->error());
    peer->ask_as(ietf::TrackStatus{.request_id = id, .track = kLive});
    run();
    EXPECT_TRUE(link->closed_with(SessionError::invalid_request_id) ||
                link->closed_with(SessionError::too_many_requests))
        << id;
    expect_clean();
  }
}

TEST_P(IetfHostileStreams, IdsThatAreLeftOutAreBounded) {
  start({.max_requests = 50});
  for (std::uint64_t i = 1; i <= 50; ++i) {
    peer->ask_as(ietf::TrackStatus{.request_id = 4 * i, .track = kLive});
    run(milliseconds(10));
  }
  EXPECT_FALSE(link->error());
  peer->ask_as(ietf::TrackStatus{.request_id = 4000, .track = kLive});
  run();
  EXPECT_TRUE(link->closed_with(SessionError::invalid_request_id));
  expect_clean();
}

TEST_P(IetfHostileStreams, IdsOfUpdatesAreTaken) {
  start({.max_requests = 50});
  const Asked request = subscribe();
  for (int i = 0; i < 200; ++i) peer->update(request, {.subscriber_priority = i % 2 + 1});
  run();
  for (int i = 0; i < 60; ++i) peer->ask(ietf::TrackStatus{.track = kLive});
  run();
  EXPECT_FALSE(link->error()) << "what updates took was not left out";
  EXPECT_EQ(peer->answers<ietf::SubscribeOk>(request).size(), 1U);
  // One that was used may not come again.
  const std::uint64_t used = peer->update(request);
  run();
  EXPECT_FALSE(link->error());
  request.stream->send(
      peer->encoded(ietf::RequestUpdate{.request_id = used}, MessageKind::subscribe));
  run();
  EXPECT_TRUE(link->closed_with(SessionError::invalid_request_id));
  expect_clean();
}

TEST_P(IetfHostileShared, RequestsBeyondTheGrantCloseTheSession) {
  start();
  for (std::uint64_t i = 0; i < 2 * 4096 / 2; ++i) {
    peer->ask(ietf::TrackStatus{.track = kLive});
    if (i % 64 == 0) run(milliseconds(5));
  }
  run(seconds(1));
  EXPECT_FALSE(link->error()) << "more were granted as they ended";
  const auto grants = peer->told<ietf::MaxRequestId>();
  ASSERT_FALSE(grants.empty());
  peer->ask_as(ietf::TrackStatus{.request_id = grants.back().request_id, .track = kLive});
  run();
  EXPECT_TRUE(link->closed_with(SessionError::too_many_requests));
  expect_clean();
}

TEST_P(IetfHostileShared, GrantThatDoesNotGrowClosesTheSession) {
  start();
  peer->control().send(peer->encoded(ietf::MaxRequestId{.request_id = 4096}));
  run();
  EXPECT_TRUE(violated());
  expect_clean();
}

TEST_P(IetfHostileShared, WhatWaitsForAGrantIsSentWhenItComes) {
  connect();
  peer->setup("/", 0);
  run();
  peer->ask(ietf::PublishNamespace{.track_namespace = {"theirs"}});
  run();
  const auto theirs = relay.origin.find(Path("theirs"));
  ASSERT_NE(theirs, nullptr);
  testing::Viewer seen;
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  const auto subscribe_to = [&](const std::string& name) {
    subscriptions.push_back(theirs->track(name).value()->subscribe({}, seen));
    run();
  };
  const auto asked_for = [&] {
    std::vector<std::string> out;
    for (const auto& each : peer->heard<ietf::Subscribe>()) {
      EXPECT_EQ(each.message.request_id, 1 + 2 * out.size());
      out.push_back(each.message.track.track_name);
    }
    return out;
  };
  const auto grant = [&](std::uint64_t id) {
    peer->control().send(peer->encoded(ietf::MaxRequestId{.request_id = id}));
    run();
  };
  using Names = std::vector<std::string>;
  subscribe_to("a");
  subscribe_to("b");
  EXPECT_EQ(asked_for(), Names{});
  auto blocked = peer->told<ietf::RequestsBlocked>();
  ASSERT_FALSE(blocked.empty());
  EXPECT_EQ(blocked.back().max_request_id, 0U);
  // Ids of a server's are odd: none is below 1, and one below 2.
  grant(1);
  EXPECT_EQ(asked_for(), Names{});
  grant(2);
  EXPECT_EQ(asked_for(), (Names{"a"}));
  grant(6);
  EXPECT_EQ(asked_for(), (Names{"a", "b"}));
  subscribe_to("c");
  EXPECT_EQ(asked_for(), (Names{"a", "b", "c"}));
  const std::size_t told = peer->told<ietf::RequestsBlocked>().size();
  subscribe_to("d");
  EXPECT_EQ(asked_for(), (Names{"a", "b", "c"}));
  blocked = peer->told<ietf::RequestsBlocked>();
  ASSERT_EQ(blocked.size(), told + 1);
  EXPECT_EQ(blocked.back().max_request_id, 6U);
  grant(kBig);
  EXPECT_EQ(asked_for(), (Names{"a", "b", "c", "d"}));
  EXPECT_FALSE(seen.error);
  EXPECT_FALSE(link->error());
  subscriptions.clear();
  expect_clean();
}

TEST_P(IetfHostileShared, RequestsBlockedOfThePeerIsHarmless) {
  start();
  for (const std::uint64_t id : {std::uint64_t{0}, std::uint64_t{4096}, kBig, kBig}) {
    peer->control().send(peer->encoded(ietf::RequestsBlocked{.max_request_id = id}));
    run();
  }
  const Asked request = subscribe();
  run();
  EXPECT_EQ(peer->answers<ietf::SubscribeOk>(request).size(), 1U);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfHostileShared, WhatWaitsForAGrantIsBounded) {
  connect();
  peer->setup("/", 0);
  run();
  std::vector<std::unique_ptr<Source>> sources;
  for (int i = 0; i < 100; ++i) {
    sources.push_back(std::make_unique<Source>(relay, "b" + std::to_string(i)));
  }
  for (int i = 0; i < 700; ++i) {
    peer->ask(ietf::SubscribeNamespace{.prefix = {}});
    run(milliseconds(5));
    peer->control().send(peer->encoded(ietf::UnsubscribeNamespace{.prefix = {}}));
    run(milliseconds(5));
  }
  peer->ask(ietf::PublishNamespace{.track_namespace = {"theirs"}});
  run();
  // There is no room for another.
  testing::Viewer seen;
  const auto theirs = relay.origin.find(Path("theirs"));
  ASSERT_NE(theirs, nullptr);
  const auto subscription = theirs->track("video").value()->subscribe({}, seen);
  run();
  ASSERT_TRUE(seen.error);
  EXPECT_TRUE(seen.error->is(StreamError::too_far_behind));
  // All of them would be sent now, if they waited still.
  peer->control().send(peer->encoded(ietf::MaxRequestId{.request_id = kBig}));
  run(seconds(1));
  EXPECT_TRUE(peer->heard<ietf::PublishNamespace>().empty());
  EXPECT_FALSE(link->error());
  sources.clear();
  expect_clean();
}

INSTANTIATE_TEST_SUITE_P(Drafts, IetfHostile, ::testing::ValuesIn(testing::kDrafts),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Drafts, IetfHostileStreams, ::testing::Values("moq-transport-18"),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Drafts, IetfHostileShared, ::testing::Values("moq-transport-14"),
                         testing::kVersionName);

}  // namespace
}  // namespace moq
