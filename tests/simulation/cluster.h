#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "native/quic/endpoint.h"
#include "native/quic/testing/peers.h"
#include "native/quic/testing/simulated_network.h"
#include "net/session/session.h"
#include "net/session/testing/cluster.h"

namespace moq::simulation {

using native::quic::testing::LinkOptions;
using native::quic::testing::SimulatedNetwork;
using native::quic::testing::SimulatedSocket;

/// A machine of the simulation: a socket, a real QUIC endpoint, and a tree of
/// broadcasts.
struct Host {
  Host(SimulatedNetwork& network, int number, HopId id)
      : socket(network, native::quic::testing::address(number, 4443)),
        endpoint(network.loop(), socket, native::quic::testing::seeded_options(network)),
        node(network.loop(), id) {
    socket.handler = &endpoint;
  }

  SimulatedSocket socket;
  native::quic::Endpoint endpoint;
  testing::Node node;
  std::vector<std::unique_ptr<Session>> sessions;
};

/// Hosts that talk real QUIC over a seeded network, on virtual time.
class Cluster {
 public:
  explicit Cluster(std::uint64_t seed) : network(seed) {}
  ~Cluster() {
    for (const auto& host : hosts_) host->sessions.clear();
  }

  /// What `host` sends is subject to `link`.
  Host& add(const LinkOptions& link = {}) {
    const int number = static_cast<int>(hosts_.size()) + 1;
    hosts_.push_back(std::make_unique<Host>(network, number, static_cast<HopId>(number)));
    hosts_.back()->socket.link = link;
    return *hosts_.back();
  }

  /// Takes clients, as a relay does.
  void serve(Host& host) {
    const auto tls = native::quic::testing::test_server_tls();
    tls->alpns = alpns(parse_versions({}).value());
    host.endpoint.listen(tls, [this, &host](const auto& connection) {
      host.sessions.push_back(session(host, connection, Side::server));
    });
  }

  /// Connects `from` to `to`; fails the test by an exception if that does not work.
  Session& connect(Host& from, Host& to, const std::string& version = "moq-lite-05",
                   const native::quic::Config& config = {}) {
    const auto tls = native::quic::testing::test_client_tls();
    const std::vector versions{find_protocol_version(version)};
    tls->alpns = alpns(versions);
    Session* made = nullptr;
    const auto attempt = from.endpoint.connect(
        {.remote = to.socket.local_address(),
         .server_name = "localhost",
         .tls = tls,
         .config = config},
        [&](auto result) {
          if (!result) throw std::runtime_error(result.error().message());
          from.sessions.push_back(session(from, *result, Side::client, versions));
          made = from.sessions.back().get();
        });
    if (!network.run_until([&] { return made != nullptr; }, std::chrono::seconds(30))) {
      throw std::runtime_error("no connection");
    }
    return *made;
  }

  SimulatedNetwork network;

 private:
  std::unique_ptr<Session> session(Host& host, std::shared_ptr<transport::Session> connection,
                                   Side side,
                                   const std::vector<const ProtocolVersion*>& versions = {}) {
    return Session::create(network.loop(), std::move(connection),
                           {.side = side,
                            .publish = &host.node.origin,
                            .subscribe = &host.node.origin,
                            .cache = &host.node.cache,
                            .path = side == Side::client ? "/" : "",
                            .versions = versions})
        .value();
  }

  std::vector<std::unique_ptr<Host>> hosts_;
};

}  // namespace moq::simulation
