#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "native/client/dialer.h"
#include "native/echo.h"
#include "native/server/server.h"

namespace moq::native {
namespace {

using testing::dial;
using testing::Echo;
using testing::kGenerous;
using testing::TestServer;

// A NAT between one client and a server, which can forget its mapping.
class Nat {
 public:
  Nat(EventLoop& events, const SocketAddress& server) : events_(events), server_(server) {
    front_.socket = bind();
    front_.on_data = [this](const ReceivedPacket& packet) {
      client_ = packet.remote;
      back_->socket->send({}, server_, packet.ecn, packet.data, packet.data.size());
    };
    front_.socket->set_handler(&front_);
    rebind();
  }

  // Packets to the server come from another port from now on.
  void rebind() {
    old_.push_back(std::move(back_));
    back_ = std::make_unique<Side>();
    back_->socket = bind();
    back_->on_data = [this](const ReceivedPacket& packet) {
      front_.socket->send({}, client_, packet.ecn, packet.data, packet.data.size());
    };
    back_->socket->set_handler(back_.get());
  }

  [[nodiscard]] std::uint16_t port() const { return front_.socket->local_address().port(); }

 private:
  struct Side final : PacketHandler {
    void on_packet(const ReceivedPacket& packet) override { on_data(packet); }
    void on_packets_done() override {}
    void on_writable() override {}
    std::function<void(const ReceivedPacket&)> on_data;
    std::unique_ptr<UdpSocket> socket;
  };

  std::unique_ptr<UdpSocket> bind() {
    auto sockets = bind_udp(*SocketAddress::parse("127.0.0.1:0"));
    return std::make_unique<UdpSocket>(events_, std::move(sockets->front()));
  }

  EventLoop& events_;
  SocketAddress server_;
  SocketAddress client_;
  Side front_;
  std::unique_ptr<Side> back_;
  std::vector<std::unique_ptr<Side>> old_;
};

std::uint64_t packets_of(TestServer& test, std::size_t worker) {
  std::promise<std::uint64_t> count;
  test.server->at(worker).events().post(
      [&] { count.set_value(test.server->at(worker).socket().stats().packets_received); });
  return count.get_future().get();
}

TEST(MigrationTest, ConnectionsStayAtTheirWorkerWhateverSocketTheirPacketsReach) {
  TestServer test(2, "127.0.0.1:0");
  EventLoop events;
  Nat nat(events, test.server->local_address());
  const auto client = *Dialer::create(events, test.dialer_config());
  auto connection = dial(events, *client, fmt::format("moqt://127.0.0.1:{}/", nat.port()));
  ASSERT_TRUE(connection) << connection.error().message();
  Echo session(*connection);
  // The kernel picks the worker by the port: in so many tries both get packets.
  constexpr int kTries = 64;
  bool both = false;
  for (int i = 0; i < kTries && !both; ++i) {
    const std::string text = fmt::format("after {} changes", i);
    session.text.clear();
    session.say(text);
    ASSERT_TRUE(events.run_until([&] { return session.text == text; }, kGenerous)) << text;
    both = packets_of(test, 0) > 0 && packets_of(test, 1) > 0;
    nat.rebind();
  }
  EXPECT_TRUE(both);
  EXPECT_EQ(test.sessions(0) + test.sessions(1), 1U);
  EXPECT_FALSE(session.closed);
}

}  // namespace
}  // namespace moq::native
