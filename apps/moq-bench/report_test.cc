#include "moq-bench/report.h"

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "moq-bench/plot.h"

namespace moq::bench {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using testing::HasSubstr;

void flatten(const nlohmann::ordered_json& from, const std::string& prefix,
             std::set<std::string>& to) {
  for (const auto& [key, value] : from.items()) {
    if (value.is_object()) {
      flatten(value, prefix + key + ".", to);
    } else {
      to.insert(prefix + key);
    }
  }
}

/// What stands between backquotes in the first column of README.md's table of keys.
std::set<std::string> documented() {
  std::ifstream file(MOQ_BENCH_README);
  std::set<std::string> keys;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| Key |")) inside = true;
    if (line.empty()) inside = false;
    if (!inside) continue;
    std::istringstream cell(line.substr(0, line.find('|', 1)));
    for (std::string word; std::getline(cell, word, '`') && std::getline(cell, word, '`');) {
      keys.insert(word);
    }
  }
  return keys;
}

/// Ten seconds with 1 GB received and 2 s of CPU used.
struct Measured {
  Measured() {
    facts.has_relay = true;
    facts.relay_before = ProcessSample{.cpu = 1, .rss = 10'000'000};
    since.at = Time{} + 20s;
    since.relay = ProcessSample{.cpu = 3, .rss = 20'000'000};
    now = since;
    now.at = Time{} + 30s;
    now.tally.connections = 100;
    now.tally.bytes_recv = 1'000'000'000;
    now.relay = ProcessSample{.cpu = 5, .rss = 30'000'000};
    for (int i = 1; i <= 100; ++i) {
      now.tally.latency.record(std::chrono::milliseconds(i));
      now.deliveries.pauses.push_back(std::chrono::milliseconds(101 - i));
    }
    now.deliveries.readers = 100;
    now.deliveries.begun = 98;
    now.deliveries.groups = {.begun = 12, .expected = 10, .present = 7, .complete = 6};
  }
  [[nodiscard]] nlohmann::ordered_json line() const {
    return report_line(facts, "summary", "over", since, now);
  }

  RunFacts facts{.start = Time{} + 10s};
  Moment since;
  Moment now;
};

TEST(ReportTest, WritesTheDocumentedKeysAndNoOthers) {
  std::set<std::string> written;
  flatten(Measured().line(), "", written);
  EXPECT_EQ(documented(), written);
}

TEST(ReportTest, HasTheSameKeysWhenThereIsNothingToSay) {
  std::set<std::string> full;
  std::set<std::string> empty;
  Measured run;
  flatten(run.line(), "", full);
  run.now = run.since;
  flatten(run.line(), "", empty);
  EXPECT_EQ(full, empty);
}

TEST(ReportTest, ComputesRatesSharesAndPercentiles) {
  const auto line = Measured().line();
  EXPECT_DOUBLE_EQ(line["elapsed_s"], 20);
  EXPECT_DOUBLE_EQ(line["interval_s"], 10);
  EXPECT_DOUBLE_EQ(line["recv_mbps"], 800);
  EXPECT_DOUBLE_EQ(line["relay"]["cpu_share"], 0.2);
  EXPECT_DOUBLE_EQ(line["relay"]["cpu_s_per_gb"], 2);
  EXPECT_EQ(line["relay"]["rss_bytes_per_connection"], 200'000);
  EXPECT_NEAR(line["latency_ms"]["p50"].get<double>(), 50, 1);
  EXPECT_DOUBLE_EQ(line["latency_ms"]["max"], 100);
  EXPECT_DOUBLE_EQ(line["pause_ms"]["p99"], 99);
  EXPECT_DOUBLE_EQ(line["pause_ms"]["max"], 100);
  EXPECT_EQ(line["groups_lost"], 3);
  EXPECT_EQ(line["subscriptions_without_data"], 2);
}

TEST(ReportTest, ALostRelayIsNull) {
  Measured run;
  run.now.relay.reset();
  EXPECT_TRUE(run.line()["relay"].is_null());
  EXPECT_THAT(summary_table(run.line()), HasSubstr("has ended"));
  run.facts.has_relay = false;
  EXPECT_FALSE(run.line().contains("relay"));
}

TEST(ReportTest, NamesWhatFailOnLossObjectsTo) {
  Measured run;
  EXPECT_EQ(losses(run.line()), "groups_lost 3, subscriptions_without_data 2");
  run.now.deliveries = {};
  EXPECT_EQ(losses(run.line()), "");
  run.now.deliveries.groups.out_of_order = 5;
  EXPECT_EQ(losses(run.line()), "") << "streams may overtake each other";
}

TEST(PlotTest, IsOnePageThatAsksNobodyForAnything) {
  const std::string page =
      plot_page({Measured().line().dump()}, "a </script><b>title", "moq-bench");
  EXPECT_THAT(page, HasSubstr("\"cpu_s_per_gb\":2.0"));
  EXPECT_THAT(page, HasSubstr("a \\u003c/script>"));
  EXPECT_EQ(page.find("@RUN@"), std::string::npos);
  for (const char* outside : {"src=", "href=", "@import", "url(", "fetch("}) {
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  }
}

TEST(ProcessSamplerTest, SeesThisProcessAndNoOther) {
  const auto sample = ProcessSampler(getpid()).sample();
  ASSERT_TRUE(sample);
  EXPECT_GT(sample->cpu, 0);
  EXPECT_GT(sample->rss, 0U);
  EXPECT_GE(sample->threads, 1U);
  EXPECT_GT(sample->voluntary_switches + sample->involuntary_switches, 0U);
  // Beyond the largest that Linux gives.
  EXPECT_FALSE(ProcessSampler(1 << 23).sample());
}

}  // namespace
}  // namespace moq::bench
