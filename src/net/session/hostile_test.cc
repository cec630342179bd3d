// What a session makes of a peer that breaks the rules: what is closed is what must
// be, with the draft's code.

#include <gtest/gtest.h>

#include "net/lite/error.h"
#include "net/session/testing/raw_peer.h"

namespace moq {
namespace {

using lite::BidiType;
using lite::StreamError;
using lite::UniType;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Buffer;
using testing::Node;
using testing::RawLink;
using testing::RawPeer;
using testing::RawStream;
using testing::run_for;
using testing::Source;
using testing::operator+;

constexpr std::uint64_t kBig = coding::kMaxVarint;

constexpr std::uint64_t code(StreamError error) { return static_cast<std::uint64_t>(error); }

Buffer varint(std::uint64_t value) {
  Buffer out;
  lite::append_varint(out, value);
  return out;
}

/// A server that has "live" with a track "video", and lets its peer publish.
class Hostile : public ::testing::TestWithParam<const char*> {
 protected:
  void start(const SessionLimits& limits = {},
             const transport::testing::MemoryOptions& options = {}) {
    link.emplace(loop, relay,
                 RawLink::Options{.version = GetParam(), .link = options, .limits = limits});
    peer = link->peer.get();
    peer->setup("/");
    run_for(loop, milliseconds(100));
    ASSERT_FALSE(link->error());
  }
  void run(Duration duration = milliseconds(100)) { run_for(loop, duration); }
  [[nodiscard]] bool violated() const {
    return link->closed_with(SessionError::protocol_violation);
  }
  RawStream& subscribe(std::uint64_t id, const std::string& track = "video",
                       const std::string& broadcast = "live") {
    return peer->request(
        BidiType::subscribe,
        lite::Subscribe{
            .id = id, .broadcast = broadcast, .track = track, .max_latency = seconds(10)});
  }
  /// Nothing of the session is left, whatever its peer did.
  void expect_clean() {
    link->session.reset();
    link->peer.reset();
    run(seconds(1));
    EXPECT_EQ(relay.origin.size(), 1U);  // "live"
    EXPECT_FALSE(source.track->combined());
  }

