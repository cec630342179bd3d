#include "native/client/fingerprint.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "native/io/tcp_endpoint.h"

namespace moq::native {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kDigits = 64;
constexpr std::uint64_t kMaxBody = 1024;
constexpr std::uint32_t kMaxHeader = 8192;

// Of one fetch: shared by the coroutine and the caller's handle.
struct Fetch {
  Fetch(EventLoop& loop, std::string where, Fetched then)
      : events(loop), stream(loop.context()), authority(std::move(where)), done(std::move(then)) {}

  EventLoop& events;
  beast::tcp_stream stream;
  std::string authority;
  Fetched done;  ///< empty: the caller has let go
};

tl::unexpected<Error> failed(const Fetch& fetch, const std::string& why) {
  return fail(IoError{EHOSTUNREACH},
              fmt::format("cannot get the certificate's fingerprint from "
                          "http://{}/certificate.sha256: {} (https:// does without)",
                          fetch.authority, why));
}

asio::awaitable<Result<std::string>> get(Fetch& fetch, std::vector<SocketAddress> addresses) {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  for (const SocketAddress& address : addresses) {
    co_await fetch.stream.async_connect(to_tcp(address), token);
    if (!error || !fetch.done) break;
    fetch.stream.close();
  }
  if (error) co_return failed(fetch, error.message());
  http::request<http::empty_body> request(http::verb::get, "/certificate.sha256", 11);
  request.set(http::field::host, fetch.authority);
  request.set(http::field::connection, "close");
  co_await http::async_write(fetch.stream, request, token);
  if (error) co_return failed(fetch, error.message());
  beast::flat_buffer buffer(kMaxHeader + kMaxBody);
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxBody);
  parser.header_limit(kMaxHeader);
  co_await http::async_read(fetch.stream, buffer, parser, token);
  if (error) co_return failed(fetch, error.message());
  if (parser.get().result() != http::status::ok) {
    co_return failed(fetch, fmt::format("the server answered {}", parser.get().result_int()));
  }
  auto fingerprint = parse_fingerprint(parser.get().body());
  if (!fingerprint) co_return failed(fetch, fingerprint.error().detail());
  co_return fingerprint;
}

asio::awaitable<void> run(std::shared_ptr<Fetch> fetch, std::vector<SocketAddress> addresses) {
  Result<std::string> result = co_await get(*fetch, std::move(addresses));
  if (!fetch->done) co_return;
  fetch->events.loop().post([fetch, result = std::move(result)]() mutable {
    if (fetch->done) std::exchange(fetch->done, nullptr)(std::move(result));
  });
}

}  // namespace

Result<std::string> parse_fingerprint(std::string_view body) {
  const auto space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!body.empty() && space(body.front())) body.remove_prefix(1);
  while (!body.empty() && space(body.back())) body.remove_suffix(1);
  const auto hex = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
  if (body.size() != kDigits || !std::ranges::all_of(body, hex)) {
    return fail(IoError{EPROTO}, "the answer is not the 64 hex digits of a SHA-256");
  }
  std::string text(body);
  std::ranges::transform(text, text.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return text;
}

std::shared_ptr<void> fetch_fingerprint(EventLoop& events, std::vector<SocketAddress> addresses,
                                        std::string authority, Fetched done) {
  auto fetch = std::make_shared<Fetch>(events, std::move(authority), std::move(done));
  asio::co_spawn(events.context(), run(fetch, std::move(addresses)), asio::detached);
  return {fetch.get(), [fetch](void*) {
            fetch->done = nullptr;
            fetch->stream.close();
          }};
}

}  // namespace moq::native
