// What is on the wire: frames, settings, capsules, codes, structured fields.

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "native/http3/capsule.h"
#include "native/http3/codes.h"
#include "native/http3/frame.h"
#include "native/http3/settings.h"
#include "native/http3/structured.h"
#include "net/coding/writer.h"

namespace moq::native::http3 {
namespace {

using Octets = std::vector<std::uint8_t>;

// --- Frames

struct FrameLog final : FrameParser::Handler {
  Result<FrameParser::Take> on_frame(std::uint64_t type, std::uint64_t size) override {
    if (size > limit) return fail(Http3Error::excessive_load);
    if (type == 0) return FrameParser::Take::parts;
    return type == 1 || type == 4 ? FrameParser::Take::whole : FrameParser::Take::skip;
  }
  Result<void> on_whole_frame(std::uint64_t type, ByteSpan payload) override {
    log += std::to_string(type) + "[" + std::string(as_text(payload)) + "]";
    return {};
  }
  Result<void> on_frame_part(ByteSpan part) override {
    log += as_text(part);
    return {};
  }
  std::uint64_t limit = 1U << 20;
  std::string log;
};

Octets sample_frames() {
  Octets bytes;
  append_frame(bytes, FrameType::headers, as_bytes("head"));
  // GREASE: a type of RFC 9114 §7.2.8.
  append_frame(bytes, FrameType{0x1f * 7 + 0x21}, as_bytes("nonsense"));
  append_frame(bytes, FrameType::data, as_bytes("data"));
  append_frame(bytes, FrameType::data, {});
  append_frame(bytes, FrameType::headers, {});
  append_frame(bytes, FrameType::settings, as_bytes("set"));
  return bytes;
}

TEST(FrameTest, FramesArriveInPiecesOfAnySize) {
  const Octets bytes = sample_frames();
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    FrameParser parser;
    FrameLog log;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      ASSERT_TRUE(
          parser.feed(ByteSpan(bytes).subspan(at, std::min(piece, bytes.size() - at)), log));
    }
    EXPECT_EQ(log.log, "1[head]data1[]4[set]") << piece;
    EXPECT_TRUE(parser.finish());
  }
}

TEST(FrameTest, TheEndInsideAFrameIsAnError) {
  const Octets bytes = sample_frames();
  Octets one;
  append_frame(one, FrameType::headers, as_bytes("head"));
  for (std::size_t size = 1; size < one.size(); ++size) {
    FrameParser parser;
    FrameLog log;
    ASSERT_TRUE(parser.feed(ByteSpan(one).first(size), log));
    const auto finished = parser.finish();
    ASSERT_FALSE(finished) << size;
    EXPECT_TRUE(finished.error().is(Http3Error::frame_error));
    EXPECT_EQ(log.log, "");
  }
}

TEST(FrameTest, ALargeUnknownFrameIsSkippedWithoutBeingKept) {
  Octets bytes;
  append_frame_header(bytes, FrameType{0x21}, 1U << 19);
  FrameParser parser;
  FrameLog log;
  ASSERT_TRUE(parser.feed(bytes, log));
  const Octets chunk(1U << 12);
  for (int i = 0; i < 128; ++i) ASSERT_TRUE(parser.feed(chunk, log));
  Octets next;
  append_frame(next, FrameType::data, as_bytes("x"));
  ASSERT_TRUE(parser.feed(next, log));
  EXPECT_EQ(log.log, "x");
}

TEST(FrameTest, TheHandlerRefusesWhatIsTooLong) {
  Octets bytes;
  append_frame_header(bytes, FrameType::headers, coding::kMaxVarint);
  FrameParser parser;
  FrameLog log;
  EXPECT_FALSE(parser.feed(bytes, log));
}

TEST(FrameTest, TypesOfHttp2AreReserved) {
  for (const std::uint64_t type : {0x2, 0x6, 0x8, 0x9}) EXPECT_TRUE(is_reserved_frame(type));
  for (const std::uint64_t type : {0x0, 0x1, 0x3, 0x4, 0x5, 0x7, 0xd, 0x21, 0x41}) {
    EXPECT_FALSE(is_reserved_frame(type)) << type;
  }
}

// --- Settings

Octets settings_of(std::initializer_list<std::pair<std::uint64_t, std::uint64_t>> pairs) {
  Octets out;
  coding::Writer writer(out);
  for (const auto& [id, value] : pairs) {
    writer.varint(id);
    writer.varint(value);
  }
  return out;
}

