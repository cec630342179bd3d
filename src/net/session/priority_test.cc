// What goes first where a link is too slow for all of it: by the order of a track's groups,
// and by the priority of its subscription.

#include <gtest/gtest.h>

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
using testing::Viewer;

/// A server with what a client sees over a link on which 50000 bytes take 400 ms.
class SlowLink : public ::testing::TestWithParam<const char*> {
 protected:
  void start() {
    connection =
        connect(loop, client, server, {.version = GetParam(), .link = {.bitrate = 1'000'000}});
    run_for(loop, seconds(1));
  }
  std::unique_ptr<Subscription> subscribe(const std::string& path, const SubscribeOptions& options,
                                          Viewer& seen) {
    auto made = client.origin.find(Path(path))->track("video").value()->subscribe(options, seen);
    run_for(loop, seconds(1));
    return made;
  }
  static void large_group(Source& source, std::uint64_t sequence) {
    source.group(sequence, {std::string(50000, 'x')}, sequence);
  }
  static bool is_whole(const Viewer& seen, std::uint64_t sequence) {
    const auto found = seen.groups.find(sequence);
    return found != seen.groups.end() && found->second->complete();
  }

  Loop loop;
  Node client{loop, 1};
  Node server{loop, 2};
  std::unique_ptr<Connection> connection;
};

/// What takes the options of SUBSCRIBE.
class SlowLinkOptions : public SlowLink {};

TEST_P(SlowLink, NewestGroupGoesFirst) {
  Source source(server, "a");
  source.group(0, {"first"});
  start();
  Viewer seen;
  const auto subscription = subscribe("a", {.max_latency = seconds(10)}, seen);
  for (std::uint64_t i = 1; i < 4; ++i) large_group(source, i);
  run_for(loop, milliseconds(500));
  EXPECT_TRUE(is_whole(seen, 3));
  EXPECT_FALSE(is_whole(seen, 1));
  run_for(loop, seconds(2));
  EXPECT_TRUE(is_whole(seen, 1));
}

TEST_P(SlowLinkOptions, OldestGroupGoesFirstWhenOrdered) {
  Source source(server, "a");
  start();
  Viewer seen;
  const auto subscription = subscribe("a", {.ordered = true, .max_latency = seconds(10)}, seen);
  for (std::uint64_t i = 0; i < 3; ++i) large_group(source, i);
  run_for(loop, milliseconds(500));
  EXPECT_TRUE(is_whole(seen, 0));
  EXPECT_FALSE(is_whole(seen, 2));
  run_for(loop, seconds(2));
  EXPECT_TRUE(is_whole(seen, 2));
}

TEST_P(SlowLinkOptions, MoreUrgentSubscriptionGoesFirst) {
  // Whichever was asked for first, and has data first.
  for (const bool first_is_urgent : {false, true}) {
    SCOPED_TRACE(first_is_urgent);
    Source first(server, "a");
    Source second(server, "b");
    start();
    Viewer first_seen;
    Viewer second_seen;
    const auto options = [](bool urgent) {
      return SubscribeOptions{.priority = static_cast<std::uint8_t>(urgent ? 9 : 5),
                              .max_latency = seconds(10)};
    };
    const auto first_subscription = subscribe("a", options(first_is_urgent), first_seen);
    const auto second_subscription = subscribe("b", options(!first_is_urgent), second_seen);
    large_group(first, 0);
    large_group(second, 0);
    run_for(loop, milliseconds(500));
    EXPECT_EQ(is_whole(first_seen, 0), first_is_urgent);
    EXPECT_EQ(is_whole(second_seen, 0), !first_is_urgent);
    run_for(loop, seconds(1));
    EXPECT_TRUE(is_whole(first_seen, 0));
    EXPECT_TRUE(is_whole(second_seen, 0));
  }
}

TEST_P(SlowLinkOptions, UpdateMakesASubscriptionMoreUrgent) {
  Source first(server, "a");
  Source second(server, "b");
  start();
  Viewer first_seen;
  Viewer second_seen;
  const auto first_subscription =
      subscribe("a", {.priority = 9, .max_latency = seconds(10)}, first_seen);
  const auto second_subscription =
      subscribe("b", {.priority = 5, .max_latency = seconds(10)}, second_seen);
  second_subscription->update({.priority = 100, .max_latency = seconds(10)});
  run_for(loop, seconds(1));
  large_group(first, 0);
  large_group(second, 0);
  run_for(loop, milliseconds(500));
  EXPECT_FALSE(is_whole(first_seen, 0));
  EXPECT_TRUE(is_whole(second_seen, 0));
  run_for(loop, seconds(1));
  EXPECT_TRUE(is_whole(first_seen, 0));
}

INSTANTIATE_TEST_SUITE_P(Versions, SlowLink, ::testing::ValuesIn(testing::kAllVersions),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(
    Versions, SlowLinkOptions,
    ::testing::ValuesIn(testing::versions_with(&lite::VersionInfo::has_subscribe_options)),
    testing::kVersionName);

}  // namespace
}  // namespace moq
