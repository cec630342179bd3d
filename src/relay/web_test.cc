#include "relay/web.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace moq::relay {
namespace {

using boost::asio::ip::tcp;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
namespace asio = boost::asio;

constexpr std::chrono::seconds kDeadline{20};
constexpr char kFingerprint[] = "00ff";

class WebTest : public testing::Test {
 protected:
  void listen(const WebLimits& limits = {}, const char* address = "[::]:0") {
    auto web = Web::listen(
        events_, *native::SocketAddress::parse(address),
        {.fingerprint = [this] { return fingerprint_; }, .ready = [this] { return ready_; }},
        limits);
    ASSERT_TRUE(web) << web.error().message();
    web_ = *std::move(web);
  }

  // What a client on `address` sends, and all that it is sent back until the
  // server closes.
  struct Client {
    std::string received;
    bool connected = false;
    bool closed = false;
  };
  void connect(Client& client, std::string sent, const char* address = "127.0.0.1") {
    asio::co_spawn(events_.context(), run(client, std::move(sent), address), asio::detached);
  }

  std::string exchange(const std::string& sent, const char* address = "127.0.0.1") {
    Client client;
    connect(client, sent, address);
    EXPECT_TRUE(events_.run_until([&] { return client.closed; }, kDeadline));
    return client.received;
  }

  static std::string request(const std::string& line) {
    return line + " HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n";
  }

  native::EventLoop events_;
  std::unique_ptr<Web> web_;
  std::string fingerprint_ = kFingerprint;
  bool ready_ = true;

 private:
  asio::awaitable<void> run(Client& client, std::string sent, std::string address) {
    boost::system::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    tcp::socket socket(events_.context());
    co_await socket.async_connect({asio::ip::make_address(address), web_->address().port()}, token);
    client.connected = !error;
    if (!error) co_await asio::async_write(socket, asio::buffer(sent), token);
    if (!error) {
      co_await asio::async_read(socket, asio::dynamic_buffer(client.received), token);
    }
    client.closed = true;
  }
};

TEST_F(WebTest, AnswersHealthAndReadiness) {
  listen();
  EXPECT_THAT(exchange(request("GET /health")),
              AllOf(StartsWith("HTTP/1.1 200"), EndsWith("ok\n")));
  EXPECT_THAT(exchange(request("GET /ready")), StartsWith("HTTP/1.1 200"));
  ready_ = false;
  EXPECT_THAT(exchange(request("GET /ready")), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(exchange(request("GET /health")), StartsWith("HTTP/1.1 200"));
}

TEST_F(WebTest, GivesTheFingerprintToEveryOriginWithoutNewline) {
  listen();
  EXPECT_THAT(exchange(request("GET /certificate.sha256?now")),
              AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Access-Control-Allow-Origin: *\r\n"),
                    HasSubstr("Content-Length: 4\r\n"), EndsWith("\r\n\r\n00ff")));
  fingerprint_ = "";
  EXPECT_THAT(exchange(request("GET /certificate.sha256")), StartsWith("HTTP/1.1 404"));
}

TEST_F(WebTest, HeadHasTheLengthAndNoBody) {
  listen();
  EXPECT_THAT(
      exchange(request("HEAD /certificate.sha256")),
      AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Content-Length: 4\r\n"), EndsWith("\r\n\r\n")));
}

TEST_F(WebTest, AnswersThePreflight) {
  listen();
  EXPECT_THAT(
      exchange(request("OPTIONS /certificate.sha256")),
      AllOf(StartsWith("HTTP/1.1 204"), HasSubstr("Access-Control-Allow-Origin: *\r\n"),
            HasSubstr("Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n"),
            HasSubstr("Access-Control-Allow-Headers: *\r\n"), Not(HasSubstr("Content-Length"))));
}

TEST_F(WebTest, RefusesWhatIsNotThere) {
  listen();
  EXPECT_THAT(exchange(request("GET /")), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(exchange(request("GET /healthy")), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(exchange(request("DELETE /health")),
              AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Allow: GET, HEAD, OPTIONS\r\n")));
  EXPECT_THAT(exchange("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400"));
}

TEST_F(WebTest, AnswersARequestWithABodyAndCloses) {
  listen();
  EXPECT_THAT(exchange("POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"),
              AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Connection: close")));
}

TEST_F(WebTest, ServesSeveralRequestsOfOneConnection) {
  listen();
  const std::string answers =
      exchange("GET /health HTTP/1.1\r\nHost: x\r\n\r\n" + request("GET /certificate.sha256"));
  EXPECT_THAT(answers, AllOf(HasSubstr("ok\nHTTP/1.1 200"), EndsWith("00ff")));
}

TEST_F(WebTest, TakesIpv4AndIpv6) {
  listen();
  EXPECT_THAT(exchange(request("GET /health"), "::1"), StartsWith("HTTP/1.1 200"));
}

TEST_F(WebTest, BoundsHeaders) {
  listen({.max_header = 512});
  EXPECT_THAT(exchange("GET /health HTTP/1.1\r\nX: " + std::string(600, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(exchange("GET /" + std::string(4000, 'x') + " HTTP/1.1\r\n\r\n"),
              StartsWith("HTTP/1.1 431"));
}

TEST_F(WebTest, DropsWhoDoesNotFinishARequest) {
  listen({.request_timeout = std::chrono::milliseconds(20)});
  EXPECT_EQ(exchange("GET /health HTTP/1.1\r\n"), "");
}

TEST_F(WebTest, DropsWhoSaysNothing) {
  listen({.idle_timeout = std::chrono::milliseconds(20)});
  EXPECT_EQ(exchange(""), "");
}

TEST_F(WebTest, TakesTheNextConnectionOnceOneOfTheMostIsGone) {
  listen({.max_connections = 1, .idle_timeout = std::chrono::milliseconds(50)});
  Client silent;
  connect(silent, "");
  ASSERT_TRUE(events_.run_until([&] { return silent.connected; }, kDeadline));
  Client waiting;
  connect(waiting, request("GET /health"));
  ASSERT_TRUE(events_.run_until([&] { return waiting.closed; }, kDeadline));
  EXPECT_TRUE(silent.closed);
  EXPECT_THAT(waiting.received, StartsWith("HTTP/1.1 200"));
}

TEST_F(WebTest, NamesAnAddressThatIsTaken) {
  listen({}, "127.0.0.1:0");
  const auto second = Web::listen(events_, web_->address(), {}, {});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(),
              AllOf(HasSubstr(web_->address().to_string()), HasSubstr("Address already in use")));
}

TEST_F(WebTest, DropsConnectionsWhenItEnds) {
  listen();
  Client client;
  connect(client, "");
  ASSERT_TRUE(events_.run_until([&] { return client.connected; }, kDeadline));
  web_.reset();
  EXPECT_TRUE(events_.run_until([&] { return client.closed; }, kDeadline));
}

}  // namespace
}  // namespace moq::relay
