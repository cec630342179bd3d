#include "native/client/client.h"

#include <cerrno>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "native/client/race.h"
#include "native/client/resolve.h"
#include "net/base/log.h"

namespace moq::native {

using ConnectionPtr = std::shared_ptr<quic::Connection>;

// One `connect`: resolution, then the race between the addresses.
class Client::Dialling {
 public:
  Dialling(Client& client, const Url& url, Connected connected)
      : client_(client),
        loop_(client.events_.loop()),
        url_(url),
        connected_(std::move(connected)),
        deadline_(later(loop_.now(), client.config_.connect_timeout > Duration::zero()
                                         ? client.config_.connect_timeout
                                         : Duration::max())),
        timer_(loop_, [this] {
          finish(
              fail(IoError{ETIMEDOUT}, fmt::format("resolving \"{}\" took too long", url_.host())));
        }) {}

  void start() {
    if (url_.carrier() != Carrier::raw_quic) {
      return refuse(fail(UrlError::unknown_scheme,
                         fmt::format("{}:// needs WebTransport, which this client does not speak; "
                                     "write moqt:// if the server takes raw QUIC",
                                     url_.scheme())));
    }
    timer_.arm(deadline_);
    lookup_ = resolve(client_.events_, url_.host(), url_.port(),
                      [this](Result<std::vector<SocketAddress>> addresses) {
                        timer_.cancel();
                        if (!addresses) return finish(tl::unexpected(std::move(addresses).error()));
                        race(*std::move(addresses));
                      });
  }

 private:
  void race(std::vector<SocketAddress> addresses) {
    if (client_.socket_->local_address().family() == AF_INET) {
      std::erase_if(addresses, [](const SocketAddress& each) { return !each.is_v4(); });
    } else if (!client_.socket_->local_address().is_any()) {
      std::erase_if(addresses, [](const SocketAddress& each) { return each.is_v4(); });
    }
    if (addresses.empty()) {
      return finish(fail(IoError{EHOSTUNREACH},
                         fmt::format("\"{}\" has no address that can be reached from {}",
                                     url_.host(), client_.socket_->local_address().to_string())));
    }
    const Race<ConnectionPtr>::Times times{
        client_.config_.failover_delay,
        deadline_ == kNever ? Duration::max() : deadline_ - loop_.now()};
    race_.emplace(
        loop_, interleave_families(addresses), times,
        [this](const SocketAddress& remote, Connected done) {
          return dial(remote, std::move(done));
        },
        [this](Result<ConnectionPtr> result) { finish(std::move(result)); });
  }

  std::shared_ptr<void> dial(const SocketAddress& remote, Connected done) {
    log::debug("dialling {} at {}", url_.to_log(), remote.to_string());
    const bool mapped = client_.socket_->local_address().family() == AF_INET6;
    quic::ConnectOptions options;
    options.remote = mapped ? remote.mapped() : remote;
    options.server_name = client_.config_.tls.host_name.value_or(url_.host());
    options.tls = client_.tls_;
    options.config = client_.config_.quic;
    return client_.endpoint_->connect(std::move(options), std::move(done));
  }

  void refuse(tl::unexpected<Error> error) {
    refusal_.emplace(std::move(error));
    timer_.arm(loop_.now());
  }

  void finish(Result<ConnectionPtr> result) {
    if (refusal_) result = *std::exchange(refusal_, std::nullopt);
    if (!result) {
      const Error& error = result.error();
      result = tl::unexpected<Error>(Error(error.domain(), error.code(),
                                           fmt::format("{}: {}", url_.to_log(), error.detail())));
    }
    // Last: it may let go of this.
    const Connected connected = std::exchange(connected_, nullptr);
    if (connected) connected(std::move(result));
  }

  Client& client_;
  Loop& loop_;
  Url url_;
  Connected connected_;
  Time deadline_;
  Timer timer_;
  std::optional<tl::unexpected<Error>> refusal_;
  std::shared_ptr<void> lookup_;
  std::optional<Race<ConnectionPtr>> race_;
};

Client::Client(EventLoop& events, ClientConfig config)
    : events_(events), config_(std::move(config)) {}

Client::~Client() {
  if (socket_) socket_->set_handler(nullptr);
}

Result<std::unique_ptr<Client>> Client::create(EventLoop& events, ClientConfig config) {
  std::unique_ptr<Client> client(new Client(events, std::move(config)));
  MOQ_TRY(tls::ClientContext trust, tls::load_client_trust(client->config_.tls));
  trust.alpns = client->config_.alpns;
  client->tls_ = std::make_shared<const tls::ClientContext>(std::move(trust));

  // One local address for all packets: a client's path does not depend on which
  // of its addresses the kernel picks.
  const UdpOptions udp{.gso = client->config_.quic.gso, .local_addresses = false};
  MOQ_TRY(auto sockets, bind_udp(client->config_.bind, 1, udp));
  client->socket_ = std::make_unique<UdpSocket>(events, std::move(sockets.front()), udp);
  quic::EndpointOptions options;
  options.config = client->config_.quic;
  options.keys = quic::Keys::generate(options.random);
  client->endpoint_ =
      std::make_unique<quic::Endpoint>(events.loop(), *client->socket_, std::move(options));
  client->socket_->set_handler(client->endpoint_.get());
  return client;
}

Client::Dial Client::connect(const Url& url, Connected connected) {
  auto dialling = std::make_shared<Dialling>(*this, url, std::move(connected));
  dialling->start();
  return dialling;
}

}  // namespace moq::native
