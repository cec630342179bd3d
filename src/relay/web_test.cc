#include "relay/web.h"

#include <array>

#include <fmt/format.h>
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

#include "relay/http_server.h"

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
  void listen(const HttpLimits& limits = {}, const char* address = "[::]:0") {
    listen(web_routes({.fingerprint = [this] { return fingerprint_; },
                       .ready = [this] { return ready_; }}),
           HttpAudience::everyone, limits, address);
  }
  void listen(std::vector<HttpRoute> routes, HttpAudience audience, const HttpLimits& limits = {},
              const char* address = "[::]:0") {
    auto web = HttpServer::listen(events_, *native::SocketAddress::parse(address),
                                  std::move(routes), audience, limits);
    ASSERT_TRUE(web) << web.error().message();
    web_ = *std::move(web);
  }
  // A listener whose /echo has all methods.
  void listen_for_programs(const HttpLimits& limits = {}) {
    const auto echo = [](const char* method) {
      return at_once([method](const HttpRequest& request) {
        return HttpAnswer{
            202, fmt::format("{} {} {} {}\n", method, request.path, request.query, request.body)};
      });
    };
    listen({{.path = "/echo", .get = echo("get"), .post = echo("post"), .del = echo("del")}},
           HttpAudience::programs, limits);
  }

  // What a client on `address` sends, and all that it is sent back until the
  // server closes.
  struct Client {
    std::string received;
    bool connected = false;
    bool closed = false;
    boost::system::error_code error;  ///< how that came
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
  std::unique_ptr<HttpServer> web_;
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
    client.error = error;
    client.closed = true;
  }
};

/// A body that a test feeds.
struct Feed {
  std::vector<Bytes> waiting;
  HttpBody::State state = HttpBody::State::more;
  std::function<void()> ready;
  std::optional<std::uint64_t> size;

  void put(std::string_view text) {
    waiting.push_back(Bytes::copy_of(text));
    wake();
  }
  void end(HttpBody::State with = HttpBody::State::end) {
    state = with;
    wake();
  }
  void wake() {
    if (const auto now = std::exchange(ready, nullptr)) now();
  }
};

class FedBody final : public HttpBody {
 public:
  explicit FedBody(std::shared_ptr<Feed> feed) : feed_(std::move(feed)) {}
  Part take() override {
    return {.chunks = std::exchange(feed_->waiting, {}), .state = feed_->state};
  }
  void wait(std::function<void()> ready) override { feed_->ready = std::move(ready); }
  [[nodiscard]] std::optional<std::uint64_t> size() const override { return feed_->size; }

 private:
  std::shared_ptr<Feed> feed_;
};

/// A listener whose /later is answered when a test says so.
class LaterTest : public WebTest {
 protected:
  explicit LaterTest() {
    listen({{.path = "/later",
             .get =
                 [this](const HttpRequest& request, const HttpRespond& reply) {
                   rest_ = request.rest;
                   reply_ = reply;
                   auto work = std::make_shared<int>(0);
                   work_ = work;
                   return work;
                 },
             .below = true}},
           HttpAudience::everyone);
  }
  void until_asked() {
    ASSERT_TRUE(events_.run_until([&] { return static_cast<bool>(reply_); }, kDeadline));
  }
  std::string finish(Client& client) {
    EXPECT_TRUE(events_.run_until([&] { return client.closed; }, kDeadline));
    return client.received;
  }
  HttpAnswer stream() { return {.stream = std::make_unique<FedBody>(feed_)}; }

  std::string rest_;
  HttpRespond reply_;
  std::weak_ptr<int> work_;
  std::shared_ptr<Feed> feed_ = std::make_shared<Feed>();
};

TEST_F(LaterTest, AnswersLater) {
  Client client;
  connect(client, request("GET /later/a/b?x"));
  until_asked();
  EXPECT_EQ(rest_, "a/b");
  EXPECT_FALSE(work_.expired());
  reply_({201, "done"});
  EXPECT_THAT(finish(client), AllOf(StartsWith("HTTP/1.1 201"), EndsWith("\r\n\r\ndone")));
  EXPECT_TRUE(work_.expired());
}

TEST_F(LaterTest, LeavesOtherPathsAlone) {
  EXPECT_THAT(exchange(request("GET /laterly")), StartsWith("HTTP/1.1 404"));
}

TEST_F(LaterTest, SendsABodyInChunksAsItComes) {
  Client client;
  connect(client, request("GET /later"));
  until_asked();
  feed_->put("one");
  reply_(stream());
  ASSERT_TRUE(events_.run_until(
      [&] { return client.received.find("one\r\n") != std::string::npos; }, kDeadline));
  feed_->put("two");
  feed_->end();
  EXPECT_THAT(finish(client), AllOf(HasSubstr("Transfer-Encoding: chunked\r\n"),
                                    EndsWith("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")));
}

