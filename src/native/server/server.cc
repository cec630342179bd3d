#include "native/server/server.h"

#include <csignal>
#include <utility>

#include "net/base/log.h"

namespace moq::native {

Result<std::unique_ptr<Server>> Server::start(ServerConfig config,
                                              const tls::ServerCertificates& certificates,
                                              ServerHandlers handlers) {
  std::unique_ptr<Server> server(new Server(std::move(config), std::move(handlers)));
  MOQ_CHECK_OK(server->run(certificates));
  return server;
}

Server::Server(ServerConfig config, ServerHandlers handlers)
    : config_(std::move(config)),
      handlers_(std::move(handlers)),
      threads_(config_.workers != 0 ? config_.workers : Workers::default_count(), "moq-worker") {
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    workers_.push_back(std::make_unique<Worker>(*this, i, threads_.at(i)));
  }
  admission_ = std::make_shared<quic::Admission>(config_.limits, config_.refused);
  const quic::Random random = quic::system_random();
  if (!config_.keys) config_.keys = quic::Keys::generate(random);
  if (!config_.generation) {
    std::uint8_t generation = 0;
    random({&generation, 1});
    config_.generation = generation;
  }
}

Result<void> Server::run(const tls::ServerCertificates& certificates) {
  const auto context = context_of(certificates);
  if (config_.ctrl_c_handler) {
    threads_.run_on_all([this](std::size_t i) {
      if (i != 0) return;
      ctrl_c_ =
          std::make_unique<SignalSet>(threads_.at(0), std::initializer_list<int>{SIGINT},
                                      [this](int) { close(0, "the server was interrupted"); });
    });
  }
  const UdpOptions udp{.gso = config_.quic.gso};
  MOQ_TRY(auto sockets, bind_udp(config_.listen, workers_.size(), udp));
  local_ = bound_address(sockets.front());
  threads_.run_on_all([&](std::size_t i) {
    Worker& worker = *workers_[i];
    worker.socket_ = std::make_unique<UdpSocket>(worker.events_, std::move(sockets[i]), udp);
    std::vector<Steering::Target> targets;
    for (const auto& each : workers_) {
      targets.push_back({&each->events_, [other = each.get()]() -> PacketHandler* {
                           return other->endpoint_.get();
                         }});
    }
    worker.steering_ = std::make_unique<Steering>(worker.loop(), std::move(targets));
    worker.endpoint_ =
        std::make_unique<quic::Endpoint>(worker.loop(), *worker.socket_, endpoint_options(worker));
    worker.http3_ = std::make_unique<http3::Connections>(worker.loop(), config_.http3_limits,
                                                         http3_options(worker));
    if (handlers_.on_start) handlers_.on_start(worker);
  });
  {
    const std::scoped_lock lock(mutex_);
    open_workers_ = workers_.size();
  }
  threads_.run_on_all([&](std::size_t i) {
    Worker& worker = *workers_[i];
    worker.endpoint_->listen(context,
                             [this, &worker](std::shared_ptr<quic::Connection> connection) {
                               accept(worker, std::move(connection));
                             });
    worker.socket_->set_handler(worker.endpoint_.get());
  });
  log::info("listening on UDP {} with {} worker(s)", local_.to_string(), workers_.size());
  return {};
}

Server::~Server() {
  threads_.run_on_all([this](std::size_t i) {
    Worker& worker = *workers_[i];
    if (i == 0) ctrl_c_.reset();
    if (!worker.endpoint_) return;
    worker.endpoint_->refuse_new();
    worker.http3_->close_all(0, "");
    worker.endpoint_->close_all(0, "");
  });
  // A turn between: what was closed is flushed and dispatched.
  threads_.run_on_all([this](std::size_t i) {
    if (workers_[i]->socket_) workers_[i]->socket_->set_handler(nullptr);
  });
  threads_.run_on_all([this](std::size_t i) {
    if (workers_[i]->endpoint_ && handlers_.on_stop) handlers_.on_stop(*workers_[i]);
  });
  threads_.run_on_all([this](std::size_t i) {
    Worker& worker = *workers_[i];
    worker.http3_.reset();
    worker.endpoint_.reset();
    worker.steering_.reset();
  });
  threads_.stop();
}

