#include "relay/http_client.h"

#include <array>
#include <fstream>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

namespace moq::relay {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

constexpr Duration kGenerous = std::chrono::seconds(60);

/// Says to each connection what the test wants it to, and closes it; "" is nothing, until
/// the client has gone.
class Speaker {
 public:
  /// `requests` gets what is asked; to be looked at once this is gone.
  explicit Speaker(std::vector<std::string> texts, std::vector<std::string>* requests = nullptr)
      : acceptor_(context_, {asio::ip::address_v4::loopback(), 0}),
        port(acceptor_.local_endpoint().port()),
        requests_(requests),
        thread_([this, texts = std::move(texts)] {
          for (const std::string& text : texts) speak(text);
        }) {}
  ~Speaker() { thread_.join(); }
  [[nodiscard]] std::string url(const std::string& path = "/") const {
    return fmt::format("http://127.0.0.1:{}{}", port, path);
  }

 private:
  void speak(const std::string& text) {
    boost::system::error_code error;
    tcp::socket socket = acceptor_.accept(error);
    asio::streambuf in;
    asio::read_until(socket, in, "\r\n\r\n", error);
    if (requests_ != nullptr) {
      requests_->emplace_back(static_cast<const char*>(in.data().data()), in.size());
    }
    if (text.empty()) {
      asio::read_until(socket, in, "never", error);
    } else {
      asio::write(socket, asio::buffer(text), error);
    }
  }

  asio::io_context context_;
  tcp::acceptor acceptor_;

 public:
  const std::uint16_t port;

 private:
  std::vector<std::string>* requests_;
  std::thread thread_;
};

struct HttpClientTest : ::testing::Test {
  std::optional<Result<HttpReply>> get(const std::string& url, HttpConditions conditions = {}) {
    if (!client) client = *HttpClient::create(events, {}, limits);
    std::optional<Result<HttpReply>> got;
    client->get(url, std::move(conditions),
                [&](Result<HttpReply> reply) { got = std::move(reply); });
    EXPECT_TRUE(events.run_until([&] { return got.has_value(); }, kGenerous));
    return got;
  }
  void expect_failure(const std::string& url, HttpError error) {
    const auto got = get(url);
    ASSERT_TRUE(got && !*got) << url;
    EXPECT_TRUE(got->error().is(error)) << got->error().message();
    EXPECT_THAT(got->error().message(), Not(HasSubstr("secret")));
  }

  HttpClientLimits limits{.timeout = std::chrono::seconds(50)};
  native::EventLoop events;
  std::unique_ptr<HttpClient> client;
};

TEST_F(HttpClientTest, TellsWhatTheServerSays) {
  std::vector<std::string> requests;
  {
    Speaker server(
        {"HTTP/1.1 404 Gone away\r\nCache-Control: max-age=3\r\nCache-Control: public\r\n"
         "ETag: \"7\"\r\nAge: 2\r\nLast-Modified: then\r\nContent-Length: 2\r\n\r\nhi"},
        &requests);
    const auto got = get(server.url("/a?b=c"), {.etag = "\"6\"", .last_modified = "before"});
    ASSERT_TRUE(got && *got) << got->error().message();
    EXPECT_EQ((*got)->status, 404U);
    EXPECT_EQ((*got)->body, "hi");
    EXPECT_EQ((*got)->cache_control, "max-age=3, public");
    EXPECT_EQ((*got)->etag, "\"7\"");
    EXPECT_EQ((*got)->age, "2");
    EXPECT_EQ((*got)->last_modified, "then");
  }
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_THAT(requests[0], testing::StartsWith("GET /a?b=c HTTP/1.1\r\n"));
  EXPECT_THAT(requests[0], HasSubstr("\r\nHost: 127.0.0.1:"));
  EXPECT_THAT(requests[0], HasSubstr("\r\nIf-None-Match: \"6\"\r\n"));
  EXPECT_THAT(requests[0], HasSubstr("\r\nIf-Modified-Since: before\r\n"));
}

TEST_F(HttpClientTest, BodiesMayComeInPartsOrUntilTheEnd) {
  Speaker server(
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
       "HTTP/1.1 200 OK\r\n\r\nabc"});
  for (int i = 0; i < 2; ++i) {
    const auto got = get(server.url());
    ASSERT_TRUE(got && *got) << got->error().message();
    EXPECT_EQ((*got)->body, "abc");
  }
}

