#include "moq-bench/report.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace moq::bench {

using Json = nlohmann::ordered_json;

namespace {

constexpr double kGigabyte = 1e9;

double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

/// Milliseconds with three places.
double millis(Duration duration) {
  return static_cast<double>(std::chrono::round<std::chrono::microseconds>(duration).count()) /
         1000;
}

double rounded(double value, double places) { return std::round(value * places) / places; }

double rate(std::uint64_t from, std::uint64_t to, double seconds, double unit) {
  return seconds <= 0 ? 0 : rounded(static_cast<double>(to - from) * unit / seconds, 1000);
}

Json percentiles(const Histogram& histogram) {
  const auto value = [&](double q) {
    return histogram.count() == 0 ? Json() : Json(millis(histogram.quantile(q)));
  };
  return {{"count", histogram.count()},
          {"p50", value(0.5)},
          {"p90", value(0.9)},
          {"p99", value(0.99)},
          {"max", histogram.count() == 0 ? Json() : Json(millis(histogram.max()))}};
}

Json pauses_of(std::vector<Duration> pauses) {
  if (pauses.empty()) return {{"p50", nullptr}, {"p99", nullptr}, {"max", nullptr}};
  std::ranges::sort(pauses);
  const auto at = [&](double q) {
    const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(pauses.size())));
    return millis(pauses[std::max<std::size_t>(rank, 1) - 1]);
  };
  return {{"p50", at(0.5)}, {"p99", at(0.99)}, {"max", millis(pauses.back())}};
}

Json usage(const ProcessSample& since, const ProcessSample& now, double seconds) {
  const double cpu = now.cpu - since.cpu;
  return {{"cpu_seconds", rounded(now.cpu, 1000)},
          {"cpu_share", seconds <= 0 ? Json() : Json(rounded(cpu / seconds, 10000))},
          {"rss_bytes", now.rss},
          {"threads", now.threads},
          {"ctx_voluntary", now.voluntary_switches},
          {"ctx_involuntary", now.involuntary_switches}};
}

Json relay_usage(const RunFacts& facts, const Moment& since, const Moment& now, double seconds) {
  if (!now.relay || !since.relay || !facts.relay_before) return nullptr;
  Json relay = usage(*since.relay, *now.relay, seconds);
  const std::uint64_t bytes = now.tally.bytes_recv - since.tally.bytes_recv;
  const double cpu = now.relay->cpu - since.relay->cpu;
  relay["cpu_s_per_gb"] =
      bytes == 0 ? Json() : Json(rounded(cpu / (static_cast<double>(bytes) / kGigabyte), 10000));
  const auto grown = static_cast<std::int64_t>(now.relay->rss - facts.relay_before->rss);
  relay["rss_bytes_per_connection"] =
      now.tally.connections == 0 ? Json()
                                 : Json(grown / static_cast<std::int64_t>(now.tally.connections));
  return relay;
}

}  // namespace

Json report_line(const RunFacts& facts, std::string_view type, std::string_view phase,
                 const Moment& since, const Moment& now) {
  const double seconds = seconds_of(now.at - since.at);
  const Tally& tally = now.tally;
  const Tally& before = since.tally;
  const Ledger::Counts& groups = now.deliveries.groups;
  Json line{
      {"type", type},
      {"phase", phase},
      {"timestamp_ms", now.wall_ms},
      {"elapsed_s", rounded(seconds_of(now.at - facts.start), 1000)},
      {"interval_s", rounded(seconds, 1000)},
      {"connections", tally.connections},
      {"connections_lost", tally.connections_lost},
      {"broadcasts", tally.broadcasts},
      {"subscriptions", tally.subscriptions},
      {"subscriptions_without_data", now.deliveries.readers - now.deliveries.begun},
      {"frames_offered", tally.frames_offered},
      {"bytes_offered", tally.bytes_offered},
      {"frames_sent", tally.frames_sent},
      {"bytes_sent", tally.bytes_sent},
      {"groups_sent", tally.groups_sent},
      {"frames_recv", tally.frames_recv},
      {"bytes_recv", tally.bytes_recv},
      {"groups_recv", groups.begun},
      {"groups_expected", groups.expected},
      {"groups_present", groups.present},
      {"groups_complete", groups.complete},
      {"groups_lost", groups.lost()},
      {"groups_incomplete", groups.incomplete},
      {"groups_duplicated", groups.duplicated},
      {"groups_out_of_order", groups.out_of_order},
      {"frames_corrupt", tally.frames_corrupt},
      {"offered_mbps", rate(before.bytes_offered, tally.bytes_offered, seconds, 8e-6)},
      {"send_mbps", rate(before.bytes_sent, tally.bytes_sent, seconds, 8e-6)},
      {"send_fps", rate(before.frames_sent, tally.frames_sent, seconds, 1)},
      {"recv_mbps", rate(before.bytes_recv, tally.bytes_recv, seconds, 8e-6)},
      {"recv_fps", rate(before.frames_recv, tally.frames_recv, seconds, 1)},
      {"latency_ms", percentiles(tally.latency.since(before.latency))},
      {"late_ms", percentiles(tally.late.since(before.late))},
      {"pause_ms", pauses_of(now.deliveries.pauses)},
      {"slow", {{"subscribers", now.deliveries.slow}, {"bytes_recv", tally.slow_bytes_recv}}},
      {"bench", usage(since.self, now.self, seconds)},
  };
  if (facts.has_relay) line["relay"] = relay_usage(facts, since, now, seconds);
  return line;
}

