#include "native/quic/admission.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "native/quic/testing/peers.h"
#include "net/transport/error.h"

namespace moq::native::quic::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using transport::TransportError;

SocketAddress at(const std::string& text) { return SocketAddress::parse(text).value(); }

class AdmissionTest : public ::testing::Test {
 protected:
  std::shared_ptr<Admission> admission(std::size_t connections, std::size_t handshakes) {
    Limits limits;
    limits.max_connections = connections;
    limits.max_handshakes_per_address = handshakes;
    return std::make_shared<Admission>(
        limits, [this](Refusal refusal, const SocketAddress&) { refusals_.push_back(refusal); });
  }

  std::vector<Refusal> refusals_;
};

TEST_F(AdmissionTest, ConnectionsHavePlacesUntilTheyAreGone) {
  const auto all = admission(2, 100);
  Admission::Place first = all->enter(at("10.0.0.1:1"));
  const Admission::Place second = all->enter(at("10.0.0.2:1"));
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
  EXPECT_FALSE(all->has_place());
  EXPECT_FALSE(all->enter(at("10.0.0.3:1")));
  EXPECT_THAT(refusals_, ElementsAre(Refusal::connections));
  // The end of a handshake is no end of a connection.
  first.handshake_over();
  EXPECT_FALSE(all->has_place());
  first.release();
  EXPECT_TRUE(all->has_place());
  EXPECT_EQ(all->connections(), 1U);
}

TEST_F(AdmissionTest, AnAddressHasSoManyHandshakesAtATime) {
  const auto all = admission(100, 2);
  Admission::Place first = all->enter(at("10.0.0.1:1"));
  EXPECT_TRUE(all->wants_proof(at("10.0.0.1:9")));
  Admission::Place second = all->enter(at("[::ffff:10.0.0.1]:2"));
  EXPECT_FALSE(all->enter(at("10.0.0.1:3")));
  EXPECT_THAT(refusals_, ElementsAre(Refusal::handshakes_per_address));
  EXPECT_FALSE(all->wants_proof(at("10.0.0.2:1")));
  EXPECT_TRUE(all->enter(at("10.0.0.2:1")));
  first.handshake_over();
  EXPECT_TRUE(all->enter(at("10.0.0.1:3")));
  // One that fails leaves its place, too.
  second.release();
  EXPECT_FALSE(all->wants_proof(at("10.0.0.1:9")));
}

TEST_F(AdmissionTest, ASubnetOfIPv6IsOneAddress) {
  const auto all = admission(100, 1);
  const Admission::Place first = all->enter(at("[2001:db8:0:1::1]:1"));
  EXPECT_FALSE(all->enter(at("[2001:db8:0:1:ffff:ffff:ffff:ffff]:1")));
  EXPECT_TRUE(all->enter(at("[2001:db8:0:2::1]:1")));
  // Nor is it the IPv4 address with the same bits.
  EXPECT_TRUE(all->enter(at("32.1.13.184:1")));
}

TEST_F(AdmissionTest, APlaceMovesAndIsFreedOnce) {
  const auto all = admission(1, 1);
  Admission::Place first = all->enter(at("10.0.0.1:1"));
  Admission::Place second = std::move(first);
  first.release();  // NOLINT(bugprone-use-after-move): as a connection that ended does
  EXPECT_EQ(all->connections(), 1U);
  second = Admission::Place();
  EXPECT_EQ(all->connections(), 0U);
  EXPECT_FALSE(all->wants_proof(at("10.0.0.1:1")));
  EXPECT_THAT(refusals_, IsEmpty());
}

TEST_F(AdmissionTest, EndpointsShareIt) {
  Pair::Options options;
  options.server.admission = admission(1, 100);
  Pair pair(std::move(options));
  ASSERT_TRUE(pair.connect());
  auto first = std::move(pair.client);
  EXPECT_FALSE(pair.connect());
  ASSERT_TRUE(pair.refused);
  EXPECT_TRUE(pair.refused->is(TransportError::refused)) << pair.refused->message();
  EXPECT_THAT(refusals_, ElementsAre(Refusal::connections));
  // Once the first is over, there is a place again.
  first->connection->close(0, "");
  pair.network.run_for(seconds(1));
  EXPECT_TRUE(pair.connect());
}

/// Clients that say one thing and are never heard of again, all at one address but for `other`.
class Flood : public AdmissionTest {
 protected:
  void start(std::size_t handshakes) {
    Pair::Options options;
    options.server.admission = admission_ = admission(1000, handshakes);
    pair_ = std::make_unique<Pair>(std::move(options));
    pair_->server_socket.filter = [this](ByteSpan packet) {
      if ((packet[0] & 0xb0) == 0xb0) ++retries_;
      return !mute_;
    };
  }
  /// From the usual address; what the server answers is lost, so that it never ends.
  void half_open(int count) {
    mute_ = true;
    for (int i = 0; i < count; ++i) {
      SimulatedSocket socket(pair_->network, address(2, 40000 + i));
      Endpoint client(pair_->network.loop(), socket, seeded_options(pair_->network));
      socket.handler = &client;
      const auto attempt = client.connect({.remote = pair_->server_socket.local_address(),
                                           .server_name = "localhost",
                                           .tls = pair_->client_tls,
                                           .config = {}},
                                          [](const auto&) {});
      pair_->network.run_for(milliseconds(1));
    }
    pair_->network.run_for(milliseconds(100));
    mute_ = false;
  }

  std::shared_ptr<Admission> admission_;
  std::unique_ptr<Pair> pair_;
  int retries_ = 0;
  bool mute_ = false;
};

TEST_F(Flood, WithoutProofAnAddressTakesHalfOfItsHandshakes) {
  start(8);
  half_open(100);
  EXPECT_EQ(pair_->server_endpoint->handshakes(), 4U);
  EXPECT_EQ(retries_, 96);
  EXPECT_THAT(refusals_, IsEmpty()) << "who proves nothing is not refused";
  // Who is really there, proves it.
  EXPECT_TRUE(pair_->connect());
  EXPECT_EQ(retries_, 97);
}

TEST_F(Flood, WithProofItTakesAllOfThemAndAnotherAddressStillConnects) {
  start(2);
  half_open(1);
  // The other half is taken, too: by one who has proven where it is.
  const Admission::Place taken = admission_->enter(address(2, 1));
  ASSERT_TRUE(taken);
  EXPECT_FALSE(pair_->connect());
  ASSERT_TRUE(pair_->refused);
  EXPECT_TRUE(pair_->refused->is(TransportError::refused)) << pair_->refused->message();
  EXPECT_THAT(refusals_, ElementsAre(Refusal::handshakes_per_address));

  SimulatedSocket socket(pair_->network, address(3, 50000));
  Endpoint other(pair_->network.loop(), socket, seeded_options(pair_->network));
  socket.handler = &other;
  std::shared_ptr<Connection> connection;
  const auto attempt = other.connect({.remote = pair_->server_socket.local_address(),
                                      .server_name = "localhost",
                                      .tls = pair_->client_tls,
                                      .config = {}},
                                     [&](auto result) { connection = result.value_or(nullptr); });
  EXPECT_TRUE(pair_->network.run_until([&] { return connection != nullptr; }));
  EXPECT_EQ(retries_, 1) << "of the one that was refused";
  // Handshakes that come to nothing give way.
  pair_->network.run_for(seconds(15));
  EXPECT_TRUE(pair_->connect());
}

}  // namespace
}  // namespace moq::native::quic::testing
