#include "relay/internal.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "relay/live_page.h"
#include "relay/metrics.h"
#include "relay/parse.h"
#include "relay/query.h"
#include "relay/status.h"
#include "relay/web.h"

namespace moq::relay {

namespace {

using Json = nlohmann::ordered_json;
using Refusal = tl::unexpected<std::string>;

constexpr std::string_view kJson = "application/json";
// What stands for no timeout, since a field that is left out stands for the usual one.
constexpr std::string_view kNone = "none";

tl::expected<QueryFields, std::string> read_body(std::string_view body) {
  QueryFields fields;
  if (body.empty()) return fields;
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return Refusal("the body is no JSON object");
  for (const auto& [name, value] : json.items()) {
    if (name == "timeout" && value.is_null()) {
      fields.emplace_back(name, kNone);
    } else if (value.is_string()) {
      fields.emplace_back(name, value.get<std::string>());
    } else if (name == "uri" && value.is_array()) {
      for (const Json& each : value) {
        if (!each.is_string()) return Refusal("uri: expected a string or a list of strings");
        fields.emplace_back(name, each.get<std::string>());
      }
    } else {
      return Refusal(fmt::format("{}: expected a string", name));
    }
  }
  return fields;
}

// Takes `value` for what was there before; twice would be one too many.
tl::expected<void, std::string> read_time(const std::string& name, const std::string& value,
                                          std::optional<std::optional<Duration>>& time) {
  if (time) return Refusal(fmt::format("{}: found twice", name));
  if (name == "timeout" && value == kNone) {
    time.emplace();
    return {};
  }
  const auto parsed = parse_duration(value);
  if (!parsed) {
    return Refusal(
        fmt::format("{}: found \"{}\", expected a duration such as \"30s\"", name, value));
  }
  time = parsed;
  return {};
}

HttpAnswer answer(unsigned status, const std::function<DrainStatus()>& now) {
  return {status, drain_json(now()), kJson};
}

HttpAnswer conflict(const Error& error) {
  return {409, fmt::format("{}; GET /drain shows how it stands\n", error.message())};
}

}  // namespace

tl::expected<DrainOrder, std::string> read_drain_request(std::string_view query,
                                                         std::string_view body, DrainOrder usual) {
  auto fields = read_query(query);
  if (!fields) return Refusal("the query is not percent-encoded as it should be");
  auto more = read_body(body);
  if (!more) return Refusal(std::move(more).error());
  fields->insert(fields->end(), more->begin(), more->end());

  std::vector<std::string> uris;
  std::optional<std::optional<Duration>> timeout;
  std::optional<std::optional<Duration>> spread;
  for (const auto& [name, value] : *fields) {
    tl::expected<void, std::string> read;
    if (name == "uri") {
      uris.push_back(value);
    } else if (name == "timeout") {
      read = read_time(name, value, timeout);
    } else if (name == "spread") {
      read = read_time(name, value, spread);
    } else {
      read = Refusal(fmt::format("{}: there is only uri, timeout and spread", name));
    }
    if (!read) return Refusal(std::move(read).error());
  }
  if (!uris.empty()) usual.uris = std::move(uris);
  if (timeout) usual.timeout = *timeout;
  if (spread) {
    usual.spread = spread->value_or(Duration::zero());
  } else if (timeout && usual.timeout) {
    // Who is in a hurry need not know what the configuration says of the spread.
    usual.spread = std::min(usual.spread, *usual.timeout / 2);
  }
  if (const auto mistake = mistake_in(usual)) {
    return Refusal(fmt::format("{}: {}", mistake->field, mistake->what));
  }
  return usual;
}

namespace {

/// Answers with what `make` makes of a measurement.
HttpHandler measured(const std::shared_ptr<const InternalState>& state, bool one_by_one,
                     std::function<HttpAnswer(const Measured&)> make) {
  return
      [state, one_by_one, make = std::move(make)](const HttpRequest&, const HttpRespond& respond) {
        state->measure(one_by_one, [make, respond](const Measured& all) { respond(make(all)); });
        return nullptr;
      };
}

HttpAnswer live_page() {
  HttpAnswer answer{.body = std::string(kLivePage), .type = "text/html; charset=utf-8"};
  answer.headers.emplace_back("Content-Security-Policy",
                              "default-src 'none'; style-src 'unsafe-inline'; script-src "
                              "'unsafe-inline'; connect-src 'self'; img-src data:");
  answer.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return answer;
}

}  // namespace

std::vector<HttpRoute> internal_routes(InternalState state) {
  const auto shared = std::make_shared<const InternalState>(std::move(state));
  const auto begin = [shared](const HttpRequest& request) -> HttpAnswer {
    const auto order = read_drain_request(request.query, request.body, shared->usual());
    if (!order) return {400, order.error() + "\n"};
    if (const auto begun = shared->drain(*order); !begun) return conflict(begun.error());
    return answer(202, shared->status);
  };
  const auto call_off = [shared](const HttpRequest&) -> HttpAnswer {
    if (const auto cancelled = shared->cancel(); !cancelled) return conflict(cancelled.error());
    return answer(200, shared->status);
  };
  return {health_route(),
          ready_route([shared] { return shared->status().phase == Shutdown::Phase::running; }),
          {.path = "/metrics",
           .get = measured(shared, false,
                           [](const Measured& all) {
                             return HttpAnswer{200, metrics_text(all), kMetricsType};
                           })},
          {.path = "/status",
           .get = measured(shared, true,
                           [](const Measured& all) {
                             return HttpAnswer{200, status_json(all), kJson};
                           })},
          // The reference's form; relays do not connect to each other.
          {.path = "/nodes", .get = at_once([](const HttpRequest&) {
                               return HttpAnswer{200, "{\"nodes\":[]}\n", kJson};
                             })},
          {.path = "/", .get = at_once([](const HttpRequest&) { return live_page(); })},
          {.path = "/drain",
           .get = at_once([shared](const HttpRequest&) { return answer(200, shared->status); }),
           .post = at_once(begin),
           .del = at_once(call_off)}};
}

}  // namespace moq::relay
