// A client that does not wait for the answer to its request: SETUP in the same packets.

#include <gtest/gtest.h>

#include "native/http3/frame.h"
#include "native/http3/settings.h"
#include "native/http3/testing/sessions.h"
#include "net/coding/writer.h"
#include "net/ietf/codec.h"
#include "net/ietf/message_setup.h"
#include "net/lite/codec.h"
#include "net/lite/message.h"
#include "net/model/cache.h"
#include "net/model/origin.h"
#include "net/session/session.h"

namespace moq::native::http3::testing {
namespace {

std::string text_of(const std::vector<std::uint8_t>& bytes) {
  return std::string(as_text(ByteSpan(bytes)));
}
std::string varint(std::uint64_t value) {
  std::vector<std::uint8_t> out;
  coding::Writer(out).varint(value);
  return text_of(out);
}
std::string frame(FrameType type, std::string_view payload) {
  std::vector<std::uint8_t> out;
  append_frame(out, type, as_bytes(payload));
  return text_of(out);
}

class EarlySetup : public ::testing::Test {
 protected:
  /// What the session's owner is asked about, of a request for "/demo?jwt=x" by
  /// `protocol` with a stream that has `setup`.
  std::vector<std::string> asked(const std::string& protocol, const std::string& setup) {
    Pair pair{Pair::Options{}};
    Loop& loop = pair.network.loop();
    Origin origin(loop, 1);
    Cache cache(std::make_shared<CacheBudget>());
    std::vector<std::string> targets;
    std::unique_ptr<moq::Session> session;
    Connections connections(
        loop, {},
        {.protocols = {protocol},
         .decide = [](const auto&, const auto&, const auto& answer) { answer(200); },
         .accepted =
             [&](const std::shared_ptr<WebTransportSession>& accepted) {
               auto made = moq::Session::create(
                   loop, accepted,
                   {.side = Side::server,
                    .publish = &origin,
                    .subscribe = &origin,
                    .cache = &cache,
                    .path = accepted->request().path,
                    .authorize = [&](const std::string& target, const Decision& decide) {
                      targets.push_back(target);
                      decide(Scope{});
                    }});
               ASSERT_TRUE(made.has_value());
               session = *std::move(made);
             }});
    EXPECT_TRUE(pair.connect());
    connections.accept(pair.server->connection);
    StreamLog control;
    StreamLog request;
    StreamLog stream;
    quic::Connection& client = *pair.client->connection;
    const auto text = [](std::string bytes) {
      return std::make_unique<TextSource>(std::move(bytes), false);
    };
    const auto first = client.open_uni(
        {}, text(varint(0) + frame(FrameType::settings, text_of(encode_settings({})))), &control);
    const auto second = client.open_bidi(
        {},
        text(frame(FrameType::headers,
                   text_of(Qpack().encode(0, request_fields({.authority = "relay",
                                                             .path = "/demo?jwt=x",
                                                             .origin = "",
                                                             .protocols = {protocol}}))))),
        &request, &request);
    // WebTransport's stream type, and the session, which is the request's stream.
    const auto third = client.open_uni({}, text(varint(0x54) + varint(0) + setup), &stream);
    pair.network.run_for(std::chrono::milliseconds(500));
    session.reset();
    return targets;
  }
};

TEST_F(EarlySetup, OfMoqLiteDoesNotReplaceThePath) {
  std::vector<std::uint8_t> setup;
  lite::append_type(setup, lite::UniType::setup);
  lite::encode(setup, lite::Version::lite05, lite::Setup{});
  EXPECT_EQ(asked("moq-lite-05", text_of(setup)), (std::vector<std::string>{"/demo?jwt=x"}));
}

TEST_F(EarlySetup, OfMoqTransportDoesNotReplaceThePath) {
  const auto setup = ietf::encode(ietf::Version::draft18, ietf::Setup{});
  ASSERT_TRUE(setup.has_value());
  EXPECT_EQ(asked("moqt-18", text_of(*setup)), (std::vector<std::string>{"/demo?jwt=x"}));
}

}  // namespace
}  // namespace moq::native::http3::testing
