#include "media/lane.h"

#include <algorithm>

#include "media/error.h"
#include "net/base/log.h"

namespace moq::media {
namespace {

/// Frames looked at to see how far pictures are reordered: encoders repeat their
/// pattern well within that.
constexpr std::size_t kFirstFrames = 16;
constexpr std::int64_t kDefaultInterval = 33333;

}  // namespace

Lane::Lane(MuxTrack track, std::unique_ptr<FrameDecoder> decoder, Progress progress)
    : track_(std::move(track)), decoder_(std::move(decoder)), progress_(std::move(progress)) {}

void Lane::follow(const std::shared_ptr<Track>& source, const SubscribeOptions& options,
                  const TrackFollower::Limits& limits) {
  TrackFollower::Sink& sink = *this;
  follower_ = std::make_unique<TrackFollower>(source, options, sink, limits);
}

bool Lane::described() const {
  if (kind() == MediaKind::audio) return true;
  const bool in_band = traits(track_.codec).reorders || track_.codec == Codec::av1;
  return track_.width > 0 && track_.height > 0 && (!in_band || !track_.extradata.empty());
}

void Lane::describe_from(ByteSpan keyframe) {
  if (track_.extradata.empty()) {
    if (traits(track_.codec).reorders) {
      track_.extradata = annexb_parameter_sets(track_.codec, keyframe);
    } else if (track_.codec == Codec::av1) {
      track_.extradata = av1_sequence_header(keyframe);
    }
  }
  const VideoProbe probe = probe_video(track_.codec, track_.extradata, keyframe);
  depth_ = probe.reorder_depth;
  if (track_.width == 0 || track_.height == 0) {
    track_.width = probe.width;
    track_.height = probe.height;
  }
}

void Lane::on_object(std::uint64_t group, bool first, bool, const Object& object) {
  scratch_.clear();
  if (auto decoded = decoder_->decode(object.flatten(), scratch_); !decoded) {
    if (++stats_.bad_frames == 1) {
      log::warn("track {}, group {}: {}", track_.name, group, decoded.error().message());
    }
    return;
  }
  bool keyframe = first || kind() == MediaKind::audio;
  for (MediaFrame& frame : scratch_) {
    const bool start = first_frames_.empty() && !times_;
    // Output begins with a keyframe, also if the first object was damaged.
    if (start && !keyframe) continue;
    if (start && kind() == MediaKind::video) describe_from(frame.payload);
    queued_bytes_ += frame.payload.size();
    Raw raw{std::move(frame), keyframe};
    keyframe = kind() == MediaKind::audio;
    if (times_) {
      push(raw);
      continue;
    }
    const bool known = raw.frame.dts.has_value() || !traits(track_.codec).reorders;
    // The next group shows the end of a pattern, too.
    const bool next_group = first && !first_frames_.empty();
    first_frames_.push_back(std::move(raw));
    if (known || next_group || first_frames_.size() >= kFirstFrames) settle();
  }
  progress_();
}

void Lane::settle() {
  if (times_ || first_frames_.empty()) return;
  std::vector<std::int64_t> pts;
  for (const Raw& raw : first_frames_) pts.push_back(raw.frame.pts);
  const std::size_t depth =
      traits(track_.codec).reorders ? std::max(depth_, DecodeTimes::measure_depth(pts)) : 0;
  const auto fallback = track_.framerate > 0 ? static_cast<std::int64_t>(1000000 / track_.framerate)
                                             : kDefaultInterval;
  times_.emplace(depth, DecodeTimes::measure_interval(pts, fallback),
                 *std::min_element(pts.begin(), pts.end()));
  for (const Raw& raw : first_frames_) push(raw);
  first_frames_.clear();
}

void Lane::push(const Raw& raw) {
  const MediaFrame& frame = raw.frame;
  const auto times = frame.dts ? times_->next(frame.pts, *frame.dts) : times_->next(frame.pts);
  if (times.moved) ++stats_.moved_frames;
  frames_.push_back({times.pts, times.dts, raw.keyframe, frame.payload});
}

Lane::Frame Lane::pop() {
  Frame frame = std::move(frames_.front());
  frames_.pop_front();
  queued_bytes_ -= frame.payload.size();
  return frame;
}

void Lane::on_end(const std::optional<Error>& error) {
  settle();
  ended_ = true;
  error_ = error;
  progress_();
}

}  // namespace moq::media
