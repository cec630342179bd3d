#include "relay/internal.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "relay/status.h"

namespace moq::relay {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using Json = nlohmann::json;

const DrainOrder kUsual{.timeout = 60s, .uris = {"https://usual/"}, .spread = 5s};

std::string mistake(std::string_view query, std::string_view body = "") {
  const auto read = read_drain_request(query, body, kUsual);
  return read ? "none" : read.error();
}

TEST(DrainRequestTest, WhatIsNotSaidIsAsUsual) {
  EXPECT_EQ(read_drain_request("", "", kUsual), kUsual);
  EXPECT_EQ(read_drain_request("", "{}", kUsual), kUsual);
  EXPECT_EQ(read_drain_request("timeout=9s", "", kUsual)->timeout, 9s);
  EXPECT_EQ(read_drain_request("timeout=9s", "", kUsual)->uris, kUsual.uris);
}

TEST(DrainRequestTest, IsReadFromTheQueryAndTheBody) {
  const DrainOrder wanted{.timeout = 10s, .uris = {"https://a/?x=1", "https://b/"}, .spread = 1s};
  EXPECT_EQ(
      read_drain_request("uri=https%3A//a/%3Fx=1&uri=https://b/&timeout=10s&spread=1s", "", kUsual),
      wanted);
  EXPECT_EQ(
      read_drain_request(
          "", R"({"uri": ["https://a/?x=1", "https://b/"], "timeout": "10s", "spread": "1s"})",
          kUsual),
      wanted);
  EXPECT_EQ(read_drain_request("uri=https://a/%3fx=1&timeout=10s",
                               R"({"uri": "https://b/", "spread": "1s"})", kUsual),
            wanted);
}

TEST(DrainRequestTest, ATimeoutCanBeNone) {
  EXPECT_EQ(read_drain_request("timeout=none", "", kUsual)->timeout, std::nullopt);
  EXPECT_EQ(read_drain_request("", R"({"timeout": null})", kUsual)->timeout, std::nullopt);
  EXPECT_EQ(read_drain_request("timeout=0s", "", kUsual)->timeout, 0s);
}

TEST(DrainRequestTest, MistakesAreNamed) {
  EXPECT_THAT(mistake("timeout=5"), HasSubstr("timeout: found \"5\", expected a duration"));
  EXPECT_THAT(mistake("spread=none"), HasSubstr("spread: found \"none\""));
  EXPECT_THAT(mistake("timeout=1s&timeout=2s"), HasSubstr("timeout: found twice"));
  EXPECT_THAT(mistake("timeout=2s&spread=2s"), HasSubstr("spread: expected less than"));
  EXPECT_EQ(read_drain_request("timeout=2s", "", kUsual)->spread, 1s) << "half, as 5s do not fit";
  EXPECT_EQ(read_drain_request("timeout=0s", "", kUsual)->spread, 0s);
  EXPECT_THAT(mistake("tiemout=2s"), HasSubstr("tiemout: there is only uri, timeout and spread"));
  EXPECT_THAT(mistake("uri="), HasSubstr("uri: found \"\", expected a URI"));
  EXPECT_THAT(mistake("uri=relay2"), HasSubstr("uri: found \"relay2\""));
  EXPECT_THAT(mistake("uri=https://" + std::string(9000, 'a')), HasSubstr("9008 bytes"));
  EXPECT_THAT(mistake("uri=%zz"), HasSubstr("percent-encoded"));
  EXPECT_THAT(mistake("", "now"), HasSubstr("no JSON object"));
  EXPECT_THAT(mistake("", "[]"), HasSubstr("no JSON object"));
  EXPECT_THAT(mistake("", R"({"timeout": 10})"), HasSubstr("timeout: expected a string"));
  EXPECT_THAT(mistake("", R"({"spread": null})"), HasSubstr("spread: expected a string"));
  EXPECT_THAT(mistake("", R"({"uri": [1]})"), HasSubstr("uri: expected a string or a list"));
  EXPECT_THAT(mistake("", std::string(60000, '[')), HasSubstr("no JSON object"));
}

DrainStatus status_of_a_drain() {
  DrainStatus status{.phase = Shutdown::Phase::draining,
                     .ending = false,
                     .age = 1500ms,
                     .time_left = 8500ms,
                     .took = {},
                     .counts = {}};
  status.counts.present[{"moq-lite-03", "quic"}] = {0, 0};
  status.counts.present[{"moq-lite-05", "quic"}] = {3, 1};
  status.counts.present[{"moq-lite-05", "webtransport"}] = {2, 2};
  status.counts.handshakes = 1;
  status.counts.ended[DrainOutcome::lost] = 4;
  return status;
}

TEST(DrainJsonTest, SaysHowTheRelayStands) {
  EXPECT_EQ(Json::parse(drain_json(status_of_a_drain())), Json::parse(R"({
    "phase": "draining", "ending": false, "age": 1.5, "time_left": 8.5, "last_drain": null,
    "sessions": 5, "told": 3, "untold": 2, "handshakes": 1,
    "left": [{"version": "moq-lite-05", "transport": "quic", "sessions": 3, "told": 1},
             {"version": "moq-lite-05", "transport": "webtransport", "sessions": 2, "told": 2}],
    "ended": {"left": 0, "deadline": 0, "lost": 4, "closed": 0}})"));
}

class InternalRoutesTest : public testing::Test {
 protected:
  HttpAnswer ask(std::string_view path, HttpHandler HttpRoute::*method,
                 const HttpRequest& request = {}) {
    const auto route = std::ranges::find(routes_, path, &HttpRoute::path);
    HttpAnswer given;
    ((*route).*method)(request, [&](HttpAnswer answer) { given = std::move(answer); });
    return given;
  }

  DrainStatus status_;
  std::vector<DrainOrder> orders_;
  std::optional<ShutdownError> error_;
  std::vector<HttpRoute> routes_ =
      internal_routes({.status = [this] { return status_; },
                       .measure =
                           [this](bool one_by_one, const std::function<void(Measured)>& done) {
                             Measured measured;
                             measured.drain = status_;
                             measured.refused = Refusals().counts();
                             if (one_by_one)
                               measured.report.sessions.push_back({.id = 7, .peer = "\xff"});
                             done(std::move(measured));
                           },
                       .drain = [this](const DrainOrder& order) -> Result<void> {
                         if (error_) return fail(*error_);
                         orders_.push_back(order);
                         status_.phase = Shutdown::Phase::draining;
                         return {};
                       },
                       .cancel = [this]() -> Result<void> {
                         if (error_) return fail(*error_);
                         status_.phase = Shutdown::Phase::running;
                         return {};
                       },
                       .usual = [] { return kUsual; }});
};

TEST_F(InternalRoutesTest, ADrainIsAcceptedAndShown) {
  const auto answer = ask("/drain", &HttpRoute::post, {.path = "", .query = "", .body = ""});
  EXPECT_EQ(answer.status, 202U);
  EXPECT_EQ(Json::parse(answer.body)["phase"], "draining");
  EXPECT_THAT(orders_, ElementsAre(kUsual));
  EXPECT_EQ(ask("/ready", &HttpRoute::get).status, 503U);
  EXPECT_EQ(ask("/health", &HttpRoute::get).status, 200U);
  EXPECT_EQ(ask("/drain", &HttpRoute::del).status, 200U);
  EXPECT_EQ(ask("/ready", &HttpRoute::get).status, 200U);
}

TEST_F(InternalRoutesTest, ConflictsAndMistakesChangeNothing) {
  const auto wrong = ask("/drain", &HttpRoute::post, {.path = "", .query = "spread", .body = ""});
  EXPECT_EQ(wrong.status, 400U);
  EXPECT_THAT(wrong.body, HasSubstr("spread: found"));
  error_ = ShutdownError::draining;
  EXPECT_EQ(ask("/drain", &HttpRoute::post).status, 409U);
  error_ = ShutdownError::ending;
  EXPECT_EQ(ask("/drain", &HttpRoute::del).status, 409U);
  EXPECT_TRUE(orders_.empty());
}

TEST_F(InternalRoutesTest, ShowsThePageAndWhatItShows) {
  const auto page = ask("/", &HttpRoute::get);
  EXPECT_EQ(page.type, "text/html; charset=utf-8");
  EXPECT_THAT(page.body, StartsWith("<!doctype html>"));
  const Json status = Json::parse(ask("/status", &HttpRoute::get).body);
  EXPECT_EQ(status["sessions"][0]["id"], 7);
  EXPECT_EQ(status["sessions"][0]["rtt"], nullptr);
  EXPECT_EQ(status["drain"]["phase"], "running");
  EXPECT_TRUE(status["refused"].contains("sessions_per_root"));
  EXPECT_TRUE(Json::parse(ask("/nodes", &HttpRoute::get).body)["nodes"].empty());
  EXPECT_THAT(ask("/metrics", &HttpRoute::get).body, HasSubstr("moq_relay_uptime_seconds"));
}

}  // namespace
}  // namespace moq::relay
