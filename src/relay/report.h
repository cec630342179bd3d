#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/base/time.h"
#include "net/protocol/traffic.h"
#include "net/transport/transport.h"
#include "relay/accept_counts.h"
#include "relay/drain_status.h"
#include "relay/refusals.h"

namespace moq::relay {

/// One session, as it is now.
struct SessionReport {
  std::uint64_t id = 0;  ///< transport::Session::id
  std::string peer;
  std::string version;
  std::string transport;
  std::string root;
  std::string tier;
  Duration age{};
  bool told = false;              ///< to leave
  std::size_t subscriptions = 0;  ///< of its peer that run
  std::size_t announced = 0;      ///< broadcasts, by its peer
  std::optional<Duration> round_trip = {};
  SessionTraffic traffic;
};

/// All sessions of one account: those that are there, and those that were.
struct TierReport {
  std::uint64_t opened = 0;
  std::uint64_t closed = 0;
  std::size_t subscriptions = 0;  ///< that run
  std::size_t viewers = 0;        ///< sessions with subscriptions that run
  SessionTraffic traffic;
};

/// QUIC, over all connections: those that are there, and those that were.
struct PathReport {
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_lost = 0;

  void add(const transport::PathStats& path) {
    bytes_sent += path.bytes_sent;
    bytes_received += path.bytes_received;
    bytes_lost += path.bytes_lost;
  }
};

/// What workers carry. Those of several workers add up.
struct Report {
  std::map<std::string, TierReport> tiers;
  PathReport paths;
  /// Of connections that are there, in no order; of those where it is known.
  std::vector<Duration> round_trips;
  std::vector<std::uint64_t> bitrates;  ///< bits per second that can be sent
  /// Where they were asked for.
  std::vector<SessionReport> sessions;

  void add(Report&& other);
};

/// A broadcast, and over how many relays it came.
struct BroadcastReport {
  std::string path;
  std::size_t hops = 0;
};

/// All that is measured.
struct Measured {
  DrainStatus drain;
  Report report;
  Duration uptime{};
  std::uint64_t cache_used = 0;      ///< bytes
  std::uint64_t cache_evicted = 0;   ///< of these, evicted and still being read
  std::uint64_t cache_capacity = 0;  ///< bytes; 0: no bound
  Refusals::Counts refused{};
  std::vector<std::pair<std::string, AcceptCounts>> listeners;  ///< by name
  /// Where sessions were asked for.
  std::vector<BroadcastReport> broadcasts;
};

}  // namespace moq::relay