  Loop loop;
  Node relay{loop, 22};
  Source source{relay, "live"};
  std::optional<RawLink> link;
  RawPeer* peer = nullptr;
};

/// With the messages that not every version has.
class HostileUpdates : public Hostile {};
class HostileGoaway : public Hostile {};
class HostileProbes : public Hostile {};

TEST_P(Hostile, UnknownStreamTypesEndOnlyThemselves) {
  start();
  RawStream& bidi = peer->open_bidi(varint(0x3f) + varint(kBig));
  RawStream& large = peer->open_bidi(varint(kBig));
  RawStream& uni = peer->open_uni(varint(0x2a));
  RawStream& session_stream = peer->open_bidi(varint(0x0));
  run();
  for (RawStream* stream : {&bidi, &large, &session_stream}) {
    EXPECT_EQ(stream->was_reset, code(StreamError::unsupported));
    EXPECT_EQ(stream->was_stopped, code(StreamError::unsupported));
  }
  EXPECT_EQ(uni.was_stopped, code(StreamError::unsupported));
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(Hostile, MalformedFirstMessagesCloseTheSession) {
  const std::string long_text(1025, 'x');
  Buffer bad_text = varint(2) + varint(6) + varint(0) + varint(1);
  bad_text.push_back(0xff);
  bad_text = bad_text + Buffer{1, 'v', 0};
  struct Case {
    const char* what;
    bool uni;
    Buffer bytes;
    bool fin;
  };
  const auto encoded = [&](auto type, const auto& message) {
    Buffer out;
    lite::append_type(out, type);
    return out + lite::encode(lite::find_by_name(GetParam())->version, message);
  };
  const Buffer good = encoded(BidiType::subscribe, lite::Subscribe{.broadcast = "live"});
  Buffer trailing = good;
  ++trailing[1];
  trailing.push_back(0);
  std::vector<Case> cases = {
      {"a message above the limit", false, varint(2) + varint((64 << 10) + 1), false},
      {"a message without end", false, varint(2) + varint(kBig), false},
      {"a message that is cut off", false, Buffer(good.begin(), good.end() - 1), true},
      {"a type that is cut off", false, Buffer{0x80}, true},
      {"an empty message", false, varint(2) + varint(0), false},
      {"trailing bytes", false, trailing, false},
      {"text that is not UTF-8", false, bad_text, false},
      {"a long path", false, encoded(BidiType::subscribe, lite::Subscribe{.broadcast = long_text}),
       false},
      {"a long name", false, encoded(BidiType::subscribe, lite::Subscribe{.track = long_text}),
       false},
      {"a long prefix", false,
       encoded(BidiType::announce, lite::AnnounceRequest{.prefix = long_text}), false},
      {"a group that is cut off", true, varint(0) + varint(2) + varint(1), true},
      {"a group of many numbers", true, varint(0) + varint(3) + Buffer{1, 1, 1}, false},
  };
  if (testing::traits_of(GetParam()).has_goaway) {
    cases.push_back({"a long URI", false,
                     encoded(BidiType::goaway, lite::Goaway{.uri = std::string(8193, 'u')}),
                     false});
  }
  for (const Case& given : cases) {
    SCOPED_TRACE(given.what);
    start();
    RawStream& stream = given.uni ? peer->open_uni(given.bytes) : peer->open_bidi(given.bytes);
    if (given.fin) stream.fin();
    run();
    EXPECT_TRUE(violated());
    expect_clean();
  }
}

TEST_P(Hostile, MessageByteByByteIsOneMessage) {
  start();
  source.group(0, {"zero"});
  RawStream& stream = peer->open_bidi();
  for (const std::uint8_t byte : peer->first(
           BidiType::subscribe, lite::Subscribe{.id = 1, .broadcast = "live", .track = "video"})) {
    stream.send({byte});
    run(milliseconds(10));
  }
  run();
  EXPECT_EQ(peer->incoming(UniType::group).size(), 1U);
  EXPECT_FALSE(link->error());
}

TEST_P(Hostile, UnfinishedHeadersTimeOut) {
  start({.header_timeout = seconds(3)});
  RawStream& type_only = peer->open_bidi(varint(2));
  run(seconds(2));
  RawStream& half = peer->open_uni(varint(0) + varint(10) + Buffer{1, 2});
  run(milliseconds(900));
  EXPECT_FALSE(type_only.was_reset);
  run(milliseconds(300));
  EXPECT_EQ(type_only.was_reset, code(StreamError::delivery_timeout));
  EXPECT_FALSE(half.was_stopped);
  run(seconds(2));
  EXPECT_EQ(half.was_stopped, code(StreamError::delivery_timeout));
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(Hostile, SubscribeIdInUseClosesTheSession) {
  start();
  subscribe(7);
  run();
  EXPECT_FALSE(link->error());
  subscribe(7);
  run();
  EXPECT_TRUE(violated());
  expect_clean();
}

TEST_P(Hostile, WhatIsNotThereIsRefusedOnItsStream) {
  start();
  RawStream& broadcast = subscribe(1, "video", "dead");
  RawStream& track = subscribe(2, "radio");
  RawStream& empty = subscribe(3, "", "");
  run();
  for (RawStream* stream : {&broadcast, &track, &empty}) {
    EXPECT_EQ(stream->was_reset, code(StreamError::not_found));
  }
  EXPECT_FALSE(link->error());
  expect_clean();
}

// Reference relays end a session whose peer refuses to announce.
TEST_P(Hostile, WhoPublishesNothingAnnouncesNothing) {
  link.emplace(loop, relay,
               RawLink::Options{.version = GetParam(), .side = Side::client, .publishes = false});
  peer = link->peer.get();
  peer->setup();
  RawStream& asked = peer->request(BidiType::announce, lite::AnnounceRequest{});
  run();
  EXPECT_FALSE(asked.was_reset);
  EXPECT_FALSE(asked.was_stopped);
  EXPECT_FALSE(asked.ended);
  EXPECT_EQ(asked.received > 0, peer->traits().has_announce_ok || peer->traits().has_announce_init);
  asked.fin();
  run();
  EXPECT_TRUE(asked.ended);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(Hostile, UpdatesThatAreNoneCloseTheSession) {
  for (const Buffer& bytes :
       {varint(0), varint(257), varint(5) + Buffer(5, 0x40), varint(6) + Buffer(6, 0)}) {
    start();
    RawStream& stream = subscribe(1);
    run();
    stream.send(bytes);
    run();
    EXPECT_TRUE(violated()) << bytes.size();
    expect_clean();
  }
}

TEST_P(HostileUpdates, UpdatesOfAnyRangeAreHarmless) {
  start();
  RawStream& stream = subscribe(1);
  source.group(3, {"three"});
  run();
  for (const std::uint64_t start : {std::uint64_t{0}, std::uint64_t{9}, kBig - 1}) {
    for (const std::uint64_t end : {std::uint64_t{0}, std::uint64_t{4}, kBig - 1}) {
      stream.send(peer->body(lite::SubscribeUpdate{.priority = 255,
                                                   .ordered = true,
                                                   .max_latency = Duration::max(),
                                                   .start_group = start,
                                                   .end_group = end}));
      source.group(source.track->latest()->sequence() + 1, {"more"});
      run();
    }
  }
  EXPECT_FALSE(link->error());
  stream.send(peer->body(lite::SubscribeUpdate{})).fin();
  // Behind the end, even of garbage.
  run();
  EXPECT_TRUE(stream.ended || stream.was_reset);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(Hostile, StreamsEndedAtAnyPointLeaveNothing) {
  source.group(0, {"zero", std::string(5000, 'x')});
  const auto open = source.begin(1);
  Source::append(*open, 0, "open");
  const auto version = lite::find_by_name(GetParam())->version;
  std::vector<Buffer> requests;
  const auto add = [&](auto type, const auto& message) {
    Buffer out;
    lite::append_type(out, type);
    requests.push_back(out + lite::encode(version, message));
  };
  add(BidiType::subscribe,
      lite::Subscribe{.id = 1, .broadcast = "live", .track = "video", .start_group = 0});
  add(BidiType::announce, lite::AnnounceRequest{});
  if (lite::version_info(version).has_probe) add(BidiType::probe, lite::Probe{});
  if (lite::version_info(version).has_fetch) {
    add(BidiType::fetch, lite::Fetch{.broadcast = "live", .track = "video", .group = 1});
    add(BidiType::track, lite::TrackRequest{.broadcast = "live", .track = "video"});
  }
  for (const Buffer& request : requests) {
    for (std::size_t cut = 0; cut <= request.size(); ++cut) {
      for (int ending = 0; ending < 4; ++ending) {
        start();
        const std::size_t before = link->session->active();
        RawStream& stream = peer->open_bidi(Buffer(request.begin(), request.begin() + cut));
        if (ending % 2 == 0) run();
        if (ending < 2) {
          stream.reset(9).stop(9);
        } else {
          stream.stop(9).reset(9);
        }
        run(seconds(1));
        EXPECT_FALSE(link->error()) << cut;
        EXPECT_EQ(link->session->active(), before) << cut << ' ' << ending;
        expect_clean();
      }
    }
  }
}

TEST_P(Hostile, GroupsThatNobodyAskedForAreStopped) {
  start();
  RawStream& zero = peer->group(0, 0, peer->frame("x"));
  RawStream& big = peer->group(kBig, kBig, peer->frame("x"));
  run();
  EXPECT_EQ(zero.was_stopped, code(StreamError::cancelled));
  EXPECT_EQ(big.was_stopped, code(StreamError::cancelled));
  EXPECT_FALSE(link->error());
  EXPECT_EQ(relay.budget->used.load(), 0U);
}

TEST_P(Hostile, DatagramsAreNeverFatal) {
  start();
  auto& transport = peer->transport();
  for (const Buffer& bytes :
       {Buffer{}, Buffer{0x80}, Buffer{0, 0}, Buffer{0, 0, 0}, Buffer(1200, 0xff),
        varint(kBig) + varint(kBig) + varint(kBig) + Buffer(100, 1)}) {
    transport.send_datagram(Bytes::copy_of(bytes));
  }
  run();
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(HostileGoaway, SecondGoawayClosesTheSession) {
  start();
  std::vector<std::string> told;
  link->session->draining([&](const std::string& uri) { told.push_back(uri); });
  peer->request(BidiType::goaway, lite::Goaway{.uri = "moqt://a"}).fin();
  run();
  EXPECT_FALSE(link->error());
  peer->request(BidiType::goaway, lite::Goaway{.uri = "moqt://b"}).fin();
  run();
  EXPECT_TRUE(violated());
  EXPECT_EQ(told, std::vector<std::string>{"moqt://a"});
  expect_clean();
}

TEST_P(HostileGoaway, SecondGoawayOnTheSameStreamClosesTheSession) {
  start();
  const Buffer goaway = peer->body(lite::Goaway{});
  peer->request(BidiType::goaway, lite::Goaway{}).send(goaway);
  run();
  EXPECT_TRUE(violated());
  expect_clean();
}

TEST_P(HostileGoaway, GoawayIsTakenWhenThePeerHasTooManyRequests) {
  start({.max_requests = 3});
  std::vector<RawStream*> requests;
  for (std::uint64_t i = 0; i < 5; ++i) requests.push_back(&subscribe(i));
  run();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(requests[i]->was_reset.has_value(), i >= 3) << i;
  }
  EXPECT_EQ(requests[3]->was_reset, code(StreamError::too_far_behind));
  EXPECT_EQ(link->refused, std::vector(2, SessionLimit::requests));
  bool told = false;
  link->session->draining([&](const std::string&) { told = true; });
  peer->request(BidiType::goaway, lite::Goaway{}).fin();
  run();
  EXPECT_TRUE(told);
  EXPECT_FALSE(link->error());
  // One that ends makes room.
  requests[0]->reset(1).stop(1);
  run();
  RawStream& next = subscribe(9);
  run();
  EXPECT_FALSE(next.was_reset);
  expect_clean();
}

// Reference clients open the stream and say nothing more.
TEST_P(HostileProbes, ProbeWithoutAMessageIsAnswered) {
  start({}, {.bitrate = 50'000'000});
  RawStream& probe = peer->open_bidi(varint(static_cast<std::uint64_t>(BidiType::probe)));
  run(seconds(60));
  EXPECT_GT(probe.received, 0U);
  EXPECT_FALSE(probe.was_reset);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(HostileProbes, ManyProbesAreRefused) {
  start({.max_probes = 2}, {.bitrate = 50'000'000});
  std::vector<RawStream*> probes;
  for (int i = 0; i < 4; ++i) probes.push_back(&peer->request(BidiType::probe, lite::Probe{}));
  run(seconds(1));
  for (std::size_t i = 0; i < probes.size(); ++i) {
    EXPECT_EQ(probes[i]->was_reset.has_value(), i >= 2) << i;
  }
  probes[0]->reset(1).stop(1);
  run();
  RawStream& next = peer->request(BidiType::probe, lite::Probe{});
  run(seconds(1));
  EXPECT_GT(next.received, 0U);
  EXPECT_FALSE(link->error());
}

TEST_P(Hostile, PeerThatReadsNoAnnouncementsIsBounded) {
  // A link of a byte a millisecond: answers pile up.
  start({.max_backlog = 20000}, {.bitrate = 8000});
  std::vector<std::unique_ptr<Source>> sources;
  std::vector<RawStream*> watches;
  for (int i = 0; i < 3; ++i) {
    watches.push_back(&peer->request(BidiType::announce, lite::AnnounceRequest{}));
  }
  run(seconds(1));
  for (int i = 0; i < 600; ++i) {
    sources.push_back(std::make_unique<Source>(relay, "b" + std::to_string(i)));
    run(milliseconds(1));
  }
  run(seconds(20));
  for (RawStream* watch : watches) {
    EXPECT_EQ(watch->was_reset, code(StreamError::too_far_behind)) << watch->received;
  }
  EXPECT_FALSE(link->error());
  sources.clear();
  expect_clean();
}

TEST_P(Hostile, WhatAPeerWasToldOfIsBoundedOverAllItsRequests) {
  // Room for some 8 paths.
  start({.max_told_paths = 8 * 140});
  std::vector<std::unique_ptr<Source>> sources;
  for (int i = 0; i < 4; ++i) {
    sources.push_back(std::make_unique<Source>(relay, "b" + std::to_string(i)));
  }
  RawStream& first = peer->request(BidiType::announce, lite::AnnounceRequest{});
  run();
  RawStream& second = peer->request(BidiType::announce, lite::AnnounceRequest{});
  run();
  EXPECT_FALSE(first.was_reset);
  EXPECT_EQ(second.was_reset, code(StreamError::too_far_behind));
  // What went makes room.
  first.reset(1).stop(1);
  run();
  RawStream& third = peer->request(BidiType::announce, lite::AnnounceRequest{});
  run();
  EXPECT_FALSE(third.was_reset);
  EXPECT_FALSE(link->error());
  sources.clear();
  expect_clean();
}

TEST_P(Hostile, GroupsThatThePeerDoesNotTakeAreBounded) {
  start({.max_groups_in_flight = 10}, {.max_streams = 5});
  subscribe(1);
  for (std::uint64_t i = 0; i < 100; ++i) {
    (void)source.begin(i);  // open for ever
    run(milliseconds(1));
  }
  run();
  EXPECT_LE(link->transport->open_streams(), 13U);
  expect_clean();
}

TEST_P(Hostile, GroupsThatTheCacheLetGoOfAreNotHeldForASlowPeer) {
  start({}, {.bitrate = 8000});
  subscribe(1);
  run(seconds(1));
  relay.budget->capacity = 100000;
  for (std::uint64_t i = 0; i < 50; ++i) {
    source.group(i, {std::string(20000, 'x')}, i);
    run(milliseconds(10));
  }
  EXPECT_LE(relay.budget->used.load(), 150000U);
  expect_clean();
}

TEST_P(Hostile, GroupsOlderThanTheLimitAreNotHeldForASlowPeer) {
  start({.max_delivery_latency = seconds(8)}, {.bitrate = 8000});
  peer->request(
      BidiType::subscribe,
      lite::Subscribe{
          .id = 1, .broadcast = "live", .track = "video", .max_latency = Duration::max()});
  run(seconds(1));
  for (std::uint64_t i = 0; i < 60; ++i) {
    source.group(i, {std::string(20000, 'x')}, i);
    run(seconds(1));
  }
  EXPECT_LE(relay.budget->used.load(), 11 * 25000U);
  expect_clean();
}

INSTANTIATE_TEST_SUITE_P(
    Versions, HostileUpdates,
    ::testing::ValuesIn(testing::versions_with(&lite::VersionInfo::has_subscribe_options)),
    testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(
    Versions, HostileGoaway,
    ::testing::ValuesIn(testing::versions_with(&lite::VersionInfo::has_goaway)),
    testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Versions, HostileProbes,
                         ::testing::ValuesIn(testing::versions_with(&lite::VersionInfo::has_probe)),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Versions, Hostile, ::testing::ValuesIn(testing::kVersions),
                         testing::kVersionName);

class HostileSetup : public ::testing::Test {
 protected:
  void start(Side side = Side::server, bool carries_path = false, const Scope& scope = {}) {
    link.emplace(
        loop, relay,
        RawLink::Options{.link = {.carries_path = carries_path}, .side = side, .scope = scope});
    peer = link->peer.get();
    run_for(loop, milliseconds(10));
  }
  static Buffer parameter(std::uint64_t id, const std::string& value) {
    Buffer out = varint(id) + varint(value.size());
    out.insert(out.end(), value.begin(), value.end());
    return out;
  }
  void send(const Buffer& body) {
    peer->open_uni(varint(1) + varint(body.size()) + body).fin();
    run_for(loop, milliseconds(100));
  }

  Loop loop;
  Node relay{loop, 22};
  std::optional<RawLink> link;
  RawPeer* peer = nullptr;
};

TEST_F(HostileSetup, SecondSetupClosesTheSession) {
  start();
  send(varint(0));
  EXPECT_FALSE(link->error());
  send(varint(0));
  EXPECT_TRUE(link->closed_with(SessionError::protocol_violation));
}

TEST_F(HostileSetup, ViolationsOfSetupCloseTheSession) {
  const Buffer many = [] {
    Buffer out = varint(65);
    for (std::uint64_t i = 0; i < 65; ++i) out = out + parameter(100 + i, "");
    return out;
  }();
  for (const Buffer& body : {
           Buffer{},                                                // no count
           varint(1),                                               // no parameter
           varint(kBig),                                            // no such count
           many,                                                    //
           varint(2) + parameter(99, "a") + parameter(99, "b"),     // twice
           varint(1) + varint(99) + varint(kBig),                   // no such length
           varint(1) + parameter(2, "no/slash"),                    //
           varint(1) + parameter(2, "/" + std::string(8192, 'x')),  // too long
           varint(1) + parameter(2, "/\xff"),                       // not UTF-8
           varint(0) + Buffer{0},                                   // trailing
       }) {
    start();
    send(body);
    EXPECT_TRUE(link->closed_with(SessionError::protocol_violation)) << body.size();
  }
}

TEST_F(HostileSetup, ARoleThatNothingIsGrantedToIsRefused) {
  constexpr char kBoth = 0;
  constexpr char kPublisher = 1;
  constexpr char kSubscriber = 2;
  const Scope reads{.root = {}, .publish = {}, .subscribe = {Path()}};
  const Scope writes{.root = {}, .publish = {Path()}, .subscribe = {}};
  const struct {
    Scope scope;
    char role;
    bool refused;
  } kCases[] = {{reads, kPublisher, true},   {reads, kSubscriber, false}, {reads, kBoth, false},
                {writes, kPublisher, false}, {writes, kSubscriber, true}, {writes, kBoth, false}};
  for (const bool carries_path : {false, true}) {
    for (const auto& c : kCases) {
      start(Side::server, carries_path, c.scope);
      send(varint(1) + parameter(3, std::string(1, c.role)));
      EXPECT_EQ(link->closed_with(SessionError::unauthorized), c.refused) << int{c.role};
      EXPECT_EQ(link->error().has_value(), c.refused) << int{c.role};
    }
  }
}

TEST_F(HostileSetup, PathWhereNoneMayBeClosesTheSession) {
  start(Side::client);
  send(varint(1) + parameter(2, "/"));
  EXPECT_TRUE(link->closed_with(SessionError::protocol_violation));
  start(Side::server, true);
  send(varint(1) + parameter(2, "/"));
  EXPECT_TRUE(link->closed_with(SessionError::protocol_violation));
}

TEST_F(HostileSetup, UnknownParametersAreIgnored) {
  start();
  send(varint(3) + parameter(99, "x") + parameter(kBig, std::string(1000, 'y')) +
       parameter(2, "/room"));
  EXPECT_FALSE(link->error());
  EXPECT_EQ(peer->incoming(BidiType::announce).size(), 1U);
}

TEST_F(HostileSetup, WithoutOneTheSessionEndsAndNothingIsServed) {
  Source source(relay, "live");
  source.group(0, {"zero"});
  start();
  RawStream& request =
      peer->request(BidiType::subscribe, lite::Subscribe{.broadcast = "live", .track = "video"});
  run_for(loop, seconds(9));
  EXPECT_EQ(request.received, 0U);
  EXPECT_TRUE(peer->incoming(UniType::group).empty());
  EXPECT_FALSE(link->error());
  run_for(loop, seconds(2));
  EXPECT_TRUE(link->closed_with(SessionError::control_message_timeout));
}

TEST_F(HostileSetup, WhatWaitsForItIsBounded) {
  start();
  RawStream& request =
      peer->request(BidiType::subscribe, lite::Subscribe{.broadcast = "live", .track = "video"});
  for (int i = 0; i < 70; ++i) {
    request.send(Buffer(1000, 0));
    run_for(loop, milliseconds(10));
  }
  EXPECT_EQ(request.was_reset, code(StreamError::too_far_behind));
  EXPECT_FALSE(link->error());
}

TEST_F(HostileSetup, ManyFetchesAreRefused) {
  Source source(relay, "live");
  (void)source.begin(0);
  link.emplace(loop, relay, RawLink::Options{.limits = {.max_fetches = 2}});
  peer = link->peer.get();
  peer->setup("/");
  std::vector<RawStream*> fetches;
  for (int i = 0; i < 4; ++i) {
    fetches.push_back(&peer->request(
        BidiType::fetch, lite::Fetch{.broadcast = "live", .track = "video", .group = 0}));
  }
  run_for(loop, milliseconds(100));
  for (std::size_t i = 0; i < fetches.size(); ++i) {
    EXPECT_EQ(fetches[i]->was_reset.has_value(), i >= 2) << i;
  }
  EXPECT_EQ(fetches[3]->was_reset, code(StreamError::too_far_behind));
  EXPECT_EQ(link->refused, std::vector(2, SessionLimit::fetches));
  EXPECT_FALSE(link->error());
}

}  // namespace
}  // namespace moq
