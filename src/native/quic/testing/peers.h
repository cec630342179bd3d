#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "native/quic/endpoint.h"
#include "native/quic/testing/simulated_network.h"

namespace moq::native::quic::testing {

/// A send stream's data in memory, to which may be added.
class TextSource final : public transport::SendSource {
 public:
  explicit TextSource(std::string text, bool fin = true) : text_(std::move(text)), fin_(fin) {}
  ~TextSource() override {
    if (destroyed != nullptr) *destroyed = true;
  }

  transport::Pull pull(std::span<ByteSpan> slices) override;
  void sent(std::size_t size, bool fin) override;
  std::optional<std::uint64_t> expired() override { return expiry; }
  void acked(std::uint64_t offset) override { acked_offset = offset; }
  [[nodiscard]] bool wants_acks() const override { return true; }

  /// At most this much a pull, in slices of at most `slice`.
  std::size_t slice = 1000;
  std::optional<std::uint64_t> expiry;
  std::uint64_t sent_bytes = 0;
  std::uint64_t acked_offset = 0;
  bool* destroyed = nullptr;

 private:
  std::string text_;
  bool fin_;
  std::size_t at_ = 0;
};

/// What was heard of one stream.
class StreamLog final : public transport::SendHandler, public transport::RecvHandler {
 public:
  void on_send_finished() override { finished = true; }
  void on_send_stopped(std::uint64_t code) override { stopped = code; }
  void on_data(Bytes data, bool end) override;
  void on_reset(std::uint64_t code) override { reset = code; }

  std::string text;
  bool fin = false;
  bool finished = false;
  std::optional<std::uint64_t> stopped;
  std::optional<std::uint64_t> reset;
  std::function<void()> then;  ///< after each on_data
};

/// One side of a connection, remembering what it hears.
class Peer final : public transport::SessionHandler {
 public:
  explicit Peer(std::shared_ptr<Connection> connection);
  ~Peer();

  void on_uni(std::shared_ptr<transport::RecvStream> stream) override;
  void on_bidi(transport::Stream stream) override;
  void on_datagram(Bytes datagram) override { datagrams.emplace_back(datagram.text()); }
  void on_closed(const Error& error, bool by_peer) override;

  /// Opens a stream with `text` and its end.
  StreamLog& send_uni(std::string text, const transport::Priority& priority = {});
  StreamLog& send_bidi(std::string text);

  struct Incoming {
    transport::Stream stream;
    StreamLog log;
  };

  std::shared_ptr<Connection> connection;
  std::deque<std::unique_ptr<Incoming>> incoming;
  std::deque<std::unique_ptr<StreamLog>> logs;
  std::vector<std::shared_ptr<transport::SendStream>> sends;
  std::vector<transport::Stream> bidis;
  std::vector<std::string> datagrams;
  std::optional<Error> closed;
  bool closed_by_peer = false;
  /// Whether streams of the peer are kept; otherwise they are dropped.
  bool keep = true;
  /// Whether handlers are attached to the peer's streams.
  bool listen = true;
  /// Answers a bidi stream with this.
  std::optional<std::string> answer;
};

/// A server and a client endpoint with a network between them.
class Pair {
 public:
  struct Options {
    std::uint64_t seed = 1;
    Config client;
    EndpointOptions server;
    LinkOptions up;    ///< client to server
    LinkOptions down;  ///< server to client
  };
  Pair() : Pair(Options{}) {}
  explicit Pair(Options options);

  /// Dials; the result is in `client` or `refused`.
  void dial();
  /// Dials and runs until both sides have the connection. False if that fails.
  bool connect();

  SimulatedNetwork network;
  SimulatedSocket server_socket;
  SimulatedSocket client_socket;
  std::unique_ptr<Endpoint> server_endpoint;
  std::unique_ptr<Endpoint> client_endpoint;
  std::unique_ptr<Peer> server;  ///< the last one accepted
  std::unique_ptr<Peer> client;
  std::vector<std::unique_ptr<Peer>> earlier;  ///< accepted before
  std::optional<Error> refused;
  Keys server_keys;
  std::shared_ptr<tls::ServerContext> server_tls;
  std::shared_ptr<tls::ClientContext> client_tls;
  Endpoint::Attempt attempt;

 private:
  Config client_config_;
};

/// "10.0.0.N:PORT".
SocketAddress address(int host, int port);
/// Options for an endpoint with keys, seeded.
EndpointOptions seeded_options(SimulatedNetwork& network);
/// TLS with a certificate made for the test; one pair for the whole process.
std::shared_ptr<tls::ServerContext> test_server_tls();
std::shared_ptr<tls::ClientContext> test_client_tls();

}  // namespace moq::native::quic::testing
