#include "relay/census.h"

#include <gtest/gtest.h>

namespace moq::relay {
namespace {

const Census::Kind kUnknown{"none", "quic"};
const Census::Kind kQuic{"moq-lite-05", "quic"};
const Census::Kind kWeb{"moq-lite-05", "webtransport"};

TEST(CensusTest, CountsByKind) {
  Census census;
  census.came(kUnknown);
  census.came(kWeb);
  census.changed(kUnknown, kQuic, false);
  EXPECT_EQ(census.counts().present.at(kUnknown), (Census::Present{0, 0}));
  EXPECT_EQ(census.counts().present.at(kQuic), (Census::Present{1, 0}));
  EXPECT_EQ(census.counts().total(), (Census::Present{2, 0}));
  census.left(kWeb, false, DrainOutcome::peer_left);
  EXPECT_EQ(census.counts().total(), (Census::Present{1, 0}));
}

TEST(CensusTest, CountsWhoWasToldAndHow) {
  Census census;
  for (int i = 0; i < 3; ++i) census.came(kQuic);
  census.told(kQuic, true);
  census.told(kQuic, false);
  EXPECT_EQ(census.counts().total(), (Census::Present{3, 2}));
  EXPECT_EQ(census.counts().goaways, 1U);
  census.left(kQuic, true, DrainOutcome::peer_left);
  EXPECT_EQ(census.counts().total(), (Census::Present{2, 1}));
  // One may be told before its version is known.
  census.came(kUnknown);
  census.told(kUnknown, false);
  census.changed(kUnknown, kWeb, true);
  EXPECT_EQ(census.counts().present.at(kWeb), (Census::Present{1, 1}));
}

TEST(CensusTest, OutcomesAreOfTheLastDrainAndOfAll) {
  Census census;
  for (int i = 0; i < 2; ++i) census.came(kQuic);
  census.came(kWeb);
  census.drain_begins();
  census.left(kQuic, false, DrainOutcome::peer_left);
  census.drain_begins();
  census.left(kQuic, false, DrainOutcome::peer_left);
  census.left(kWeb, false, DrainOutcome::lost);
  const auto counts = census.counts();
  EXPECT_EQ(counts.ended, (Census::Ended{{DrainOutcome::peer_left, 1}, {DrainOutcome::lost, 1}}));
  EXPECT_EQ(counts.ended_ever.at("moq-lite-05"),
            (Census::Ended{{DrainOutcome::peer_left, 2}, {DrainOutcome::lost, 1}}));
}

TEST(CensusTest, WhoLeavesCountsDuringADrainOrWhenTold) {
  Census census;
  for (int i = 0; i < 4; ++i) census.came(kQuic);
  census.left(kQuic, false, DrainOutcome::peer_left);
  EXPECT_TRUE(census.counts().ended.empty());
  census.drain_begins();
  // Before its worker has heard of the drain.
  census.left(kQuic, false, DrainOutcome::peer_left);
  census.told(kQuic, true);
  census.drain_is_off();
  census.left(kQuic, false, DrainOutcome::lost);
  census.left(kQuic, true, DrainOutcome::closed);
  EXPECT_EQ(census.counts().ended,
            (Census::Ended{{DrainOutcome::peer_left, 1}, {DrainOutcome::closed, 1}}));
}

TEST(CensusTest, AddsTheHandshakesOfAllWorkers) {
  Census census(2);
  census.handshakes(0, 3);
  census.handshakes(1, 2);
  census.handshakes(0, 1);
  EXPECT_EQ(census.counts().handshakes, 3U);
}

}  // namespace
}  // namespace moq::relay
