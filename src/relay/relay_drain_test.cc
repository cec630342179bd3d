// A relay that is drained while clients are on their way in, step by step.

#include <csignal>
#include <deque>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "native/http3/webtransport.h"
#include "native/io/udp_bind.h"
#include "native/io/udp_socket.h"
#include "native/quic/endpoint.h"
#include "native/tls/client_trust.h"
#include "net/session/session.h"
#include "net/session/version.h"
#include "relay/relay.h"

namespace moq::relay {
namespace {

// How long a test waits for what has to happen.
constexpr std::chrono::seconds kDeadline{60};

// A QUIC client that gets what the relay sends only when it is let.
class Client final : private native::PacketHandler {
 public:
  Client(native::EventLoop& events, const native::SocketAddress& relay, const char* token)
      : socket_(events, std::move(native::bind_udp(local(), 1, {})->front()), {}),
        endpoint_(events.loop(), socket_,
                  {.config = {},
                   .limits = {},
                   .keys = native::quic::Keys::generate(native::quic::system_random()),
                   .issuer = {},
                   .steer = {}}) {
    auto trust = *native::tls::load_client_trust({.disable_verify = true});
    trust.alpns = {token};
    socket_.set_handler(this);
    attempt_ = endpoint_.connect(
        {.remote = relay,
         .server_name = "localhost",
         .tls = std::make_shared<const native::tls::ClientContext>(std::move(trust)),
         .config = {}},
        [this](auto connected) {
          if (connected) {
            connection = *std::move(connected);
          } else {
            failed = connected.error();
          }
        });
  }
  ~Client() { socket_.set_handler(nullptr); }

  // Whether the relay has answered the first packet.
  [[nodiscard]] bool answered() const { return !held_.empty(); }
  void let() {
    open_ = true;
    for (const auto& [local, remote, bytes] : std::exchange(held_, {})) {
      endpoint_.on_packet({.local = local, .remote = remote, .data = bytes});
    }
  }

  std::shared_ptr<native::quic::Connection> connection;
  std::optional<Error> failed;

 private:
  struct Packet {
    native::SocketAddress local;
    native::SocketAddress remote;
    std::vector<std::uint8_t> bytes;
  };

  static native::SocketAddress local() { return *native::SocketAddress::parse("127.0.0.1:0"); }
  void on_packet(const native::ReceivedPacket& packet) override {
    if (open_) return endpoint_.on_packet(packet);
    held_.push_back({packet.local, packet.remote, {packet.data.begin(), packet.data.end()}});
  }
  void on_packets_done() override { endpoint_.on_packets_done(); }
  void on_writable() override { endpoint_.on_writable(); }

  bool open_ = false;
  std::deque<Packet> held_;
  native::UdpSocket socket_;
  native::quic::Endpoint endpoint_;
  native::quic::Endpoint::Attempt attempt_;
};

class RelayDrainTest : public ::testing::Test {
 protected:
  void start(DrainOrder order = {}) {
    Config config;
    config.server.bind = {"127.0.0.1", 0};
    config.server.workers = 1;
    config.server.tls.generate = {"localhost"};
    config.auth.public_access = {{""}, {""}};
    config.drain = std::move(order);
    auto started = Relay::start(events_, config, [this](int code) { exit_code_ = code; });
    ASSERT_TRUE(started) << started.error().message();
    relay_ = *std::move(started);
  }
  bool wait(const std::function<bool()>& done) { return events_.run_until(done, kDeadline); }