TEST_F(LaterTest, SaysHowLargeABodyIsThatIsThere) {
  feed_->size = 6;
  feed_->put("one");
  feed_->put("two");
  feed_->end();
  Client client;
  connect(client, request("GET /later"));
  until_asked();
  reply_(stream());
  EXPECT_THAT(finish(client),
              AllOf(HasSubstr("Content-Length: 6\r\n"), EndsWith("\r\n\r\nonetwo")));
}

TEST_F(LaterTest, DoesNotEndABodyThatBreaksOff) {
  Client client;
  connect(client, request("GET /later"));
  until_asked();
  feed_->put("one");
  feed_->end(HttpBody::State::broken);
  reply_(stream());
  EXPECT_THAT(finish(client), EndsWith("3\r\none\r\n"));
}

TEST_F(LaterTest, ClosesAfterABodyForHttp10) {
  Client client;
  connect(client, "GET /later HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  until_asked();
  feed_->put("one");
  feed_->end();
  reply_(stream());
  EXPECT_THAT(finish(client), AllOf(Not(HasSubstr("chunked")), EndsWith("\r\n\r\none")));
}

TEST_F(LaterTest, ResetsWhereClosingWouldBeTheEndOfABodyThatBreaksOff) {
  Client client;
  connect(client, "GET /later HTTP/1.0\r\n\r\n");
  until_asked();
  feed_->put("one");
  feed_->end(HttpBody::State::broken);
  reply_(stream());
  finish(client);
  EXPECT_EQ(client.error, boost::asio::error::connection_reset);
}

TEST_F(LaterTest, HeadHasNoBodyThatComesBitByBit) {
  Client client;
  connect(client, request("HEAD /later"));
  until_asked();
  reply_(stream());
  EXPECT_THAT(finish(client), EndsWith("\r\n\r\n"));
}

TEST_F(LaterTest, GivesUpWhatItWorksOnWhenItEnds) {
  Client client;
  connect(client, request("GET /later"));
  until_asked();
  web_.reset();
  EXPECT_TRUE(work_.expired());
  reply_({200, "too late"});
  EXPECT_EQ(finish(client), "");
}

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

TEST_F(WebTest, HandsOverMethodsQueriesAndBodies) {
  listen_for_programs();
  EXPECT_THAT(exchange(request("GET /echo?a=1&b")),
              AllOf(StartsWith("HTTP/1.1 202"), EndsWith("\r\n\r\nget /echo a=1&b \n")));
  EXPECT_THAT(exchange(request("DELETE /echo")), EndsWith("del /echo  \n"));
  EXPECT_THAT(exchange("POST /echo?x HTTP/1.1\r\nHost: y\r\nContent-Length: 5\r\nConnection: "
                       "close\r\n\r\nhello"),
              EndsWith("post /echo x hello\n"));
  EXPECT_THAT(
      exchange(request("PUT /echo")),
      AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Allow: GET, HEAD, POST, DELETE, OPTIONS\r\n")));
}

TEST_F(WebTest, AnswersWhatFollowsABody) {
  listen_for_programs();
  const std::string post = "POST /echo HTTP/1.1\r\nHost: y\r\nContent-Length: 2\r\n\r\nhi";
  EXPECT_THAT(exchange(post + post + request("GET /echo")),
              AllOf(HasSubstr("post /echo  hi\nHTTP/1.1 202"), EndsWith("get /echo  \n")));
}

TEST_F(WebTest, BoundsBodies) {
  listen_for_programs({.max_body = 100});
  const std::string post = "POST /echo HTTP/1.1\r\nHost: y\r\n";
  EXPECT_THAT(exchange(post + "Content-Length: 101\r\n\r\n" + std::string(101, 'x')),
              StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(exchange(post + "Transfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x') +
                       "\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 413"));
}

TEST_F(WebTest, DropsWhoDoesNotFinishABody) {
  listen_for_programs({.request_timeout = std::chrono::milliseconds(20)});
  EXPECT_EQ(exchange("POST /echo HTTP/1.1\r\nHost: y\r\nContent-Length: 5\r\n\r\nhe"), "");
}

TEST_F(WebTest, NoWebPageReachesAListenerForPrograms) {
  listen_for_programs();
  for (const char* method : {"GET", "POST", "DELETE", "OPTIONS"}) {
    EXPECT_THAT(exchange(fmt::format("{} /echo HTTP/1.1\r\nHost: y\r\nOrigin: "
                                     "https://page.example\r\nConnection: close\r\n\r\n",
                                     method)),
                AllOf(StartsWith("HTTP/1.1 403"), Not(HasSubstr("Access-Control"))))
        << method;
  }
  EXPECT_THAT(exchange(request("OPTIONS /echo")),
              AllOf(StartsWith("HTTP/1.1 204"), Not(HasSubstr("Access-Control"))));
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

TEST_F(WebTest, DropsASilentClientForOneMoreThanTheMost) {
  listen({.max_connections = 2});
  Client silent;
  Client other;
  connect(other, "", "::1");
  connect(silent, "");
  ASSERT_TRUE(events_.run_until([&] { return silent.connected && other.connected; }, kDeadline));
  // Of the address that has most: this one comes from there, too.
  EXPECT_THAT(exchange(request("GET /health")), StartsWith("HTTP/1.1 200"));
  Client more;
  connect(more, "");
  ASSERT_TRUE(events_.run_until([&] { return more.connected; }, kDeadline));
  EXPECT_THAT(exchange(request("GET /health")), StartsWith("HTTP/1.1 200"));
  ASSERT_TRUE(events_.run_until([&] { return silent.closed || more.closed; }, kDeadline));
  EXPECT_FALSE(other.closed);
}

TEST_F(LaterTest, OneAddressDoesNotHaveItAll) {
  web_.reset();
  listen({health_route(),
          {.path = "/later",
           .get = [&](const HttpRequest&, const HttpRespond& respond) -> std::shared_ptr<void> {
             reply_ = respond;
             return nullptr;
           }}},
         HttpAudience::everyone, {.max_connections = 2});
  std::array<Client, 2> greedy;
  for (Client& client : greedy) {
    reply_ = nullptr;
    connect(client, request("GET /later"));
    until_asked();
  }
  EXPECT_THAT(exchange(request("GET /health"), "::1"), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(events_.run_until([&] { return greedy[0].closed || greedy[1].closed; }, kDeadline));
}

TEST_F(LaterTest, MakesRoomOnceAnAnswerIsOver) {
  web_.reset();
  listen({{.path = "/later",
           .get = [&](const HttpRequest&, const HttpRespond& respond) -> std::shared_ptr<void> {
             reply_ = respond;
             return nullptr;
           }}},
         HttpAudience::everyone, {.max_connections = 1});
  Client stays;
  connect(stays, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  until_asked();
  const HttpRespond first = std::exchange(reply_, nullptr);
  Client waiting;
  connect(waiting, request("GET /later"));
  ASSERT_TRUE(events_.run_until([&] { return waiting.connected; }, kDeadline));
  first({200, "first"});  // and keeps the connection
  until_asked();
  reply_({200, "second"});
  EXPECT_THAT(finish(waiting), EndsWith("second"));
}

TEST_F(LaterTest, NoticesAClientThatGoesWhileItWaits) {
  auto client = std::make_unique<tcp::socket>(events_.context());
  client->connect({asio::ip::make_address("127.0.0.1"), web_->address().port()});
  asio::write(*client, asio::buffer(std::string("GET /later HTTP/1.1\r\nHost: x\r\n\r\n")));
  until_asked();
  EXPECT_FALSE(work_.expired());
  client.reset();
  EXPECT_TRUE(events_.run_until([&] { return work_.expired(); }, kDeadline));
}

TEST_F(WebTest, AListenerOfThisMachineAnswersToItsNamesOnly) {
  listen({health_route()}, HttpAudience::programs, {}, "127.0.0.1:0");
  const auto status = [&](const std::string& host) {
    return exchange("GET /health HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
        .substr(9, 3);
  };
  for (const char* host : {"localhost", "localhost:80", "127.0.0.1:80", "[::1]:80"}) {
    EXPECT_EQ(status(host), "200") << host;
  }
  for (const char* host : {"evil.example", "evil.example:80", "localhost.evil.example"}) {
    EXPECT_EQ(status(host), "403") << host;
  }
}

TEST_F(LaterTest, WaitsForRoomWhileAllAreBeingAnswered) {
  web_.reset();
  HttpRespond first;
  listen({{.path = "/later",
           .get = [&](const HttpRequest&, const HttpRespond& reply) -> std::shared_ptr<void> {
             (first ? reply_ : first) = reply;
             return nullptr;
           }}},
         HttpAudience::everyone, {.max_connections = 1});
  Client busy;
  Client waiting;
  connect(busy, request("GET /later"));
  ASSERT_TRUE(events_.run_until([&] { return static_cast<bool>(first); }, kDeadline));
  connect(waiting, request("GET /later"));
  ASSERT_TRUE(events_.run_until([&] { return waiting.connected; }, kDeadline));
  first({200, "first"});
  until_asked();
  reply_({200, "second"});
  EXPECT_THAT(finish(busy), EndsWith("first"));
  EXPECT_THAT(finish(waiting), EndsWith("second"));
}

TEST_F(WebTest, NamesAnAddressThatIsTaken) {
  listen({}, "127.0.0.1:0");
  const auto second = HttpServer::listen(events_, web_->address(), {}, {});
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
