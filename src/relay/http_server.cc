#include "relay/http_server.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <iterator>
#include <list>
#include <map>
#include <optional>
#include <tuple>
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

#include "native/io/network.h"
#include "native/io/tcp_endpoint.h"
#include "net/base/log.h"

namespace moq::relay {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

// Lets a listener that ran out of descriptors breathe, instead of spinning on
// the connection that it cannot take.
constexpr std::chrono::milliseconds kAcceptPause{100};

AcceptFailure failure_of(const error_code& error) {
  switch (error.value()) {
    case ECONNABORTED:
    case ECONNRESET:
    case EPERM:
    case EPROTO:
    case ETIMEDOUT:
      return AcceptFailure::connection;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return AcceptFailure::exhausted;
    default:
      return AcceptFailure::unknown;
  }
}

}  // namespace

class HttpServer::Listener : public std::enable_shared_from_this<Listener> {
 public:
  Listener(native::EventLoop& events, HttpService service)
      : acceptor_(events.context()), resume_(events.context()), service_(std::move(service)) {}

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

  void set_tls(std::shared_ptr<asio::ssl::context> tls) { tls_ = std::move(tls); }
  tcp::endpoint local() const { return acceptor_.local_endpoint(); }

  AcceptCounts counts() const {
    AcceptCounts counts = counts_;
    if (stalled_since_) counts.stalled = Clock::now() - *stalled_since_;
    return counts;
  }

  void start() {
    asio::co_spawn(acceptor_.get_executor(), accept(shared_from_this()), asio::detached);
  }

  void stop() {
    stopped_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    resume_.cancel();
    for (const Client& client : clients_) client.connection->close();
  }

 private:
  struct Client {
    native::Network network;
    std::shared_ptr<HttpConnection> connection;
    bool dropped = false;  ///< it counts no more
  };
  using Clients = std::list<Client>;

  // `self` keeps the coroutine's object alive.
  asio::awaitable<void> accept([[maybe_unused]] std::shared_ptr<Listener> self) {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    while (!stopped_) {
      tcp::endpoint from;
      tcp::socket socket = co_await acceptor_.async_accept(from, token);
      if (stopped_) break;
      if (error) {
        failed(error);
        if (failure_of(error) == AcceptFailure::connection) continue;
        resume_.expires_after(kAcceptPause);
        co_await resume_.async_wait(token);
        continue;
      }
      stalled_since_.reset();
      const native::Network network = native::network_of(native::from_tcp(from));
      while (!stopped_ && present_ >= service_.limits.max_connections && !make_room(network)) {
        resume_.expires_at(Clock::time_point::max());
        co_await resume_.async_wait(token);
      }
      if (stopped_) break;
      ++present_;
      clients_.push_back({.network = network,
                          .connection = make_http_connection(std::move(socket), service_, tls_,
                                                             [this] { resume_.cancel(); })});
      serve(std::prev(clients_.end()));
    }
  }

  void failed(const error_code& error) {
    const AcceptFailure failure = failure_of(error);
    ++counts_.failures.at(static_cast<std::size_t>(failure));
    if (failure == AcceptFailure::connection) return;
    if (failure == AcceptFailure::exhausted && stalled_since_) return;
    if (failure == AcceptFailure::exhausted) stalled_since_ = Clock::now();
    log::warn("http: cannot accept a connection: {}", error.message());
  }

  /// Drops a client that is waited for, for one from `newcomer`. Whether there was one.
  bool make_room(const native::Network& newcomer) {
    std::map<native::Network, std::size_t> present{{newcomer, 1}};
    for (const Client& client : clients_) ++present[client.network];
    Client* dropped = nullptr;
    const auto rank = [&](const Client& client) {
      return std::tuple(!client.connection->answering(), present.at(client.network),
                        Clock::now() - client.connection->waiting_since());
    };
    for (Client& client : clients_) {
      const bool worth_it =
          !client.connection->answering() || present.at(client.network) > present.at(newcomer);
      if (client.dropped || !worth_it) continue;
      if (dropped == nullptr || rank(client) > rank(*dropped)) dropped = &client;
    }
    if (dropped == nullptr) return false;
    dropped->dropped = true;
    --present_;
    dropped->connection->close();
    return true;
  }

  void serve(Clients::iterator client) {
    asio::co_spawn(acceptor_.get_executor(), client->connection->run(),
                   [self = shared_from_this(), client](const std::exception_ptr& /*failed*/) {
                     if (!client->dropped) --self->present_;
                     self->clients_.erase(client);
                     self->resume_.cancel();
                   });
  }

  tcp::acceptor acceptor_;
  asio::steady_timer resume_;
  HttpService service_;
  std::shared_ptr<asio::ssl::context> tls_;
  Clients clients_;
  std::size_t present_ = 0;
  AcceptCounts counts_;
  std::optional<Clock::time_point> stalled_since_;
  bool stopped_ = false;
};

Result<std::unique_ptr<HttpServer>> HttpServer::listen(
    native::EventLoop& events, const native::SocketAddress& address, std::vector<HttpRoute> routes,
    HttpAudience audience, const HttpLimits& limits, const HttpsIdentity& identity) {
  auto listener = std::make_shared<Listener>(
      events, HttpService{.routes = std::move(routes),
                          .audience = audience,
                          .limits = limits,
                          .local = audience == HttpAudience::programs &&
                                   native::to_tcp(address).address().is_loopback()});
  if (!identity.certificates.empty()) {
    MOQ_TRY(auto tls, make_https_context(identity));
    listener->set_tls(std::move(tls));
  }
  if (const error_code error = listener->open(native::to_tcp(address))) {
    return fail(static_cast<native::IoError>(error.value()),
                fmt::format("cannot listen for HTTP on TCP {}", address.to_string()));
  }
  listener->start();
  const tcp::endpoint local = listener->local();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(listener), native::from_tcp(local)));
}

HttpServer::HttpServer(std::shared_ptr<Listener> listener, const native::SocketAddress& address)
    : listener_(std::move(listener)), address_(address) {}

HttpServer::~HttpServer() { listener_->stop(); }

Result<void> HttpServer::set_identity(const HttpsIdentity& identity) {
  MOQ_TRY(auto tls, make_https_context(identity));
  listener_->set_tls(std::move(tls));
  return {};
}

AcceptCounts HttpServer::accepts() const { return listener_->counts(); }

}  // namespace moq::relay