  std::unique_ptr<Client> dial(const char* token) {
    return std::make_unique<Client>(events_, relay_->address(), token);
  }
  // Dials, and gets through.
  std::unique_ptr<Client> connect(const char* token) {
    auto client = dial(token);
    client->let();
    EXPECT_TRUE(wait([&] { return client->connection || client->failed; }));
    EXPECT_TRUE(client->connection);
    return client;
  }
  // A session on `connection`, which is told to leave and leaves; and the relay with it.
  void expect_session_and_end(std::shared_ptr<transport::Session> connection, const char* version) {
    auto made = Session::create(events_.loop(), std::move(connection),
                                {.side = Side::client,
                                 .publish = &origin_,
                                 .path = "/",
                                 .versions = {find_protocol_version(version)},
                                 .on_goaway = OnGoaway::stay});
    ASSERT_TRUE(made);
    auto session = *std::move(made);
    std::optional<std::string> goaway;
    std::optional<Error> closed;
    bool ready = false;
    session->ready([&] { ready = true; });
    session->draining([&](const std::string& uri) { goaway = uri; });
    session->closed([&](const Error& error, bool) { closed = error; });
    const bool told =
        lite::version_info(std::get<lite::Version>(find_protocol_version(version)->version))
            .has_goaway;
    ASSERT_TRUE(wait([&] { return (ready && goaway.has_value() == told) || closed; }));
    EXPECT_FALSE(closed) << closed->message();
    EXPECT_FALSE(exit_code_);
    session.reset();
    ASSERT_TRUE(wait([&] { return exit_code_.has_value(); }));
    EXPECT_EQ(exit_code_, 0);
  }

  native::EventLoop events_;
  std::optional<int> exit_code_;
  std::unique_ptr<Relay> relay_;
  Origin origin_{events_.loop(), 7};
};

TEST_F(RelayDrainTest, AQuicHandshakeUnderWayAtTheSignalFinishesAndIsTold) {
  start();
  const auto client = dial("moq-lite-05");
  ASSERT_TRUE(wait([&] { return client->answered(); }));
  relay_->on_signal(SIGTERM);
  // The relay takes no other any more, which shows that the drain has begun.
  const auto late = dial("moq-lite-05");
  late->let();
  ASSERT_TRUE(wait([&] { return late->failed || late->connection; }));
  EXPECT_TRUE(late->failed);
  client->let();
  ASSERT_TRUE(wait([&] { return client->connection || client->failed; }));
  ASSERT_TRUE(client->connection);
  expect_session_and_end(std::move(client->connection), "moq-lite-05");
}

TEST_F(RelayDrainTest, AWebTransportHandshakeUnderWayAtTheSignalFinishesAndIsTold) {
  start();
  const auto client = connect("h3");
  relay_->on_signal(SIGTERM);
  native::http3::Connections web(events_.loop());
  std::shared_ptr<transport::Session> session;
  std::optional<Error> refused;
  const auto attempt = web.connect(
      std::move(client->connection),
      {.authority = "localhost", .path = "/", .origin = {}, .protocols = {"moq-lite-05"}},
      [&](auto result) {
        if (result) {
          session = *std::move(result);
        } else {
          refused = result.error();
        }
      });
  ASSERT_TRUE(wait([&] { return session || refused; }));
  ASSERT_FALSE(refused) << refused->message();
  expect_session_and_end(std::move(session), "moq-lite-05");
}

TEST_F(RelayDrainTest, ASetupUnderWayAtTheSignalFinishesAndIsCounted) {
  start();
  const auto client = connect("moql");
  relay_->on_signal(SIGTERM);
  expect_session_and_end(std::move(client->connection), "moq-lite-02");
}

TEST_F(RelayDrainTest, AHandshakeThatIsGivenUpHoldsNothing) {
  start();
  auto client = connect("h3");
  relay_->on_signal(SIGTERM);
  client->connection.reset();
  ASSERT_TRUE(wait([&] { return exit_code_.has_value(); }));
  EXPECT_EQ(exit_code_, 0);
}

TEST_F(RelayDrainTest, AHandshakeDoesNotOutstayTheTimeout) {
  for (const auto timeout : {Duration::zero(), Duration(std::chrono::milliseconds(50))}) {
    exit_code_.reset();
    start({.timeout = timeout});
    const auto client = dial("moq-lite-05");
    ASSERT_TRUE(wait([&] { return client->answered(); }));
    const auto half_open = connect("h3");
    relay_->on_signal(SIGTERM);
    const Time before = events_.now();
    ASSERT_TRUE(wait([&] { return exit_code_.has_value(); }));
    EXPECT_EQ(exit_code_, 0);
    // Less than a handshake may take: nobody waited for it.
    EXPECT_LT(events_.now() - before, native::quic::Config{}.handshake_timeout);
    relay_.reset();
  }
}

}  // namespace
}  // namespace moq::relay
