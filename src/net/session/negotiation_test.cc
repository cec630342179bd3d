// The SETUP exchange of connections whose protocol token names no single version: its
// messages, what both sides agree on, and peers that do it wrong.

#include "net/session/negotiation.h"

#include <gtest/gtest.h>

#include "net/coding/error.h"
#include "net/session/testing/raw_peer.h"

namespace moq {
namespace {

using coding::CodingError;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Buffer;
using testing::Node;
using testing::RawLink;
using testing::RawPeer;
using testing::RawStream;
using testing::run_for;
using testing::Source;
using testing::Viewer;
using testing::operator+;

constexpr std::uint64_t kLite01 = 0xff0dad01;
constexpr std::uint64_t kLite02 = 0xff0dad02;

// --- The messages

/// What @moq/net sends on `moql`: lite-02, lite-01 and draft-14; MAX_REQUEST_ID 42069,
/// MOQT_IMPLEMENTATION.
const Buffer kClientImage = {0x20, 0x00, 0x2e,  // CLIENT_SETUP, 46 bytes
                             0x03,              // versions
                             0xc0, 0x00, 0x00, 0x00, 0xff, 0x0d, 0xad, 0x02,  // moq-lite-02
                             0xc0, 0x00, 0x00, 0x00, 0xff, 0x0d, 0xad, 0x01,  // moq-lite-01
                             0xc0, 0x00, 0x00, 0x00, 0xff, 0x00, 0x00, 0x0e,  // draft-14
                             0x02,                                            // parameters
                             0x02, 0x80, 0x00, 0xa4, 0x55,                    // MAX_REQUEST_ID
                             0x07, 0x0d, 'm',  'o',  'q',  '-',  'l',  'i',
                             't',  'e',  '-',  'j',  's',  '.',  '.'};
const Buffer kServerImage = {0x21, 0x00, 0x09, 0xc0, 0x00, 0x00,
                             0x00, 0xff, 0x0d, 0xad, 0x02, 0x00};

setup::ClientSetup client_message() {
  return {.versions = {kLite02, kLite01, 0xff00000e},
          .parameters = {{.id = 2, .number = 42069}, {.id = 7, .bytes = "moq-lite-js.."}}};
}

Buffer body_of(const Buffer& message) { return {message.begin() + 3, message.end()}; }

TEST(SetupMessage, IsWhatOthersSend) {
  EXPECT_EQ(setup::encode(client_message()), kClientImage);
  EXPECT_EQ(setup::decode_client(body_of(kClientImage)), client_message());
  const setup::ServerSetup server{.version = kLite02, .parameters = {}};
  EXPECT_EQ(setup::encode(server), kServerImage);
  EXPECT_EQ(setup::decode_server(body_of(kServerImage)), server);
}

TEST(SetupMessage, TruncatedOrTrailingIsRefused) {
  const Buffer body = body_of(kClientImage);
  for (std::size_t size = 0; size < body.size(); ++size) {
    const auto result = setup::decode_client(ByteSpan(body).first(size));
    ASSERT_FALSE(result) << size;
    EXPECT_TRUE(result.error().is(CodingError::short_buffer)) << size;
  }
  EXPECT_TRUE(setup::decode_client(body + Buffer{0}).error().is(CodingError::trailing_bytes));
  EXPECT_TRUE(setup::decode_server(body_of(kServerImage) + Buffer{0})
                  .error()
                  .is(CodingError::trailing_bytes));
}

TEST(SetupMessage, KnownParametersOccurOnceAndOthersAtWill) {
  const auto with = [](const setup::Parameters& parameters) {
    return setup::decode_client(
        body_of(setup::encode(setup::ClientSetup{.versions = {1}, .parameters = parameters})));
  };
  for (const std::uint64_t id : {0x1, 0x2, 0x4, 0x5, 0x7}) {
    EXPECT_TRUE(with({{.id = id}, {.id = id}}).error().is(CodingError::duplicate_parameter)) << id;
  }
  EXPECT_TRUE(with({{.id = 3}, {.id = 3}})) << "a second token";
  EXPECT_TRUE(with({{.id = 0x3f}, {.id = 0x40}, {.id = 0x3f}}));
}

TEST(SetupMessage, CountsAreBounded) {
  const auto encoded = [](std::size_t versions, std::size_t parameters) {
    return body_of(setup::encode(
        setup::ClientSetup{.versions = std::vector<std::uint64_t>(versions, 1),
                           .parameters = setup::Parameters(parameters, {.id = 0x40})}));
  };
  EXPECT_TRUE(setup::decode_client(encoded(setup::kMaxVersions, setup::kMaxParameters)));
  EXPECT_TRUE(
      setup::decode_client(encoded(setup::kMaxVersions + 1, 0)).error().is(CodingError::too_many));
  EXPECT_TRUE(setup::decode_client(encoded(1, setup::kMaxParameters + 1))
                  .error()
                  .is(CodingError::too_many));
  // A count that nothing follows allocates nothing.
  EXPECT_TRUE(setup::decode_client(Buffer{0x3f}).error().is(CodingError::short_buffer));
  const setup::ClientSetup long_one{
      .versions = {1}, .parameters = {{.id = 0x41, .bytes = std::string(0xffff, 'x')}}};
  EXPECT_THROW((void)setup::encode(long_one), std::length_error);
}

TEST(SetupMessage, IsCutOffTheStreamWhereverItsBytesAreCut) {
  for (std::size_t cut = 0; cut <= kClientImage.size(); ++cut) {
    setup::MessageReader reader(setup::Type::client);
    const ByteSpan whole(kClientImage);
    const auto first = reader.feed(Bytes::copy_of(whole.first(cut)), false);
    ASSERT_TRUE(first) << cut;
    if (cut == kClientImage.size()) {
      EXPECT_TRUE(*first);
      continue;
    }
    EXPECT_FALSE(*first) << cut;
    const Buffer rest = Buffer(whole.begin() + static_cast<std::ptrdiff_t>(cut), whole.end());
    const auto second = reader.feed(Bytes::copy_of(rest + Buffer{9, 9}), false);
    ASSERT_TRUE(second && *second) << cut;
    EXPECT_EQ(setup::decode_client(**second), client_message());
    EXPECT_EQ(reader.take_rest().size(), 2U);
  }
  setup::MessageReader other(setup::Type::server);
  EXPECT_TRUE(
      other.feed(Bytes::copy_of(kClientImage), false).error().is(CodingError::unknown_type));
  setup::MessageReader ended(setup::Type::client);
  EXPECT_TRUE(ended.feed(Bytes::copy_of(ByteSpan(kClientImage).first(20)), true)
                  .error()
                  .is(CodingError::short_buffer));
}

// --- Between our own two sides

class Agreement : public ::testing::Test {
 protected:
  struct Ends {
    std::unique_ptr<Session> client;
    std::unique_ptr<Session> server;
    std::optional<Error> client_error;
    std::optional<Error> server_error;
    std::string path = "unset";
  };
  std::unique_ptr<Ends> link(
      const std::vector<std::string>& client, const std::vector<std::string>& server,
      const transport::testing::MemoryOptions& options = {.protocol = "moql"},
      const std::string& path = "/room?jwt=x") {
    auto pair = transport::testing::memory_pair(loop, options);
    auto ends = std::make_unique<Ends>();
    Ends* raw = ends.get();
    ends->client = Session::create(loop, std::move(pair.first),
                                   {.side = Side::client,
                                    .publish = &a.origin,
                                    .subscribe = &a.origin,
                                    .cache = &a.cache,
                                    .path = path,
                                    .versions = parse_versions(client).value()})
                       .value();
    ends->server = Session::create(loop, std::move(pair.second),
                                   {.side = Side::server,
                                    .publish = &b.origin,
                                    .subscribe = &b.origin,
                                    .cache = &b.cache,
                                    .path = options.carries_path ? "/carried" : "",
                                    .authorize =
                                        [raw](const std::string& p, const Decision& decide) {
                                          raw->path = p;
                                          decide(Scope{});
                                        },
                                    .versions = parse_versions(server).value()})
                       .value();
    ends->client->closed([raw](const Error& error, bool) { raw->client_error = error; });
    ends->server->closed([raw](const Error& error, bool) { raw->server_error = error; });
    run_for(loop, seconds(1));
    return ends;
  }

