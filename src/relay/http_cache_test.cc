#include "relay/http_cache.h"

#include <gtest/gtest.h>

namespace moq::relay {
namespace {

using std::chrono::seconds;

TEST(CacheControlTest, ReadsWhatItUnderstands) {
  constexpr seconds kYear{365LL * 24 * 3600};
  const struct {
    const char* text;
    CacheControl expected;
  } kCases[] = {
      {"", {}},
      {"max-age=60", {.max_age = seconds(60)}},
      {"Max-Age = 60 , public", {.max_age = seconds(60)}},
      {"max-age=\"60\"", {.max_age = seconds(60)}},
      {"s-maxage=5, max-age=60", {.max_age = seconds(5)}},
      {"max-age=60, s-maxage=5", {.max_age = seconds(5)}},
      {"no-store", {.store = false}},
      {"private=\"a, max-age=3\", max-age=5", {.store = false, .max_age = seconds(5)}},
      {"no-cache,max-age=5", {.validate = true, .max_age = seconds(5)}},
      {"must-revalidate", {.must_validate = true}},
      {"proxy-revalidate", {.must_validate = true}},
      {"max-age=1, stale-while-revalidate=2, stale-if-error=3",
       {.max_age = seconds(1), .stale_while_revalidate = seconds(2), .stale_if_error = seconds(3)}},
      {"max-age", {}},
      {"max-age=", {}},
      {"max-age=-1", {}},
      {"max-age=1e9", {}},
      {"max-age=99999999999999999999999", {.max_age = kYear}},
      {"max-age=9223372036854775807", {.max_age = kYear}},
      {",,, =, \"", {}},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(CacheControl::parse(c.text), c.expected) << c.text;
  }
}

struct HttpCacheTest : ::testing::Test {
  static Page page(std::string text) {
    return {.status = 200, .body = std::make_shared<const std::string>(std::move(text))};
  }
  void store(const std::string& url, const char* control, const char* etag = "",
             const char* age = "", const char* vary = "") {
    cache.store(url,
                {.status = 200, .cache_control = control, .age = age, .vary = vary, .etag = etag},
                page("x"), now);
  }
  HttpCache cache;
  Time now = Time{} + std::chrono::hours(1);
};

TEST_F(HttpCacheTest, KnowsHowLongAnAnswerHolds) {
  store("a", "max-age=60, stale-while-revalidate=10, stale-if-error=20");
  const auto* entry = cache.find("a");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(*entry->page.body, "x");
  EXPECT_EQ(entry->fresh_until, now + seconds(60));
  EXPECT_EQ(entry->usable_while_asking, now + seconds(70));
  EXPECT_EQ(entry->usable_on_error, now + seconds(80));
}

TEST_F(HttpCacheTest, TakesOffItsAge) {
  store("a", "max-age=60", "e", "45");
  EXPECT_EQ(cache.find("a")->fresh_until, now + seconds(15));
  store("a", "max-age=60", "e", "100");
  EXPECT_LT(cache.find("a")->fresh_until, now);
}

TEST_F(HttpCacheTest, WhatMayNotBeUsedStaleIsNot) {
  for (const char* control : {"must-revalidate, ", "no-cache, ", "proxy-revalidate, "}) {
    const std::string text =
        std::string(control) + "max-age=60, stale-while-revalidate=10, stale-if-error=20";
    store("a", text.c_str(), "e");
    ASSERT_NE(cache.find("a"), nullptr);
    EXPECT_EQ(cache.find("a")->usable_on_error, cache.find("a")->fresh_until);
    EXPECT_EQ(cache.find("a")->usable_while_asking, cache.find("a")->fresh_until);
  }
  EXPECT_EQ(cache.find("a")->fresh_until, now + seconds(60));
  store("a", "no-cache, max-age=60", "e");
  EXPECT_EQ(cache.find("a")->fresh_until, now);
}

TEST_F(HttpCacheTest, KeepsNothingThatIsOfNoUseOrMayNotBeKept) {
  store("a", "no-store, max-age=60");
  store("b", "private, max-age=60");
  store("c", "");
  store("d", "max-age=60", "e", "", "*");
  store("e", "max-age=0");
  EXPECT_EQ(cache.size(), 0U);
  // It can be asked whether it still holds.
  store("f", "", "\"1\"");
  EXPECT_EQ(cache.find("f")->conditions.etag, "\"1\"");
  // And what may not be kept any more goes.
  store("f", "no-store");
  EXPECT_EQ(cache.find("f"), nullptr);
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST_F(HttpCacheTest, IsRefreshedWithoutABody) {
  store("a", "max-age=60", "\"1\"");
  now += seconds(100);
  cache.refresh("a", {.status = 304, .cache_control = "max-age=30"}, now);
  EXPECT_EQ(cache.find("a")->fresh_until, now + seconds(30));
  EXPECT_EQ(*cache.find("a")->page.body, "x");
  // What it does not say is as it was.
  now += seconds(100);
  cache.refresh("a", {.status = 304}, now);
  EXPECT_EQ(cache.find("a")->fresh_until, now + seconds(30));
  cache.refresh("a", {.status = 304, .cache_control = "no-store"}, now);
  EXPECT_EQ(cache.find("a"), nullptr);
  cache.refresh("b", {.status = 304}, now);
  EXPECT_EQ(cache.size(), 0U);
}

TEST_F(HttpCacheTest, HasRoomForSoMuch) {
  cache = HttpCache({.max_entries = 3, .max_bytes = 100});
  for (const char* url : {"1", "2", "3"}) store(url, "max-age=60");
  EXPECT_NE(cache.find("1"), nullptr);
  store("4", "max-age=60");
  EXPECT_EQ(cache.find("2"), nullptr) << "the least recently used";
  EXPECT_NE(cache.find("1"), nullptr);
  const HttpReply reply{.status = 200, .cache_control = "max-age=60"};
  cache.store("5", reply, page(std::string(97, 'x')), now);
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_LE(cache.bytes(), 100U);
  cache.store("6", reply, page(std::string(100, 'x')), now);
  EXPECT_EQ(cache.find("6"), nullptr) << "more than all the room";
  EXPECT_EQ(cache.size(), 2U);
}

}  // namespace
}  // namespace moq::relay
