#include "relay/status.h"

#include <chrono>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

namespace moq::relay {

namespace {

using Json = nlohmann::ordered_json;

Json seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

Json json_of(const std::optional<Duration>& time) {
  return time ? Json(std::chrono::duration<double>(*time).count()) : Json(nullptr);
}

Json to_json(const Traffic& traffic) {
  return {{"bytes", traffic.bytes}, {"frames", traffic.frames}, {"groups", traffic.groups}};
}

Json to_json(const SessionReport& session) {
  return {{"id", session.id},
          {"peer", session.peer},
          {"version", session.version},
          {"transport", session.transport},
          {"root", session.root},
          {"tier", session.tier},
          {"age", seconds(session.age)},
          {"told", session.told},
          {"subscriptions", session.subscriptions},
          {"announced", session.announced},
          {"rtt", json_of(session.round_trip)},
          {"sent", to_json(session.traffic.sent)},
          {"received", to_json(session.traffic.received)}};
}

Json to_json(const DrainStatus& status) {
  Json kinds = Json::array();
  for (const auto& [kind, here] : status.counts.present) {
    if (here.sessions == 0) continue;
    kinds.push_back({{"version", kind.version},
                     {"transport", kind.transport},
                     {"sessions", here.sessions},
                     {"told", here.told}});
  }
  Json ended = Json::object();
  for (const DrainOutcome outcome : kDrainOutcomes) {
    const auto count = status.counts.ended.find(outcome);
    ended[std::string(to_string(outcome))] = count == status.counts.ended.end() ? 0 : count->second;
  }
  const Census::Present left = status.counts.total();
  return {{"phase", to_string(status.phase)},
          {"ending", status.ending},
          {"age", json_of(status.age)},
          {"time_left", json_of(status.time_left)},
          {"last_drain", json_of(status.took)},
          {"sessions", left.sessions},
          {"told", left.told},
          {"untold", left.sessions - left.told},
          {"handshakes", status.counts.handshakes},
          {"left", std::move(kinds)},
          {"ended", std::move(ended)}};
}

// Names of peers need not be UTF-8.
std::string text_of(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string drain_json(const DrainStatus& status) { return text_of(to_json(status), 2); }

std::string status_json(const Measured& measured) {
  SessionTraffic traffic;
  for (const auto& [name, tier] : measured.report.tiers) traffic += tier.traffic;
  Json refused = Json::object();
  for (const auto& [limit, count] : measured.refused)
    refused[std::string(to_string(limit))] = count;
  Json broadcasts = Json::array();
  for (const BroadcastReport& each : measured.broadcasts) {
    broadcasts.push_back({{"path", each.path}, {"hops", each.hops}});
  }
  Json sessions = Json::array();
  for (const SessionReport& each : measured.report.sessions) sessions.push_back(to_json(each));
  return text_of(
      {{"version", MOQ_VERSION},
       {"uptime", seconds(measured.uptime)},
       {"drain", to_json(measured.drain)},
       {"traffic", {{"sent", to_json(traffic.sent)}, {"received", to_json(traffic.received)}}},
       {"refused", std::move(refused)},
       {"broadcasts", std::move(broadcasts)},
       {"sessions", std::move(sessions)}},
      -1);
}

}  // namespace moq::relay