TEST(SettingsTest, OursSayWebTransportInAllVersions) {
  const auto ours = decode_settings(encode_settings({}), {});
  ASSERT_TRUE(ours);
  EXPECT_EQ(*ours, (Settings{.connect_protocol = true, .datagrams = true, .webtransport = true}));
  // Chromium 156 does without none of these.
  const Octets bytes = encode_settings({});
  const std::string text(as_text(bytes));
  for (const auto& needed : {settings_of({{0x2b603742, 1}}), settings_of({{0x33, 1}}),
                             settings_of({{0x8, 1}}), settings_of({{0xffd277, 1}})}) {
    EXPECT_NE(text.find(as_text(needed)), std::string::npos);
  }
}

TEST(SettingsTest, AnyVersionOfWebTransportWillDo) {
  for (const std::uint64_t id : {0x2b603742ULL, 0xc671706aULL, 0x14e9cd29ULL, 0x2c7cf000ULL}) {
    EXPECT_TRUE(decode_settings(settings_of({{id, 1}}), {})->webtransport) << id;
    EXPECT_FALSE(decode_settings(settings_of({{id, 0}}), {})->webtransport) << id;
  }
  EXPECT_TRUE(decode_settings(settings_of({{0xffd277, 1}}), {})->datagrams);
  // GREASE, and a QPACK table that we do not use.
  EXPECT_EQ(*decode_settings(settings_of({{0x21 + 0x1f * 9, 1234}, {0x1, 65536}}), {}), Settings{});
}

TEST(SettingsTest, WhatIsAgainstTheRulesIsRefused) {
  const auto error = [](const Octets& bytes, const Limits& limits = {}) {
    const auto decoded = decode_settings(bytes, limits);
    return decoded ? Error(Http3Error::no_error) : decoded.error();
  };
  for (const std::uint64_t id : {2, 3, 4, 5}) {
    EXPECT_TRUE(error(settings_of({{id, 0}})).is(Http3Error::settings_error));
  }
  EXPECT_TRUE(error(settings_of({{0x33, 1}, {0x33, 1}})).is(Http3Error::settings_error));
  EXPECT_TRUE(error(settings_of({{0x33, 2}})).is(Http3Error::settings_error));
  EXPECT_TRUE(error(settings_of({{0x8, 2}})).is(Http3Error::settings_error));
  EXPECT_TRUE(error({0x33}).is(Http3Error::frame_error));
  EXPECT_TRUE(error(settings_of({{100, 1}, {101, 1}, {102, 1}}), {.max_settings = 2})
                  .is(Http3Error::excessive_load));
}

// --- Capsules

struct CapsuleLog final : CapsuleParser::Handler {
  void on_close_capsule(std::uint32_t code, std::string reason) override {
    log += "close " + std::to_string(code) + " " + reason;
  }
  void on_drain_capsule() override { log += "drain "; }
  std::string log;
};

TEST(CapsuleTest, ChromiumsCloseIsUnderstood) {
  const Octets bytes{0x68, 0x43, 0x0e, 0x00, 0x00, 0x04, 0xd2, 'c', 'l',
                     'i',  'e',  'n',  't',  ' ',  'b',  'y',  'e'};
  Octets ours;
  append_close_capsule(ours, 1234, "client bye");
  EXPECT_EQ(ours, bytes);
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    CapsuleParser parser;
    CapsuleLog log;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      ASSERT_TRUE(
          parser.feed(ByteSpan(bytes).subspan(at, std::min(piece, bytes.size() - at)), log));
    }
    EXPECT_EQ(log.log, "close 1234 client bye");
    EXPECT_TRUE(parser.finish());
  }
}

TEST(CapsuleTest, UnknownOnesAreSkipped) {
  Octets bytes;
  coding::Writer writer(bytes);
  writer.varint(0x17 + 0x29 * 5);
  writer.varint(100000);
  bytes.resize(bytes.size() + 100000);
  append_drain_capsule(bytes);
  append_close_capsule(bytes, 0, "");
  CapsuleParser parser;
  CapsuleLog log;
  ASSERT_TRUE(parser.feed(bytes, log));
  EXPECT_EQ(log.log, "drain close 0 ");
}

