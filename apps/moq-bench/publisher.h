#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "moq-bench/payload.h"
#include "moq-bench/schedule.h"
#include "moq-bench/tally.h"
#include "net/model/broadcast.h"
#include "net/model/origin.h"

namespace moq::bench {

/// The shape of one broadcast's media.
struct Shape {
  std::uint64_t fps = 30;           ///< 0: idle, nothing is ever published
  std::uint32_t frame_size = 1200;  ///< bytes
  std::uint32_t group_frames = 61;
  /// Groups as fast as they are taken, oldest first, with so many of them under
  /// way; `fps` then means nothing. 0: paced.
  std::uint64_t bulk_ahead = 0;
};

/// What is the same for all broadcasts.
struct PublisherContext {
  Loop& loop;
  Cache& cache;
  Tally& tally;
  const Pattern& pattern;
  std::uint64_t clock;
  /// How long a relay may keep what is not the latest.
  Duration max_latency;
};

/// Publishes one broadcast with one track, at the times of a schedule. Belongs
/// to its loop's thread.
class Publisher {
 public:
  /// Of the track's timestamps, which count from the broadcast's start.
  static constexpr std::uint64_t kTimescale = 1'000'000;

  Publisher(const PublisherContext& context, Origin& origin, std::string path, const Shape& shape);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Begins the schedule; the first frame is due at `at`.
  void start(Time at);
  /// Ends the track in the middle of whatever group there is. Idempotent.
  void stop();
  /// Adds what became due since the last call to the tally's offer.
  void offer(Time now);
  /// Groups that were published whole: those below this sequence.
  [[nodiscard]] std::uint64_t whole_groups() const { return whole_; }
  /// Bulk: everybody has group `sequence`.
  void taken(std::uint64_t sequence);

 private:
  void tick();
  void fill();
  void frame(Time due);

  PublisherContext context_;
  std::string path_;
  std::uint64_t source_;
  Shape shape_;
  std::shared_ptr<Broadcast> broadcast_;
  std::shared_ptr<Track> track_;
  std::unique_ptr<Origin::Publication> publication_;
  std::optional<Schedule> schedule_;
  Time start_{};
  std::uint64_t offered_ = 0;
  std::uint64_t sent_ = 0;
  std::shared_ptr<Group> group_;
  std::uint64_t sequence_ = 0;
  std::uint32_t frame_ = 0;
  std::uint64_t whole_ = 0;
  std::set<std::uint64_t> under_way_;  ///< bulk: groups that somebody lacks
  bool stopped_ = false;
  Timer timer_;
};

}  // namespace moq::bench
