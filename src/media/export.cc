#include "media/export.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "media/error.h"
#include "media/lane.h"
#include "net/base/log.h"

namespace moq::media {
namespace {

/// Frames of a fragment, when more than that are ready at once.
constexpr int kMaxFragment = 64;

SubscribeOptions subscribe_options(MediaKind kind, Duration max_latency) {
  SubscribeOptions options;
  options.priority = kind == MediaKind::audio ? kAudioPriority : kVideoPriority;
  options.ordered = true;
  options.max_latency = max_latency;
  return options;
}

void describe(const VideoConfig& config, MuxTrack& track) {
  track.width = config.coded_width.value_or(0);
  track.height = config.coded_height.value_or(0);
  const double rate = config.framerate.value_or(0);
  track.framerate = std::isfinite(rate) && rate >= 1 && rate < 1000 ? rate : 0;
}

void describe(const AudioConfig& config, MuxTrack& track) {
  track.sample_rate = config.sample_rate;
  track.channels = config.channels;
}

}  // namespace

class Exporter::Impl final : private Flushable {
 public:
  Impl(std::shared_ptr<Broadcast> broadcast, Options options, Muxer::Write write, Done done)
      : broadcast_(std::move(broadcast)),
        loop_(broadcast_->loop()),
        options_(std::move(options)),
        write_(std::move(write)),
        done_(std::move(done)),
        timer_(loop_, [this] { on_timer(); }) {
    auto reader = CatalogReader::create(
        *broadcast_, options_.catalog, [this](auto catalog) { on_catalog(std::move(catalog)); },
        [this](const auto& error) { on_catalog_end(error); });
    if (reader) {
      catalog_ = *std::move(reader);
    } else {
      end_with(std::move(reader).error());
    }
  }

  void pause() {
    paused_ = true;
    for (const auto& lane : lanes_) lane->follower().pause();
  }
  void resume() {
    paused_ = false;
    for (const auto& lane : lanes_) lane->follower().resume();
    loop_.mark(*this);
  }
  void stop() {
    stopped_ = true;
    loop_.mark(*this);
  }

  [[nodiscard]] Stats stats() const {
    Stats stats = stats_;
    stats.tracks = lanes_.size();
    for (const auto& lane : lanes_) {
      stats.groups += lane->follower().stats().groups;
      stats.lost_groups += lane->follower().stats().lost_groups;
      stats.bad_frames += lane->stats().bad_frames;
      stats.moved_frames += lane->stats().moved_frames;
    }
    return stats;
  }

 private:
  void on_catalog(Result<Catalog> catalog);
  void on_catalog_end(const std::optional<Error>& error);
  template <typename Config>
  void choose(const std::map<std::string, Config>& renditions, const RenditionFilter& filter,
              MediaKind kind);
  Result<void> follow(const std::string& name, const RenditionConfig& config, MuxTrack track);
  [[nodiscard]] bool follows(const std::string& name) const;
  /// Whether there is a rendition of each kind that is wanted.
  [[nodiscard]] bool has_all_kinds() const;

  void on_timer() {
    waited_ = true;
    loop_.mark(*this);
  }
  void flush() override;
  Result<void> progress();
  /// Whether the header was written; not before each track has shown itself.
  Result<bool> begin();
  Lane* pick(bool everything);
  Result<void> write(Lane& lane);
  void end_with(std::optional<Error> error);
  [[nodiscard]] bool finished() const;

