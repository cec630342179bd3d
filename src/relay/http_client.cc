#include "relay/http_client.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "native/client/resolve.h"
#include "native/client/url.h"
#include "native/io/file_stamp.h"
#include "native/io/tcp_endpoint.h"
#include "net/base/log.h"

namespace moq::relay {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using native::Url;

using Socket = ssl::stream<beast::tcp_stream>;

/// "https://host:8443": what an error may say of a URL.
std::string server_of(const Url& url) {
  return fmt::format("{}://{}", url.scheme(), url.authority());
}

tl::unexpected<Error> failed(HttpError code, const Url& url, std::string_view why) {
  return fail(code, fmt::format("{}: {}", server_of(url), why));
}

tl::unexpected<Error> bad_file(std::string_view what, const std::string& file,
                               const error_code& error) {
  return fail(HttpError::tls, fmt::format("{} {}: {}", what, file, error.message()));
}

Result<std::shared_ptr<ssl::context>> make_context(const Config::Tls& trust) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  error_code error;
  context->set_verify_mode(trust.disable_verify ? ssl::verify_none : ssl::verify_peer, error);
  if (trust.system_roots.value_or(trust.root.empty())) context->set_default_verify_paths(error);
  for (const std::string& file : trust.root) {
    context->load_verify_file(file, error);
    if (error) return bad_file("cannot read the certificates in", file, error);
  }
  if (trust.cert.empty() != trust.key.empty()) {
    return fail(HttpError::tls, "a certificate needs its key, and a key its certificate");
  }
  if (trust.cert.empty()) return context;
  context->use_certificate_chain_file(trust.cert, error);
  if (error) return bad_file("cannot read the certificate", trust.cert, error);
  context->use_private_key_file(trust.key, ssl::context::pem, error);
  if (error)
    return bad_file("cannot read the key, or it is another certificate's:", trust.key, error);
  return context;
}

using Stamps = std::vector<native::FileStamp>;

Stamps stamps_of(const Config::Tls& trust) {
  Stamps stamps;
  for (const std::string& file : trust.root) stamps.push_back(native::stamp_of(file));
  for (const std::string& file : {trust.cert, trust.key}) {
    if (!file.empty()) stamps.push_back(native::stamp_of(file));
  }
  return stamps;
}

/// What a redirect leads to.
Result<Url> redirected(const Url& from, std::string_view location) {
  std::string text(location);
  if (location.starts_with("//")) {
    text = fmt::format("{}:{}", from.scheme(), location);
  } else if (location.starts_with('/')) {
    text = server_of(from) + text;
  }
  auto to = Url::parse(text);
  if (!to || (to->scheme() != "http" && to->scheme() != "https")) {
    return failed(HttpError::redirect, from, "it redirects to what is no URL of HTTP");
  }
  if (from.scheme() == "https" && to->scheme() != "https") {
    return failed(HttpError::redirect, from, "it redirects to where nothing is encrypted");
  }
  return to;
}

