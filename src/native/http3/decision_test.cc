// A server that takes its time to decide on who asks for a session.

#include <gtest/gtest.h>

#include "native/http3/codes.h"
#include "native/http3/testing/raw_client.h"
#include "net/transport/error.h"

namespace moq::native::http3::testing {
namespace {

using std::chrono::seconds;
using transport::ApplicationError;
using transport::TransportError;

struct DecisionTest : ::testing::Test {
  DecisionTest() { server.status.reset(); }

  /// Asks, and waits until the server's owner has to decide.
  void ask() {
    ASSERT_TRUE(server.connect());
    attempt = client_side.connect(
        server.pair.client->connection,
        {.authority = "relay:443", .path = "/", .origin = "", .protocols = {"moq-lite-05"}},
        [this](auto result) {
          if (result) {
            client = std::make_unique<SessionLog>(*std::move(result));
          } else {
            refused = std::move(result).error();
          }
        });
    ASSERT_TRUE(until([&] { return !server.answers.empty(); }));
  }
  bool until(const std::function<bool()>& done) { return server.until(done); }

  Server server;
  Connections client_side{server.pair.network.loop(), Limits{.connect_timeout = seconds(60)}};
  Connections::Attempt attempt;
  std::unique_ptr<SessionLog> client;
  std::optional<Error> refused;
};

TEST_F(DecisionTest, MayLetInLate) {
  ask();
  server.run(seconds(12));
  EXPECT_EQ(server.connections->negotiating(), 1U);
  EXPECT_FALSE(client || refused);
  server.answers[0](200);
  ASSERT_EQ(server.sessions.size(), 1U) << "inside of the call";
  ASSERT_TRUE(until([&] { return client || refused; }));
  ASSERT_TRUE(client) << refused->message();
  EXPECT_EQ(server.connections->negotiating(), 0U);
  StreamLog& log = client->send_uni("x");
  EXPECT_TRUE(until([&] { return log.finished; }));
  // Whatever is said now is none.
  server.answers[0](401);
  server.answers[0](200);
  server.run(seconds(20));
  EXPECT_FALSE(client->closed);
  EXPECT_EQ(server.sessions.size(), 1U);
}

TEST_F(DecisionTest, MayRefuseLate) {
  ask();
  server.run(seconds(12));
  server.answers[0](401);
  ASSERT_TRUE(until([&] { return client || refused; }));
  ASSERT_TRUE(refused);
  EXPECT_TRUE(refused->is(TransportError::forbidden)) << refused->message();
  EXPECT_TRUE(until([&] { return server.connections->size() == 0; }));
}

TEST_F(DecisionTest, NoneIsARefusal) {
  ask();
  ASSERT_TRUE(until([&] { return client || refused; }));
  ASSERT_TRUE(refused);
  EXPECT_NE(refused->detail().find("503"), std::string::npos) << refused->message();
  EXPECT_TRUE(until([&] { return server.connections->negotiating() == 0; }));
  server.answers[0](200);
  server.run(seconds(1));
  EXPECT_TRUE(server.sessions.empty());
}

TEST_F(DecisionTest, MayComeAfterTheClientHasLeft) {
  ask();
  attempt.reset();
  ASSERT_TRUE(until([&] { return server.connections->size() == 0; }));
  server.answers[0](200);
  server.run(seconds(1));
  EXPECT_TRUE(server.sessions.empty());
}

TEST_F(DecisionTest, MayComeAfterTheServer) {
  ask();
  server.connections.reset();
  server.answers[0](200);
  ASSERT_TRUE(until([&] { return client || refused; }));
  EXPECT_TRUE(refused);
  EXPECT_TRUE(server.sessions.empty());
}

TEST_F(DecisionTest, MayComeAfterAllWereClosed) {
  ask();
  server.connections->close_all(0, "");
  server.answers[0](200);
  ASSERT_TRUE(until([&] { return client || refused; }));
  EXPECT_TRUE(refused);
  EXPECT_TRUE(server.sessions.empty());
}

TEST(DecisionOnRaw, StreamsOfTheSessionWait) {
  Raw raw;
  raw.server.status.reset();
  raw.uni(control({}));
  raw.bidi(connect_headers());
  raw.uni(varint(0x54) + varint(0) + "early");
  ASSERT_TRUE(raw.until([&] { return !raw.server.answers.empty(); }));
  raw.server.run(seconds(5));
  raw.server.answers[0](200);
  ASSERT_TRUE(raw.until([&] {
    return !raw.server.sessions.empty() && !raw.server.session().incoming.empty() &&
           raw.server.session().incoming[0]->log.text == "early";
  }));
}

TEST(DecisionOnRaw, ACloseMeanwhileIsNotLost) {
  for (const bool fin : {false, true}) {
    Raw raw;
    raw.server.status.reset();
    raw.uni(control({}));
    raw.bidi(connect_headers() + kDrain + close_capsule(7, "enough"), fin);
    ASSERT_TRUE(raw.until([&] { return !raw.server.answers.empty(); }));
    raw.server.run();
    raw.server.answers[0](200);
    ASSERT_EQ(raw.server.sessions.size(), 1U);
    ASSERT_TRUE(raw.until([&] { return raw.server.session().closed.has_value(); }));
    EXPECT_TRUE(raw.server.session().closed->is(ApplicationError{7}));
    EXPECT_TRUE(raw.gone());
  }
}

TEST(DecisionOnRaw, AnEndMeanwhileIsNotLost) {
  Raw raw;
  raw.server.status.reset();
  raw.uni(control({}));
  raw.bidi(connect_headers(), true);
  ASSERT_TRUE(raw.until([&] { return !raw.server.answers.empty(); }));
  raw.server.run();
  raw.server.answers[0](200);
  ASSERT_TRUE(raw.until([&] { return raw.server.session().closed.has_value(); }));
  EXPECT_TRUE(raw.server.session().closed->is(ApplicationError{0}));
}

TEST(DecisionOnRaw, ARequestThatIsResetIsForgotten) {
  Raw raw;
  raw.server.status.reset();
  raw.uni(control({}));
  auto& first = raw.bidi(connect_headers());
  ASSERT_TRUE(raw.until([&] { return raw.server.answers.size() == 1; }));
  first.stream.send->reset(static_cast<std::uint64_t>(Http3Error::request_cancelled));
  first.stream.recv->stop(static_cast<std::uint64_t>(Http3Error::request_cancelled));
  raw.server.run();
  // Another may follow it, and gets none of its answers.
  raw.bidi(connect_headers("/other"));
  ASSERT_TRUE(raw.until([&] { return raw.server.answers.size() == 2; }));
  raw.server.answers[0](200);
  EXPECT_TRUE(raw.server.sessions.empty());
  raw.server.answers[1](200);
  EXPECT_EQ(raw.server.sessions.size(), 1U);
}

TEST(DecisionOnRaw, OnlyOneIsUnderDecision) {
  Raw raw;
  raw.server.status.reset();
  raw.uni(control({}));
  raw.bidi(connect_headers());
  auto& second = raw.bidi(connect_headers());
  ASSERT_TRUE(raw.until([&] { return second.log.fin; }));
  EXPECT_EQ(raw.server.answers.size(), 1U);
}

TEST(DecisionOnRaw, WhoAsksAgainAndAgainEnds) {
  const Limits limits;
  Raw raw;
  raw.server.status.reset();
  raw.uni(control({}));
  const Time begun = raw.server.pair.network.loop().now();
  std::size_t asked = 0;
  while (raw.server.connections->size() > 0 && asked < 50) {
    auto& stream = raw.bidi(connect_headers());
    ++asked;
    raw.until([&] { return stream.log.fin || raw.server.connections->size() == 0; });
  }
  EXPECT_TRUE(raw.gone());
  EXPECT_LE(raw.server.pair.network.loop().now() - begun,
            limits.connect_timeout + limits.decision_timeout + limits.close_timeout + seconds(1));
}

}  // namespace
}  // namespace moq::native::http3::testing