  std::shared_ptr<Broadcast> broadcast_;
  Loop& loop_;
  Options options_;
  Muxer::Write write_;
  Done done_;
  Timer timer_;
  std::unique_ptr<CatalogReader> catalog_;
  std::string left_out_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::unique_ptr<Muxer> muxer_;
  std::optional<Error> failure_;
  bool ending_ = false;
  bool begun_ = false;
  bool paused_ = false;
  bool stopped_ = false;
  bool waited_ = false;
  std::int64_t origin_ = 0;
  Stats stats_;
};

void Exporter::Impl::on_catalog(Result<Catalog> catalog) {
  if (!catalog && !lanes_.empty()) {
    return log::warn("catalog update: {}", catalog.error().message());
  }
  // A container's tracks are fixed with its header.
  if (begun_ || ending_) return;
  if (!catalog) return end_with(std::move(catalog).error());
  if (catalog->video.empty() && catalog->audio.empty()) return;
  left_out_.clear();
  choose(catalog->video, options_.video, MediaKind::video);
  choose(catalog->audio, options_.audio, MediaKind::audio);
  if (lanes_.empty()) {
    end_with(Error(MediaError::no_track, "no rendition of the catalog can be exported: " +
                                             (left_out_.empty() ? "none matches" : left_out_)));
  }
}

void Exporter::Impl::on_catalog_end(const std::optional<Error>& error) {
  if (!lanes_.empty() || ending_) return;
  end_with(error.value_or(Error(MediaError::no_track, "the catalog ended without renditions")));
}

template <typename Config>
void Exporter::Impl::choose(const std::map<std::string, Config>& renditions,
                            const RenditionFilter& filter, MediaKind kind) {
  for (const auto& [name, config] : renditions) {
    if (follows(name)) continue;
    // C++20 lets a lambda capture name and config; clang 14 does not.
    const auto leave_out = [this, &name = name, &config = config](const std::string& why) {
      left_out_ +=
          fmt::format("{}{} ({}) {}", left_out_.empty() ? "" : ", ", name, config.codec, why);
    };
    const auto codec = codec_of(config.codec);
    if (!filter.enabled || (!filter.name.empty() && filter.name != name) ||
        (filter.codec && filter.codec != codec)) {
      leave_out("is not asked for");
      continue;
    }
    if (!codec || traits(*codec).kind != kind) {
      leave_out("is of a codec that is not known");
      continue;
    }
    MuxTrack track;
    track.name = name;
    track.codec = *codec;
    track.codec_string = config.codec;
    track.extradata = config.description.value_or(Bytes());
    describe(config, track);
    if (auto followed = follow(name, config, std::move(track)); !followed) {
      leave_out(followed.error().message());
      log::warn("rendition {}: {}", name, followed.error().message());
    }
  }
}

Result<void> Exporter::Impl::follow(const std::string& name, const RenditionConfig& config,
                                    MuxTrack track) {
  MOQ_TRY(auto decoder, FrameDecoder::create(config.container));
  std::shared_ptr<Broadcast> broadcast = broadcast_;
  if (config.broadcast && !config.broadcast->empty()) {
    broadcast = options_.resolve ? options_.resolve(*config.broadcast) : nullptr;
    if (broadcast == nullptr) {
      return fail(MediaError::unsupported, "is in another broadcast, " + *config.broadcast);
    }
  }
  MOQ_TRY(const auto source, broadcast->track(name));
  const auto options = subscribe_options(traits(track.codec).kind, options_.max_latency);
  lanes_.push_back(
      std::make_unique<Lane>(std::move(track), std::move(decoder), [this] { loop_.mark(*this); }));
  lanes_.back()->follow(source, options, options_.follow);
  if (paused_) lanes_.back()->follower().pause();
  return {};
}

bool Exporter::Impl::follows(const std::string& name) const {
  return std::any_of(lanes_.begin(), lanes_.end(),
                     [&](const auto& lane) { return lane->track().name == name; });
}

bool Exporter::Impl::has_all_kinds() const {
  const auto has = [this](MediaKind kind) {
    return std::any_of(lanes_.begin(), lanes_.end(), [kind](const auto& lane) {
      return traits(lane->track().codec).kind == kind;
    });
  };
  return (!options_.video.enabled || has(MediaKind::video)) &&
         (!options_.audio.enabled || has(MediaKind::audio));
}

void Exporter::Impl::end_with(std::optional<Error> error) {
  if (ending_) return;
  ending_ = true;
  failure_ = std::move(error);
  loop_.mark(*this);
}

bool Exporter::Impl::finished() const {
  return !lanes_.empty() && std::all_of(lanes_.begin(), lanes_.end(), [](const auto& lane) {
    return lane->ended() && lane->frames().empty();
  });
}

void Exporter::Impl::flush() {
  if (!done_) return;
  if (!ending_ && !paused_) {
    if (auto result = progress(); !result) end_with(std::move(result).error());
  }
  if (!ending_ && finished()) {
    std::optional<Error> error;
    for (const auto& lane : lanes_) {
      if (lane->error()) error = lane->error();
    }
    if (!error && stats_.frames == 0) {
      error = Error(MediaError::no_track, "the tracks ended without a frame that can be decoded");
    }
    end_with(std::move(error));
  }
  if (!ending_ && stopped_) end_with(std::nullopt);
  if (!ending_) return;
  timer_.cancel();
  // What was written is completed, whatever the reason.
  if (begun_) {
    if (auto result = muxer_->finish(); !result && !failure_) failure_ = std::move(result).error();
  }
  const Done done = std::exchange(done_, nullptr);
  done(failure_ ? Result<void>(tl::unexpect, *std::move(failure_)) : Result<void>());
}

Result<bool> Exporter::Impl::begin() {
  const bool patient = !waited_ && !stopped_;
  bool any = false;
  bool all = true;
  bool ended = true;
  for (const auto& lane : lanes_) {
    if (!patient) lane->settle();
    any = any || !lane->frames().empty();
    all = all && (!lane->frames().empty() || lane->ended());
    ended = ended && lane->ended();
  }
  // A publisher may have its camera before its microphone: the catalog grows.
  all = all && (ended || has_all_kinds());
  const bool started = std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) {
    return !lane->frames().empty() || lane->queued_bytes() > 0;
  });
  if (!all && patient) {
    if (started && timer_.when() == kNever) {
      timer_.arm(later(loop_.now(), options_.max_interleave));
    }
    return false;
  }
  if (!any) {
    waited_ = false;
    return false;
  }
  MOQ_TRY(muxer_, Muxer::create(options_.format, write_));
  std::optional<std::int64_t> origin;
  for (const auto& lane : lanes_) {
    if (!lane->described()) {
      log::warn("track {} is left out: it has no description and no keyframe with one has come",
                lane->track().name);
      continue;
    }
    MOQ_TRY(lane->index, muxer_->add_track(lane->track()));
    if (!lane->frames().empty()) {
      origin = std::min(origin.value_or(INT64_MAX), lane->frames().front().dts);
    }
  }
  if (!origin) {
    return fail(MediaError::no_track, "no track has a description or a keyframe with one");
  }
  origin_ = *origin;
  begun_ = true;
  timer_.cancel();
  MOQ_CHECK_OK(muxer_->begin());
  return true;
}

