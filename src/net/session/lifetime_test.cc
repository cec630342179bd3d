// A session may be destroyed in any callback, and its connection may be over before
// it hears of it.

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

/// Destroys the client's session in one of the calls that a reader gets.
struct Leaver final : TrackReader {
  enum class At { info, group, datagram, drop, end, abort };
  Leaver(At a, std::unique_ptr<Session>& s) : at(a), session(s) {}
  void leave(At here) {
    if (here == at) session.reset();
  }
  void on_info(const TrackInfo&) override { leave(At::info); }
  void on_group(std::shared_ptr<Group>) override { leave(At::group); }
  void on_datagram(const Datagram&) override { leave(At::datagram); }
  void on_drop(std::uint64_t, std::uint64_t, std::uint64_t) override { leave(At::drop); }
  void on_end(std::uint64_t) override { leave(At::end); }
  void on_abort(const Error&) override { leave(At::abort); }

  At at;
  std::unique_ptr<Session>& session;
};

class Lifetime : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    link = connect(loop, client, server, {.version = GetParam(), .link = {.bitrate = 50'000'000}});
    source = std::make_unique<Source>(server, "a");
  }
  void run(Duration duration = milliseconds(100)) { run_for(loop, duration); }
  std::shared_ptr<Track> find() { return client.origin.find(Path("a"))->track("video").value(); }
  void expect_clean() {
    link->client.reset();
    run(seconds(1));
    EXPECT_TRUE(link->server_error);
    EXPECT_EQ(client.origin.size(), 0U);
    EXPECT_FALSE(source->track->combined());
    link->server.reset();
    run(seconds(1));
    EXPECT_EQ(client.budget->used.load(), 0U);
  }

  Loop loop;
  Node client{loop, 1};
  Node server{loop, 2};
  std::unique_ptr<Connection> link;
  std::unique_ptr<Source> source;
};

/// In versions with a GOAWAY.
class LifetimeGoaway : public Lifetime {};

TEST_P(Lifetime, EndsInReady) {
  link->client->ready([&] { link->client.reset(); });
  run();
  EXPECT_EQ(link->client, nullptr);
  expect_clean();
}

TEST_P(Lifetime, EndsInReadyOfTheServer) {
  link->server->ready([&] { link->server.reset(); });
  run();
  EXPECT_TRUE(link->client_error);
}

TEST_P(LifetimeGoaway, EndsInDraining) {
  run();
  link->client->draining([&](const std::string&) { link->client.reset(); });
  Source::must(link->server->drain().start("moqt://elsewhere"));
  run();
  EXPECT_EQ(link->client, nullptr);
  expect_clean();
}

TEST_P(LifetimeGoaway, EndsInDrainingThatIsAskedForLate) {
  run();
  Source::must(link->server->drain().start("moqt://elsewhere"));
  run();
  link->client->draining([&](const std::string& uri) {
    link->client.reset();
    EXPECT_EQ(uri, "moqt://elsewhere");
  });
  expect_clean();
}

TEST_P(Lifetime, EndsInClosed) {
  run();
  bool told = false;
  link->client->closed([&](const Error&, bool) {
    link->client.reset();
    told = true;
  });
  link->server->close(SessionError::no_error, "bye");
  run();
  EXPECT_TRUE(told);
}

TEST_P(Lifetime, EndsInTheCompletionOfItsDrain) {
  run();
  std::vector<DrainOutcome> outcomes;
  bool closed = false;
  link->server->closed([&](const Error&, bool) { closed = true; });
  for (int i = 0; i < 2; ++i) {
    link->server->drain().complete([&](DrainOutcome outcome) {
      outcomes.push_back(outcome);
      link->server.reset();
    });
  }
  Source::must(link->server->drain().start());
  link->client.reset();
  run();
  EXPECT_EQ(outcomes, std::vector<DrainOutcome>(2, DrainOutcome::peer_left));
  EXPECT_FALSE(closed) << "nobody is left to be told";
}

