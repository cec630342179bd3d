#include "native/quic/testing/peers.h"

#include <gnutls/gnutls.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include <fmt/format.h>

#include "native/tls/certificate.h"

namespace moq::native::quic::testing {

transport::Pull TextSource::pull(std::span<ByteSpan> slices) {
  const ByteSpan rest = as_bytes(std::string_view(text_).substr(at_));
  std::size_t count = 0;
  std::size_t given = 0;
  while (count < slices.size() && given < rest.size()) {
    slices[count] = rest.subspan(given, std::min(slice, rest.size() - given));
    given += slices[count++].size();
  }
  return {.count = count, .fin = fin_ && given == rest.size()};
}

void TextSource::sent(std::size_t size, bool /*fin*/) {
  at_ += size;
  sent_bytes += size;
}

void StreamLog::on_data(Bytes data, bool end) {
  text += data.text();
  fin = end;
  if (then) then();
}

Peer::Peer(std::shared_ptr<Connection> held) : connection(std::move(held)) {
  connection->set_handler(this);
}

Peer::~Peer() {
  connection->set_handler(nullptr);
  connection.reset();
}

void Peer::on_uni(std::shared_ptr<transport::RecvStream> stream) {
  if (!keep) return;
  auto& in = *incoming.emplace_back(std::make_unique<Incoming>());
  in.stream.recv = std::move(stream);
  if (listen) in.stream.recv->set_handler(&in.log);
}

void Peer::on_bidi(transport::Stream stream) {
  if (!keep) return;
  auto& in = *incoming.emplace_back(std::make_unique<Incoming>());
  in.stream = std::move(stream);
  if (listen) in.stream.recv->set_handler(&in.log);
  if (answer) {
    connection->attach(*in.stream.send, {}, std::make_unique<TextSource>(*answer), &in.log);
  }
}

void Peer::on_closed(const Error& error, bool by_peer) {
  closed = error;
  closed_by_peer = by_peer;
}

StreamLog& Peer::send_uni(std::string text, const transport::Priority& priority) {
  auto& log = *logs.emplace_back(std::make_unique<StreamLog>());
  sends.push_back(
      connection->open_uni(priority, std::make_unique<TextSource>(std::move(text)), &log));
  return log;
}

StreamLog& Peer::send_bidi(std::string text) {
  auto& log = *logs.emplace_back(std::make_unique<StreamLog>());
  bidis.push_back(
      connection->open_bidi({}, std::make_unique<TextSource>(std::move(text)), &log, &log));
  return log;
}

SocketAddress address(int host, int port) {
  return SocketAddress::parse(fmt::format("10.0.0.{}:{}", host, port)).value();
}

EndpointOptions seeded_options(SimulatedNetwork& network) {
  EndpointOptions options;
  options.random = network.random();
  options.keys = Keys::generate(options.random);
  return options;
}

std::shared_ptr<tls::ServerContext> test_server_tls() {
  static const tls::Credentials kCredentials = [] {
    const auto identity =
        tls::generate_self_signed({"localhost"}, std::chrono::system_clock::now()).value();
    auto credentials = tls::make_credentials();
    const auto datum = [](const std::string& text) {
      return gnutls_datum_t{reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
                            static_cast<unsigned>(text.size())};
    };
    const gnutls_datum_t chain = datum(identity.chain);
    const gnutls_datum_t key = datum(identity.key);
    if (gnutls_certificate_set_x509_key_mem(credentials.get(), &chain, &key, GNUTLS_X509_FMT_PEM) <
        0) {
      throw std::runtime_error("the test's certificate is bad");
    }
    return credentials;
  }();
  return std::make_shared<tls::ServerContext>(
      tls::ServerContext{.credentials = kCredentials, .alpns = {"moq-test-2", "moq-test-1"}});
}

std::shared_ptr<tls::ClientContext> test_client_tls() {
  static const tls::Credentials kCredentials = tls::make_credentials();
  return std::make_shared<tls::ClientContext>(
      tls::ClientContext{.credentials = kCredentials, .alpns = {"moq-test-1"}, .verify = {}});
}

Pair::Pair(Options options)
    : network(options.seed),
      server_socket(network, address(1, 4443)),
      client_socket(network, address(2, 50000)),
      server_tls(test_server_tls()),
      client_tls(test_client_tls()),
      client_config_(std::move(options.client)) {
  server_socket.link = options.down;
  client_socket.link = options.up;
  EndpointOptions server_options = std::move(options.server);
  server_options.random = network.random();
  server_keys = Keys::generate(server_options.random);
  server_options.keys = server_keys;
  server_endpoint =
      std::make_unique<Endpoint>(network.loop(), server_socket, std::move(server_options));
  client_endpoint =
      std::make_unique<Endpoint>(network.loop(), client_socket, seeded_options(network));
  server_socket.handler = server_endpoint.get();
  client_socket.handler = client_endpoint.get();
  server_endpoint->listen(server_tls, [this](std::shared_ptr<Connection> connection) {
    if (server) earlier.push_back(std::move(server));
    server = std::make_unique<Peer>(std::move(connection));
  });
}

void Pair::dial() {
  client.reset();
  refused.reset();
  attempt = client_endpoint->connect({.remote = server_socket.local_address(),
                                      .server_name = "localhost",
                                      .tls = client_tls,
                                      .config = client_config_},
                                     [this](Result<std::shared_ptr<Connection>> result) {
                                       if (result) {
                                         client = std::make_unique<Peer>(*std::move(result));
                                       } else {
                                         refused = result.error();
                                       }
                                     });
}

bool Pair::connect() {
  dial();
  const std::size_t before = earlier.size() + (server ? 1 : 0);
  return network.run_until([this, before] {
    return refused || (client && earlier.size() + (server ? 1 : 0) > before);
  }) && !refused;
}

}  // namespace moq::native::quic::testing
