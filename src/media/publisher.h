#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "media/catalog.h"
#include "media/packet_reader.h"
#include "net/model/broadcast.h"

namespace moq::media {

/// The catalog entries of streams, under the track names that a Publisher gives
/// them: a number and the codec, "0.avc1", "0.aac".
[[nodiscard]] Catalog describe(const std::vector<StreamInfo>& streams);

/// Publishes frames into a broadcast: the catalog, and a track for each stream
/// in the legacy container. Belongs to the broadcast's loop.
///
/// A video group begins with each keyframe and holds frames in decoding order;
/// objects carry presentation times in microseconds. Each audio frame is a
/// group of its own, unless `audio_group` gathers more.
class Publisher {
 public:
  struct Options {
    /// How long relays keep groups that are not the latest.
    Duration max_latency = std::chrono::seconds(30);
    /// Media time that an audio group gathers; zero: one frame each.
    Duration audio_group{};
  };
  struct Stats {
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;
    std::uint64_t groups = 0;
    /// Frames in front of the first keyframe, and of groups beyond a limit.
    std::uint64_t skipped = 0;
    std::int64_t pts = 0;  ///< the latest presentation time, microseconds
  };

  /// Makes the tracks. Fails as Broadcast::create does.
  static Result<std::unique_ptr<Publisher>> create(std::shared_ptr<Broadcast> broadcast,
                                                   const std::vector<StreamInfo>& streams,
                                                   const Options& options);
  static Result<std::unique_ptr<Publisher>> create(std::shared_ptr<Broadcast> broadcast,
                                                   const std::vector<StreamInfo>& streams) {
    return create(std::move(broadcast), streams, Options());
  }
  /// Ends what is still open, as `abort` does.
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  /// Appends a frame to its track.
  Result<void> publish(const MediaPacket& packet);
  /// All frames were published: ends groups and tracks.
  void finish();
  void abort(const Error& error);

  [[nodiscard]] const Stats& stats() const { return stats_; }
  [[nodiscard]] const Catalog& catalog() const { return catalog_; }

 private:
  struct Output {
    MediaKind kind = MediaKind::video;
    std::shared_ptr<Track> track;
    std::shared_ptr<Group> group;
    std::uint64_t next_group = 0;
    std::uint64_t next_object = 0;
    std::int64_t group_pts = 0;
  };

  Publisher(std::shared_ptr<Broadcast> broadcast, const Options& options)
      : broadcast_(std::move(broadcast)), options_(options) {}
  Result<void> publish_catalog();
  static void close_group(Output& output);

  std::shared_ptr<Broadcast> broadcast_;
  Options options_;
  Catalog catalog_;
  std::shared_ptr<Track> catalog_track_;
  std::vector<Output> outputs_;
  Stats stats_;
  bool ended_ = false;
};

}  // namespace moq::media
