#include "relay/http_server.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "net/base/log.h"

namespace moq::relay {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

using Parser = http::request_parser<http::string_body>;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

// Lets a listener that ran out of descriptors breathe, instead of spinning on
// the connection that it cannot take.
constexpr std::chrono::milliseconds kAcceptPause{100};

Response to_response(HttpAnswer answer, HttpAudience audience, unsigned version = 11) {
  Response response(static_cast<http::status>(answer.status), version);
  if (audience == HttpAudience::everyone) {
    response.set(http::field::access_control_allow_origin, "*");
  }
  response.set(http::field::content_type, answer.type);
  // What is asked here changes at any time.
  response.set(http::field::cache_control, "no-store");
  response.body() = std::move(answer.body);
  response.prepare_payload();
  return response;
}

std::string methods(const HttpRoute& route) {
  return fmt::format("GET, HEAD{}{}, OPTIONS", route.post ? ", POST" : "",
                     route.del ? ", DELETE" : "");
}

std::string_view path_of(const Request& request) {
  const std::string_view target(request.target().data(), request.target().size());
  return target.substr(0, target.find('?'));
}

const HttpRoute* find(const std::vector<HttpRoute>& routes, const Request& request) {
  const auto route = std::ranges::find(routes, path_of(request), &HttpRoute::path);
  return route == routes.end() ? nullptr : &*route;
}

const HttpRoute::Handler* handler_of(const HttpRoute& route, http::verb method) {
  const HttpRoute::Handler* handler = nullptr;
  if (method == http::verb::get || method == http::verb::head) handler = &route.get;
  if (method == http::verb::post) handler = &route.post;
  if (method == http::verb::delete_) handler = &route.del;
  return handler == nullptr || !*handler ? nullptr : handler;
}

Response to_options(const HttpRoute& route, HttpAudience audience, unsigned version) {
  Response response = to_response({.status = 204}, audience, version);
  response.erase(http::field::content_type);
  response.erase(http::field::content_length);
  response.set(http::field::allow, methods(route));
  if (audience == HttpAudience::everyone) {
    response.set(http::field::access_control_allow_methods, methods(route));
    response.set(http::field::access_control_allow_headers, "*");
    response.set(http::field::access_control_max_age, "86400");
  }
  return response;
}

Response respond(const HttpRoute* route, const Request& request, HttpAudience audience) {
  const unsigned version = request.version();
  if (audience == HttpAudience::programs && request.count(http::field::origin) > 0) {
    return to_response({403, "web pages have no business here\n"}, audience, version);
  }
  if (route == nullptr) return to_response({404, "there is nothing here\n"}, audience, version);
  if (request.method() == http::verb::options) return to_options(*route, audience, version);
  const auto* handler = handler_of(*route, request.method());
  if (handler == nullptr) {
    Response response =
        to_response({405, fmt::format("only {}\n", methods(*route))}, audience, version);
    response.set(http::field::allow, methods(*route));
    return response;
  }
  const std::string_view path = path_of(request);
  const std::string_view target(request.target().data(), request.target().size());
  return to_response((*handler)({.path = path,
                                 .query = target.substr(std::min(target.size(), path.size() + 1)),
                                 .body = request.body()}),
                     audience, version);
}

// The answer to what is no request; none when there is nobody to answer.
std::optional<HttpAnswer> answer_to(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return HttpAnswer{431, "the headers are too large\n"};
  }
  if (error == http::error::body_limit) return HttpAnswer{413, "the body is too large\n"};
  if (error.category() == make_error_code(http::error::bad_method).category() &&
      error != http::error::end_of_stream && error != http::error::partial_message) {
    return HttpAnswer{400, "this is no HTTP/1.1 request\n"};
  }
  return {};
}

tcp::endpoint endpoint_of(const native::SocketAddress& address) {
  tcp::endpoint endpoint;
  std::memcpy(endpoint.data(), address.get(), address.size());
  endpoint.resize(address.size());
  return endpoint;
}

}  // namespace

class HttpServer::Listener : public std::enable_shared_from_this<Listener> {
 public:
  Listener(native::EventLoop& events, std::vector<HttpRoute> routes, HttpAudience audience,
           const HttpLimits& limits)
      : acceptor_(events.context()),
        resume_(events.context()),
        routes_(std::move(routes)),
        audience_(audience),
        limits_(limits) {}

