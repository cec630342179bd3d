#include "relay/http_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "relay/http_tls.h"

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
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

std::string methods(const HttpRoute& route) {
  return fmt::format("GET, HEAD{}{}, OPTIONS", route.post ? ", POST" : "",
                     route.del ? ", DELETE" : "");
}

std::string_view target_of(const Request& request) {
  return {request.target().data(), request.target().size()};
}

std::string_view path_of(const Request& request) {
  const std::string_view target = target_of(request);
  return target.substr(0, target.find('?'));
}

bool leads_to(std::string_view path, const HttpRoute& route) {
  if (path == route.path) return true;
  return route.below && path.starts_with(route.path) && path[route.path.size()] == '/';
}

const HttpRoute* find(const std::vector<HttpRoute>& routes, const Request& request) {
  const auto route = std::ranges::find_if(
      routes, [&](const HttpRoute& each) { return leads_to(path_of(request), each); });
  return route == routes.end() ? nullptr : &*route;
}

const HttpHandler* handler_of(const HttpRoute& route, http::verb method) {
  const HttpHandler* handler = nullptr;
  if (method == http::verb::get || method == http::verb::head) handler = &route.get;
  if (method == http::verb::post) handler = &route.post;
  if (method == http::verb::delete_) handler = &route.del;
  return handler == nullptr || !*handler ? nullptr : handler;
}

/// Whether it was sent to an address or to localhost, not to a name that somebody else can
/// have this machine's address for (DNS rebinding).
bool names_this_machine(const Request& request) {
  const auto host = request.find(http::field::host);
  if (host == request.end()) return true;  // no browser
  std::string_view name(host->value().data(), host->value().size());
  if (name.starts_with('[')) return true;
  name = name.substr(0, name.find(':'));
  error_code failed;
  asio::ip::make_address_v4(name, failed);
  return !failed || name == "localhost" || name.ends_with(".localhost");
}