bool is_redirect(unsigned status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

HttpError kind_of(const error_code& error) {
  if (error == http::error::body_limit || error == http::error::header_limit ||
      error == http::error::buffer_overflow) {
    return HttpError::too_large;
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message) {
    return HttpError::unreachable;
  }
  const bool broken = error.category() == make_error_code(http::error::bad_method).category();
  return broken ? HttpError::bad_answer : HttpError::unreachable;
}

/// One request: the coroutine's, and known to the client as long as it runs.
struct Operation {
  explicit Operation(asio::io_context& context) : looked_up(context), deadline(context) {}

  void stop() {
    stopped = true;
    lookup.reset();
    looked_up.cancel();
    deadline.cancel();
    if (plain) plain->close();
    if (secure) secure->next_layer().close();
  }

  std::shared_ptr<void> lookup;  ///< of a name, which a resolver that hangs cannot hold up
  asio::steady_timer looked_up;  ///< never expires; cancelled when it is
  asio::steady_timer deadline;
  std::optional<beast::tcp_stream> plain;  ///< until TLS takes it over
  std::shared_ptr<ssl::context> tls;       ///< of `secure`
  std::optional<Socket> secure;
  bool stopped = false;
  bool late = false;
};

template <typename Stream>
asio::awaitable<Result<HttpReply>> exchange(Stream& stream, const Url& url,
                                            const HttpConditions& conditions,
                                            const HttpClientLimits& limits, std::string& location) {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  http::request<http::empty_body> request(http::verb::get, url.target(), 11);
  request.set(http::field::host, url.authority());
  request.set(http::field::user_agent, "moq-relay");
  request.set(http::field::accept, "application/json, */*;q=0.5");
  request.set(http::field::connection, "close");
  if (!conditions.etag.empty()) request.set(http::field::if_none_match, conditions.etag);
  if (!conditions.last_modified.empty()) {
    request.set(http::field::if_modified_since, conditions.last_modified);
  }
  std::ostringstream text;
  text << request;
  const std::string bytes = text.str();
  co_await asio::async_write(stream, asio::buffer(bytes), token);
  if (error) co_return failed(HttpError::unreachable, url, error.message());
  beast::flat_buffer buffer(limits.max_header + limits.max_body);
  http::response_parser<http::string_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(limits.max_header));
  parser.body_limit(limits.max_body);
  co_await http::async_read(stream, buffer, parser, token);
  if (error) co_return failed(kind_of(error), url, error.message());
  auto& response = parser.get();
  const auto field = [&](http::field name) { return std::string(response[name]); };
  location = field(http::field::location);
  // Lines of a list may be many (RFC 9110 §5.3).
  std::string cache_control;
  for (const auto& each : response) {
    if (each.name() != http::field::cache_control) continue;
    cache_control += (cache_control.empty() ? "" : ", ") + std::string(each.value());
  }
  co_return HttpReply{.status = response.result_int(),
                      .body = std::move(response.body()),
                      .cache_control = std::move(cache_control),
                      .age = field(http::field::age),
                      .vary = field(http::field::vary),
                      .etag = field(http::field::etag),
                      .last_modified = field(http::field::last_modified)};
}

}  // namespace

const ErrorDomain& error_domain(HttpError) {
  static constexpr ErrorDomain kDomain{"http", [](std::uint64_t code) -> std::string_view {
                                         switch (static_cast<HttpError>(code)) {
                                           case HttpError::bad_url:
                                             return "BAD_URL";
                                           case HttpError::unreachable:
                                             return "UNREACHABLE";
                                           case HttpError::tls:
                                             return "TLS";
                                           case HttpError::timeout:
                                             return "TIMEOUT";
                                           case HttpError::bad_answer:
                                             return "BAD_ANSWER";
                                           case HttpError::too_large:
                                             return "TOO_LARGE";
                                           case HttpError::redirect:
                                             return "REDIRECT";
                                           case HttpError::busy:
                                             return "BUSY";
                                           case HttpError::status:
                                             return "STATUS";
                                         }
                                         return "unknown";
                                       }};
  return kDomain;
}

class HttpClient::State : public std::enable_shared_from_this<State> {
 public:
  State(native::EventLoop& events, const Config::Tls& trust, const HttpClientLimits& limits)
      : events_(events), trust_(trust), limits_(limits) {}

  /// Reads the files again if they have changed. Fails as HttpClient::create.
  Result<void> refresh() {
    Stamps stamps = stamps_of(trust_);
    if (tls_ != nullptr && stamps == stamps_) return {};
    stamps_ = std::move(stamps);
    MOQ_TRY(tls_, make_context(trust_));
    return {};
  }

  void get(const std::string& text, HttpConditions conditions, Done done) {
    auto url = Url::parse(text);
    if (!url || (url->scheme() != "http" && url->scheme() != "https")) {
      return events_.loop().post([done = std::move(done)] {
        done(fail(HttpError::bad_url, "this is no http:// or https:// URL"));
      });
    }
    auto operation = std::make_shared<Operation>(events_.context());
    operation->deadline.expires_after(limits_.timeout);
    operation->deadline.async_wait([weak = std::weak_ptr(operation)](const error_code& error) {
      const auto running = weak.lock();
      if (error || running == nullptr) return;
      running->late = true;
      running->stop();
    });
    running_.insert(operation);
    asio::co_spawn(events_.context(),
                   run(shared_from_this(), std::move(operation), *std::move(url),
                       std::move(conditions), std::move(done)),
                   asio::detached);
  }

  void stop() {
    stopped_ = true;
    for (const auto& operation : running_) operation->stop();
  }

