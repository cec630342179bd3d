#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "media/catalog_reader.h"
#include "media/codec.h"
#include "media/muxer.h"
#include "net/model/broadcast.h"

namespace moq::media {

/// Which renditions of a kind are wanted; empty fields: any.
struct RenditionFilter {
  bool enabled = true;
  std::string name;  ///< exact track name
  std::optional<Codec> codec;
};

/// Writes a broadcast to a container, as it arrives: reads the catalog, follows
/// the tracks of the renditions that are wanted, and muxes their frames. Ends
/// when all tracks have ended. Belongs to the broadcast's loop.
class Exporter {
 public:
  struct Options {
    std::string format = "fmp4";  ///< "fmp4", "mkv", "ts" or "flv"
    RenditionFilter video;
    RenditionFilter audio;
    /// How long a missing group is waited for once a newer one is there.
    Duration max_latency = std::chrono::seconds(10);
    /// How long output waits for a track that is silent, and, after the first
    /// frame of any track, for that of each and for a track of each kind that is
    /// wanted: a container's tracks are fixed where it begins.
    Duration max_interleave = std::chrono::seconds(1);
    /// Frames waiting for those of other tracks, in bytes.
    std::size_t max_queued_bytes = 64U << 20;
    Catalog::Limits catalog;
    TrackFollower::Limits follow;
    /// The broadcast that a rendition's `broadcast` field names; null, or a null
    /// result: such renditions are left out.
    std::function<std::shared_ptr<Broadcast>(const std::string&)> resolve;
  };

  struct Stats {
    std::uint64_t tracks = 0;
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;  ///< of frames
    std::uint64_t groups = 0;
    std::uint64_t lost_groups = 0;
    std::uint64_t bad_frames = 0;    ///< not what the container says
    std::uint64_t late_frames = 0;   ///< before the start of the output: left out
    std::uint64_t moved_frames = 0;  ///< given another presentation time
    std::int64_t pts = 0;            ///< the latest written, microseconds of the source
  };

  /// The container is complete, or why not. Called once, from the loop; the
  /// exporter may be destroyed in it.
  using Done = std::function<void(Result<void>)>;

  /// `write` is called from the loop. Without a catalog track, `done` is told.
  Exporter(std::shared_ptr<Broadcast> broadcast, Options options, Muxer::Write write, Done done);
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  /// Stops writing until `resume`, for an output that cannot keep up. What is
  /// beyond the latency meanwhile is lost, not kept.
  void pause();
  void resume();
  /// Completes the container with what was received; `done` follows.
  void stop();

  [[nodiscard]] Stats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace moq::media