HttpAnswer to_options(const HttpRoute& route, HttpAudience audience) {
  HttpAnswer answer{.status = 204};
  answer.headers.emplace_back("Allow", methods(route));
  if (audience == HttpAudience::everyone) {
    answer.headers.emplace_back("Access-Control-Allow-Methods", methods(route));
    answer.headers.emplace_back("Access-Control-Allow-Headers", "*");
    answer.headers.emplace_back("Access-Control-Max-Age", "86400");
  }
  return answer;
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

template <typename Stream>
class Connection final : public HttpConnection,
                         public std::enable_shared_from_this<Connection<Stream>> {
 public:
  template <typename... Tls>
  Connection(tcp::socket socket, const HttpService& service, std::function<void()> idle,
             std::shared_ptr<asio::ssl::context> tls_owner, Tls&... tls)
      : tls_(std::move(tls_owner)),
        stream_(std::move(socket), tls...),
        service_(service),
        idle_(std::move(idle)),
        wake_(stream_.get_executor()) {
    wake_.expires_at(Clock::time_point::max());
  }

  asio::awaitable<void> run() override {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      socket().expires_after(service_.limits.request_timeout);
      co_await stream_.async_handshake(asio::ssl::stream_base::server, token);
      if (!error) certificate_ = client_certificate_end(stream_.native_handle());
    }
    // One byte more than the parser takes, so that it is the one to refuse.
    beast::flat_buffer buffer(service_.limits.max_header + 1);
    while (!error && !closed_) {
      waiting_since_ = Clock::now();
      if (std::exchange(answering_, false)) idle_();
      if (!co_await exchange(buffer)) break;
    }
    give_up();
    answering_ = false;
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      socket().expires_after(service_.limits.request_timeout);
      if (!error && !closed_) co_await stream_.async_shutdown(token);
    }
    error_code ignored;
    socket().socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  void close() override {
    closed_ = true;
    give_up();
    wake_.cancel();
    socket().close();
  }

  [[nodiscard]] bool answering() const override { return answering_; }
  [[nodiscard]] Clock::time_point waiting_since() const override { return waiting_since_; }

 private:
  beast::tcp_stream& socket() { return beast::get_lowest_layer(stream_); }

  void give_up() {
    work_.reset();
    answer_.reset();
    body_.reset();
  }

  /// One request and its answer. Whether another may follow.
  asio::awaitable<bool> exchange(beast::flat_buffer& buffer) {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    const HttpLimits& limits = service_.limits;
    // The wait for a request and the request itself have limits of their own.
    socket().expires_after(limits.idle_timeout);
    if (buffer.size() == 0) {
      const auto size = co_await stream_.async_read_some(buffer.prepare(limits.max_header), token);
      if (error) co_return false;
      buffer.commit(size);
    }
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(limits.max_header));
    parser.body_limit(limits.max_body);
    socket().expires_after(limits.request_timeout);
    co_await http::async_read_header(stream_, buffer, parser, token);
    const HttpRoute* route = error ? nullptr : find(service_.routes, parser.get());
    if (route != nullptr && parser.get().method() == http::verb::post && route->post) {
      co_await http::async_read(stream_, buffer, parser, token);
    }
    if (error) {
      answer_ = answer_to(error);
      if (answer_) co_await write({.more = false});
      co_return false;
    }
    answering_ = true;
    ask(route, parser.get());
    // Whoever answers has a deadline of its own.
    socket().expires_never();
    if (!answer_) watch_client();
    while (!answer_ && !closed_) co_await wake_.async_wait(token);
    work_.reset();
    if (!answer_) co_return false;
    // A body that nobody asked for is not read, so nothing can follow it.
    co_return co_await write({.version = parser.get().version(),
                              .head = parser.get().method() == http::verb::head,
                              .more = parser.get().keep_alive() && parser.is_done()});
  }

  void ask(const HttpRoute* route, const Request& request) {
    if (service_.audience == HttpAudience::programs && request.count(http::field::origin) > 0) {
      answer_ = HttpAnswer{403, "web pages have no business here\n"};
    } else if (service_.local && !names_this_machine(request)) {
      answer_ = HttpAnswer{403, "here, ask for localhost or an address\n"};
    } else if (route == nullptr) {
      answer_ = HttpAnswer{404, "there is nothing here\n"};
    } else if (request.method() == http::verb::options) {
      answer_ = to_options(*route, service_.audience);
    } else if (const HttpHandler* handler = handler_of(*route, request.method())) {
      const std::string_view path = path_of(request);
      const std::string_view target = target_of(request);
      const auto after = [](std::string_view text, std::size_t size) {
        return text.substr(std::min(text.size(), size + 1));
      };
      work_ = (*handler)({.path = path,
                          .rest = after(path, route->path.size()),
                          .query = after(target, path.size()),
                          .body = request.body(),
                          .certificate = certificate_},
                         [self = this->weak_from_this()](HttpAnswer answer) {
                           if (const auto still = self.lock()) still->reply(std::move(answer));
                         });
    } else {
      answer_ = HttpAnswer{405, fmt::format("only {}\n", methods(*route))};
      answer_->headers.emplace_back("Allow", methods(*route));
    }
  }

  /// Gives up when the client goes while it waits. One that sends something meanwhile is
  /// not watched any more.
  void watch_client() {
    socket().socket().async_wait(
        tcp::socket::wait_read, [self = this->weak_from_this()](const error_code& failed) {
          const auto still = self.lock();
          if (still == nullptr || failed || !still->answering_ || still->answer_) return;
          char byte = 0;
          const int descriptor = still->socket().socket().native_handle();
          if (::recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) still->close();
        });
  }

  void reply(HttpAnswer answer) {
    if (!answering_ || answer_ || closed_) return;
    answer_ = std::move(answer);
    wake_.cancel();
  }

  struct Manner {
    unsigned version = 11;
    bool head = false;
    bool more = true;  ///< whether the client may ask again
  };

  /// Sends the answer. Whether another request may follow.
  asio::awaitable<bool> write(Manner manner) {
    Response response(static_cast<http::status>(answer_->status), manner.version);
    if (service_.audience == HttpAudience::everyone) {
      response.set(http::field::access_control_allow_origin, "*");
    }
    for (const auto& [name, value] : answer_->headers) {
      response.set(beast::string_view(name.data(), name.size()), value);
    }
    response.set(http::field::cache_control, answer_->cache_control);
    if (answer_->status != 204) response.set(http::field::content_type, answer_->type);
    body_ = std::move(answer_->stream);
    response.body() = std::move(answer_->body);
    bool chunked = false;
    if (body_ == nullptr) {
      // 204 has no body, and so no length either (RFC 9110 §8.6).
      if (answer_->status != 204) response.prepare_payload();
    } else if (const auto size = body_->size()) {
      response.content_length(*size);
    } else {
      chunked = manner.version >= 11;
      response.chunked(chunked);
      manner.more = manner.more && chunked;
    }
    response.keep_alive(manner.more);

    // The answer may be given up during any wait.
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    http::response_serializer<http::string_body> serializer(response);
    socket().expires_after(service_.limits.request_timeout);
    if (manner.head || body_ != nullptr) {
      co_await http::async_write_header(stream_, serializer, token);
    } else {
      co_await http::async_write(stream_, serializer, token);
    }
    if (!error && !manner.head && body_ != nullptr && !co_await write_body(chunked)) {
      manner.more = false;
    }
    body_.reset();
    answer_.reset();
    co_return !error && manner.more && !closed_;
  }

  /// Whether all of it was sent.
  asio::awaitable<bool> write_body(bool chunked) {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    while (body_ != nullptr) {
      const HttpBody::Part part = body_->take();
      std::vector<asio::const_buffer> buffers;
      for (const Bytes& chunk : part.chunks) {
        if (!chunk.empty()) buffers.emplace_back(chunk.data(), chunk.size());
      }
      socket().expires_after(service_.limits.request_timeout);
      if (!buffers.empty() && chunked) {
        co_await asio::async_write(stream_, http::make_chunk(buffers), token);
      } else if (!buffers.empty()) {
        co_await asio::async_write(stream_, buffers, token);
      } else if (part.state == HttpBody::State::more) {
        socket().expires_never();
        body_->wait([self = this->weak_from_this()] {
          if (const auto still = self.lock()) still->wake_.cancel();
        });
        co_await wake_.async_wait(token);
        error = {};
      }
      if (error || part.state == HttpBody::State::broken) break;
      if (part.state == HttpBody::State::end) {
        if (chunked) co_await asio::async_write(stream_, http::make_chunk_last(), token);
        co_return !error;
      }
    }
    // So that what is missing is not taken for the end. Where closing is the end, as for
    // HTTP/1.0, a reset is not.
    if (!chunked && body_ != nullptr && !body_->size()) {
      error_code ignored;
      socket().socket().set_option(asio::socket_base::linger(true, 0), ignored);
    }
    socket().close();
    co_return false;
  }

  /// Has what the handshake calls back: certificates may be replaced meanwhile.
  std::shared_ptr<asio::ssl::context> tls_;
  Stream stream_;
  std::optional<std::chrono::sys_seconds> certificate_;  ///< see HttpRequest
  const HttpService& service_;
  std::function<void()> idle_;
  asio::steady_timer wake_;
  std::shared_ptr<void> work_;
  std::optional<HttpAnswer> answer_;
  std::unique_ptr<HttpBody> body_;
  bool answering_ = false;
  bool closed_ = false;
  Clock::time_point waiting_since_ = Clock::now();
};

}  // namespace

std::shared_ptr<HttpConnection> make_http_connection(tcp::socket socket, const HttpService& service,
                                                     const std::shared_ptr<asio::ssl::context>& tls,
                                                     std::function<void()> idle) {
  if (tls == nullptr) {
    return std::make_shared<Connection<beast::tcp_stream>>(std::move(socket), service,
                                                           std::move(idle), nullptr);
  }
  return std::make_shared<Connection<TlsStream>>(std::move(socket), service, std::move(idle), tls,
                                                 *tls);
}

}  // namespace moq::relay
