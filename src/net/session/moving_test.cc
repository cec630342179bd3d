// Requests that move: GOAWAY on a request's stream, which drafts since 18 of moq-transport have.

#include <gtest/gtest.h>

#include "net/session/session.h"
#include "net/session/testing/cluster.h"

namespace moq {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::connect;
using testing::Node;
using testing::run_for;
using testing::Source;
using testing::Viewer;

constexpr SubscribeOptions kLive{.max_latency = seconds(10)};

class Moving : public ::testing::Test {
 protected:
  void start(const char* version) {
    session = connect(loop, viewer, relay, {.version = version});
    run_for(loop, seconds(1));
    track = viewer.origin.find(Path("a"))->track("video").value();
    subscription = track->subscribe(kLive, seen);
    run_for(loop, seconds(1));
  }

  Loop loop;
  Node relay{loop, 22};
  Node viewer{loop, 33};
  Source source{relay, "a"};
  std::unique_ptr<testing::Connection> session;
  std::shared_ptr<Track> track;
  Viewer seen;
  std::unique_ptr<Subscription> subscription;
};

TEST_F(Moving, IsAskedForAnewOnTheSameSession) {
  start("moq-transport-18");
  source.group(1, {"one"});
  run_for(loop, milliseconds(100));
  ASSERT_EQ(seen.text(1), "one");
  EXPECT_EQ(session->server->move(Path("a"), "", milliseconds(500)), 1U);
  EXPECT_EQ(session->server->move(Path("b"), "", milliseconds(500)), 0U) << "nobody reads it";
  source.group(2, {"two"});
  run_for(loop, milliseconds(400));
  EXPECT_EQ(seen.text(2), "two") << "it goes on until it is ended";
  run_for(loop, seconds(1));
  EXPECT_EQ(session->server->serving(), 1U) << "the new one";
  source.group(3, {"three"});
  run_for(loop, milliseconds(100));
  EXPECT_EQ(seen.text(3), "three");
  EXPECT_FALSE(track->error());
  EXPECT_FALSE(session->client_error);
  EXPECT_FALSE(session->server_error);
}

TEST_F(Moving, ElsewhereIsWhereItsOwnerGoes) {
  start("moq-transport-18");
  std::vector<std::string> told;
  session->client->draining([&](const std::string& uri) { told.push_back(uri); });
  EXPECT_EQ(session->server->move(Path("a"), "moqt://elsewhere", seconds(1)), 1U);
  run_for(loop, milliseconds(100));
  EXPECT_EQ(told, std::vector<std::string>{"moqt://elsewhere"});
  source.group(1, {"one"});
  run_for(loop, milliseconds(100));
  EXPECT_EQ(seen.text(1), "one") << "what runs goes on meanwhile";
  run_for(loop, seconds(2));
  EXPECT_EQ(session->server->serving(), 0U) << "reset after the timeout";
  EXPECT_TRUE(track->error());
}

TEST_F(Moving, DraftsWithoutItMoveNothing) {
  start("moq-transport-14");
  EXPECT_EQ(session->server->move(Path("a"), "moqt://elsewhere", seconds(1)), 0U);
}

}  // namespace
}  // namespace moq