  error_code open(const tcp::endpoint& endpoint) {
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && endpoint.protocol() == tcp::v6()) {
      acceptor_.set_option(asio::ip::v6_only(false), error);
    }
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
    return error;
  }

  tcp::endpoint local() const { return acceptor_.local_endpoint(); }

  void start() {
    asio::co_spawn(acceptor_.get_executor(), accept(shared_from_this()), asio::detached);
  }

  void stop() {
    stopped_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    resume_.cancel();
    for (beast::tcp_stream* stream : streams_) stream->close();
  }

 private:
  // `self` keeps the coroutine's object alive.
  asio::awaitable<void> accept(std::shared_ptr<Listener> self) {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    while (!stopped_) {
      if (connections_ >= limits_.max_connections) {
        co_await pause(std::chrono::steady_clock::duration::max(), token);
        continue;
      }
      tcp::socket socket = co_await acceptor_.async_accept(token);
      if (stopped_) break;
      if (!error) {
        ++connections_;
        asio::co_spawn(acceptor_.get_executor(), serve(self, std::move(socket)), asio::detached);
      } else if (error != asio::error::connection_aborted) {
        log::warn("http: cannot accept a connection: {}", error.message());
        co_await pause(kAcceptPause, token);
      }
    }
  }

  // Until the time has passed or a connection has ended.
  template <typename Token>
  asio::awaitable<void> pause(std::chrono::steady_clock::duration time, Token& token) {
    if (time == std::chrono::steady_clock::duration::max()) {
      resume_.expires_at(std::chrono::steady_clock::time_point::max());
    } else {
      resume_.expires_after(time);
    }
    co_await resume_.async_wait(token);
  }

  asio::awaitable<void> serve([[maybe_unused]] std::shared_ptr<Listener> self, tcp::socket socket) {
    beast::tcp_stream stream(std::move(socket));
    streams_.insert(&stream);
    co_await converse(stream);
    streams_.erase(&stream);
    --connections_;
    resume_.cancel();
  }

  asio::awaitable<void> converse(beast::tcp_stream& stream) {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    // One byte more than the parser takes, so that it is the one to refuse.
    beast::flat_buffer buffer(limits_.max_header + 1);
    bool more = true;
    while (more && !stopped_) {
      // The wait for a request and the request itself have limits of their own.
      stream.expires_after(limits_.idle_timeout);
      if (buffer.size() == 0) {
        const std::size_t size =
            co_await stream.async_read_some(buffer.prepare(limits_.max_header), token);
        if (error) break;
        buffer.commit(size);
      }
      Parser parser;
      parser.header_limit(static_cast<std::uint32_t>(limits_.max_header));
      parser.body_limit(limits_.max_body);
      stream.expires_after(limits_.request_timeout);
      co_await http::async_read_header(stream, buffer, parser, token);
      const HttpRoute* route = error ? nullptr : find(routes_, parser.get());
      if (route != nullptr && parser.get().method() == http::verb::post && route->post) {
        co_await http::async_read(stream, buffer, parser, token);
      }

      std::optional<Response> response;
      bool head = false;
      if (!error) {
        response = respond(route, parser.get(), audience_);
        head = parser.get().method() == http::verb::head;
        // A body that nobody asked for is not read, so nothing can follow it.
        more = parser.get().keep_alive() && parser.is_done();
      } else if (auto answer = answer_to(error)) {
        response = to_response(*std::move(answer), audience_);
        more = false;
      }
      if (!response) break;
      response->keep_alive(more);
      error = {};
      http::response_serializer<http::string_body> serializer(*response);
      stream.expires_after(limits_.request_timeout);
      if (head) {
        co_await http::async_write_header(stream, serializer, token);
      } else {
        co_await http::async_write(stream, serializer, token);
      }
      if (error) break;
    }
    error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  tcp::acceptor acceptor_;
  asio::steady_timer resume_;
  std::vector<HttpRoute> routes_;
  HttpAudience audience_;
  HttpLimits limits_;
  std::size_t connections_ = 0;
  std::unordered_set<beast::tcp_stream*> streams_;
  bool stopped_ = false;
};

Result<std::unique_ptr<HttpServer>> HttpServer::listen(native::EventLoop& events,
                                                       const native::SocketAddress& address,
                                                       std::vector<HttpRoute> routes,
                                                       HttpAudience audience,
                                                       const HttpLimits& limits) {
  auto listener = std::make_shared<Listener>(events, std::move(routes), audience, limits);
  if (const error_code error = listener->open(endpoint_of(address))) {
    return fail(static_cast<native::IoError>(error.value()),
                fmt::format("cannot listen for HTTP on TCP {}", address.to_string()));
  }
  listener->start();
  const tcp::endpoint local = listener->local();
  return std::unique_ptr<HttpServer>(
      new HttpServer(std::move(listener),
                     native::SocketAddress(local.data(), static_cast<socklen_t>(local.size()))));
}

HttpServer::HttpServer(std::shared_ptr<Listener> listener, const native::SocketAddress& address)
    : listener_(std::move(listener)), address_(address) {}

HttpServer::~HttpServer() { listener_->stop(); }

}  // namespace moq::relay
