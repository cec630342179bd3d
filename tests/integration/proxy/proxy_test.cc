#include "proxy/proxy.h"

#include <numeric>
#include <set>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "native/io/udp_bind.h"

namespace moq::lossy {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr Duration kGenerous = 30s;
constexpr std::uint64_t kMany = 100'000;

std::vector<Fate> fates(const Conditions& conditions, std::uint64_t flow = 0, Way way = Way::up,
                        std::uint64_t count = kMany) {
  std::vector<Fate> all;
  for (std::uint64_t packet = 0; packet < count; ++packet) {
    all.push_back(fate(conditions, flow, way, packet));
  }
  return all;
}

std::size_t lost(const std::vector<Fate>& all) {
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [](const Fate& each) { return each.lost; }));
}

TEST(FateTest, IsTheSameForTheSameSeedFlowAndWay) {
  const Conditions conditions{.seed = 7, .loss = 0.1, .delay = 20ms, .jitter = 5ms};
  EXPECT_EQ(fates(conditions, 3, Way::down), fates(conditions, 3, Way::down));
}

TEST(FateTest, IsAnotherForAnotherSeedFlowOrWay) {
  const Conditions conditions{.seed = 7, .loss = 0.1};
  const Conditions other{.seed = 8, .loss = 0.1};
  const auto first = fates(conditions, 3, Way::down);
  EXPECT_NE(first, fates(other, 3, Way::down));
  EXPECT_NE(first, fates(conditions, 4, Way::down));
  EXPECT_NE(first, fates(conditions, 3, Way::up));
}

TEST(FateTest, LosesAsManyAsItIsTold) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_EQ(lost(fates({.seed = seed, .loss = 0})), 0);
    EXPECT_EQ(lost(fates({.seed = seed, .loss = 1})), kMany);
    // Five standard deviations.
    EXPECT_NEAR(static_cast<double>(lost(fates({.seed = seed, .loss = 0.01}))), 1000, 160);
  }
}

TEST(FateTest, LossesDoNotComeInARow) {
  const auto all = fates({.seed = 1, .loss = 0.1});
  std::size_t pairs = 0;
  for (std::size_t i = 1; i < all.size(); ++i) pairs += all[i - 1].lost && all[i].lost ? 1 : 0;
  EXPECT_NEAR(static_cast<double>(pairs), 1000, 160);
}

TEST(FateTest, DelaysByTheDelayAndUpToTheJitter) {
  Duration least = 1s;
  Duration most{};
  for (const Fate& each : fates({.seed = 2, .loss = 0.5, .delay = 20ms, .jitter = 8ms})) {
    least = std::min(least, each.delay);
    most = std::max(most, each.delay);
  }
  EXPECT_GE(least, 20ms);
  EXPECT_LT(least, 21ms);
  EXPECT_GT(most, 27ms);
  EXPECT_LE(most, 28ms);
  for (const Fate& each : fates({.seed = 2, .delay = 20ms}, 0, Way::up, 100)) {
    EXPECT_EQ(each.delay, 20ms);
  }
}

/// A socket that keeps what it gets.
class Peer final : public native::PacketHandler {
 public:
  explicit Peer(native::EventLoop& events)
      : socket(events, std::move(native::bind_udp(kAny)->front())) {
    socket.set_handler(this);
  }

  bool send(const native::SocketAddress& to, const std::string& data, std::size_t segment) {
    return socket.send(socket.local_address(), to, 0, as_bytes(data), segment);
  }

  static inline const native::SocketAddress kAny = *native::SocketAddress::parse("127.0.0.1:0");
  native::UdpSocket socket;
  std::vector<std::string> packets;
  std::vector<native::SocketAddress> senders;

 private:
  void on_packet(const native::ReceivedPacket& packet) override {
    packets.emplace_back(as_text(packet.data));
    senders.push_back(packet.remote);
  }
  void on_packets_done() override {}
  void on_writable() override {}
};

/// Everything that a train of packets holds, each different.
std::string train(std::size_t size) {
  std::string data(size, '\0');
  std::iota(data.begin(), data.end(), '\0');
  return data;
}

std::string joined(const std::vector<std::string>& packets) {
  return std::accumulate(packets.begin(), packets.end(), std::string());
}

