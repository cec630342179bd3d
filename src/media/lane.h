#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "media/catalog.h"
#include "media/container.h"
#include "media/decode_times.h"
#include "media/muxer.h"
#include "media/track_follower.h"

namespace moq::media {

/// One track on its way to the muxer: its frames, with decoding times, in a
/// queue. The order of frames is seen in the first few; until then none is ready.
class Lane final : private TrackFollower::Sink {
 public:
  /// Told that frames came, or that the track is over; must not destroy the lane.
  using Progress = std::function<void()>;

  struct Frame {
    std::int64_t pts = 0;  ///< microseconds
    std::int64_t dts = 0;
    bool keyframe = false;
    Bytes payload;
  };

  struct Stats {
    std::uint64_t bad_frames = 0;
    std::uint64_t moved_frames = 0;
  };

  /// `track`: what the catalog says; what is missing is found in the first keyframe.
  Lane(MuxTrack track, std::unique_ptr<FrameDecoder> decoder, Progress progress);

  void follow(const std::shared_ptr<Track>& source, const SubscribeOptions& options,
              const TrackFollower::Limits& limits);

  /// Takes what has come as all there is to judge from.
  void settle();

  [[nodiscard]] const MuxTrack& track() const { return track_; }
  [[nodiscard]] MediaKind kind() const { return traits(track_.codec).kind; }
  /// Whether `track()` has all that a muxer needs.
  [[nodiscard]] bool described() const;
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  [[nodiscard]] const TrackFollower& follower() const { return *follower_; }
  [[nodiscard]] TrackFollower& follower() { return *follower_; }
  [[nodiscard]] const Stats& stats() const { return stats_; }

  [[nodiscard]] const std::deque<Frame>& frames() const { return frames_; }
  [[nodiscard]] std::size_t queued_bytes() const { return queued_bytes_; }
  Frame pop();

  /// In the muxer.
  std::optional<std::size_t> index;
  std::optional<std::int64_t> last_dts;
  std::int64_t last_duration = 0;

 private:
  struct Raw {
    MediaFrame frame;
    bool keyframe = false;
  };

  void on_object(std::uint64_t group, bool first, bool gap, const Object& object) override;
  void on_end(const std::optional<Error>& error) override;
  void describe_from(ByteSpan keyframe);
  void push(const Raw& raw);

  MuxTrack track_;
  std::unique_ptr<FrameDecoder> decoder_;
  Progress progress_;
  std::unique_ptr<TrackFollower> follower_;
  std::optional<DecodeTimes> times_;
  std::vector<Raw> first_frames_;
  std::vector<MediaFrame> scratch_;
  std::deque<Frame> frames_;
  std::size_t queued_bytes_ = 0;
  std::size_t depth_ = 0;
  Stats stats_;
  bool ended_ = false;
  std::optional<Error> error_;
};

}  // namespace moq::media