TEST_F(HttpClientTest, FollowsSoManyRedirects) {
  Speaker server({"HTTP/1.1 302 Found\r\nLocation: /b?secret\r\nContent-Length: 0\r\n\r\n",
                  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"});
  const auto got = get(server.url("/a"));
  ASSERT_TRUE(got && *got) << got->error().message();
  EXPECT_EQ((*got)->body, "x");
  Speaker mill(std::vector<std::string>(
      limits.max_redirects + 1,
      "HTTP/1.1 307 Again\r\nLocation: /again?secret\r\nContent-Length: 0\r\n\r\n"));
  expect_failure(mill.url("/?secret"), HttpError::redirect);
  for (const char* where : {"ftp://127.0.0.1/", "moqt://127.0.0.1/", "x", "http://@/"}) {
    Speaker odd(
        {fmt::format("HTTP/1.1 301 Moved\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", where)});
    expect_failure(odd.url(), HttpError::redirect);
  }
}

TEST_F(HttpClientTest, TooMuchIsTooMuch) {
  limits.max_body = 100;
  limits.max_header = 1000;
  const std::string long_body(200, 'x');
  Speaker server(
      {"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + long_body,
       "HTTP/1.1 200 OK\r\n\r\n" + long_body,
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc8\r\n" + long_body + "\r\n",
       "HTTP/1.1 200 OK\r\nX: " + std::string(2000, 'x')});
  for (int i = 0; i < 4; ++i) expect_failure(server.url("/?secret"), HttpError::too_large);
}

TEST_F(HttpClientTest, WhatIsNoAnswerIsNone) {
  const struct {
    const char* text;
    HttpError error;
  } kCases[] = {
      {"SSH-2.0\r\n\r\n", HttpError::bad_answer},
      {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", HttpError::bad_answer},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", HttpError::unreachable},
      {"HTTP/1.1 200 OK\r\nX: ", HttpError::unreachable},
  };
  for (const auto& c : kCases) {
    Speaker server({c.text});
    expect_failure(server.url("/?secret"), c.error);
  }
  expect_failure("ftp://secret/", HttpError::bad_url);
  expect_failure("secret", HttpError::bad_url);
  tcp::acceptor nobody(events.context(), {asio::ip::address_v4::loopback(), 0});
  const auto port = nobody.local_endpoint().port();
  nobody.close();
  expect_failure(fmt::format("http://127.0.0.1:{}/?secret", port), HttpError::unreachable);
  expect_failure(fmt::format("https://127.0.0.1:{}/?secret", port), HttpError::unreachable);
  // One that does not speak TLS.
  asio::io_context context;
  tcp::acceptor plain(context, {asio::ip::address_v4::loopback(), 0});
  std::thread speaker([&] {
    tcp::socket socket = plain.accept();
    std::array<char, 16> hello{};
    boost::system::error_code ignored;
    socket.read_some(asio::buffer(hello), ignored);
    asio::write(socket, asio::buffer(std::string("HTTP/1.1 400 Bad Request\r\n\r\n")), ignored);
  });
  expect_failure(fmt::format("https://127.0.0.1:{}/", plain.local_endpoint().port()),
                 HttpError::tls);
  speaker.join();
}

TEST_F(HttpClientTest, NobodyIsWaitedForForEver) {
  limits.timeout = milliseconds(50);
  Speaker server({""});
  expect_failure(server.url("/?secret"), HttpError::timeout);
}

TEST_F(HttpClientTest, MayGoWhileItAsks) {
  Speaker server({""});
  client = *HttpClient::create(events, {}, limits);
  bool called = false;
  client->get(server.url(), {}, [&](const auto&) { called = true; });
  int turns = 0;
  events.run_until([&] { return ++turns > 3; }, kGenerous);
  client.reset();
  events.run_until([] { return false; }, milliseconds(50));
  EXPECT_FALSE(called);
}

TEST_F(HttpClientTest, FilesThatAreOfNoUseAreNamed) {
  const std::string empty = ::testing::TempDir() + "moq_http_client_empty.pem";
  std::ofstream(empty) << "";
  for (const Config::Tls& tls : {Config::Tls{.root = {empty}}, Config::Tls{.root = {"/nowhere"}},
                                 Config::Tls{.cert = empty, .key = empty}}) {
    const auto created = HttpClient::create(events, tls);
    ASSERT_FALSE(created.has_value());
    EXPECT_THAT(created.error().message(), HasSubstr(tls.root.empty() ? empty : tls.root[0]));
  }
  EXPECT_FALSE(HttpClient::create(events, {.cert = empty}).has_value());
}

}  // namespace
}  // namespace moq::relay
