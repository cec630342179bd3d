#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/error.h"
#include "relay/drain_order.h"
#include "relay/drain_status.h"
#include "relay/http.h"
#include "relay/report.h"

namespace moq::relay {

/// What operators see and do; asked on the loop's thread.
struct InternalState {
  std::function<DrainStatus()> status;
  /// Tells `done` all that is measured, from the loop; sessions and broadcasts one by one
  /// only on demand.
  std::function<void(bool one_by_one, std::function<void(Measured)> done)> measure;
  /// Begins a drain, or fails with a ShutdownError.
  std::function<Result<void>(const DrainOrder&)> drain;
  /// Calls it off, or fails with a ShutdownError.
  std::function<Result<void>()> cancel;
  /// What a drain is like unless its request says otherwise.
  std::function<DrainOrder()> usual;
};

/// What an operator and its tools may ask for: /health, /ready, and
///
///   GET /          a page that shows the rest to people
///   GET /status    what it shows, in JSON
///   GET /metrics   for Prometheus
///   GET /nodes     the other relays of its cluster, in JSON: none, as it has no cluster
///   GET /drain     how the relay stands, in JSON
///   POST /drain    empties it: 202, or 409 if that is under way already. `uri`,
///                  `timeout` and `spread`, in a JSON object or the query, stand for the
///                  configured ones; what is wrong with them is said with 400
///   DELETE /drain  calls that off: 200, or 409 once a signal has come
std::vector<HttpRoute> internal_routes(InternalState state);

/// A request for a drain: `usual`, with what the query and the body say instead. Fails with
/// a sentence that names the mistake.
tl::expected<DrainOrder, std::string> read_drain_request(std::string_view query,
                                                         std::string_view body, DrainOrder usual);

}  // namespace moq::relay
