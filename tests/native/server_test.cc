#include "native/server/server.h"

#include <csignal>
#include <future>
#include <mutex>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "native/client/dialer.h"
#include "native/echo.h"

namespace moq::native {
namespace {

using std::chrono_literals::operator""ms;
using testing::ConnectionResult;
using testing::dial;
using testing::Echo;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kGenerous;
using ::testing::Not;
using testing::TestServer;

constexpr std::uint64_t kCode = 42;

TEST(ServerTest, TalksToClientsOverBothFamilies) {
  for (const std::size_t workers : {1, 2}) {
    TestServer test(workers);
    EventLoop events;
    const auto client = *Dialer::create(events, test.dialer_config());
    for (const char* host : {"127.0.0.1", "[::1]", "localhost"}) {
      auto connection = dial(events, *client, test.url(host));
      ASSERT_TRUE(connection) << connection.error().message();
      EXPECT_EQ((*connection)->protocol(), "moq-test-2") << "the server's preference";
      Echo session(*connection);
      const std::string text(100'000, 'x');
      session.say(text);
      EXPECT_TRUE(events.run_until([&] { return session.text == text; }, kGenerous)) << host;
    }
  }
}

// A redirect must not lead from a public server to this machine, whatever its name says.
TEST(DialerTest, PublicOnlyReachesNoLocalAddress) {
  TestServer test(1);
  EventLoop events;
  const auto client = *Dialer::create(events, test.dialer_config());
  for (const char* host : {"127.0.0.1", "[::1]", "localhost", "[::ffff:127.0.0.1]"}) {
    std::optional<ConnectionResult> result;
    const auto attempt =
        client->connect(*Url::parse(test.url(host)), {.public_only = true},
                        [&](ConnectionResult connection) { result = std::move(connection); });
    ASSERT_TRUE(events.run_until([&] { return result.has_value(); }, kGenerous)) << host;
    ASSERT_FALSE(*result) << host;
    EXPECT_THAT(result->error().detail(), HasSubstr("private network"));
  }
}

// A load balancer that goes by addresses has to see another client.
TEST(DialerTest, NewPortIsAnotherAndTheOldOneClosesWithItsConnections) {
  TestServer test(1);
  EventLoop events;
  const auto client = *Dialer::create(events, test.dialer_config());
  const auto dial_anew = [&] {
    std::optional<ConnectionResult> result;
    const auto attempt =
        client->connect(*Url::parse(test.url("127.0.0.1")), {.new_port = true},
                        [&](ConnectionResult connection) { result = std::move(connection); });
    EXPECT_TRUE(events.run_until([&] { return result.has_value(); }, kGenerous));
    return result->value();
  };
  auto first = dial(events, *client, test.url("127.0.0.1")).value();
  const std::uint16_t port = client->socket().local_address().port();
  auto second = dial_anew();
  EXPECT_NE(client->socket().local_address().port(), port);
  EXPECT_EQ(client->ports(), 2U);
  // Both are in use.
  Echo old(first);
  Echo young(second);
  old.say("old");
  young.say("new");
  EXPECT_TRUE(events.run_until([&] { return old.text + young.text == "oldnew"; }, kGenerous));
  first->close(kCode, "done");
  EXPECT_TRUE(events.run_until([&] { return client->connections() == 1; }, kGenerous));
  const auto third = dial_anew();
  EXPECT_EQ(client->ports(), 2U) << "that of the first is closed";
}

TEST(DialerTest, PortThatIsConfiguredStays) {
  TestServer test(1);
  EventLoop events;
  DialerConfig config = test.dialer_config();
  const std::uint16_t port = (*Dialer::create(events, config))->socket().local_address().port();
  config.bind = *SocketAddress::parse(fmt::format("[::]:{}", port));
  const auto client = *Dialer::create(events, config);
  std::optional<ConnectionResult> result;
  const auto attempt =
      client->connect(*Url::parse(test.url("127.0.0.1")), {.new_port = true},
                      [&](ConnectionResult connection) { result = std::move(connection); });
  ASSERT_TRUE(events.run_until([&] { return result.has_value(); }, kGenerous));
  EXPECT_TRUE(*result) << result->error().message();
  EXPECT_EQ(client->ports(), 1U);
}

TEST(ServerTest, SpreadsClientsOverItsWorkers) {
  TestServer test(2);
  EventLoop events;
  std::vector<std::unique_ptr<Dialer>> clients;
  std::vector<std::shared_ptr<transport::Session>> connections;
  for (int i = 0; i < 24; ++i) {
    clients.push_back(*Dialer::create(events, test.dialer_config()));
    auto connection = dial(events, *clients.back(), test.url("127.0.0.1"));
    ASSERT_TRUE(connection) << connection.error().message();
    connections.push_back(*connection);
  }
  EXPECT_GT(test.sessions(0), 0U);
  EXPECT_GT(test.sessions(1), 0U);
  connections.clear();
}

TEST(ServerTest, SaysWhoHasThePort) {
  TestServer first(2, "127.0.0.1:0");
  for (const std::size_t workers : {1, 2}) {
    ServerConfig config;
    config.listen = first.server->local_address();
    config.workers = workers;
    config.alpns = {"moq-test-1"};
    const auto second = Server::start(config, first.certificates, {});
    ASSERT_FALSE(second);
    EXPECT_TRUE(second.error().is(IoError{EADDRINUSE}));
    EXPECT_THAT(second.error().message(), HasSubstr(config.listen.to_string()));
    EXPECT_THAT(second.error().message(), HasSubstr("another process has it"));
  }
}

TEST(ServerTest, ClientsHearTheCloseAndItsCode) {
  TestServer test(2);
  EventLoop events;
  const auto client = *Dialer::create(events, test.dialer_config());
  auto connection = dial(events, *client, test.url("127.0.0.1"));
  ASSERT_TRUE(connection) << connection.error().message();
  Echo session(*connection);
  // The server's side exists once the client has an answer.
  session.say("x");
  ASSERT_TRUE(events.run_until([&] { return session.text == "x"; }, kGenerous));
  EXPECT_FALSE(test.server->wait_closed(Duration{0}));
  test.server->close(kCode, "bye");
  EXPECT_TRUE(test.server->wait_closed(kGenerous));
  ASSERT_TRUE(events.run_until([&] { return session.closed.has_value(); }, kGenerous));
  EXPECT_EQ(session.closed->code(), kCode);
}

TEST(ServerTest, RefusesNewConnectionsAndKeepsTheOld) {
  TestServer test(2);
  EventLoop events;
  const auto client = *Dialer::create(events, test.dialer_config());
  auto connection = dial(events, *client, test.url("127.0.0.1"));
  ASSERT_TRUE(connection) << connection.error().message();
  Echo session(*connection);
  test.server->refuse_new();
  (void)test.sessions(0);
  (void)test.sessions(1);
  auto refused = dial(events, *client, test.url("127.0.0.1"));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(transport::TransportError::refused));
  EXPECT_THAT(refused.error().message(), HasSubstr(test.url("127.0.0.1")));
  session.say("still here");
  EXPECT_TRUE(events.run_until([&] { return session.text == "still here"; }, kGenerous));
}

TEST(ServerTest, ServesReplacedCertificates) {
  TestServer test(2);
  const auto next = *tls::load_server_certificates({.generate = {"localhost"}});
  test.server->set_certificates(next);
  EXPECT_EQ(test.server->fingerprints(), next.fingerprints);
  (void)test.sessions(0);
  (void)test.sessions(1);
  EventLoop events;
  const auto old = *Dialer::create(events, test.dialer_config());
  const auto refused = dial(events, *old, test.url("127.0.0.1"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr(tls::to_hex(next.fingerprints[0])));
  DialerConfig config = test.dialer_config();
  config.tls.fingerprint = {tls::to_hex(next.fingerprints[0])};
  const auto client = *Dialer::create(events, config);
  EXPECT_TRUE(dial(events, *client, test.url("127.0.0.1")));
}

TEST(ServerTest, ClosesOnCtrlC) {
  ServerConfig config;
  config.listen = *SocketAddress::parse("127.0.0.1:0");
  config.workers = 2;
  config.alpns = {"moq-test-1"};
  TestServer test(config);
  std::raise(SIGINT);
  EXPECT_TRUE(test.server->wait_closed(kGenerous));
}

TEST(ServerTest, LeavesCtrlCToItsOwnerWhereAskedTo) {
  EventLoop events;
  int seen = 0;
  const SignalSet signals(events, {SIGINT}, [&](int) { ++seen; });
  TestServer test(2);
  std::raise(SIGINT);
  EXPECT_TRUE(events.run_until([&] { return seen == 1; }, kGenerous));
  (void)test.sessions(0);
  EXPECT_FALSE(test.server->wait_closed(Duration{0}));
}

TEST(ServerTest, RunsItsHandlersOnEachWorker) {
  std::mutex mutex;
  std::multiset<std::string> calls;
  ServerConfig config;
  config.listen = *SocketAddress::parse("127.0.0.1:0");
  config.workers = 2;
  config.alpns = {"moq-test-1"};
  ServerHandlers handlers;
  handlers.on_start = [&](Worker& worker) {
    EXPECT_NE(worker.server().local_address().port(), 0);
    const std::scoped_lock lock(mutex);
    calls.insert(fmt::format("start {}", worker.index()));
  };
  handlers.on_stop = [&](Worker& worker) {
    const std::scoped_lock lock(mutex);
    calls.insert(fmt::format("stop {}", worker.index()));
  };
  const auto certificates = *tls::load_server_certificates({.generate = {"localhost"}});
  auto server = *Server::start(config, certificates, handlers);
  EXPECT_THAT(calls, ElementsAre("start 0", "start 1"));
  server.reset();
  EXPECT_THAT(calls, ElementsAre("start 0", "start 1", "stop 0", "stop 1"));
}

TEST(ClientTest, ErrorsNameTheServerAndTheReason) {
  TestServer test(1, "127.0.0.1:0");
  EventLoop events;
  DialerConfig config = test.dialer_config();
  config.alpns = {"something-else"};
  const auto stranger = *Dialer::create(events, config);
  const std::string url = test.url("127.0.0.1");
  auto result = dial(events, *stranger, url);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), HasSubstr(url));
  EXPECT_THAT(result.error().message(), HasSubstr("application protocol"));

