#include "native/client/dialer.h"

#include <cerrno>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "native/client/fingerprint.h"
#include "native/client/race.h"
#include "native/client/redirect.h"
#include "native/client/resolve.h"
#include "net/base/log.h"

namespace moq::native {

using ConnectionPtr = std::shared_ptr<quic::Connection>;
using ConnectionDone = Race<ConnectionPtr>::Done;

namespace {
constexpr std::uint16_t kHttpPort = 80;
}  // namespace

struct Dialer::Port {
  Port() = default;
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  ~Port() { socket->set_handler(nullptr); }

  std::unique_ptr<UdpSocket> socket;
  std::unique_ptr<quic::Endpoint> endpoint;
  std::unique_ptr<http3::Connections> http3;
};

// One `connect`: resolution, then the race between the addresses.
class Dialer::Dialling {
 public:
  Dialling(Dialer& dialer, const Url& url, const DialOptions& options, Connected connected)
      : dialer_(dialer),
        port_(dialer.ports_.back()),
        loop_(dialer.events_.loop()),
        url_(url),
        options_(options),
        connected_(std::move(connected)),
        deadline_(later(loop_.now(), dialer.config_.connect_timeout > Duration::zero()
                                         ? dialer.config_.connect_timeout
                                         : Duration::max())),
        timer_(
            loop_,
            [this] { finish(fail(IoError{ETIMEDOUT}, fmt::format("{} took too long", doing_))); }),
        doing_(fmt::format("resolving \"{}\"", url.host())) {}

  void start() {
    timer_.arm(deadline_);
    lookup_ = resolve(dialer_.events_, url_.host(), url_.port(),
                      [this](Result<std::vector<SocketAddress>> addresses) {
                        if (!addresses) {
                          return finish(tl::unexpected(std::move(addresses).error()));
                        }
                        resolved(*std::move(addresses));
                      });
  }

 private:
  using Session = std::shared_ptr<transport::Session>;

  void resolved(std::vector<SocketAddress> addresses) {
    const std::size_t all = addresses.size();
    if (options_.public_only) std::erase_if(addresses, is_local);
    if (addresses.empty() && all != 0) {
      return finish(fail(IoError{EHOSTUNREACH},
                         fmt::format("\"{}\" leads to this machine or a private network, where a "
                                     "public server may not send us",
                                     url_.host())));
    }
    if (port_->socket->local_address().family() == AF_INET) {
      std::erase_if(addresses, [](const SocketAddress& each) { return !each.is_v4(); });
    } else if (!port_->socket->local_address().is_any()) {
      std::erase_if(addresses, [](const SocketAddress& each) { return each.is_v4(); });
    }
    if (addresses.empty()) {
      return finish(fail(IoError{EHOSTUNREACH},
                         fmt::format("\"{}\" has no address that can be reached from {}",
                                     url_.host(), port_->socket->local_address().to_string())));
    }
    addresses = interleave_families(addresses);
    const tls::ClientConfig& config = dialer_.config_.tls;
    const bool told = !config.fingerprint.empty() || config.disable_verify;
    if (url_.carrier() != Carrier::fetch_fingerprint || told) {
      tls_ = dialer_.tls_for(url_.carrier(), dialer_.trust_);
      return race(std::move(addresses));
    }
    doing_ = "getting the certificate's fingerprint";
    fetch_ = fetch_fingerprint(dialer_.events_, addresses, url_.authority(),
                               [this, addresses](Result<std::string> fingerprint) {
                                 fetched(addresses, std::move(fingerprint));
                               });
  }

  void fetched(std::vector<SocketAddress> addresses, Result<std::string> fingerprint) {
    if (!fingerprint) return finish(tl::unexpected(std::move(fingerprint).error()));
    tls::ClientConfig pinned = dialer_.config_.tls;
    pinned.root.clear();
    pinned.system_roots = std::nullopt;
    pinned.fingerprint = {*std::move(fingerprint)};
    auto trust = tls::load_client_trust(pinned);
    if (!trust) return finish(tl::unexpected(std::move(trust).error()));
    tls_ = dialer_.tls_for(url_.carrier(), *std::move(trust));
    race(std::move(addresses));
  }

  void race(std::vector<SocketAddress> addresses) {
    timer_.cancel();
    const Race<ConnectionPtr>::Times times{
        dialer_.config_.failover_delay,
        deadline_ == kNever ? Duration::max() : deadline_ - loop_.now()};
    race_.emplace(
        loop_, std::move(addresses), times,
        [this](const SocketAddress& remote, ConnectionDone done) {
          return dial(remote, std::move(done));
        },
        [this](Result<ConnectionPtr> result) { reached(std::move(result)); });
  }

