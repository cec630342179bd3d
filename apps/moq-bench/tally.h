#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "moq-bench/histogram.h"
#include "moq-bench/ledger.h"

namespace moq::bench {

/// What one thread counts, from the start of the run; the sum of all threads is
/// what is reported. Belongs to its thread.
struct Tally {
  // Gauges.
  std::uint64_t connections = 0;
  std::uint64_t broadcasts = 0;
  std::uint64_t subscriptions = 0;

  // Connections that have ended before they were asked to.
  std::uint64_t connections_lost = 0;

  // Publishing: what the schedule wants by now, and what was handed to sessions.
  std::uint64_t frames_offered = 0;
  std::uint64_t bytes_offered = 0;
  std::uint64_t frames_sent = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t groups_sent = 0;

  // Receiving, without slow subscribers.
  std::uint64_t frames_recv = 0;
  std::uint64_t bytes_recv = 0;
  /// Frames that are not what was published: in bytes, size, place or stamp.
  std::uint64_t frames_corrupt = 0;
  /// What slow subscribers received.
  std::uint64_t slow_bytes_recv = 0;

  /// From when a frame was due to when all of it was checked here.
  Histogram latency;
  /// From when a frame was due to when it was handed to its session.
  Histogram late;

  void merge(const Tally& other);
};

/// What is gathered from all subscriptions when it is asked for.
struct Deliveries {
  Ledger::Counts groups;
  /// Subscriptions that read, and those of them that have received a group.
  std::uint64_t readers = 0;
  std::uint64_t begun = 0;
  /// Slow ones.
  std::uint64_t slow = 0;
  /// The longest time without a frame of each reader.
  std::vector<Duration> pauses;

  void merge(const Deliveries& other);
};

}  // namespace moq::bench
