#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/error.h"
#include "net/base/loop.h"
#include "net/protocol/error.h"
#include "net/protocol/session.h"
#include "net/session/setup.h"
#include "net/session/version.h"
#include "net/transport/send_queue.h"
#include "net/transport/transport.h"

namespace moq {

/// What a negotiation ended with.
struct Negotiated {
  const ProtocolVersion* version = nullptr;
  /// Server: PATH of the client's SETUP; none if it had none.
  std::optional<std::string> path;
  /// All that the peer's SETUP had.
  setup::Parameters parameters;
  /// The stream of the exchange.
  transport::RunningStream stream;
  /// Streams that the peer has opened meanwhile, untouched.
  std::vector<transport::Stream> waiting;
};

/// The SETUP exchange on a transport session whose protocol token does not say which
/// version it is: the client offers versions on a bidirectional stream, the server takes
/// one. Knows no version but by its row, and is over before the version's own session
/// begins. Belongs to the loop's thread.
class Negotiation final : private transport::SessionHandler,
                          private transport::RecvHandler,
                          private transport::SendHandler {
 public:
  /// Streams that may wait for the end of the exchange; more are dropped.
  static constexpr std::size_t kMaxWaiting = 64;
  /// The longest PATH, which may carry a query with a token.
  static constexpr std::size_t kMaxPath = 8192;

  struct Config {
    Side side = Side::client;
    /// Those that may be agreed on, the preferred first.
    std::vector<const ProtocolVersion*> versions;
    /// Client: sent as PATH where the transport does not carry it.
    std::string path;
    /// Client: as SessionConfig::authority.
    std::string authority;
    /// How long the exchange may take.
    Duration timeout{};
  };

  /// Each is the last call, and may destroy the negotiation.
  class Events {
   public:
    /// The streams' handlers and the transport's must be set before this returns.
    virtual void on_negotiated(Negotiated result) = 0;
    /// It came to nothing: the transport is still to be closed with `code`.
    virtual void on_negotiation_failed(SessionError code, std::string reason) = 0;
    /// The transport closed under it.
    virtual void on_transport_closed(const Error& error, bool by_peer) = 0;

   protected:
    ~Events() = default;
  };

  Negotiation(Loop& loop, std::shared_ptr<transport::Session> transport, Config config,
              Events& events);
  Negotiation(const Negotiation&) = delete;
  Negotiation& operator=(const Negotiation&) = delete;
  ~Negotiation();

 private:
  void on_uni(std::shared_ptr<transport::RecvStream> stream) override;
  void on_bidi(transport::Stream stream) override;
  void on_datagram(Bytes /*datagram*/) override {}
  void on_closed(const Error& error, bool by_peer) override;
  void on_data(Bytes data, bool fin) override;
  void on_reset(std::uint64_t code) override;
  void on_send_stopped(std::uint64_t code) override;

  void wait(transport::Stream stream);
  void stream_ended();
  /// Grants request ids, if a version that may be agreed on has them.
  void grant(setup::Parameters& parameters) const;
  Result<void> received(ByteSpan body);
  Result<void> received_client_setup(ByteSpan body);
  Result<void> received_server_setup(ByteSpan body);
  [[nodiscard]] const ProtocolVersion* acceptable(std::uint64_t code) const;
  void fail_with(SessionError code, std::string reason);

  Loop& loop_;
  std::shared_ptr<transport::Session> transport_;
  Config config_;
  Events& events_;
  Timer timer_;
  setup::MessageReader reader_;
  Negotiated result_;
  bool over_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace moq