  const auto client = *Dialer::create(events, test.dialer_config());
  result = dial(events, *client, "moqt://nothing.invalid/?jwt=secret");
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), HasSubstr("nothing.invalid"));
  EXPECT_THAT(result.error().message(), Not(HasSubstr("secret")));
}

TEST(ClientTest, FailsOverFromASilentAddress) {
  // localhost is ::1 first; only 127.0.0.1 answers, and nothing says so.
  TestServer test(1, "127.0.0.1:0");
  SocketAddress silent = *SocketAddress::parse("[::1]:0");
  silent.set_port(test.server->local_address().port());
  const auto hole = *bind_udp(silent);
  EventLoop events;
  DialerConfig config = test.dialer_config();
  config.failover_delay = 10ms;
  const auto client = *Dialer::create(events, config);
  const auto connection = dial(events, *client, test.url("localhost"));
  ASSERT_TRUE(connection) << connection.error().message();
  EXPECT_THAT((*connection)->peer_address(), HasSubstr("127.0.0.1"));
}

TEST(ClientTest, GivesUpAfterItsTimeout) {
  const auto hole = *bind_udp(*SocketAddress::parse("127.0.0.1:0"));
  EventLoop events;
  DialerConfig config;
  config.alpns = {"moq-test-1"};
  config.tls.disable_verify = true;
  config.connect_timeout = 20ms;
  const auto client = *Dialer::create(events, config);
  const auto result =
      dial(events, *client, fmt::format("moqt://127.0.0.1:{}/", bound_address(hole[0]).port()));
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(IoError{ETIMEDOUT})) << result.error().message();
}

TEST(ClientTest, MayLetGoOfADial) {
  const auto hole = *bind_udp(*SocketAddress::parse("127.0.0.1:0"));
  EventLoop events;
  DialerConfig config;
  config.alpns = {"moq-test-1"};
  config.tls.disable_verify = true;
  const auto client = *Dialer::create(events, config);
  bool called = false;
  auto dialling = client->connect(
      *Url::parse(fmt::format("moqt://127.0.0.1:{}/", bound_address(hole[0]).port())),
      [&](const ConnectionResult&) { called = true; });
  events.run_until([&] { return client->socket().stats().packets_sent > 0; }, kGenerous);
  dialling.reset();
  events.run_until([] { return false; }, 1ms);
  EXPECT_FALSE(called);
  EXPECT_EQ(client->connections(), 0U);
}

}  // namespace
}  // namespace moq::native
