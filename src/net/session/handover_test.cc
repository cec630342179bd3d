// Sessions of one client that follow each other, as far as the sessions themselves
// have to do with it.

#include <gtest/gtest.h>

#include "net/session/testing/cluster.h"

namespace moq {
namespace {

using std::chrono::milliseconds;
using testing::connect;
using testing::Connection;
using testing::Node;
using testing::run_for;
using testing::Source;
using testing::Viewer;

class Handover : public ::testing::TestWithParam<const char*> {
 protected:
  std::unique_ptr<Connection> dial(Node& relay, PeerToken peer) {
    return connect(loop, client, relay,
                   {.version = GetParam(),
                    .adjust = [peer](SessionOptions& options, auto&) { options.peer = peer; }});
  }
  void run(Duration duration = milliseconds(100)) { run_for(loop, duration); }

  Loop loop;
  Node client{loop, 0};
  Node from{loop, 1};
  Node to{loop, 2};
};

TEST_P(Handover, WhatCameOverOneSessionIsNotAnnouncedOverItsSuccessor) {
  Source source(from, "a");
  Source own(client, "b");
  const auto old = dial(from, &client);
  const auto next = dial(to, &client);
  run();
  EXPECT_NE(client.origin.find(Path("a")), nullptr);
  EXPECT_NE(to.origin.find(Path("b")), nullptr);
  EXPECT_EQ(to.origin.find(Path("a")), nullptr) << "the client is no relay";
}

TEST_P(Handover, SessionsOfTheirOwnAnnounceToEachOther) {
  Source source(from, "a");
  const auto old = dial(from, nullptr);
  const auto next = dial(to, nullptr);
  run();
  EXPECT_NE(to.origin.find(Path("a")), nullptr);
}

TEST_P(Handover, EndOfTheOldSessionLeavesTheRouteOfTheNew) {
  Source first(from, "a");
  Source second(to, "a");
  auto old = dial(from, &client);
  const auto next = dial(to, &client);
  run();
  old.reset();
  run();
  ASSERT_NE(client.origin.find(Path("a")), nullptr);
  Viewer seen;
  const auto subscription = client.origin.find(Path("a"))->track("video").value()->subscribe(
      {.max_latency = std::chrono::seconds(10)}, seen);
  run();
  second.group(0, {"zero"});
  run();
  EXPECT_EQ(seen.text(0), "zero");
}

INSTANTIATE_TEST_SUITE_P(Versions, Handover, ::testing::ValuesIn(testing::kAllVersions),
                         testing::kVersionName);

}  // namespace
}  // namespace moq