class ProxyTest : public testing::Test {
 protected:
  Proxy& start(const Conditions& conditions, Limits limits = {}) {
    proxy_ =
        *Proxy::create(events_, Peer::kAny, server_.socket.local_address(), conditions, limits);
    return *proxy_;
  }
  testing::AssertionResult until(const std::function<bool()>& done) {
    if (events_.run_until(done, kGenerous)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "it did not come";
  }

  native::EventLoop events_;
  Peer server_{events_};
  Peer client_{events_};
  std::unique_ptr<Proxy> proxy_;
};

TEST_F(ProxyTest, PassesTrainsOnWholeAndInOrderBothWays) {
  for (const Duration delay : {Duration{}, Duration(5ms)}) {
    Proxy& proxy = start({.delay = delay});
    server_.packets.clear();
    client_.packets.clear();
    const std::string data = train(1200 * 40 + 77);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(client_.send(proxy.address(), data, 1200));
    ASSERT_TRUE(until([&] { return server_.packets.size() == 5 * 41; }));
    EXPECT_EQ(joined(server_.packets), data + data + data + data + data);
    ASSERT_TRUE(server_.send(server_.senders.back(), data, 1200));
    ASSERT_TRUE(until([&] { return client_.packets.size() == 41; }));
    EXPECT_EQ(joined(client_.packets), data);
    EXPECT_EQ(client_.senders.back(), proxy.address());
    EXPECT_EQ(proxy.counts(Way::up).packets, 5 * 41);
    EXPECT_EQ(proxy.counts(Way::down).packets, 41);
    EXPECT_EQ(proxy.counts(Way::up).delayed, delay == Duration{} ? 0 : 5 * 41);
    EXPECT_EQ(proxy.waiting(), 0);
  }
}

TEST_F(ProxyTest, LosesWhatItsFateIs) {
  const Conditions conditions{.seed = 3, .loss = 0.2};
  Proxy& proxy = start(conditions);
  constexpr std::size_t kCount = 64;
  ASSERT_TRUE(client_.send(proxy.address(), train(kCount), 1));
  std::string expected;
  for (std::size_t i = 0; i < kCount; ++i) {
    if (!fate(conditions, 0, Way::up, i).lost) expected += static_cast<char>(i);
  }
  ASSERT_TRUE(until([&] { return proxy.counts(Way::up).packets == kCount; }));
  ASSERT_TRUE(until([&] { return server_.packets.size() == expected.size(); }));
  EXPECT_EQ(joined(server_.packets), expected);
  EXPECT_EQ(proxy.counts(Way::up).lost, kCount - expected.size());
  EXPECT_EQ(proxy.counts(Way::up).overflow, 0);
}

TEST_F(ProxyTest, JitterLetsPacketsOvertake) {
  Proxy& proxy = start({.seed = 3, .jitter = 50ms});
  ASSERT_TRUE(client_.send(proxy.address(), train(64), 1));
  ASSERT_TRUE(until([&] { return server_.packets.size() == 64; }));
  EXPECT_NE(joined(server_.packets), train(64));
  const std::string all = joined(server_.packets);
  EXPECT_EQ(std::set<char>(all.begin(), all.end()).size(), 64);
}

TEST_F(ProxyTest, EachClientHasAnAddressOfItsOwn) {
  Proxy& proxy = start({});
  Peer other(events_);
  ASSERT_TRUE(client_.send(proxy.address(), "a", 1));
  ASSERT_TRUE(until([&] { return server_.packets.size() == 1; }));
  ASSERT_TRUE(other.send(proxy.address(), "b", 1));
  ASSERT_TRUE(until([&] { return server_.packets.size() == 2; }));
  EXPECT_FALSE(server_.senders[0] == server_.senders[1]);
  ASSERT_TRUE(server_.send(server_.senders[0], "A", 1));
  ASSERT_TRUE(server_.send(server_.senders[1], "B", 1));
  ASSERT_TRUE(until([&] { return client_.packets.size() + other.packets.size() == 2; }));
  EXPECT_THAT(client_.packets, testing::ElementsAre("A"));
  EXPECT_THAT(other.packets, testing::ElementsAre("B"));
  EXPECT_EQ(proxy.flows(), 2);
}

TEST_F(ProxyTest, TakesNothingFromStrangers) {
  Proxy& proxy = start({});
  Peer stranger(events_);
  ASSERT_TRUE(client_.send(proxy.address(), "a", 1));
  ASSERT_TRUE(until([&] { return server_.packets.size() == 1; }));
  ASSERT_TRUE(stranger.send(server_.senders[0], "x", 1));
  ASSERT_TRUE(server_.send(server_.senders[0], "A", 1));
  ASSERT_TRUE(until([&] { return !client_.packets.empty(); }));
  EXPECT_THAT(client_.packets, testing::ElementsAre("A"));
  EXPECT_EQ(proxy.counts(Way::down).packets, 1);
}

TEST_F(ProxyTest, LimitsFlowsAndWhatWaits) {
  Proxy& proxy = start({.delay = 20ms}, {.flows = 1, .waiting = 10, .waiting_bytes = 1000});
  Peer other(events_);
  ASSERT_TRUE(client_.send(proxy.address(), train(40), 1));
  ASSERT_TRUE(until([&] { return proxy.counts(Way::up).packets == 40; }));
  ASSERT_TRUE(other.send(proxy.address(), "b", 1));
  ASSERT_TRUE(until([&] { return proxy.counts(Way::up).packets == 41; }));
  ASSERT_TRUE(until([&] { return server_.packets.size() == 10; }));
  EXPECT_EQ(joined(server_.packets), train(10));
  EXPECT_EQ(proxy.counts(Way::up).overflow, 31);
  EXPECT_EQ(proxy.flows(), 1);
  ASSERT_TRUE(client_.send(proxy.address(), train(1200), 600));
  ASSERT_TRUE(until([&] { return server_.packets.size() == 11; }));
  EXPECT_EQ(proxy.counts(Way::up).overflow, 32);
}

TEST_F(ProxyTest, LetsGoOfIdleFlows) {
  Proxy& proxy = start({}, {.idle = 20ms});
  ASSERT_TRUE(client_.send(proxy.address(), "a", 1));
  ASSERT_TRUE(until([&] { return proxy.flows() == 1; }));
  ASSERT_TRUE(until([&] { return proxy.flows() == 0; }));
  ASSERT_TRUE(client_.send(proxy.address(), "b", 1));
  ASSERT_TRUE(until([&] { return server_.packets.size() == 2; }));
  EXPECT_EQ(proxy.all_flows(), 2);
}

TEST_F(ProxyTest, ReportsOnOneLine) {
  Proxy& proxy = start({.delay = 1ms});
  ASSERT_TRUE(client_.send(proxy.address(), train(3), 1));
  ASSERT_TRUE(until([&] { return server_.packets.size() == 3; }));
  EXPECT_EQ(proxy.report(),
            "1 flows; up: 3 packets, 0 lost, 3 delayed, 0 overflowed; "
            "down: 0 packets, 0 lost, 0 delayed, 0 overflowed");
}

}  // namespace
}  // namespace moq::lossy