std::shared_ptr<const tls::ServerContext> Server::context_of(
    const tls::ServerCertificates& certificates) {
  tls::ServerContext context = certificates.context;
  context.alpns = config_.alpns;
  if (config_.webtransport) context.alpns.emplace_back(http3::kAlpn);
  const std::scoped_lock lock(mutex_);
  fingerprints_ = certificates.fingerprints;
  return std::make_shared<const tls::ServerContext>(std::move(context));
}

quic::EndpointOptions Server::endpoint_options(Worker& worker) {
  quic::EndpointOptions options;
  options.config = config_.quic;
  options.limits = config_.limits;
  options.admission = admission_;
  options.qlog = config_.qlog;
  options.keys = *config_.keys;
  options.issuer = {.generation = *config_.generation,
                    .worker = static_cast<std::uint8_t>(worker.index())};
  options.steer = [&worker](std::uint8_t to, const ReceivedPacket& packet) {
    worker.steering_->send(to, packet);
  };
  return options;
}

http3::ServerOptions Server::http3_options(Worker& worker) {
  http3::ServerOptions options;
  options.protocols = config_.alpns;
  if (handlers_.on_request) {
    options.decide = [this, &worker](const http3::ConnectRequest& request,
                                     const quic::Connection& connection,
                                     const http3::Answer& answer) {
      handlers_.on_request(worker, request, connection, answer);
    };
  }
  options.accepted = [this, &worker](std::shared_ptr<http3::WebTransportSession> session) {
    if (!handlers_.on_session) return;
    const Arrival arrival{.path = session->request().path, .host = session->request().authority};
    handlers_.on_session(worker, std::move(session), arrival);
  };
  return options;
}

void Server::accept(Worker& worker, std::shared_ptr<quic::Connection> connection) {
  if (connection->protocol() == http3::kAlpn) {
    worker.http3_->accept(std::move(connection));
  } else if (handlers_.on_session) {
    const Arrival arrival{.path = {},
                          .host = std::string(connection->server_name()),
                          .certificate_end = connection->client_certificate_end()};
    handlers_.on_session(worker, std::move(connection), arrival);
  }
}

void Server::set_certificates(const tls::ServerCertificates& certificates) {
  const auto context = context_of(certificates);
  for (const auto& worker : workers_) {
    worker->events_.post([&each = *worker, context] {
      if (each.endpoint_) each.endpoint_->set_tls(context);
    });
  }
}

std::vector<tls::Fingerprint> Server::fingerprints() const {
  const std::scoped_lock lock(mutex_);
  return fingerprints_;
}

void Server::refuse_new() {
  for (const auto& worker : workers_) {
    worker->events_.post([&each = *worker] {
      if (each.endpoint_) each.endpoint_->refuse_new();
    });
  }
}

void Server::close(std::uint64_t code, std::string_view reason) {
  if (closing_.exchange(true)) return;
  for (const auto& worker : workers_) {
    worker->events_.post([this, &each = *worker, code, reason = std::string(reason)] {
      close_worker(each, code, reason);
    });
  }
}

void Server::close_worker(Worker& worker, std::uint64_t code, const std::string& reason) {
  if (!worker.endpoint_) return;
  worker.endpoint_->refuse_new();
  worker.http3_->close_all(code, reason);
  worker.endpoint_->close_all(code, reason);
  worker.endpoint_->when_closed([this] {
    const std::scoped_lock lock(mutex_);
    --open_workers_;
    changed_.notify_all();
  });
}

bool Server::wait_closed(Duration timeout) {
  std::unique_lock lock(mutex_);
  const auto closed = [this] { return open_workers_ == 0; };
  if (timeout == Duration::max()) {
    changed_.wait(lock, closed);
    return true;
  }
  return changed_.wait_for(lock, timeout, closed);
}

}  // namespace moq::native
