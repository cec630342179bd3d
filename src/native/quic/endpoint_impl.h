#pragma once

#include <ngtcp2/ngtcp2.h>

#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "native/quic/connection_impl.h"
#include "native/quic/endpoint.h"
#include "native/quic/stateless.h"

namespace moq::native::quic {

/// endpoint.cc: routing of packets, and what connections ask for;
/// endpoint_accept.cc: the first packet of a client; endpoint_closing.cc: what
/// is left of connections that ended.
class Endpoint::Impl final : public Host, public std::enable_shared_from_this<Endpoint::Impl> {
 public:
  Impl(Loop& loop, PacketWriter& writer, EndpointOptions options);

  void listen(std::shared_ptr<const tls::ServerContext> tls, Accepted accepted);
  void set_tls(std::shared_ptr<const tls::ServerContext> tls) { server_tls_ = std::move(tls); }
  Attempt connect(ConnectOptions options, Connected connected);
  void refuse_new(bool refuse) { refusing_ = refuse; }
  void close_all(std::uint64_t code, std::string_view reason);
  void when_closed(std::function<void()> done);
  void shut_down();

  void on_packet(const ReceivedPacket& packet);
  void on_writable();

  [[nodiscard]] std::size_t connections() const { return connections_.size(); }
  [[nodiscard]] std::size_t handshakes() const { return handshakes_; }
  [[nodiscard]] std::size_t closing() const { return closing_.size(); }

  // --- Host.

  Loop& loop() override { return loop_; }
  const Random& random() override { return options_.random; }
  PacketWriter& writer() override { return writer_; }
  QlogDirectory* qlog() override { return options_.qlog.get(); }
  std::span<std::uint8_t> scratch() override { return scratch_; }
  ConnectionId issue(ConnectionImpl& connection) override;
  void forget(const ConnectionId& id) override { routes_.erase(id); }
  std::array<std::uint8_t, 16> reset_token(const ConnectionId& id) override;
  void expect_reset(const ConnectionId& token, ConnectionImpl& connection) override;
  void forget_reset(const ConnectionId& token, ConnectionImpl& connection) override;
  std::vector<std::uint8_t> make_token(const SocketAddress& remote) override;
  void keep_token(const SocketAddress& remote, const std::string& server_name,
                  ByteSpan token) override;
  bool may_send(ConnectionImpl& connection) override;
  void blocked(ConnectionImpl& connection) override;
  void dispatch_later(ConnectionImpl& connection) override;
  void established(ConnectionImpl& connection) override;
  void ended(ConnectionImpl& connection, Remains remains) override;

 private:
  /// What a stray packet of an ended connection meets.
  struct Closing {
    Remains remains;
    Time until;
    std::uint32_t strays = 0;
    std::uint32_t answer_at = 1;  ///< doubles: answers get rarer
  };
  using ClosingIterator = std::list<Closing>::iterator;
  using Route = std::variant<ConnectionImpl*, ClosingIterator>;
  /// A packet of ours that belongs to no connection.
  struct Outgoing {
    SocketAddress local;
    SocketAddress remote;
    std::vector<std::uint8_t> bytes;
  };
  struct Dial {
    Connected connected;
    std::string server_name;
  };

  // endpoint.cc
  void unknown(const ReceivedPacket& packet, const ngtcp2_version_cid& header);
  bool is_reset(const ReceivedPacket& packet);
  bool steer(const ReceivedPacket& packet, ByteSpan dcid);
  void dispatch_dirty();
  [[nodiscard]] std::shared_ptr<ConnectionImpl> shared(ConnectionImpl& connection);

  // endpoint_accept.cc
  void accept(const ReceivedPacket& packet);
  bool judge_token(const ReceivedPacket& packet, const ngtcp2_pkt_hd& header,
                   ConnectionSetup& setup);
  void start_server(const ReceivedPacket& packet, const ngtcp2_pkt_hd& header,
                    ConnectionSetup setup);
  void refuse(const ReceivedPacket& packet, const ngtcp2_pkt_hd& header);
  void answer(const ReceivedPacket& packet, std::vector<std::uint8_t> bytes);

  // endpoint_closing.cc
  void linger(Remains remains);
  void stray(ClosingIterator entry);
  void bury(ClosingIterator entry);
  void bury_expired();
  void send_alone(Outgoing packet);
  void check_closed();

  Loop& loop_;
  PacketWriter& writer_;
  EndpointOptions options_;
  ConnectionIds ids_;
  StatelessAnswers answers_;
  std::vector<std::uint8_t> scratch_;

  std::shared_ptr<const tls::ServerContext> server_tls_;
  Accepted accepted_;
  bool refusing_ = false;
  std::size_t handshakes_ = 0;

  std::unordered_map<ConnectionImpl*, std::shared_ptr<ConnectionImpl>> connections_;
  std::unordered_map<ConnectionImpl*, Dial> dials_;
  std::unordered_map<ConnectionId, Route, ConnectionIdHash> routes_;
  std::unordered_map<ConnectionId, ConnectionImpl*, ConnectionIdHash> reset_tokens_;
  std::vector<std::shared_ptr<ConnectionImpl>> dirty_;
  std::map<std::pair<std::string, std::string>, std::vector<std::uint8_t>> kept_tokens_;

  bool writable_ = true;
  std::vector<std::weak_ptr<ConnectionImpl>> blocked_;
  std::vector<Outgoing> outbox_;

  std::list<Closing> closing_;
  Timer closing_timer_;
  std::vector<std::function<void()>> when_closed_;
};

}  // namespace moq::native::quic
