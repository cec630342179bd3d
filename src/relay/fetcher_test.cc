#include "relay/fetcher.h"

#include <gtest/gtest.h>

namespace moq::relay {
namespace {

using std::chrono::seconds;

struct FetcherTest : ::testing::Test {
  struct Asked {
    std::string url;
    HttpConditions conditions;
    HttpClient::Done done;
  };
  struct Answer {
    std::optional<Result<Page>> result;
    [[nodiscard]] bool has(const char* text) const {
      return result && *result && (*result)->status == 200 && *(*result)->body == text;
    }
    [[nodiscard]] bool has(unsigned status) const {
      return result && *result && (*result)->status == status;
    }
    [[nodiscard]] bool has(HttpError error) const {
      return result && !*result && result->error().is(error);
    }
  };

  std::unique_ptr<Fetcher> make(const FetchLimits& limits = {}) {
    return std::make_unique<Fetcher>(
        loop,
        [this](const std::string& url, HttpConditions conditions, HttpClient::Done done) {
          asked.push_back({url, std::move(conditions), std::move(done)});
        },
        limits);
  }
  Answer& fetch(const std::string& url = "u") {
    Answer& answer = *answers.emplace_back(std::make_unique<Answer>());
    fetcher->fetch(url, [&answer](Result<Page> page) { answer.result = std::move(page); });
    return answer;
  }
  void reply(std::size_t which, HttpReply reply) { asked.at(which).done(std::move(reply)); }
  void fail_at(std::size_t which) { asked.at(which).done(fail(HttpError::unreachable, "down")); }
  void wait(seconds time) { loop.run(loop.now() + time); }