  Loop loop;
  Node a{loop, 1};
  Node b{loop, 2};
};

TEST_F(Agreement, IsOnTheClientsFirstThatTheServerHas) {
  const std::vector<std::string> all;
  const std::string one = "moq-lite-01";
  const std::string two = "moq-lite-02";
  struct Case {
    std::vector<std::string> client, server;
    std::string chosen;
  };
  for (const Case& given :
       {Case{all, all, two}, Case{{one}, all, one}, Case{all, {one}, one},
        Case{{one, two}, all, one}, Case{{two, one}, {one, two}, two}, Case{{two}, {two}, two}}) {
    const auto ends = link(given.client, given.server);
    EXPECT_EQ(ends->client->version(), given.chosen);
    EXPECT_EQ(ends->server->version(), given.chosen);
    EXPECT_TRUE(ends->client->name().text.starts_with(given.chosen));
    EXPECT_FALSE(ends->client_error);
  }
}

TEST_F(Agreement, ThatIsNotReachedClosesBothSides) {
  const auto ends = link({"moq-lite-01"}, {"moq-lite-02"});
  ASSERT_TRUE(ends->client_error && ends->server_error);
  EXPECT_TRUE(ends->client_error->is(SessionError::version_negotiation));
  EXPECT_TRUE(ends->server_error->is(SessionError::version_negotiation));
  EXPECT_EQ(ends->client->version(), "");
}

TEST_F(Agreement, IsNeededWhereThereIsNoToken) {
  const auto ends = link({}, {}, {.carries_path = true, .protocol = ""});
  EXPECT_EQ(ends->client->version(), "moq-lite-02");
  EXPECT_EQ(ends->path, "/carried") << "the transport carries it";
  Loop other;
  auto pair = transport::testing::memory_pair(other, {.protocol = ""});
  const auto refused = Session::create(other, std::move(pair.first),
                                       {.versions = parse_versions({"moq-lite-05"}).value()});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(SessionError::version_negotiation));
}

TEST_F(Agreement, CarriesThePathWhereTheTransportDoesNot) {
  EXPECT_EQ(link({}, {})->path, "/room?jwt=x");
  EXPECT_EQ(link({}, {}, {.protocol = "moql"}, "room")->path, "/room");
}

TEST_F(Agreement, OnWhatTheTokenNamesIsNotSpokenOf) {
  Loop other;
  auto pair = transport::testing::memory_pair(other, {.protocol = "moq-lite-04"});
  const auto refused = Session::create(other, std::move(pair.first),
                                       {.versions = parse_versions({"moq-lite-05"}).value()});
  ASSERT_FALSE(refused) << "a version that was not to be spoken";
  EXPECT_TRUE(refused.error().is(SessionError::version_negotiation));
}

// --- With a peer that does what a test says

class Exchange : public ::testing::Test {
 protected:
  void start(Side side = Side::server, const transport::testing::MemoryOptions& options = {},
             const SessionLimits& limits = {}) {
    link.emplace(loop, node,
                 RawLink::Options{
                     .version = "moq-lite-02", .link = options, .side = side, .limits = limits});
    peer = link->peer.get();
    peer->answers_setup = false;
  }
  void run(Duration duration = milliseconds(100)) { run_for(loop, duration); }
  static Buffer client_setup(const setup::Parameters& parameters = {}) {
    return setup::encode(setup::ClientSetup{.versions = {kLite02}, .parameters = parameters});
  }

