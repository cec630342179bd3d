#include "native/http3/message.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "native/http3/codes.h"

namespace moq::native::http3 {
namespace {

using Fields = std::vector<Field>;

const Fields kConnect{{":method", "CONNECT"},        {":scheme", "https"},
                      {":authority", "host:4443"},   {":path", "/room?jwt=x"},
                      {":protocol", "webtransport"}, {"sec-webtransport-http3-draft02", "1"}};

Fields with(Field field) {
  Fields fields = kConnect;
  fields.push_back(std::move(field));
  return fields;
}
Fields changed(std::string_view name, std::string value) {
  Fields fields = kConnect;
  std::ranges::find(fields, name, &Field::name)->value = std::move(value);
  return fields;
}
Fields without(std::string_view name) {
  Fields fields = kConnect;
  std::erase_if(fields, [&](const Field& field) { return field.name == name; });
  return fields;
}

TEST(MessageTest, ChromiumsConnectIsUnderstood) {
  Fields fields = with({"origin", "http://localhost:8099"});
  fields.push_back({"wt-available-protocols", R"("moq-lite-05")"});
  fields.push_back({"wt-available-protocols", R"("moq-lite-04";x)"});
  const auto request = parse_request(fields);
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->is_webtransport());
  EXPECT_EQ(request->connect.authority, "host:4443");
  EXPECT_EQ(request->connect.path, "/room?jwt=x");
  EXPECT_EQ(request->connect.origin, "http://localhost:8099");
  EXPECT_EQ(request->connect.protocols, (std::vector<std::string>{"moq-lite-05", "moq-lite-04"}));
  EXPECT_TRUE(parse_request(kConnect)->connect.protocols.empty());
  EXPECT_TRUE(
      parse_request(with({"wt-available-protocols", "\"broken"}))->connect.protocols.empty());
}

TEST(MessageTest, MalformedRequestsAreErrors) {
  const std::vector<Fields> malformed{
      with({":path", "/again"}),
      with({":status", "200"}),
      with({"Upper", "x"}),
      with({"", "x"}),
      with({"connection", "close"}),
      with({"transfer-encoding", "chunked"}),
      with({"x", "a\nb"}),
      changed(":path", "/a\x1b[2Jb"),
      changed(":path", "/a b"),
      changed(":path", "/\xc3\xa4"),
      changed(":path", "room"),
      changed(":authority", "ho\x7fst"),
      changed(":scheme", "http"),
      with({":late", "x"}),
      without(":method"),
      without(":scheme"),
      without(":path"),
      without(":authority"),
      {{"x", "y"}, {":method", "GET"}, {":scheme", "https"}, {":path", "/"}},
      {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {":protocol", "webtransport"}},
      {{":method", "CONNECT"}, {":authority", "a"}, {":path", "/"}},
      {},
  };
  for (const Fields& fields : malformed) {
    const auto request = parse_request(fields);
    ASSERT_FALSE(request) << (fields.empty() ? "" : fields.back().name);
    EXPECT_TRUE(request.error().is(Http3Error::message_error));
  }
}

TEST(MessageTest, TheTokenOfLaterDraftsIsWebTransportToo) {
  const auto request = parse_request(changed(":protocol", "webtransport-h3"));
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->is_webtransport());
  EXPECT_EQ(request->connect.path, "/room?jwt=x");
}

TEST(MessageTest, OtherRequestsAreNoWebTransport) {
  const auto get = parse_request(
      {{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}});
  ASSERT_TRUE(get);
  EXPECT_FALSE(get->is_webtransport());
  const auto tunnel = parse_request({{":method", "CONNECT"}, {":authority", "a:1"}});
  ASSERT_TRUE(tunnel);
  EXPECT_FALSE(tunnel->is_webtransport());
}

TEST(MessageTest, OursCanBeRead) {
  const ConnectRequest connect{
      .authority = "h", .path = "/p?q", .origin = "", .protocols = {"a", "b"}};
  const auto request = parse_request(request_fields(connect));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->connect.path, "/p?q");
  EXPECT_EQ(request->connect.protocols, connect.protocols);
  const auto response = parse_response(response_fields({.status = 200, .protocol = "a"}));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->protocol, "a");
  EXPECT_FALSE(parse_response({{":status", "20"}}));
  EXPECT_FALSE(parse_response({{":status", "2x0"}}));
  EXPECT_FALSE(parse_response({}));
}

// --- QPACK

TEST(QpackTest, FieldsComeBackAsTheyWent) {
  Qpack sender;
  Qpack receiver;
  for (std::int64_t stream = 0; stream < 12; stream += 4) {
    const auto section = sender.encode(stream, kConnect);
    const auto fields = receiver.decode(stream, section, {});
    ASSERT_TRUE(fields) << fields.error().message();
    EXPECT_EQ(*fields, kConnect);
  }
}

TEST(QpackTest, LimitsHold) {
  Qpack sender;
  Qpack receiver;
  const Fields large{{":status", "200"}, {"x", std::string(2000, 'x')}};
  const auto section = sender.encode(0, large);
  const auto refused = receiver.decode(0, section, {.max_field_section = 1999});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(Http3Error::excessive_load));
  EXPECT_FALSE(receiver.decode(4, section, {.max_fields = 1}));
  EXPECT_TRUE(receiver.decode(8, section, {})) << "still usable";
}

TEST(QpackTest, WhatIsNoFieldSectionIsRefused) {
  Qpack sender;
  const auto section = sender.encode(0, kConnect);
  for (std::size_t size = 0; size < section.size(); ++size) {
    Qpack receiver;
    const auto fields = receiver.decode(0, ByteSpan(section).first(size), {});
    // A prefix may end behind a whole field.
    if (fields) {
      EXPECT_LT(fields->size(), kConnect.size()) << size;
    } else {
      EXPECT_TRUE(fields.error().is(Http3Error::qpack_decompression_failed)) << size;
    }
  }
  // A reference to a dynamic table that there is not.
  const std::vector<std::uint8_t> dynamic{0x02, 0x00, 0x80};
  Qpack receiver;
  EXPECT_FALSE(receiver.decode(0, dynamic, {}));
}

TEST(QpackTest, InstructionsThatNeedATableAreErrors) {
  Qpack qpack;
  EXPECT_TRUE(qpack.on_encoder_stream({}));
  // Set Dynamic Table Capacity to 0, which it is.
  EXPECT_TRUE(qpack.on_encoder_stream(std::vector<std::uint8_t>{0x20}));
  // Insert with literal name "a", value "b".
  const auto inserted = qpack.on_encoder_stream(std::vector<std::uint8_t>{0x41, 'a', 0x01, 'b'});
  ASSERT_FALSE(inserted);
  EXPECT_TRUE(inserted.error().is(Http3Error::qpack_encoder_stream_error));
  // Insert Count Increment of 1.
  const auto counted = qpack.on_decoder_stream(std::vector<std::uint8_t>{0x01});
  ASSERT_FALSE(counted);
  EXPECT_TRUE(counted.error().is(Http3Error::qpack_decoder_stream_error));
}

}  // namespace
}  // namespace moq::native::http3
