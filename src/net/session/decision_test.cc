// A server that takes its time to decide what a client may do.

#include <gtest/gtest.h>

#include "net/session/testing/cluster.h"
#include "net/session/testing/raw_peer.h"

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

class DecisionTest : public ::testing::TestWithParam<const char*> {
 protected:
  void start(std::string path = "/room") {
    link = connect(loop, client, server,
                   {.version = GetParam(), .adjust = [&](SessionOptions& c, SessionOptions& s) {
                      c.path = path;
                      s.path = path;
                      s.authorize = [this](const std::string& asked, Decision decision) {
                        asked_for.push_back(asked);
                        decide = std::move(decision);
                      };
                    }});
    link->server->ready([this] { ++ready; });
    run_for(loop, milliseconds(100));
  }
  [[nodiscard]] bool is_open() const { return !link->server_error && !link->client_error; }

  Loop loop;
  Node client{loop, 1};
  Node server{loop, 2};
  std::unique_ptr<Connection> link;
  std::vector<std::string> asked_for;
  Decision decide;
  int ready = 0;
};

TEST_P(DecisionTest, WhatComesMeanwhileIsServedThen) {
  Source published(client, "a");
  Source hidden(server, "room/b");
  start();
  // Longer than a stream may take for its header.
  run_for(loop, seconds(12));
  EXPECT_EQ(asked_for, std::vector<std::string>{"/room"});
  EXPECT_EQ(ready, 0);
  ASSERT_TRUE(is_open());
  EXPECT_EQ(server.origin.size(), 1U);
  EXPECT_EQ(client.origin.find(Path("b")), nullptr);
  decide(Scope{.root = Path("room")});
  run_for(loop, seconds(1));
  ASSERT_TRUE(is_open()) << (link->server_error ? link->server_error->message() : "");
  EXPECT_EQ(ready, 1);
  EXPECT_NE(server.origin.find(Path("room/a")), nullptr);
  ASSERT_NE(client.origin.find(Path("b")), nullptr);
  hidden.group(1, {"x"});
  Viewer viewer;
  const auto subscription = client.origin.find(Path("b"))->track("video").value()->subscribe(
      {.max_latency = seconds(10)}, viewer);
  run_for(loop, seconds(1));
  EXPECT_EQ(viewer.text(1), "x");
}

TEST_P(DecisionTest, NoneInTimeIsARefusal) {
  start();
  run_for(loop, SessionLimits{}.decision_timeout + seconds(1));
  ASSERT_TRUE(link->client_error);
  EXPECT_TRUE(link->client_error->is(SessionError::internal)) << link->client_error->message();
  EXPECT_TRUE(link->client_closed_by_peer);
  // It comes when nobody waits for it.
  decide(Scope{});
  run_for(loop, seconds(1));
  EXPECT_EQ(ready, 0);
}

TEST_P(DecisionTest, ALateRefusalClosesWithItsCode) {
  start();
  run_for(loop, seconds(3));
  decide(fail(SessionError::unauthorized, "no"));
  run_for(loop, seconds(1));
  ASSERT_TRUE(link->client_error);
  EXPECT_TRUE(link->client_error->is(SessionError::unauthorized)) << link->client_error->message();
  EXPECT_EQ(ready, 0);
}

TEST_P(DecisionTest, OnlyTheFirstAnswerCounts) {
  start();
  decide(Scope{.subscribe = {}});
  decide(fail(SessionError::unauthorized, "no"));
  decide(Scope{});
  run_for(loop, seconds(1));
  EXPECT_EQ(ready, 1);
  EXPECT_TRUE(is_open());
}

TEST_P(DecisionTest, MayComeAfterTheSession) {
  start();
  link->server.reset();
  decide(Scope{});
  run_for(loop, seconds(1));
  EXPECT_EQ(ready, 0);
  EXPECT_TRUE(link->client_error);
}

TEST_P(DecisionTest, MayComeAfterThePeerHasLeft) {
  start();
  link->client.reset();
  run_for(loop, seconds(1));
  ASSERT_TRUE(link->server_error);
  decide(Scope{});
  run_for(loop, seconds(1));
  EXPECT_EQ(ready, 0);
}

TEST_P(DecisionTest, MayComeBetweenTheCloseAndItsEnd) {
  start();
  link->server->close(SessionError::goaway_timeout, "");
  decide(Scope{});
  run_for(loop, seconds(1));
  EXPECT_EQ(ready, 0);
  ASSERT_TRUE(link->client_error);
  EXPECT_TRUE(link->client_error->is(SessionError::goaway_timeout));
}

TEST_P(DecisionTest, MayEndTheSession) {
  start();
  link->server->ready([this] { link->server.reset(); });
  decide(Scope{});
  run_for(loop, seconds(1));
  EXPECT_TRUE(link->client_error);
}

INSTANTIATE_TEST_SUITE_P(Versions, DecisionTest,
                         ::testing::Values("moq-lite-01", "moq-lite-03", "moq-lite-04",
                                           "moq-lite-05", "moq-transport-14", "moq-transport-18"),
                         [](const auto& each) {
                           std::string name = each.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace moq