 private:
  asio::awaitable<void> run([[maybe_unused]] std::shared_ptr<State> self,
                            std::shared_ptr<Operation> operation, Url url,
                            HttpConditions conditions, Done done) {
    Result<HttpReply> reply = co_await follow(*operation, std::move(url), conditions);
    operation->stop();
    running_.erase(operation);
    if (stopped_) co_return;
    // From the loop, as all else.
    events_.loop().post([self, done = std::move(done), reply = std::move(reply)]() mutable {
      if (!self->stopped_) done(std::move(reply));
    });
  }

  asio::awaitable<Result<HttpReply>> follow(Operation& operation, Url url,
                                            const HttpConditions& conditions) {
    for (unsigned left = limits_.max_redirects;; --left) {
      std::string location;
      auto reply = co_await one(operation, url, conditions, location);
      if (operation.late) {
        co_return failed(HttpError::timeout, url,
                         fmt::format("no answer within {} ms", limits_.timeout.count()));
      }
      if (!reply || !is_redirect(reply->status) || location.empty()) co_return reply;
      if (left == 0) co_return failed(HttpError::redirect, url, "it redirects again and again");
      auto next = redirected(url, location);
      if (!next) co_return tl::unexpected<Error>(std::move(next).error());
      url = *std::move(next);
    }
  }

  asio::awaitable<Result<HttpReply>> one(Operation& operation, const Url& url,
                                         const HttpConditions& conditions, std::string& location) {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    const auto addresses = co_await look_up(operation, url);
    if (!addresses) co_return failed(HttpError::unreachable, url, addresses.error().message());
    if (operation.stopped) co_return failed(HttpError::unreachable, url, "it was given up");
    // Those of a redirect before are over.
    operation.secure.reset();
    operation.plain.emplace(events_.context());
    co_await operation.plain->async_connect(*addresses, token);
    if (error || operation.stopped) co_return failed(HttpError::unreachable, url, error.message());
    if (url.scheme() == "http") {
      co_return co_await exchange(*operation.plain, url, conditions, limits_, location);
    }
    // What was read before holds as long as the files are bad.
    if (const auto read = refresh(); !read) log::warn("{}", read.error().detail());
    operation.tls = tls_;
    Socket& socket = operation.secure.emplace(std::move(*operation.plain), *operation.tls);
    operation.plain.reset();
    if (!url.host_is_address()) {
      SSL_set_tlsext_host_name(socket.native_handle(), url.host().c_str());
    }
    if (!trust_.disable_verify)
      socket.set_verify_callback(ssl::host_name_verification(url.host()), error);
    if (!error) co_await socket.async_handshake(ssl::stream_base::client, token);
    if (error || operation.stopped) co_return failed(HttpError::tls, url, error.message());
    co_return co_await exchange(socket, url, conditions, limits_, location);
  }

  asio::awaitable<Result<std::vector<tcp::endpoint>>> look_up(Operation& operation,
                                                              const Url& url) {
    std::vector<tcp::endpoint> endpoints;
    if (operation.stopped) co_return endpoints;
    std::optional<Error> failure;
    operation.looked_up.expires_at(asio::steady_timer::time_point::max());
    operation.lookup = native::resolve(
        events_, url.host(), url.port(),
        [&](const Result<std::vector<native::SocketAddress>>& found) {
          if (found) {
            std::ranges::transform(*found, std::back_inserter(endpoints), native::to_tcp);
          } else {
            failure = found.error();
          }
          operation.looked_up.cancel();
        });
    error_code cancelled;
    co_await operation.looked_up.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    operation.lookup.reset();
    if (failure) co_return fail(*std::move(failure));
    co_return endpoints;
  }

  native::EventLoop& events_;
  const Config::Tls trust_;
  Stamps stamps_;
  std::shared_ptr<ssl::context> tls_;
  HttpClientLimits limits_;
  bool stopped_ = false;
  std::unordered_set<std::shared_ptr<Operation>> running_;
};

Result<std::unique_ptr<HttpClient>> HttpClient::create(native::EventLoop& events,
                                                       const Config::Tls& trust,
                                                       const HttpClientLimits& limits) {
  auto state = std::make_shared<State>(events, trust, limits);
  MOQ_CHECK_OK(state->refresh());
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(state)));
}

HttpClient::~HttpClient() { state_->stop(); }

void HttpClient::get(const std::string& url, HttpConditions conditions, Done done) {
  state_->get(url, std::move(conditions), std::move(done));
}

}  // namespace moq::relay