namespace {

std::string number(const Json& value, std::string_view format = "{}") {
  if (value.is_null()) return "-";
  if (value.is_number_float()) return fmt::format(fmt::runtime(format), value.get<double>());
  return fmt::format("{}", value.get<std::int64_t>());
}

std::string mebibytes(const Json& value) {
  return value.is_null() ? "-" : fmt::format("{:.1f} MiB", value.get<double>() / (1 << 20));
}

}  // namespace

std::string progress_line(const Json& line) {
  std::string text = fmt::format(
      "{:6.1f} s {:9} {:5} conns {:8.1f} Mbit/s offered {:9.1f} received  p50 {} p99 {} ms  "
      "lost {} incomplete {}",
      line["elapsed_s"].get<double>(), line["phase"].get<std::string>(),
      line["connections"].get<std::uint64_t>(), line["offered_mbps"].get<double>(),
      line["recv_mbps"].get<double>(), number(line["latency_ms"]["p50"], "{:.1f}"),
      number(line["latency_ms"]["p99"], "{:.1f}"), number(line["groups_lost"]),
      number(line["groups_incomplete"]));
  if (line.contains("relay") && !line["relay"].is_null()) {
    const Json& relay = line["relay"];
    text += fmt::format("  relay {:.1f} % CPU {}",
                        relay["cpu_share"].is_null() ? 0 : relay["cpu_share"].get<double>() * 100,
                        mebibytes(relay["rss_bytes"]));
  }
  return text;
}

std::string summary_table(const Json& line) {
  std::vector<std::pair<std::string, std::string>> rows;
  const auto add = [&](std::string name, std::string value) {
    rows.emplace_back(std::move(name), std::move(value));
  };
  const auto spread = [&](const Json& of) {
    return fmt::format("p50 {}  p90 {}  p99 {}  max {} ms", number(of["p50"], "{:.2f}"),
                       number(of["p90"], "{:.2f}"), number(of["p99"], "{:.2f}"),
                       number(of["max"], "{:.2f}"));
  };
  add("measured", fmt::format("{:.1f} s", line["interval_s"].get<double>()));
  add("connections",
      fmt::format("{}, {} lost", number(line["connections"]), number(line["connections_lost"])));
  add("subscriptions", fmt::format("{}, {} of them without data", number(line["subscriptions"]),
                                   number(line["subscriptions_without_data"])));
  add("offered", fmt::format("{:.1f} Mbit/s", line["offered_mbps"].get<double>()));
  add("sent", fmt::format("{:.1f} Mbit/s, {:.1f} frames/s", line["send_mbps"].get<double>(),
                          line["send_fps"].get<double>()));
  add("received", fmt::format("{:.1f} Mbit/s, {:.1f} frames/s", line["recv_mbps"].get<double>(),
                              line["recv_fps"].get<double>()));
  add("latency", spread(line["latency_ms"]));
  add("published late by", spread(line["late_ms"]));
  add("longest pause", fmt::format("p50 {}  p99 {}  max {} ms (of subscribers)",
                                   number(line["pause_ms"]["p50"], "{:.1f}"),
                                   number(line["pause_ms"]["p99"], "{:.1f}"),
                                   number(line["pause_ms"]["max"], "{:.1f}")));
  add("groups", fmt::format("{} expected, {} complete", number(line["groups_expected"]),
                            number(line["groups_complete"])));
  add("  lost", number(line["groups_lost"]));
  add("  incomplete", number(line["groups_incomplete"]));
  add("  duplicated", number(line["groups_duplicated"]));
  add("  out of order", number(line["groups_out_of_order"]));
  add("frames corrupt", number(line["frames_corrupt"]));
  if (line["slow"]["subscribers"] != 0) {
    add("slow subscribers", fmt::format("{}, received {}", number(line["slow"]["subscribers"]),
                                        mebibytes(line["slow"]["bytes_recv"])));
  }
  const auto process = [&](const std::string& name, const Json& used) {
    if (used.is_null()) return add(name, "has ended");
    add(name, fmt::format("{:.1f} % of a core, {} RSS, {} threads, {} + {} switches",
                          used["cpu_share"].is_null() ? 0 : used["cpu_share"].get<double>() * 100,
                          mebibytes(used["rss_bytes"]), number(used["threads"]),
                          number(used["ctx_voluntary"]), number(used["ctx_involuntary"])));
  };
  if (line.contains("relay")) {
    process("relay", line["relay"]);
    if (!line["relay"].is_null()) {
      add("  CPU per GB", number(line["relay"]["cpu_s_per_gb"], "{:.3f} s"));
      const Json& each = line["relay"]["rss_bytes_per_connection"];
      add("  RSS a connection",
          each.is_null() ? "-" : fmt::format("{:.1f} KB", each.get<double>() / 1000));
    }
  }
  process("this bench", line["bench"]);
  std::string text;
  for (const auto& [name, value] : rows) text += fmt::format("{:20} {}\n", name, value);
  return text;
}

std::string losses(const Json& line) {
  std::string text;
  for (const char* key : {"groups_lost", "groups_incomplete", "groups_duplicated", "frames_corrupt",
                          "connections_lost", "subscriptions_without_data"}) {
    if (line[key] == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key, number(line[key]));
  }
  return text;
}

}  // namespace moq::bench