  Loop loop{Time{} + std::chrono::hours(1)};
  std::vector<Asked> asked;
  std::vector<std::unique_ptr<Answer>> answers;
  std::unique_ptr<Fetcher> fetcher = make();
};

TEST_F(FetcherTest, AsksOnceForAll) {
  Answer& first = fetch();
  Answer& second = fetch();
  EXPECT_EQ(asked.size(), 1U);
  EXPECT_FALSE(first.result);
  reply(0, {.status = 200, .body = "x"});
  EXPECT_TRUE(first.has("x"));
  EXPECT_TRUE(second.has("x"));
  // Nothing says that it may be kept.
  fetch();
  EXPECT_EQ(asked.size(), 2U);
}

TEST_F(FetcherTest, KeepsAnAnswerAsLongAsItHolds) {
  fetch();
  reply(0, {.status = 200, .body = "x", .cache_control = "max-age=60"});
  wait(seconds(59));
  EXPECT_TRUE(fetch().has("x")) << "inside of the call";
  EXPECT_EQ(asked.size(), 1U);
  wait(seconds(2));
  fetch();
  EXPECT_EQ(asked.size(), 2U);
}

TEST_F(FetcherTest, AsksWhetherItStillHolds) {
  fetch();
  reply(0, {.status = 200,
            .body = "x",
            .cache_control = "max-age=60",
            .etag = "\"1\"",
            .last_modified = "yesterday"});
  wait(seconds(61));
  Answer& again = fetch();
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[1].conditions.etag, "\"1\"");
  EXPECT_EQ(asked[1].conditions.last_modified, "yesterday");
  reply(1, {.status = 304, .cache_control = "max-age=60"});
  EXPECT_TRUE(again.has("x"));
  EXPECT_TRUE(fetch().has("x"));
  EXPECT_EQ(asked.size(), 2U);
}

TEST_F(FetcherTest, A304ThatNobodyAskedForIsNoPage) {
  Answer& answer = fetch();
  reply(0, {.status = 304});
  EXPECT_TRUE(answer.has(HttpError::status));
}

TEST_F(FetcherTest, UsesWhatIsStaleWhileItAsks) {
  fetch();
  reply(0, {.status = 200, .body = "x", .cache_control = "max-age=1, stale-while-revalidate=10"});
  wait(seconds(5));
  EXPECT_TRUE(fetch().has("x"));
  EXPECT_TRUE(fetch().has("x"));
  ASSERT_EQ(asked.size(), 2U) << "once";
  reply(1, {.status = 200, .body = "y", .cache_control = "max-age=60"});
  EXPECT_TRUE(fetch().has("y"));
}

TEST_F(FetcherTest, AsksAServerThatFailsOnceInAWhile) {
  fetch();
  reply(0, {.status = 200, .body = "x", .cache_control = "max-age=1, stale-while-revalidate=60"});
  wait(seconds(5));
  fetch();
  reply(1, {.status = 503});
  EXPECT_TRUE(fetch().has("x"));
  EXPECT_EQ(asked.size(), 2U);
  wait(seconds(2));
  EXPECT_TRUE(fetch().has("x"));
  EXPECT_EQ(asked.size(), 3U);
}

TEST_F(FetcherTest, AFailureKeepsNothingThatTheCacheHasNot) {
  fetch();
  reply(0, {.status = 200, .body = "x", .cache_control = "max-age=1, stale-if-error=60"});
  wait(seconds(5));
  fetch();
  fail_at(1);
  EXPECT_EQ(fetcher->cache().size(), 1U);
  EXPECT_TRUE(fetch().has("x"));
  // Others displace it.
  for (int i = 0; i < 2000; ++i) {
    fetch(std::to_string(i));
    reply(asked.size() - 1, {.status = 200, .body = "y", .cache_control = "max-age=60"});
  }
  EXPECT_TRUE(fetch().has(HttpError::unreachable));
}

TEST_F(FetcherTest, UsesWhatIsStaleInsteadOfAFailure) {
  fetch();
  reply(0, {.status = 200, .body = "x", .cache_control = "max-age=1, stale-if-error=10"});
  wait(seconds(5));
  Answer& second = fetch();
  fail_at(1);
  EXPECT_TRUE(second.has("x"));
  EXPECT_TRUE(fetch().has("x"));
  EXPECT_EQ(asked.size(), 2U) << "and it is not asked again at once";
  wait(seconds(2));
  Answer& third = fetch();
  reply(2, {.status = 503});
  EXPECT_TRUE(third.has("x"));
  wait(seconds(10));
  Answer& fourth = fetch();
  fail_at(3);
  EXPECT_TRUE(fourth.has(HttpError::unreachable));
}

TEST_F(FetcherTest, ARefusalIsNoFailure) {
  fetch();
  reply(0, {.status = 200, .body = "x", .cache_control = "max-age=1, stale-if-error=1000"});
  wait(seconds(5));
  Answer& second = fetch();
  reply(1, {.status = 403});
  EXPECT_TRUE(second.has(HttpError::status));
  wait(seconds(2));
  Answer& third = fetch();
  fail_at(2);
  EXPECT_TRUE(third.has(HttpError::unreachable)) << "what was kept has gone with it";
}

TEST_F(FetcherTest, WhatNobodyHasIsNotAskedForAgainAtOnce) {
  Answer& answer = fetch();
  reply(0, {.status = 404, .cache_control = "no-store"});
  EXPECT_TRUE(answer.has(404U));
  wait(seconds(4));
  EXPECT_TRUE(fetch().has(404U));
  EXPECT_EQ(asked.size(), 1U);
  wait(seconds(2));
  fetch();
  reply(1, {.status = 404, .cache_control = "max-age=1000000"});
  wait(seconds(59));
  EXPECT_TRUE(fetch().has(404U));
  wait(seconds(2));
  Answer& third = fetch();
  reply(2, {.status = 200, .body = "now"});
  EXPECT_TRUE(third.has("now"));
}

TEST_F(FetcherTest, AKeyThatIsWithdrawnIsGone) {
  fetch();
  reply(0, {.status = 200, .body = "x", .cache_control = "max-age=1, stale-if-error=1000"});
  wait(seconds(5));
  Answer& second = fetch();
  reply(1, {.status = 410});
  EXPECT_TRUE(second.has(410U));
  wait(seconds(10));
  Answer& third = fetch();
  fail_at(2);
  EXPECT_TRUE(third.has(HttpError::unreachable));
}

TEST_F(FetcherTest, AFailureIsRememberedForAMoment) {
  Answer& first = fetch();
  fail_at(0);
  EXPECT_TRUE(first.has(HttpError::unreachable));
  EXPECT_TRUE(fetch().has(HttpError::unreachable));
  EXPECT_EQ(asked.size(), 1U);
  wait(seconds(1));
  fetch();
  EXPECT_EQ(asked.size(), 2U);
}

TEST_F(FetcherTest, RunsSoManyAtOnce) {
  fetcher = make({.max_running = 2, .max_queued = 2, .max_waiting = 2});
  std::vector<Answer*> all;
  for (const char* url : {"1", "2", "3", "4", "5"}) all.push_back(&fetch(url));
  EXPECT_EQ(asked.size(), 2U);
  EXPECT_TRUE(all[4]->has(HttpError::busy));
  EXPECT_FALSE(fetch("1").result);
  EXPECT_TRUE(fetch("1").has(HttpError::busy)) << "who waits has a limit, too";
  reply(0, {.status = 200, .body = "x"});
  EXPECT_EQ(asked.size(), 3U);
  EXPECT_EQ(fetcher->running(), 2U);
  fail_at(1);
  reply(2, {.status = 404});
  reply(3, {.status = 200, .body = "z"});
  EXPECT_TRUE(all[3]->has("z"));
  EXPECT_EQ(fetcher->running(), 0U);
}

TEST_F(FetcherTest, RefusalsDisplaceNoPages) {
  fetcher = make({.max_refusals = 3});
  fetch("page");
  reply(0, {.status = 200, .body = "x", .cache_control = "max-age=60"});
  for (std::size_t i = 1; i <= 50; ++i) {
    fetch("missing" + std::to_string(i));
    reply(i, {.status = 404});
  }
  EXPECT_TRUE(fetch("page").has("x"));
  EXPECT_TRUE(fetch("missing50").has(404U));
  EXPECT_EQ(asked.size(), 51U);
  fetch("missing1");
  EXPECT_EQ(asked.size(), 52U);
}

TEST_F(FetcherTest, MayBeGoneWhenTheAnswerComes) {
  Answer& answer = fetch();
  fetcher.reset();
  reply(0, {.status = 200, .body = "x"});
  EXPECT_FALSE(answer.result);
}

TEST_F(FetcherTest, MayBeDestroyedByAnAnswer) {
  fetcher->fetch("u", [this](const auto&) { fetcher.reset(); });
  Answer& other = fetch();
  reply(0, {.status = 200, .body = "x"});
  EXPECT_EQ(fetcher, nullptr);
  EXPECT_FALSE(other.result);
}

}  // namespace
}  // namespace moq::relay
