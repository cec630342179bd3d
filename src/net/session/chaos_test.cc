// Many viewers that come and go at random through a relay: each gets whole groups
// only, from the newest on, none twice and in order where that is asked for; and
// nothing is left behind.

#include <gtest/gtest.h>

#include <random>

#include "net/session/testing/cluster.h"

namespace moq {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::connect;
using testing::Connection;
using testing::Node;
using testing::run_for;
using testing::Source;

constexpr std::size_t kViewers = 200;
constexpr std::uint64_t kFrames = 5;
constexpr Duration kUpstreamDelay = milliseconds(20);

std::string payload(std::uint64_t sequence, std::uint64_t frame) {
  return std::to_string(sequence) + '.' + std::to_string(frame) + ' ' +
         std::string(50 + sequence * 37 % 400, 'x');
}

/// What one subscription got.
struct Received final : TrackReader {
  void on_info(const TrackInfo&) override {}
  void on_group(std::shared_ptr<Group> group) override { groups.push_back(std::move(group)); }
  void on_datagram(const Datagram&) override {}
  void on_drop(std::uint64_t, std::uint64_t, std::uint64_t) override {}
  void on_end(std::uint64_t end) override { ended = end; }
  void on_abort(const Error&) override { aborted = true; }

  std::vector<std::shared_ptr<Group>> groups;
  std::optional<std::uint64_t> ended;
  bool aborted = false;
};

/// A viewer that may be connected, and may be watching.
struct Client {
  Client(Loop& loop, HopId id) : node(loop, id) {}

  Node node;
  std::unique_ptr<Connection> connection;
  std::unique_ptr<Received> received;
  std::unique_ptr<Subscription> subscription;
  bool ordered = false;
  Duration delay{};
  std::uint64_t newest_before = 0;  ///< as had reached it when it subscribed
};

class Chaos : public ::testing::TestWithParam<const char*> {
 protected:
  void check(Client& client, bool to_the_end) {
    if (client.received == nullptr) return;
    std::set<std::uint64_t> seen;
    std::uint64_t last = 0;
    for (const auto& group : client.received->groups) {
      const std::uint64_t sequence = group->sequence();
      ASSERT_TRUE(seen.insert(sequence).second) << sequence << " came twice";
      ASSERT_GE(sequence, client.newest_before) << "older than the newest";
      if (client.ordered) {
        ASSERT_GE(sequence, last) << "out of order";
        last = sequence;
      }
      std::uint64_t frame = 0;
      for (const Object& object : group->only().objects()) {
        if (!object.complete()) break;
        ASSERT_EQ(object.flatten().text(), payload(sequence, frame));
        ++frame;
      }
      if (to_the_end || group->complete()) {
        ASSERT_EQ(frame, kFrames) << "group " << sequence << " is not whole";
      }
    }
    if (!to_the_end) return;
    // No gap, either: nothing was too slow here.
    ASSERT_FALSE(seen.empty());
    ASSERT_EQ(*seen.rbegin(), newest);
    ASSERT_EQ(seen.size(), *seen.rbegin() - *seen.begin() + 1);
    ++whole;
  }

  void act(Client& client) {
    const std::size_t dice = below(10);
    if (client.connection == nullptr) {
      // Links of any length, so that arrivals mix.
      client.delay = milliseconds(1 + below(150));
      client.connection = connect(loop, client.node, relay,
                                  {.version = testing::kVersions[below(testing::kVersions.size())],
                                   .link = {.delay = client.delay, .max_streams = 8 + below(60)}});
    } else if (client.subscription == nullptr) {
      const auto broadcast = client.node.origin.find(Path("live"));
      if (broadcast == nullptr) return;
      const auto track = broadcast->track("video");
      if (!track) return;
      client.ordered = below(2) == 0;
      client.received = std::make_unique<Received>();
      client.newest_before = newest_at(loop.now() - kUpstreamDelay - client.delay);
      client.subscription = (*track)->subscribe({.priority = static_cast<std::uint8_t>(below(256)),
                                                 .ordered = client.ordered,
                                                 .max_latency = seconds(30)},
                                                *client.received);
    } else if (dice < 4) {
      client.subscription.reset();
      check(client, false);
      client.received.reset();
    } else if (dice < 6) {
      check(client, false);
      if (dice == 4) client.connection->client_transport->vanish();
      client.subscription.reset();
      client.connection.reset();
      client.received.reset();
    } else {
      client.subscription->update({.priority = static_cast<std::uint8_t>(below(256)),
                                   .ordered = client.ordered,
                                   .max_latency = seconds(30)});
    }
  }
  /// The newest group at the publisher then.
  [[nodiscard]] std::uint64_t newest_at(Time when) const {
    const auto next = began.upper_bound(when);
    return next == began.begin() ? 0 : std::prev(next)->second;
  }
  std::size_t below(std::size_t count) { return random() % count; }

  Loop loop;
  std::mt19937_64 random{20260822};
  Node publisher{loop, 1};
  Node relay{loop, 2};
  std::uint64_t newest = 0;  ///< at the publisher
  std::map<Time, std::uint64_t> began;
  std::size_t whole = 0;
};

TEST_P(Chaos, ViewersComeAndGo) {
  auto upstream =
      connect(loop, publisher, relay, {.version = GetParam(), .link = {.delay = kUpstreamDelay}});
  auto source = std::make_unique<Source>(publisher, "live", TrackInfo{.max_latency = seconds(30)});
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < kViewers; ++i) {
    clients.push_back(std::make_unique<Client>(loop, 100 + i));
  }
  std::uint64_t sequence = 0;
  std::uint64_t frame = 0;
  std::shared_ptr<Group> group;
  for (int tick = 0; tick < 1000; ++tick) {
    if (group == nullptr) {
      group = source->begin(sequence);
      newest = sequence;
      began[loop.now()] = sequence;
    }
    Source::append(*group, sequence * 200 + frame * 40, payload(sequence, frame));
    if (++frame == kFrames) {
      Source::finish(*group);
      group.reset();
      frame = 0;
      ++sequence;
    }
    for (int i = 0; i < 4; ++i) act(*clients[below(clients.size())]);
    run_for(loop, milliseconds(40));
    if (HasFatalFailure()) return;
  }
  ASSERT_EQ(group, nullptr);
  source->track->finish(sequence);
  run_for(loop, seconds(5));
  for (auto& client : clients) {
    const bool watching = client->subscription != nullptr && !client->received->aborted;
    check(*client, watching && client->received->ended.has_value());
    if (HasFatalFailure()) return;
    if (watching) {
      EXPECT_EQ(client->received->ended, sequence);
    }
  }
  EXPECT_GT(whole, kViewers / 4);
  for (auto& client : clients) {
    client->subscription.reset();
    client->connection.reset();
  }
  run_for(loop, seconds(1));
  EXPECT_FALSE(source->track->combined());
  source.reset();
  upstream.reset();
  run_for(loop, seconds(1));
  clients.clear();
  run_for(loop, seconds(1));
  EXPECT_EQ(relay.origin.size(), 0U);
  EXPECT_EQ(relay.budget->used.load(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Versions, Chaos, ::testing::ValuesIn(testing::kVersions),
                         testing::kVersionName);

}  // namespace
}  // namespace moq