  void reached(Result<ConnectionPtr> connection) {
    if (!connection) {
      Error error = std::move(connection).error();
      if (url_.carrier() != Carrier::raw_quic &&
          error.detail().find("no_application_protocol") != std::string::npos) {
        error = Error(error.domain(), error.code(),
                      error.detail() + "; the server does not speak WebTransport, moqt:// may do");
      }
      return finish(tl::unexpected<Error>(std::move(error)));
    }
    if (url_.carrier() == Carrier::raw_quic) return finish(Session(*std::move(connection)));
    doing_ = "asking for a WebTransport session";
    timer_.arm(deadline_);
    // An http: URL's port is meant for https:, whose default is another.
    std::string authority = url_.authority();
    if (url_.carrier() == Carrier::fetch_fingerprint && url_.port() == kHttpPort) {
      authority += fmt::format(":{}", kHttpPort);
    }
    attempt_ =
        port_->http3->connect(*std::move(connection),
                              {.authority = std::move(authority),
                               .path = url_.target(),
                               .origin = {},
                               .protocols = dialer_.config_.alpns},
                              [this](Result<std::shared_ptr<http3::WebTransportSession>> session) {
                                if (!session)
                                  return finish(tl::unexpected(std::move(session).error()));
                                finish(Session(*std::move(session)));
                              });
  }

  std::shared_ptr<void> dial(const SocketAddress& remote, ConnectionDone done) {
    log::debug("dialling {} at {}", url_.to_log(), remote.to_string());
    const bool mapped = port_->socket->local_address().family() == AF_INET6;
    quic::ConnectOptions options;
    options.remote = mapped ? remote.mapped() : remote;
    options.server_name = dialer_.config_.tls.host_name.value_or(url_.host());
    options.tls = tls_;
    options.config = dialer_.config_.quic;
    return port_->endpoint->connect(std::move(options), std::move(done));
  }

  void finish(Result<Session> result) {
    timer_.cancel();
    if (!result) {
      const Error& error = result.error();
      result = tl::unexpected<Error>(Error(error.domain(), error.code(),
                                           fmt::format("{}: {}", url_.to_log(), error.detail())));
    }
    // Last: it may let go of this.
    const Connected connected = std::exchange(connected_, nullptr);
    if (connected) connected(std::move(result));
  }

  Dialer& dialer_;
  std::shared_ptr<Port> port_;
  Loop& loop_;
  Url url_;
  DialOptions options_;
  Connected connected_;
  Time deadline_;
  Timer timer_;
  std::string doing_;
  std::shared_ptr<const tls::ClientContext> tls_;
  std::shared_ptr<void> lookup_;
  std::shared_ptr<void> fetch_;
  std::optional<Race<ConnectionPtr>> race_;
  http3::Connections::Attempt attempt_;
};

Dialer::Dialer(EventLoop& events, DialerConfig config)
    : events_(events), config_(std::move(config)) {}

Dialer::~Dialer() = default;

Result<std::unique_ptr<Dialer>> Dialer::create(EventLoop& events, DialerConfig config) {
  std::unique_ptr<Dialer> dialer(new Dialer(events, std::move(config)));
  MOQ_TRY(dialer->trust_, tls::load_client_trust(dialer->config_.tls));
  MOQ_TRY(auto port, dialer->open_port());
  dialer->ports_.push_back(std::move(port));
  return dialer;
}

Result<std::shared_ptr<Dialer::Port>> Dialer::open_port() {
  // One local address for all packets: a client's path does not depend on which
  // of its addresses the kernel picks.
  const UdpOptions udp{.gso = config_.quic.gso, .local_addresses = false};
  MOQ_TRY(auto sockets, bind_udp(config_.bind, 1, udp));
  auto port = std::make_shared<Port>();
  port->socket = std::make_unique<UdpSocket>(events_, std::move(sockets.front()), udp);
  quic::EndpointOptions options;
  options.config = config_.quic;
  options.keys = quic::Keys::generate(options.random);
  port->endpoint =
      std::make_unique<quic::Endpoint>(events_.loop(), *port->socket, std::move(options));
  port->http3 = std::make_unique<http3::Connections>(events_.loop(), config_.http3_limits);
  port->socket->set_handler(port->endpoint.get());
  return port;
}

void Dialer::close_unused() {
  std::erase_if(ports_, [next = ports_.back().get()](const std::shared_ptr<Port>& port) {
    return port.get() != next && port.use_count() == 1 && port->endpoint->connections() == 0;
  });
}

std::size_t Dialer::connections() const {
  std::size_t all = 0;
  for (const auto& port : ports_) all += port->endpoint->connections();
  return all;
}

const UdpSocket& Dialer::socket() const { return *ports_.back()->socket; }

std::shared_ptr<const tls::ClientContext> Dialer::tls_for(Carrier carrier,
                                                          tls::ClientContext trust) const {
  trust.alpns =
      carrier == Carrier::raw_quic ? config_.alpns : std::vector{std::string(http3::kAlpn)};
  return std::make_shared<const tls::ClientContext>(std::move(trust));
}

Dialer::Dial Dialer::connect(const Url& url, const DialOptions& options, Connected connected) {
  if (options.new_port && config_.bind.port() == 0) {
    if (auto port = open_port()) {
      ports_.push_back(*std::move(port));
    } else {
      log::warn("dialling from the UDP port that was used before: {}", port.error().message());
    }
  }
  close_unused();
  auto dialling = std::make_shared<Dialling>(*this, url, options, std::move(connected));
  dialling->start();
  return dialling;
}

}  // namespace moq::native
