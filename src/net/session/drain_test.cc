// A drain without its session: what it asks of one, and when.

#include "net/session/drain.h"

#include <gtest/gtest.h>

#include "net/lite/error.h"

namespace moq {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

struct DrainTest : ::testing::Test, private Drain::Actions {
  void pass(Duration time) { loop.run(loop.now() + time); }

  Loop loop;
  int goaways = 0;
  int closes = 0;
  Drain drain{loop, *this};

 private:
  void send_goaway(const std::string&) override { ++goaways; }
  void close_for_deadline() override { ++closes; }
};

TEST_F(DrainTest, ADeadlineCanBeTakenBack) {
  ASSERT_TRUE(drain.start({}, seconds(5)));
  pass(seconds(4));
  drain.set_deadline(std::nullopt);
  pass(hours(1));
  EXPECT_EQ(closes, 0);
}

TEST_F(DrainTest, ALaterDeadlineHoldsWithoutAnotherGoaway) {
  ASSERT_TRUE(drain.start());
  pass(hours(1));
  EXPECT_FALSE(drain.start({}, seconds(5)));
  drain.set_deadline(seconds(5));
  pass(seconds(4));
  EXPECT_EQ(closes, 0);
  pass(seconds(1));
  EXPECT_EQ(closes, 1);
  EXPECT_EQ(goaways, 1);
}

TEST_F(DrainTest, ADeadlineOfZeroIsNone) {
  ASSERT_TRUE(drain.start({}, seconds(5)));
  drain.set_deadline(Duration::zero());
  pass(hours(1));
  EXPECT_EQ(closes, 0);
}

TEST_F(DrainTest, ThereIsNoDeadlineBeforeTheStartAndAfterTheEnd) {
  drain.set_deadline(seconds(1));
  pass(hours(1));
  ASSERT_TRUE(drain.start());
  drain.session_closed(Error(lite::SessionError::no_error), true);
  drain.set_deadline(seconds(1));
  pass(hours(1));
  EXPECT_EQ(closes, 0);
}

}  // namespace
}  // namespace moq