  Loop loop;
  Node node{loop, 22};
  Source source{node, "live"};
  std::optional<RawLink> link;
  RawPeer* peer = nullptr;
};

TEST_F(Exchange, ByteByByteIsOneExchange) {
  start();
  RawStream& stream = peer->open_bidi();
  for (const std::uint8_t byte : client_setup()) {
    stream.send({byte});
    run(milliseconds(5));
  }
  EXPECT_EQ(link->session->version(), "moq-lite-02");
  EXPECT_FALSE(link->error());
}

TEST_F(Exchange, SilenceTimesOut) {
  for (const Side side : {Side::client, Side::server}) {
    start(side, {}, {.header_timeout = seconds(3)});
    run(milliseconds(2900));
    EXPECT_FALSE(link->error());
    run(milliseconds(200));
    EXPECT_TRUE(link->closed_with(SessionError::control_message_timeout));
  }
}

TEST_F(Exchange, MalformedIsAViolation) {
  Buffer cut = client_setup();
  cut.pop_back();
  Buffer trailing = client_setup();
  ++trailing[2];
  trailing.push_back(0);
  struct Case {
    const char* what;
    Buffer bytes;
    bool fin;
    SessionError error = SessionError::protocol_violation;
  };
  const std::string long_path = "/" + std::string(Negotiation::kMaxPath, 'x');
  for (const Case& given :
       std::vector<Case>{{"another type", {0x00, 0x01}, false},
                         {"the server's", kServerImage, false},
                         {"cut off", cut, true},
                         {"nothing", {}, true},
                         {"trailing bytes", trailing, false},
                         {"a parameter twice",
                          client_setup({{.id = 1, .bytes = "/"}, {.id = 1, .bytes = "/"}}), false},
                         {"a path without slash", client_setup({{.id = 1, .bytes = "room"}}), false,
                          SessionError::malformed_path},
                         {"a long path", client_setup({{.id = 1, .bytes = long_path}}), false}}) {
    SCOPED_TRACE(given.what);
    start();
    RawStream& stream = peer->open_bidi(given.bytes);
    if (given.fin) stream.fin();
    run();
    EXPECT_TRUE(link->closed_with(given.error));
  }
}

TEST_F(Exchange, PathWhereTheTransportCarriesOneIsAViolation) {
  start(Side::server, {.carries_path = true});
  peer->open_bidi(client_setup({{.id = setup::kPath, .bytes = "/"}}));
  run();
  EXPECT_TRUE(link->closed_with(SessionError::protocol_violation));
}

TEST_F(Exchange, ServerThatAnswersWrongIsLeft) {
  const auto answer = [](std::uint64_t version, const setup::Parameters& parameters = {}) {
    return setup::encode(setup::ServerSetup{.version = version, .parameters = parameters});
  };
  struct Case {
    Buffer bytes;
    SessionError error;
  };
  for (const Case& given :
       {Case{answer(kLite01), SessionError::version_negotiation},
        Case{answer(0), SessionError::version_negotiation},
        Case{answer(kLite02, {{.id = 1, .bytes = "/"}}), SessionError::protocol_violation},
        Case{client_setup(), SessionError::protocol_violation}}) {
    start(Side::client);
    run();
    peer->session_stream().send(given.bytes);
    run();
    EXPECT_TRUE(link->closed_with(given.error));
  }
}

TEST_F(Exchange, StreamThatIsResetOrStoppedIsTheEnd) {
  for (const bool reset : {true, false}) {
    start(Side::client);
    run();
    reset ? peer->session_stream().reset(7) : peer->session_stream().stop(7);
    run();
    EXPECT_TRUE(link->closed_with(SessionError::protocol_violation));
  }
}

TEST_F(Exchange, ConnectionThatGoesIsTold) {
  start();
  peer->transport().close(static_cast<std::uint64_t>(SessionError::internal), "oops");
  run();
  ASSERT_TRUE(link->error());
  EXPECT_TRUE(link->error()->is(SessionError::internal));
}

TEST_F(Exchange, StreamsThatComeTooEarlyWait) {
  start();
  source.group(0, {"zero"});
  // SETUP is half there when the requests come.
  const Buffer whole = client_setup();
  RawStream& first = peer->open_bidi(Buffer(whole.begin(), whole.begin() + 4));
  run();
  RawStream& announce = peer->request(lite::BidiType::announce, lite::AnnounceRequest{});
  peer->request(lite::BidiType::subscribe,
                lite::Subscribe{.id = 1, .broadcast = "live", .track = "video"});
  run();
  EXPECT_EQ(announce.received, 0U);
  first.send(Buffer(whole.begin() + 4, whole.end()));
  run();
  const auto init = announce.next<lite::AnnounceInit>(peer->version());
  ASSERT_TRUE(init);
  EXPECT_EQ(init->suffixes, std::vector<std::string>{"live"});
  EXPECT_EQ(peer->incoming(lite::UniType::group).size(), 1U);
}

TEST_F(Exchange, StreamsThatWaitAreBounded) {
  start(Side::server, {.max_streams = 1000});
  RawStream& first = peer->open_bidi({0x20});
  run();
  for (std::size_t i = 0; i < Negotiation::kMaxWaiting + 50; ++i) {
    peer->request(lite::BidiType::announce, lite::AnnounceRequest{});
  }
  run();
  std::size_t dropped = 0;
  for (const auto& stream : peer->streams()) {
    if (stream->was_reset || stream->was_stopped) ++dropped;
  }
  EXPECT_EQ(dropped, 50U);
  EXPECT_FALSE(link->error());
  const Buffer whole = client_setup();
  first.send(Buffer(whole.begin() + 1, whole.end()));
  run();
  EXPECT_EQ(link->session->version(), "moq-lite-02");
}

TEST_F(Exchange, WhatIsAskedOfTheSessionMeanwhileWaits) {
  start(Side::client);
  std::uint64_t heard = 0;
  link->session->probe(0, [&](std::uint64_t bitrate, std::uint64_t) { heard = bitrate; });
  Source::must(link->session->drain().start({}, seconds(5)));
  run();
  peer->session_stream()
      .send(setup::encode(setup::ServerSetup{.version = kLite02, .parameters = {}}))
      .send(peer->body(lite::SessionInfo{.bitrate = 5000}));
  run();
  EXPECT_EQ(heard, 5000U);
  EXPECT_FALSE(link->error());
  run(seconds(6));
  EXPECT_TRUE(link->closed_with(SessionError::goaway_timeout));
}

TEST_F(Exchange, SessionMayEndInTheMiddle) {
  for (const Side side : {Side::client, Side::server}) {
    start(side);
    run();
    link->session->close(SessionError::internal, "enough");
    run();
    EXPECT_TRUE(link->closed_with(SessionError::internal));
    start(side);
    peer->open_bidi({0x20});
    run();
    link->session.reset();
    run();
    EXPECT_TRUE(peer->closed);
  }
}

TEST_F(Exchange, DeadlineOfADrainHoldsInTheMiddle) {
  start(Side::server);
  Source::must(link->session->drain().start({}, seconds(2)));
  run(seconds(3));
  EXPECT_TRUE(link->closed_with(SessionError::goaway_timeout));
  EXPECT_EQ(link->session->drain().outcome(), DrainOutcome::deadline);
}

// --- The stream that it leaves

TEST_F(Exchange, ItsStreamTellsBitratesBothWays) {
  start(Side::server, {.bitrate = 8'000'000});
  peer->open_bidi(client_setup() + peer->body(lite::SessionInfo{.bitrate = 700}));
  RawStream& stream = *peer->streams().front();
  std::vector<std::uint64_t> heard;
  link->session->probe(0, [&](std::uint64_t bitrate, std::uint64_t) { heard.push_back(bitrate); });
  run();
  stream.send(peer->body(lite::SessionInfo{})).send(peer->body(lite::SessionInfo{.bitrate = 1}));
  run(seconds(3));
  EXPECT_EQ(heard, (std::vector<std::uint64_t>{700, 0, 1}));
  ASSERT_EQ(stream.type(), 0x21U);
  // 16 bits of length and SERVER_SETUP, of a version and no parameters.
  const Bytes rest = stream.reader().take_rest();
  lite::MessageReader reader;
  reader.feed(rest.slice(2 + 9));
  const auto body = reader.next_message().value();
  ASSERT_TRUE(body);
  EXPECT_EQ(lite::decode_body<lite::SessionInfo>(peer->version(), *body)->bitrate, 8'000'000U);
  EXPECT_TRUE(reader.empty()) << "it has not changed since";
}

TEST_F(Exchange, ItsStreamEndsTheSession) {
  for (int how = 0; how < 3; ++how) {
    start();
    RawStream& stream = peer->open_bidi(client_setup());
    run();
    std::optional<DrainOutcome> outcome;
    link->session->drain().complete([&](DrainOutcome o) { outcome = o; });
    Source::must(link->session->drain().start());
    if (how == 0) stream.fin();
    if (how == 1) stream.reset(1);
    if (how == 2) stream.stop(1);
    run();
    EXPECT_TRUE(link->closed_with(SessionError::no_error)) << how;
    EXPECT_EQ(outcome, DrainOutcome::peer_left) << how;
  }
}

TEST_F(Exchange, GarbageOnItsStreamIsAViolation) {
  for (const Buffer& bytes : {Buffer{0}, Buffer{2, 1, 1}, Buffer{0x41, 0x01}}) {
    start();
    peer->open_bidi(client_setup() + bytes);
    run();
    EXPECT_TRUE(link->closed_with(SessionError::protocol_violation));
  }
}

TEST_F(Exchange, SecondSetupIsAnUnknownStream) {
  start();
  peer->open_bidi(client_setup());
  run();
  RawStream& second = peer->open_bidi(client_setup());
  run();
  EXPECT_TRUE(second.was_reset);
  EXPECT_FALSE(link->error());
}

// --- ANNOUNCE_INIT

TEST_F(Exchange, InitialAnnouncementsAreCutInReasonableMessages) {
  std::vector<std::unique_ptr<Source>> sources;
  for (std::size_t i = 0; i < lite::kMaxAnnounceInitSent + 10; ++i) {
    sources.push_back(std::make_unique<Source>(node, "b" + std::to_string(i)));
  }
  start();
  peer->open_bidi(client_setup());
  RawStream& announce = peer->request(lite::BidiType::announce, lite::AnnounceRequest{});
  run(seconds(1));
  const auto init = announce.next<lite::AnnounceInit>(peer->version());
  ASSERT_TRUE(init);
  EXPECT_EQ(init->suffixes.size(), lite::kMaxAnnounceInitSent);
  std::size_t more = 0;
  while (const auto message = announce.next<lite::AnnounceBroadcast>(peer->version())) {
    EXPECT_EQ(message->status, lite::AnnounceStatus::active);
    ++more;
  }
  EXPECT_EQ(init->suffixes.size() + more, sources.size() + 1);
}

TEST_F(Exchange, LongAnnounceInitIsTakenAndBounded) {
  const auto announce = [&](SessionLimits limits) -> RawStream& {
    start(Side::server, {}, limits);
    peer->open_bidi(client_setup());
    run();
    return *peer->incoming(lite::BidiType::announce).at(0);
  };
  lite::AnnounceInit many;
  for (int i = 0; i < 10000; ++i) many.suffixes.push_back("path/number/" + std::to_string(i));
  announce({}).send(peer->body(many));
  run(seconds(5));
  EXPECT_FALSE(link->error());
  EXPECT_EQ(node.origin.size(), 10001U);
  announce({.max_announced = 100}).send(peer->body(many));
  run(seconds(5));
  EXPECT_FALSE(link->error());
  EXPECT_EQ(node.origin.size(), 101U);
  Buffer endless;
  lite::append_varint(endless, lite::kMaxAnnounceInit + 1);
  announce({}).send(endless);
  run();
  EXPECT_TRUE(link->closed_with(SessionError::protocol_violation));
}

}  // namespace
}  // namespace moq