TEST_P(Lifetime, EndsInAReportOfAProbe) {
  run();
  link->client->probe(0, [&](std::uint64_t, std::uint64_t) { link->client.reset(); });
  run(seconds(1));
  EXPECT_EQ(link->client, nullptr);
  expect_clean();
}

TEST_P(Lifetime, EndsInAnyCallOfAReader) {
  using At = Leaver::At;
  for (const At at : {At::info, At::group, At::datagram, At::drop, At::end, At::abort}) {
    SCOPED_TRACE(static_cast<int>(at));
    const lite::VersionInfo& traits = testing::traits_of(GetParam());
    if (at == At::datagram && !traits.has_datagrams) continue;
    if (at == At::drop && !traits.responses.drop) continue;
    SetUp();
    run();
    Leaver leaver(at, link->client);
    const auto track = find();
    auto subscription = track->subscribe({.max_latency = seconds(10), .start = 0}, leaver);
    run();
    source->group(0, {"zero"});
    source->group(1, {"one"});
    source->track->datagram({.sequence = 2, .payload = Bytes::copy_of("x")});
    source->track->drop(0, 0, 1);
    run();
    source->track->finish(2);
    run();
    if (at == At::abort) link->server->close(SessionError::no_error, "");
    run();
    EXPECT_EQ(link->client, nullptr);
    subscription.reset();
    if (at != At::abort) expect_clean();
  }
}

TEST_P(Lifetime, EndsWhenAFetchIsAnswered) {
  source->group(0, {"zero"});
  source->group(1, {"one"});
  run();
  const auto track = find();
  run();
  bool told = false;
  track->fetch(0, [&](const Result<std::shared_ptr<Group>>&) {
    told = true;
    link->client.reset();
  });
  run();
  EXPECT_TRUE(told);
  expect_clean();
}

TEST_P(Lifetime, RequestsOnAConnectionThatIsOverFail) {
  source->group(0, {"zero"});
  run();
  Viewer seen;
  const auto broadcast = client.origin.find(Path("a"));
  const auto subscription =
      broadcast->track("video").value()->subscribe({.max_latency = seconds(10)}, seen);
  run();
  // The connection is over; the sessions have not heard of it yet.
  link->client_transport->close(0, "");
  link->server_transport->close(0, "");
  Viewer late;
  const auto second = broadcast->track("audio").value()->subscribe({}, late);
  link->client->probe(0, [](std::uint64_t, std::uint64_t) {});
  Source::must(link->client->drain().start());
  source->group(1, {"one"});
  const auto open = source->begin(2);
  Source::append(*open, 0, "two");
  run();
  EXPECT_TRUE(seen.error);
  EXPECT_TRUE(late.error);
  EXPECT_TRUE(link->client_error);
  EXPECT_TRUE(link->server_error);
  Source::append(*open, 1, "more");
  seen.groups.clear();
  expect_clean();
}

TEST_P(Lifetime, VanishedPeerLeavesNothingOnceItIsMissed) {
  source->group(0, {"zero"});
  run();
  Viewer seen;
  const auto subscription = find()->subscribe({.max_latency = seconds(10)}, seen);
  run();
  link->client_transport->vanish();
  for (std::uint64_t i = 1; i < 20; ++i) {
    source->group(i, {std::string(5000, 'x')}, i);
    run();
  }
  link->client.reset();
  link->server.reset();
  run();
  EXPECT_TRUE(seen.error);
  EXPECT_FALSE(source->track->combined());
}

INSTANTIATE_TEST_SUITE_P(
    Versions, LifetimeGoaway,
    ::testing::ValuesIn(testing::versions_with(&lite::VersionInfo::has_goaway)),
    testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Versions, Lifetime, ::testing::ValuesIn(testing::kVersions),
                         testing::kVersionName);

}  // namespace
}  // namespace moq
