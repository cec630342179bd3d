#include "native/server/steering.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moq::native {
namespace {

using std::chrono_literals::operator""s;
using testing::ElementsAre;

struct Recorder final : PacketHandler {
  void on_packet(const ReceivedPacket& packet) override {
    seen.emplace_back(as_text(packet.data));
    local = packet.local;
    remote = packet.remote;
    ecn = packet.ecn;
  }
  void on_packets_done() override { ++batches; }
  void on_writable() override {}

  std::vector<std::string> seen;
  SocketAddress local;
  SocketAddress remote;
  int ecn = -1;
  int batches = 0;
};

struct SteeringTest : testing::Test {
  ReceivedPacket packet(std::string_view data) const { return {local, remote, 2, as_bytes(data)}; }

  EventLoop here;
  EventLoop there;
  Recorder recorder;
  bool gone = false;
  SocketAddress local = *SocketAddress::parse("127.0.0.1:4443");
  SocketAddress remote = *SocketAddress::parse("[::1]:9");
  Steering steering{here.loop(),
                    {{.events = &here, .handler = [] { return nullptr; }},
                     {.events = &there, .handler = [this]() -> PacketHandler* {
                        return gone ? nullptr : &recorder;
                      }}}};
};

TEST_F(SteeringTest, CopiesATicksPacketsInOneBatch) {
  {
    std::string first = "first";
    steering.send(1, packet(first));
    first = "gone!";
  }
  steering.send(1, packet("second"));
  EXPECT_FALSE(there.run_until([&] { return !recorder.seen.empty(); }, Duration{0}));
  here.run_until([] { return false; }, Duration{1});
  ASSERT_TRUE(there.run_until([&] { return !recorder.seen.empty(); }, 30s));
  EXPECT_THAT(recorder.seen, ElementsAre("first", "second"));
  EXPECT_EQ(recorder.batches, 1);
  EXPECT_EQ(recorder.local, local);
  EXPECT_EQ(recorder.remote, remote);
  EXPECT_EQ(recorder.ecn, 2);
}

TEST_F(SteeringTest, BoundsWhatWaits) {
  for (std::size_t i = 0; i < Steering::kMaxWaiting + 10; ++i) steering.send(1, packet("x"));
  here.run_until([] { return false; }, Duration{1});
  for (int i = 0; i < 10; ++i) steering.send(1, packet("y"));
  here.run_until([] { return false; }, Duration{1});
  ASSERT_TRUE(there.run_until([&] { return !recorder.seen.empty(); }, 30s));
  EXPECT_EQ(recorder.seen.size(), Steering::kMaxWaiting);
  // Once they are taken, there is room again.
  steering.send(1, packet("z"));
  here.run_until([] { return false; }, Duration{1});
  EXPECT_TRUE(there.run_until([&] { return recorder.seen.back() == "z"; }, 30s));
}

TEST_F(SteeringTest, DropsWhatHasNoOwner) {
  steering.send(2, packet("x"));
  steering.send(255, packet("x"));
  steering.send(0, packet("x"));
  gone = true;
  steering.send(1, packet("x"));
  here.run_until([] { return false; }, Duration{1});
  here.run_until([] { return false; }, Duration{1});
  there.run_until([] { return false; }, Duration{1});
  EXPECT_TRUE(recorder.seen.empty());
}

}  // namespace
}  // namespace moq::native
