// How a drain ends, and what may be changed about it meanwhile.

#include <gtest/gtest.h>

#include "net/session/testing/ietf_peer.h"
#include "net/session/testing/raw_peer.h"

namespace moq {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::IetfLink;
using testing::RawLink;
using testing::run_for;
using testing::Source;

/// A server whose peer, of either family, only listens.
class Draining : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (is_lite()) {
      lite_link.emplace(loop, node, RawLink::Options{.version = GetParam()});
      lite_link->peer->setup("/");
    } else {
      ietf_link.emplace(loop, node, IetfLink::Options{.version = GetParam()});
      ietf_link->peer->setup("/");
    }
    run();
    drain().complete([this](DrainOutcome outcome) { outcomes.push_back(outcome); });
  }
  void run(Duration duration = milliseconds(100)) { run_for(loop, duration); }
  [[nodiscard]] static bool is_lite() { return lite::find_by_name(GetParam()) != nullptr; }
  [[nodiscard]] Session& session() { return is_lite() ? *lite_link->session : *ietf_link->session; }
  [[nodiscard]] Drain& drain() { return session().drain(); }
  void start(std::optional<Duration> deadline = std::nullopt) {
    Source::must(drain().start({}, deadline));
  }
  void peer_leaves() {
    (is_lite() ? lite_link->peer->transport() : ietf_link->peer->transport()).close(0, "");
    run();
  }
  void peer_vanishes() {
    if (is_lite()) {
      lite_link->peer.reset();
    } else {
      ietf_link->peer.reset();
    }
    run();
  }
  [[nodiscard]] bool closed() const {
    return is_lite() ? !!lite_link->error() : !!ietf_link->error();
  }
  [[nodiscard]] bool closed_with(SessionError code) const {
    return is_lite() ? lite_link->closed_with(code) : ietf_link->closed_with(code);
  }
  /// GOAWAYs that the peer has got.
  [[nodiscard]] std::size_t goaways() const {
    return is_lite() ? lite_link->peer->incoming(lite::BidiType::goaway).size()
                     : ietf_link->peer->told<ietf::Goaway>().size();
  }

  Loop loop;
  testing::Node node{loop, 22};
  std::optional<RawLink> lite_link;
  std::optional<IetfLink> ietf_link;
  std::vector<DrainOutcome> outcomes;
};

using Outcomes = std::vector<DrainOutcome>;

TEST_P(Draining, EndsWhenThePeerLeaves) {
  start(hours(1));
  run();
  peer_leaves();
  EXPECT_EQ(outcomes, Outcomes{DrainOutcome::peer_left});
}

TEST_P(Draining, EndsAtTheDeadline) {
  start(seconds(5));
  run(milliseconds(4990));
  EXPECT_TRUE(outcomes.empty());
  run(milliseconds(20));
  EXPECT_EQ(outcomes, Outcomes{DrainOutcome::deadline});
  EXPECT_TRUE(closed_with(SessionError::goaway_timeout));
}

TEST_P(Draining, EndsWithALostConnection) {
  start(hours(1));
  run();
  peer_vanishes();
  EXPECT_EQ(outcomes, Outcomes{DrainOutcome::lost});
}

TEST_P(Draining, EndsWithAnEndOfOurOwn) {
  start(hours(1));
  run();
  session().close(SessionError::internal, "");
  run();
  EXPECT_EQ(outcomes, Outcomes{DrainOutcome::closed});
}

TEST_P(Draining, EndOfASessionThatDidNotDrainIsNoOutcome) {
  peer_leaves();
  EXPECT_TRUE(outcomes.empty());
  EXPECT_FALSE(drain().outcome());
  const auto late = drain().start();
  ASSERT_FALSE(late);
  EXPECT_TRUE(late.error().is(DrainError::session_closed));
}

TEST_P(Draining, DeadlineCanBeTakenBack) {
  start(seconds(5));
  run(seconds(4));
  drain().set_deadline(std::nullopt);
  EXPECT_EQ(drain().deadline(), kNever);
  run(hours(1));
  EXPECT_FALSE(closed());
  EXPECT_TRUE(outcomes.empty());
  EXPECT_EQ(goaways(), testing::has_goaway(GetParam()) ? 1U : 0U) << "the GOAWAY stands";
  // The next drain finds it told.
  EXPECT_FALSE(drain().start({}, seconds(1)));
  peer_leaves();
  EXPECT_EQ(outcomes, Outcomes{DrainOutcome::peer_left});
}

TEST_P(Draining, DeadlineCanBeSetAnewAndCountsFromThen) {
  for (const std::optional<Duration> first : {std::optional<Duration>(), {seconds(100)}}) {
    SetUp();
    outcomes.clear();
    start(first);
    run(seconds(10));
    drain().set_deadline(seconds(2));
    EXPECT_EQ(drain().deadline(), loop.now() + seconds(2));
    run(milliseconds(1990));
    EXPECT_TRUE(outcomes.empty());
    run(milliseconds(20));
    EXPECT_EQ(outcomes, Outcomes{DrainOutcome::deadline});
    EXPECT_TRUE(closed_with(SessionError::goaway_timeout));
    EXPECT_LE(goaways(), 1U);
  }
}

TEST_P(Draining, DeadlineIsThatOfADrainThatRuns) {
  drain().set_deadline(seconds(1));
  EXPECT_EQ(drain().deadline(), kNever);
  run(seconds(2));
  EXPECT_FALSE(closed());
  start();
  session().close(SessionError::no_error, "");
  run();
  drain().set_deadline(seconds(1));
  EXPECT_EQ(drain().deadline(), kNever);
}

INSTANTIATE_TEST_SUITE_P(Versions, Draining, ::testing::ValuesIn(testing::kAllVersions),
                         testing::kVersionName);

}  // namespace
}  // namespace moq
