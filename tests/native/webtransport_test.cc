// WebTransport between a server and a client of ours, on real sockets.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include <thread>

#include "native/client/dialer.h"
#include "native/echo.h"
#include "native/server/server.h"
#include "net/transport/error.h"

namespace moq::native {
namespace {

using testing::dial;
using testing::Echo;
using ::testing::HasSubstr;
using testing::kGenerous;
using ::testing::Not;
using testing::TestServer;

std::string url_of(const TestServer& test, const std::string& host, const std::string& rest = "/") {
  return fmt::format("https://{}:{}{}", host, test.server->local_address().port(), rest);
}

TEST(WebTransportTest, TalksToClientsOverBothFamilies) {
  for (const std::size_t workers : {1, 2}) {
    TestServer test(workers);
    EventLoop events;
    const auto client = *Dialer::create(events, test.dialer_config());
    for (const char* host : {"127.0.0.1", "[::1]", "localhost"}) {
      auto connection = dial(events, *client, url_of(test, host, "/room?x=1"));
      ASSERT_TRUE(connection) << connection.error().message();
      EXPECT_EQ((*connection)->protocol(), "moq-test-1") << "the client's preference";
      EXPECT_TRUE((*connection)->traits().carries_path);
      Echo session(*connection);
      const std::string text(100'000, 'x');
      session.say(text);
      EXPECT_TRUE(events.run_until([&] { return session.text == text; }, kGenerous)) << host;
    }
  }
}

TEST(WebTransportTest, RawQuicStaysBesideIt) {
  TestServer test(1);
  EventLoop events;
  const auto client = *Dialer::create(events, test.dialer_config());
  const auto web = dial(events, *client, url_of(test, "localhost"));
  const auto raw = dial(events, *client, test.url("localhost"));
  ASSERT_TRUE(web && raw);
  EXPECT_EQ((*raw)->protocol(), "moq-test-2");
  EXPECT_FALSE((*raw)->traits().carries_path);
}

TEST(WebTransportTest, TheServersOwnerDecides) {
  ServerConfig config;
  config.listen = *SocketAddress::parse("127.0.0.1:0");
  config.workers = 1;
  config.alpns = {"moq-test-1"};
  config.with_ctrl_c_handler(false);
  TestServer test(
      config, [](Worker&, const http3::ConnectRequest& request, const auto& /*connection*/,
                 const http3::Answer& answer) { answer(request.path == "/open?x=1" ? 200 : 401); });
  EventLoop events;
  const auto client = *Dialer::create(events, test.dialer_config());
  EXPECT_TRUE(dial(events, *client, url_of(test, "127.0.0.1", "/open?x=1")));
  const auto refused = dial(events, *client, url_of(test, "127.0.0.1", "/open?jwt=secret"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("401"));
  EXPECT_THAT(refused.error().message(), HasSubstr(url_of(test, "127.0.0.1", "/open")));
  EXPECT_THAT(refused.error().message(), Not(HasSubstr("secret")));
}

TEST(WebTransportTest, AServerWithoutItIsNamed) {
  ServerConfig config;
  config.listen = *SocketAddress::parse("127.0.0.1:0");
  config.workers = 1;
  config.alpns = {"moq-test-1"};
  config.webtransport = false;
  config.with_ctrl_c_handler(false);
  TestServer test(config);
  EventLoop events;
  const auto client = *Dialer::create(events, test.dialer_config());
  const auto refused = dial(events, *client, url_of(test, "127.0.0.1"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("does not speak WebTransport"));
}

TEST(WebTransportTest, ClientsHearTheCloseAndItsCode) {
  TestServer test(2);
  EventLoop events;
  const auto client = *Dialer::create(events, test.dialer_config());
  auto connection = dial(events, *client, url_of(test, "127.0.0.1"));
  ASSERT_TRUE(connection) << connection.error().message();
  Echo session(*connection);
  test.server->close(42, "bye");
  EXPECT_TRUE(test.server->wait_closed(kGenerous));
  ASSERT_TRUE(events.run_until([&] { return session.closed.has_value(); }, kGenerous));
  EXPECT_TRUE(session.closed->is(transport::ApplicationError{42})) << session.closed->message();
}

/// Answers one HTTP request on a port of TCP.
class Page {
 public:
  Page(std::uint16_t port, std::string body)
      : acceptor_(context_, {boost::asio::ip::address_v4::loopback(), port}),
        thread_([this, body = std::move(body)] {
          auto socket = acceptor_.accept();
          boost::asio::streambuf in;
          boost::asio::read_until(socket, in, "\r\n\r\n");
          request = std::string(static_cast<const char*>(in.data().data()), in.size());
          boost::asio::write(
              socket, boost::asio::buffer(fmt::format(
                          "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.size(), body)));
        }) {}
  ~Page() { thread_.join(); }
  std::string request;

 private:
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::thread thread_;
};

TEST(WebTransportTest, HttpTakesTheFingerprintFromTheServer) {
  TestServer test(1, "127.0.0.1:0");
  const std::uint16_t port = test.server->local_address().port();
  EventLoop events;
  DialerConfig config;
  config.alpns = {"moq-test-1"};
  const auto client = *Dialer::create(events, config);
  {
    Page page(port, tls::to_hex(test.certificates.fingerprints[0]) + "\n");
    const auto connection = dial(events, *client, fmt::format("http://127.0.0.1:{}/", port));
    ASSERT_TRUE(connection) << connection.error().message();
    EXPECT_EQ((*connection)->protocol(), "moq-test-1");
  }
  {
    Page page(port, std::string(64, '0'));
    const auto wrong = dial(events, *client, fmt::format("http://127.0.0.1:{}/", port));
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().message(), HasSubstr("fingerprint"));
  }
  const auto none = dial(events, *client, fmt::format("http://127.0.0.1:{}/", port));
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message(), HasSubstr("/certificate.sha256"));
}

}  // namespace
}  // namespace moq::native
