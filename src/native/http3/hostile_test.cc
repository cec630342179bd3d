// Peers that say what they like on HTTP/3's streams: clients over real QUIC on a
// simulated network, against the server.

#include <gtest/gtest.h>

#include "native/http3/codes.h"
#include "native/http3/source.h"
#include "native/http3/testing/raw_client.h"
#include "net/transport/error.h"

namespace moq::native::http3::testing {
namespace {

using std::chrono::seconds;
using transport::ApplicationError;

std::uint64_t code(Http3Error error) { return static_cast<std::uint64_t>(error); }

// --- What the connection is closed for

struct Break {
  const char* name;
  std::function<void(Raw&)> act;
  Http3Error error;
};

TEST(HostileTest, WhatBreaksTheConnection) {
  const std::vector<Break> breaks{
      {"no SETTINGS", [](Raw& raw) { raw.uni(varint(0) + frame(FrameType::goaway, varint(0))); },
       Http3Error::missing_settings},
      {"GREASE before SETTINGS", [](Raw& raw) { raw.uni(varint(0) + frame(FrameType{0x21}, "")); },
       Http3Error::missing_settings},
      {"SETTINGS twice", [](Raw& raw) { raw.uni(control(frame(FrameType::settings, ""))); },
       Http3Error::frame_unexpected},
      {"bad SETTINGS",
       [](Raw& raw) { raw.uni(varint(0) + frame(FrameType::settings, varint(2) + varint(0))); },
       Http3Error::settings_error},
      {"endless SETTINGS",
       [](Raw& raw) { raw.uni(varint(0) + varint(4) + varint(coding::kMaxVarint)); },
       Http3Error::excessive_load},
      {"DATA on control", [](Raw& raw) { raw.uni(control(frame(FrameType::data, "x"))); },
       Http3Error::frame_unexpected},
      {"HEADERS on control", [](Raw& raw) { raw.uni(control(frame(FrameType::headers, "x"))); },
       Http3Error::frame_unexpected},
      {"HTTP/2's PING on control", [](Raw& raw) { raw.uni(control(frame(FrameType{0x6}, "x"))); },
       Http3Error::frame_unexpected},
      {"push cancelled", [](Raw& raw) { raw.uni(control(frame(FrameType::cancel_push, "x"))); },
       Http3Error::id_error},
      {"GOAWAY that grows",
       [](Raw& raw) {
         raw.uni(
             control(frame(FrameType::goaway, varint(4)) + frame(FrameType::goaway, varint(8))));
       },
       Http3Error::id_error},
      {"GOAWAY of no form", [](Raw& raw) { raw.uni(control(frame(FrameType::goaway, ""))); },
       Http3Error::frame_error},
      {"control closed", [](Raw& raw) { raw.uni(control({}), true); },
       Http3Error::closed_critical_stream},
      {"control reset",
       [](Raw& raw) {
         auto& stream = raw.uni(control({}));
         raw.server.run();
         stream.stream.send->reset(0);
       },
       Http3Error::closed_critical_stream},
      {"two controls",
       [](Raw& raw) {
         raw.uni(control({}));
         raw.uni(control({}));
       },
       Http3Error::stream_creation_error},
      {"two encoders",
       [](Raw& raw) {
         raw.uni(varint(2));
         raw.uni(varint(2));
       },
       Http3Error::stream_creation_error},
      {"encoder closed", [](Raw& raw) { raw.uni(varint(2), true); },
       Http3Error::closed_critical_stream},
      {"decoder closed", [](Raw& raw) { raw.uni(varint(3), true); },
       Http3Error::closed_critical_stream},
      {"dynamic table",
       [](Raw& raw) {
         raw.uni(varint(2) + std::string("\x41"
                                         "a\x01"
                                         "b"));
       },
       Http3Error::qpack_encoder_stream_error},
      {"acknowledged nothing", [](Raw& raw) { raw.uni(varint(3) + std::string("\x01")); },
       Http3Error::qpack_decoder_stream_error},
      {"push stream", [](Raw& raw) { raw.uni(varint(1) + varint(0)); },
       Http3Error::stream_creation_error},
      {"DATA before HEADERS", [](Raw& raw) { raw.bidi(frame(FrameType::data, "x")); },
       Http3Error::frame_unexpected},
      {"SETTINGS in a request", [](Raw& raw) { raw.bidi(frame(FrameType::settings, "")); },
       Http3Error::frame_unexpected},
      {"HTTP/2's frame in a request", [](Raw& raw) { raw.bidi(frame(FrameType{0x2}, "")); },
       Http3Error::frame_unexpected},
      {"WebTransport behind HEADERS",
       [](Raw& raw) { raw.open(frame(FrameType::webtransport_stream, "")); },
       Http3Error::frame_error},
      {"HEADERS behind CONNECT's", [](Raw& raw) { raw.open(frame(FrameType::headers, "x")); },
       Http3Error::frame_unexpected},
      {"our control stopped",
       [](Raw& raw) {
         raw.uni(control({}));
         EXPECT_TRUE(raw.until([&] { return !raw.server.pair.client->incoming.empty(); }));
         raw.server.pair.client->incoming[0]->stream.recv->stop(0);
       },
       Http3Error::closed_critical_stream},
      {"no QPACK", [](Raw& raw) { raw.bidi(frame(FrameType::headers, "\xff\xff\xff\xff")); },
       Http3Error::qpack_decompression_failed},
      {"request cut short in a frame",
       [](Raw& raw) { raw.bidi(varint(1) + varint(100) + "x", true); }, Http3Error::frame_error},
      {"session of no request", [](Raw& raw) { raw.uni(varint(0x54) + varint(3)); },
       Http3Error::id_error},
      {"datagram of nothing", [](Raw& raw) { raw.quic().send_datagram({}); },
       Http3Error::datagram_error},
      {"datagram of no stream",
       [](Raw& raw) { raw.quic().send_datagram(Bytes::copy_of(varint(coding::kMaxVarint))); },
       Http3Error::datagram_error},
  };
  for (const Break& each : breaks) {
    SCOPED_TRACE(each.name);
    Raw raw;
    each.act(raw);
    EXPECT_EQ(raw.closed(), code(each.error)) << each.name;
    EXPECT_TRUE(raw.gone()) << each.name;
  }
}

TEST(HostileTest, AnOpenSessionHearsWhyItsConnectionEnds) {
  Raw raw;
  raw.open();
  raw.uni(varint(1));
  ASSERT_TRUE(raw.until([&] { return raw.server.session().closed.has_value(); }));
  EXPECT_TRUE(raw.server.session().closed->is(Http3Error::stream_creation_error));
  EXPECT_FALSE(raw.server.session().closed_by_peer);
  EXPECT_TRUE(raw.gone());
}

// --- What a request is answered with

TEST(HostileTest, OtherRequestsGetAStatus) {
  const std::vector<std::pair<std::vector<Field>, std::string>> requests{
      {{{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}, "404"},
      {{{":method", "POST"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}, "405"},
      {{{":method", "CONNECT"}, {":authority", "a:1"}}, "405"},
      {{{":method", "CONNECT"},
        {":scheme", "https"},
        {":authority", "a"},
        {":path", "/"},
        {":protocol", "websocket"}},
       "501"},
  };
  Raw raw;
  for (const auto& [fields, status] : requests) {
    auto& stream = raw.bidi(frame(FrameType{0x21}, "GREASE") + headers(fields), true);
    ASSERT_TRUE(raw.until([&] { return stream.log.fin; }));
    EXPECT_EQ(stream.log.text, headers({{":status", status}}));
  }
  EXPECT_FALSE(raw.server.asked);
  raw.open();
}

TEST(HostileTest, ASecondSessionIsRefused) {
  Raw raw;
  raw.open();
  auto& second = raw.bidi(connect_headers());
  ASSERT_TRUE(raw.until([&] { return second.log.fin; }));
  EXPECT_EQ(second.log.text, headers({{":status", "429"}}));
  EXPECT_EQ(raw.server.sessions.size(), 1U);
  EXPECT_FALSE(raw.server.session().closed);
}

TEST(HostileTest, MalformedRequestsAreResetAlone) {
  Raw raw;
  auto& bad = raw.bidi(headers({{":method", "GET"}, {"Upper", "x"}}));
  ASSERT_TRUE(raw.until([&] { return bad.log.reset && bad.log.stopped; }));
  EXPECT_EQ(bad.log.reset, code(Http3Error::message_error));
  EXPECT_EQ(bad.log.stopped, code(Http3Error::message_error));
  auto& large = raw.bidi(headers({{":method", "GET"}, {"x", std::string(20000, 'x')}}));
  ASSERT_TRUE(raw.until([&] { return large.log.reset.has_value(); }));
  EXPECT_EQ(large.log.reset, code(Http3Error::excessive_load));
  auto& none = raw.bidi(frame(FrameType{0x21}, ""), true);
  ASSERT_TRUE(raw.until([&] { return none.log.reset.has_value(); }));
  EXPECT_EQ(none.log.reset, code(Http3Error::request_incomplete));
  raw.open();
}

TEST(HostileTest, ARequestWhoseAnswerIsNotWantedIsNoSession) {
  Raw raw;
  raw.uni(control({}));
  auto& connect = raw.bidi(frame(FrameType{0x21}, ""));
  raw.server.run();
  connect.stream.recv->stop(code(Http3Error::request_cancelled));
  ASSERT_TRUE(raw.until([&] { return connect.log.stopped.has_value(); }));
  EXPECT_EQ(connect.log.stopped, code(Http3Error::request_cancelled));
  raw.bidi(connect_headers());
  EXPECT_TRUE(raw.until([&] { return !raw.server.sessions.empty(); }));
}

TEST(HostileTest, RequestsHaveALimit) {
  Raw raw({.max_requests = 3});
  for (int i = 0; i < 4; ++i) raw.bidi(headers({{":method", "GET"}}));
  EXPECT_EQ(raw.closed(), code(Http3Error::excessive_load));
}

TEST(HostileTest, AClientThatAsksForNothingIsClosed) {
  Raw raw({.connect_timeout = seconds(3)});
  raw.uni(control({}));
  const Time before = raw.server.pair.network.now();
  EXPECT_EQ(raw.closed(), code(Http3Error::no_error));
  EXPECT_GE(raw.server.pair.network.now() - before, seconds(2));
  EXPECT_TRUE(raw.gone());
}

TEST(HostileTest, UnknownStreamsAreStoppedAlone) {
  Raw raw;
  auto& grease = raw.uni(varint(0x21 + 0x1f * 3) + std::string(5000, 'x'));
  ASSERT_TRUE(raw.until([&] { return grease.log.stopped.has_value(); }));
  EXPECT_EQ(grease.log.stopped, code(Http3Error::stream_creation_error));
  // Streams that end or are reset before they have said what they are.
  raw.uni("", true);
  raw.bidi("", true);
  raw.bidi("\x40", true);
  auto& reset = raw.bidi("\x40");
  raw.server.run();
  reset.stream.send->reset(1);
  raw.server.run();
  raw.open();
}

TEST(HostileTest, StreamsThatNeverSayWhatTheyAreAreStopped) {
  Raw raw({.stream_header_timeout = seconds(3)});
  raw.open();
  // Half of a type, and a type only.
  const std::vector<Raw::Stream*> late{&raw.uni("\x40"), &raw.bidi("\x40"), &raw.uni("\x40\x54"),
                                       &raw.bidi("\x40\x41")};
  raw.server.run(seconds(2));
  // One that began later has its own time.
  auto& later_one = raw.uni("\x40");
  auto& whole = raw.bidi(varint(0x41) + varint(0) + "x");
  raw.server.run();
  for (Raw::Stream* stream : late) EXPECT_FALSE(stream->log.stopped);
  raw.server.run(seconds(2));
  for (Raw::Stream* stream : late) {
    EXPECT_EQ(stream->log.stopped, code(Http3Error::request_incomplete));
  }
  EXPECT_EQ(late[1]->log.reset, code(Http3Error::request_incomplete));
  EXPECT_FALSE(later_one.log.stopped);
  raw.server.run(seconds(2));
  EXPECT_EQ(later_one.log.stopped, code(Http3Error::request_incomplete));
  EXPECT_FALSE(whole.log.stopped);
  EXPECT_FALSE(whole.log.reset);
  EXPECT_FALSE(raw.server.session().closed);
}

// --- The session's end

TEST(HostileTest, EachWayToEndASessionTellsItsOwner) {
  struct End {
    const char* name;
    std::function<void(Raw&, Raw::Stream&)> act;
    std::uint64_t code;
    std::string reason;
  };
  const std::vector<End> ends{
      {"FIN", [](Raw&, Raw::Stream&) {}, 0, ""},
      {"RESET", [](Raw&, Raw::Stream& s) { s.stream.send->reset(to_http3(7)); }, 7,
       "the CONNECT stream was reset"},
      {"RESET with a code of HTTP/3's", [](Raw&, Raw::Stream& s) { s.stream.send->reset(0x10c); },
       0, "the CONNECT stream was reset"},
      {"STOP_SENDING", [](Raw&, Raw::Stream& s) { s.stream.recv->stop(to_http3(8)); }, 8,
       "the CONNECT stream was stopped"},
      {"CONNECTION_CLOSE", [](Raw& raw, Raw::Stream&) { raw.quic().close(to_http3(6), "now"); }, 6,
       "now"},
      {"CONNECTION_CLOSE without error",
       [](Raw& raw, Raw::Stream&) { raw.quic().close(0x100, ""); }, 0, ""},
  };
  for (const End& end : ends) {
    SCOPED_TRACE(end.name);
    Raw raw;
    auto& connect = raw.open({}, std::string_view(end.name) == "FIN");
    raw.server.run();
    end.act(raw, connect);
    ASSERT_TRUE(raw.until([&] { return raw.server.session().closed.has_value(); })) << end.name;
    const Error& error = *raw.server.session().closed;
    EXPECT_TRUE(error.is(ApplicationError{end.code})) << end.name << ": " << error.message();
    EXPECT_EQ(error.detail(), end.reason) << end.name;
    EXPECT_TRUE(raw.server.session().closed_by_peer) << end.name;
    EXPECT_TRUE(raw.gone()) << end.name;
  }
}

TEST(HostileTest, CapsulesInPiecesAndBetweenGrease) {
  Raw raw;
  std::vector<std::uint8_t> capsule;
  append_close_capsule(capsule, 1234, "bye\n");
  std::string more = frame(FrameType::data, varint(0x17 + 0x29) + varint(3) + "abc");
  more += frame(FrameType{0x21}, std::string(100000, 'g'));
  for (const std::uint8_t byte : capsule) {
    more += frame(FrameType::data, std::string(1, static_cast<char>(byte)));
  }
  raw.open(more, true);
  ASSERT_TRUE(raw.until([&] { return raw.server.session().closed.has_value(); }));
  EXPECT_TRUE(raw.server.session().closed->is(ApplicationError{1234}));
  EXPECT_EQ(raw.server.session().closed->detail(), "bye?") << "as it may stand in a log";
  EXPECT_TRUE(raw.gone());
}

TEST(HostileTest, DataBehindTheCloseResetsTheStream) {
  Raw raw;
  auto& connect = raw.open(close_capsule(1, "") + frame(FrameType::data, "x"));
  ASSERT_TRUE(raw.until([&] { return connect.log.stopped.has_value(); }));
  EXPECT_EQ(connect.log.stopped, code(Http3Error::message_error));
  EXPECT_TRUE(raw.server.session().closed->is(ApplicationError{1}));
  EXPECT_TRUE(raw.gone());
}

TEST(HostileTest, ABadCapsuleEndsTheSession) {
  Raw raw;
  auto& connect =
      raw.open(frame(FrameType::data, varint(0x2843) + varint(1U << 20) + "xxxxxxxxxxxx"));
  ASSERT_TRUE(raw.until([&] { return connect.log.stopped.has_value(); }));
  EXPECT_EQ(connect.log.stopped, code(Http3Error::message_error));
  ASSERT_TRUE(raw.server.session().closed);
  EXPECT_TRUE(raw.server.session().closed->is(Http3Error::message_error));
  EXPECT_TRUE(raw.gone());
}

TEST(HostileTest, ASilentPeerIsCutOffAfterTheClose) {
  Raw raw;
  auto& connect = raw.open();
  auto& stream = raw.bidi(varint(0x41) + varint(0) + "x");
  ASSERT_TRUE(raw.until([&] { return raw.server.session().incoming.size() == 1; }));
  raw.server.session().session->close(77, "go");
  ASSERT_TRUE(raw.until([&] { return connect.log.fin; }));
  EXPECT_TRUE(connect.log.text.ends_with(close_capsule(77, "go")));
  ASSERT_TRUE(raw.until([&] { return stream.log.reset && stream.log.stopped; }));
  EXPECT_EQ(stream.log.reset, code(Http3Error::wt_session_gone));
  EXPECT_EQ(stream.log.stopped, code(Http3Error::wt_session_gone));
  EXPECT_EQ(raw.closed(), code(Http3Error::no_error));
  EXPECT_TRUE(raw.gone());
}

TEST(HostileTest, GoingAwayIsACapsuleAndAGoawayThatRefusesNoStream) {
  Raw raw;
  auto& connect = raw.open();
  raw.server.run();
  const auto& control_log = raw.server.pair.client->incoming.at(0)->log;
  const std::string before = connect.log.text;
  const std::string settings = control_log.text;
  raw.server.session().session->going_away();
  raw.server.session().session->going_away();
  raw.server.run();
  EXPECT_EQ(connect.log.text, before + kDrain) << "once";
  EXPECT_FALSE(connect.log.fin);
  constexpr std::uint64_t kLast = (std::uint64_t{1} << 62) - 4;
  EXPECT_EQ(control_log.text, settings + frame(FrameType::goaway, varint(kLast)));
  EXPECT_FALSE(control_log.fin);
  // The session goes on, with streams of either side.
  raw.bidi(varint(0x41) + varint(0) + "more", true);
  ASSERT_TRUE(raw.until([&] { return !raw.server.session().incoming.empty(); }));
  EXPECT_EQ(raw.server.session().incoming[0]->log.text, "more");
  EXPECT_FALSE(raw.server.session().closed);
}

TEST(HostileTest, ACapsuleOrAGoawayOfThePeerIsHeardOnce) {
  Raw drains;
  drains.open(kDrain + kDrain);
  drains.server.run();
  EXPECT_EQ(drains.server.session().going_away, 1);
  // Before there is a session that could hear of it.
  Raw goes;
  const std::string goaway = frame(FrameType::goaway, varint(5));
  goes.uni(control(goaway + goaway));
  goes.server.run();
  goes.bidi(connect_headers());
  ASSERT_TRUE(goes.until([&] { return !goes.server.sessions.empty(); }));
  goes.server.run();
  EXPECT_EQ(goes.server.session().going_away, 1);
  EXPECT_FALSE(goes.server.session().closed);
}

// --- Streams of the session

TEST(HostileTest, StreamsThatComeBeforeTheirSessionWait) {
  Raw raw;
  raw.uni(control({}));
  // The client's first request stream is the session; these do not wait for its answer.
  auto& connect = raw.bidi(frame(FrameType{0x21}, ""));
  raw.uni(varint(0x54) + varint(0) + "early", true);
  raw.bidi(varint(0x41) + varint(0) + std::string(50000, 'e'), true);
  raw.uni(varint(0x54) + varint(4) + "other's");
  raw.server.run();
  EXPECT_TRUE(raw.server.sessions.empty());
  // Nothing was lost on a stream that only began.
  EXPECT_FALSE(connect.log.reset);
  connect.stream.send->reset(0);
  auto& again = raw.bidi(connect_headers());
  ASSERT_TRUE(raw.until([&] { return !raw.server.sessions.empty(); }));
  raw.server.run();
  EXPECT_FALSE(again.log.reset);
  // The session's number is 8: all three were somebody else's.
  EXPECT_EQ(raw.server.session().incoming.size(), 0U);
  EXPECT_EQ(raw.streams[2]->log.stopped.value_or(0), 0U) << "it had ended already";
  EXPECT_EQ(raw.streams[4]->log.stopped, code(Http3Error::wt_buffered_stream_rejected));
}

TEST(HostileTest, EarlyStreamsAreDeliveredAndLimited) {
  Raw raw({.max_early_streams = 2});
  raw.uni(control({}));
  // Lost once, so that the request comes after the streams.
  auto growing = std::make_unique<TextSource>(connect_headers(), false);
  auto& connect = *raw.streams.emplace_back(std::make_unique<Raw::Stream>());
  raw.server.pair.client_socket.filter = [n = 0](ByteSpan) mutable { return n++ > 0; };
  connect.stream = raw.quic().open_bidi({}, std::move(growing), &connect.log, &connect.log);
  raw.server.run(std::chrono::milliseconds(1));
  raw.uni(varint(0x54) + varint(0) + "one", true);
  raw.bidi(varint(0x41) + varint(0) + "two", true);
  auto& third = raw.uni(varint(0x54) + varint(0) + "three");
  ASSERT_TRUE(raw.until([&] { return !raw.server.sessions.empty(); }));
  raw.server.run();
  ASSERT_EQ(raw.server.session().incoming.size(), 2U);
  EXPECT_EQ(raw.server.session().incoming[0]->log.text, "one");
  EXPECT_EQ(raw.server.session().incoming[1]->log.text, "two");
  EXPECT_TRUE(raw.server.session().incoming[1]->log.fin);
  EXPECT_EQ(third.log.stopped, code(Http3Error::wt_buffered_stream_rejected));
}

TEST(HostileTest, WhatWaitsIsNotReadAndHoldsTheSenderBack) {
  constexpr std::size_t kWindow = 16384;
  Pair::Options options;
  options.server.config.stream_window = kWindow;
  options.server.config.connection_window = kWindow;
  options.server.config.max_connection_window = kWindow;
  Raw raw({}, std::move(options));
  std::vector<TextSource*> sources;
  for (int i = 0; i < 60; ++i) {
    auto source =
        std::make_unique<TextSource>(varint(0x54) + varint(0) + std::string(1000, 'x'), false);
    sources.push_back(source.get());
    auto& each = *raw.streams.emplace_back(std::make_unique<Raw::Stream>());
    each.stream.send = raw.quic().open_uni({}, std::move(source), &each.log);
  }
  raw.server.run(seconds(1));
  std::size_t sent = 0;
  for (const TextSource* source : sources) sent += source->sent_bytes;
  EXPECT_GT(sent, kWindow / 2);
  // But for the headers of the streams, nothing has been read.
  EXPECT_LE(sent, kWindow + 60 * 3);
}

TEST(HostileTest, StreamsOfUnknownSessionsAreRejected) {
  Raw raw;
  raw.open();
  auto& uni = raw.uni(varint(0x54) + varint(400));
  auto& bidi = raw.bidi(varint(0x41) + varint(400));
  ASSERT_TRUE(raw.until([&] { return uni.log.stopped && bidi.log.stopped && bidi.log.reset; }));
  EXPECT_EQ(uni.log.stopped, code(Http3Error::wt_buffered_stream_rejected));
  EXPECT_EQ(bidi.log.reset, code(Http3Error::wt_buffered_stream_rejected));
  EXPECT_TRUE(raw.server.session().incoming.empty());
  EXPECT_FALSE(raw.server.session().closed);
}

TEST(HostileTest, AStreamThatNobodyAnsweredIsLetGoOf) {
  Raw raw;
  raw.open();
  auto& stream = raw.bidi(varint(0x41) + varint(0) + "x", true);
  stream.stream.recv->stop(0);
  auto& incoming = raw.server.session().incoming;
  ASSERT_TRUE(raw.until([&] { return incoming.size() == 1 && incoming[0]->log.fin; }));
  raw.server.run();
  const std::weak_ptr<transport::SendStream> answer = incoming[0]->stream.send;
  // It is over: an answer goes nowhere.
  raw.server.session().session->attach(*incoming[0]->stream.send, {},
                                       std::make_unique<TextSource>("late"), &incoming[0]->log);
  incoming.clear();
  EXPECT_TRUE(answer.expired());
}

TEST(HostileTest, UnmappedCodesReadAsZero) {
  Raw raw;
  raw.open();
  auto& stream = raw.bidi(varint(0x41) + varint(0) + "x");
  ASSERT_TRUE(raw.until([&] { return raw.server.session().incoming.size() == 1; }));
  stream.stream.send->reset(42);
  ASSERT_TRUE(raw.until([&] { return raw.server.session().incoming[0]->log.reset.has_value(); }));
  EXPECT_EQ(raw.server.session().incoming[0]->log.reset, 0U);
}

TEST(HostileTest, StreamHeadersMayComeByteByByteAndInLongForm) {
  struct Slow final : transport::SendSource {
    explicit Slow(std::string all) : text(std::move(all)) {}
    transport::Pull pull(std::span<ByteSpan> slices) override {
      if (at == allowed) return {};
      slices[0] = as_bytes(text).subspan(at, allowed - at);
      return {.count = 1, .fin = allowed == text.size()};
    }
    void sent(std::size_t size, bool) override { at += size; }
    std::string text;
    std::size_t at = 0;
    std::size_t allowed = 0;
  };
  Raw raw;
  raw.open();
  // Type and session in eight bytes each.
  const std::string header =
      std::string("\xc0\0\0\0\0\0\0\x41", 8) + std::string("\xc0\0\0\0\0\0\0\0", 8);
  auto source = std::make_unique<Slow>(header + "payload");
  Slow& slow = *source;
  auto& each = *raw.streams.emplace_back(std::make_unique<Raw::Stream>());
  each.stream = raw.quic().open_bidi({}, std::move(source), &each.log, &each.log);
  const std::size_t size = slow.text.size();
  for (std::size_t allowed = 1; allowed <= size; ++allowed) {
    slow.allowed = allowed;
    each.stream.send->ready();
    raw.server.run(std::chrono::milliseconds(30));
  }
  ASSERT_EQ(raw.server.session().incoming.size(), 1U);
  EXPECT_EQ(raw.server.session().incoming[0]->log.text, "payload");
  EXPECT_TRUE(raw.server.session().incoming[0]->log.fin);
}

TEST(HostileTest, StreamsWaitForThePeersLimit) {
  // As Chromium's 103, of which three are HTTP/3's own.
  Pair::Options options;
  options.client.max_streams = 4;
  Raw raw({}, std::move(options));
  raw.open();
  std::vector<StreamLog*> logs;
  for (int i = 0; i < 20; ++i) logs.push_back(&raw.server.session().send_uni(std::to_string(i)));
  ASSERT_TRUE(raw.until([&] {
    return std::ranges::all_of(logs, [](const StreamLog* log) { return log->finished; });
  }));
  // The control stream, and all of them.
  EXPECT_EQ(raw.server.pair.client->incoming.size(), 21U);
  EXPECT_EQ(raw.server.pair.client->incoming.at(20)->log.text, varint(0x54) + varint(0) + "19");
}

}  // namespace
}  // namespace moq::native::http3::testing