/// The lane whose frame is next; null if it is not sure, or there is none.
Lane* Exporter::Impl::pick(bool everything) {
  Lane* next = nullptr;
  bool sure = true;
  std::size_t bytes = 0;
  std::int64_t newest = INT64_MIN;
  for (const auto& lane : lanes_) {
    if (!lane->index) continue;
    // A frame's duration is known from the next.
    if (!lane->ended() && lane->frames().size() < 2) sure = false;
    if (lane->frames().empty()) continue;
    bytes += lane->queued_bytes();
    newest = std::max(newest, lane->frames().back().dts);
    if (next == nullptr || lane->frames().front().dts < next->frames().front().dts) {
      next = lane.get();
    }
  }
  if (next == nullptr || sure || everything) return next;
  const auto span = std::chrono::microseconds(newest - next->frames().front().dts);
  return span > options_.max_interleave || bytes > options_.max_queued_bytes ? next : nullptr;
}

Result<void> Exporter::Impl::write(Lane& lane) {
  Lane::Frame frame = lane.pop();
  MuxFrame out;
  out.pts = frame.pts - origin_;
  out.dts = std::max<std::int64_t>(frame.dts - origin_, 0);
  if (lane.last_dts && out.dts <= *lane.last_dts) out.dts = *lane.last_dts + 1;
  if (out.pts < out.dts) {
    ++stats_.late_frames;
    return {};
  }
  if (!lane.frames().empty()) lane.last_duration = lane.frames().front().dts - frame.dts;
  // One that reached beyond the next frame would move it.
  const bool known = !lane.frames().empty() || lane.ended() || stopped_;
  out.duration = known ? std::max<std::int64_t>(lane.last_duration, 1) : 1;
  out.keyframe = frame.keyframe;
  lane.last_dts = out.dts;
  ++stats_.frames;
  stats_.bytes += frame.payload.size();
  stats_.pts = std::max(stats_.pts, frame.pts);
  out.payload = std::move(frame.payload);
  return muxer_->write(*lane.index, out);
}

Result<void> Exporter::Impl::progress() {
  if (lanes_.empty()) return {};
  if (!begun_) {
    MOQ_TRY(const bool ready, begin());
    if (!ready) return {};
  }
  for (const auto& lane : lanes_) {
    while (!lane->index && !lane->frames().empty()) lane->pop();
  }
  const bool everything = stopped_ || std::exchange(waited_, false);
  if (everything) {
    for (const auto& lane : lanes_) lane->settle();
  }
  int written = 0;
  bool any = false;
  while (Lane* lane = pick(everything)) {
    MOQ_CHECK_OK(write(*lane));
    any = true;
    if (++written % kMaxFragment == 0) MOQ_CHECK_OK(muxer_->flush());
  }
  if (written % kMaxFragment != 0) MOQ_CHECK_OK(muxer_->flush());
  const bool waiting = std::any_of(lanes_.begin(), lanes_.end(),
                                   [](const auto& lane) { return !lane->frames().empty(); });
  if (!waiting) {
    timer_.cancel();
  } else if (any || timer_.when() == kNever) {
    timer_.arm(later(loop_.now(), options_.max_interleave));
  }
  return {};
}

Exporter::Exporter(std::shared_ptr<Broadcast> broadcast, Options options, Muxer::Write write,
                   Done done)
    : impl_(std::make_unique<Impl>(std::move(broadcast), std::move(options), std::move(write),
                                   std::move(done))) {}
Exporter::~Exporter() = default;
void Exporter::pause() { impl_->pause(); }
void Exporter::resume() { impl_->resume(); }
void Exporter::stop() { impl_->stop(); }
Exporter::Stats Exporter::stats() const { return impl_->stats(); }

}  // namespace moq::media