TEST(CapsuleTest, WhatIsAgainstTheRulesIsAMessageError) {
  const auto error = [](const Octets& bytes) {
    CapsuleParser parser;
    CapsuleLog log;
    auto fed = parser.feed(bytes, log);
    if (fed) fed = parser.finish();
    return fed ? Error(Http3Error::no_error) : fed.error();
  };
  Octets close;
  append_close_capsule(close, 1, "x");
  EXPECT_TRUE(error(close).is(Http3Error::no_error));
  Octets more = close;
  more.push_back(0);
  EXPECT_TRUE(error(more).is(Http3Error::message_error)) << "data after the end";
  EXPECT_TRUE(error({0x68, 0x43, 0x03, 0, 0, 0}).is(Http3Error::message_error)) << "too short";
  Octets long_one{0x68, 0x43};
  coding::Writer(long_one).varint(4 + kMaxCloseReason + 1);
  EXPECT_TRUE(error(long_one).is(Http3Error::message_error)) << "too long";
  EXPECT_TRUE(error({0x68, 0x43, 0x05, 0, 0, 0, 0, 0xff}).is(Http3Error::message_error)) << "UTF-8";
  EXPECT_TRUE(error({0x68, 0x43, 0x05, 0, 0}).is(Http3Error::message_error)) << "cut short";
}

TEST(CapsuleTest, OurReasonIsCutBetweenCharacters) {
  std::string reason(kMaxCloseReason - 1, 'a');
  reason += "\xc3\xa4\xc3\xa4";
  Octets bytes;
  append_close_capsule(bytes, 5, reason);
  CapsuleParser parser;
  CapsuleLog log;
  ASSERT_TRUE(parser.feed(bytes, log));
  EXPECT_EQ(log.log, "close 5 " + std::string(kMaxCloseReason - 1, 'a'));
}

// --- Codes

TEST(CodesTest, AreThoseThatChromiumShows) {
  EXPECT_EQ(to_http3(0), 0x52e4a40fa8dbU);
  EXPECT_EQ(to_http3(29), 0x52e4a40fa8f8U);
  EXPECT_EQ(to_http3(30), 0x52e4a40fa8faU);
  EXPECT_EQ(to_http3(255), 0x52e4a40fa9e2U);
  EXPECT_EQ(to_http3(0xffffffff), 0x52e5ac983162U);
  EXPECT_EQ(to_http3(0x100000000), 0x52e5ac983162U) << "the largest there is";
}

TEST(CodesTest, ComeBackAsTheyWent) {
  std::mt19937_64 engine(1);
  for (std::uint64_t code = 0; code < 1000; ++code) EXPECT_EQ(from_http3(to_http3(code)), code);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t code = engine() & 0xffffffff;
    EXPECT_EQ(from_http3(to_http3(code)), code);
  }
  EXPECT_FALSE(from_http3(0));
  EXPECT_FALSE(from_http3(0x100));
  EXPECT_FALSE(from_http3(0x52e4a40fa8da));
  EXPECT_FALSE(from_http3(0x52e4a40fa8f9)) << "reserved";
  EXPECT_FALSE(from_http3(0x52e5ac983163));
}

// --- Structured fields

TEST(StructuredTest, ListsOfStrings) {
  using List = std::vector<std::string>;
  EXPECT_EQ(*parse_string_list(R"("moq-lite-05", "moq-lite-04")"),
            (List{"moq-lite-05", "moq-lite-04"}));
  EXPECT_EQ(*parse_string_list(R"( "a";q=1;r="x,y" ,	"b\"c\\" )"), (List{"a", "b\"c\\"}));
  EXPECT_EQ(*parse_string_list(R"(token, "a", 5, ("in" "ner"))"), (List{"a"}));
  EXPECT_EQ(*parse_string_list(""), List{});
  EXPECT_FALSE(parse_string_list(R"("a)"));
  EXPECT_FALSE(parse_string_list(R"("a",)"));
  EXPECT_FALSE(parse_string_list("\"a\x01\""));
  EXPECT_FALSE(parse_string_list(R"("a\b")"));
  std::string many = "\"x\"";
  for (int i = 0; i < 1000; ++i) many += ",\"x\"";
  EXPECT_EQ(parse_string_list(many)->size(), 64U);
}

TEST(StructuredTest, Strings) {
  EXPECT_EQ(parse_string_item(R"("moq-lite-04")"), "moq-lite-04");
  EXPECT_EQ(parse_string_item(R"("moq-lite-04";a=1)"), "moq-lite-04");
  EXPECT_EQ(parse_string_item("moq-lite-04"), "") << "a token is no string";
  EXPECT_EQ(quote_string("a\"b\\c\n"), R"("a\"b\\c")");
  EXPECT_EQ(quote_list({"a", "b"}), R"("a", "b")");
}

}  // namespace
}  // namespace moq::native::http3
