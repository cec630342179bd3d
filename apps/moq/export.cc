#include "media/export.h"

#include <fmt/format.h>
#include <unistd.h>

#include "moq/client_app.h"
#include "moq/output.h"

namespace moq::apps {
namespace {

/// Writes a broadcast to standard output until it ends.
class Export final : public VerbRunner, private AnnounceReader {
 public:
  explicit Export(ClientApp& app)
      : app_(app),
        leave_(app.loop(), [this] { stop(); }),
        output_(std::make_unique<Output>(
            STDOUT_FILENO, [this, alive = std::weak_ptr<int>(alive_), &events = app.events()] {
              events.post([this, alive] {
                if (!alive.expired()) written();
              });
            })) {}
  ~Export() override {
    exporter_.reset();
    output_.reset();
  }

  void start() override { watch_ = app_.origin().watch(Path(app_.options().broadcast), *this); }

  void stop() override {
    stopping_ = true;
    leave_.cancel();
    if (exporter_ == nullptr) return end();
    exporter_->stop();
  }

  // The publisher is told too, and may end its tracks before that.
  void going_away() override {
    leave_.arm(later(app_.loop().now(), app_.options().goaway.handover));
  }

  std::string progress() override {
    if (exporter_ == nullptr && !done_) {
      return fmt::format("waiting for \"{}\"", app_.options().broadcast);
    }
    const auto now = figures();
    const std::uint64_t bytes = now.bytes - std::exchange(shown_bytes_, now.bytes);
    return fmt::format("received {} frames in {} groups ({} lost), {:.2f} Mbit/s, at {:.1f} s",
                       now.frames, now.groups, now.lost_groups, static_cast<double>(bytes) * 8e-6,
                       static_cast<double>(now.pts) * 1e-6);
  }

  std::string report() override {
    const auto now = figures();
    return fmt::format(
        R"("frames":{},"bytes":{},"groups":{},"lost_groups":{},"bad_frames":{},"pts":{:.6f})",
        now.frames, now.bytes, now.groups, now.lost_groups, now.bad_frames,
        static_cast<double>(now.pts) * 1e-6);
  }

 private:
  void on_announcements(const std::vector<Announcement>& changes) override {
    for (const Announcement& change : changes) {
      if (change.path != Path(app_.options().broadcast) || change.broadcast == nullptr) continue;
      if (change.broadcast == current_) continue;
      // A publisher that has begun anew: its media go behind what there still is.
      next_ = change.broadcast;
      if (exporter_ == nullptr && !done_) begin();
    }
  }

  void begin() {
    current_ = std::exchange(next_, nullptr);
    log::info("receiving \"{}\"", app_.options().broadcast);
    media::Exporter::Options options = app_.options().export_;
    const Path path(app_.options().broadcast);
    options.resolve = [this, path](const std::string& reference) -> std::shared_ptr<Broadcast> {
      return reference.empty() ? app_.origin().find(path) : nullptr;
    };
    exporter_ = std::make_unique<media::Exporter>(
        current_, std::move(options), [this](ByteSpan bytes) { return write(bytes); },
        [this](const Result<void>& result) { ended(result); });
  }

  bool write(ByteSpan bytes) {
    const bool taken = output_->write(bytes);
    if (output_->full() && !paused_) {
      paused_ = true;
      app_.loop().post([this] {
        if (exporter_ != nullptr && paused_) exporter_->pause();
      });
    }
    return taken;
  }

  void written() {
    if (paused_ && !output_->full()) {
      paused_ = false;
      if (exporter_ != nullptr) exporter_->resume();
    }
    if (done_ && output_->flushed()) end();
  }

  void ended(const Result<void>& result) {
    stats_ = earlier_plus(exporter_->stats());
    if (next_ != nullptr && !output_->gone() && !stopping_) {
      return app_.loop().post([this] {
        earlier_ = stats_;
        begin();
      });
    }
    done_ = true;
    app_.loop().post([this] { exporter_.reset(); });
    // A reader that has seen enough is no failure of ours.
    if (!result && !output_->gone()) {
      return app_.fail(fmt::format("cannot export \"{}\": {}", app_.options().broadcast,
                                   result.error().message()));
    }
    if (output_->flushed()) end();
  }

  void end() { app_.finish(0); }

  /// With what came from publishers before this one.
  [[nodiscard]] media::Exporter::Stats earlier_plus(media::Exporter::Stats now) const {
    now.frames += earlier_.frames;
    now.bytes += earlier_.bytes;
    now.groups += earlier_.groups;
    now.lost_groups += earlier_.lost_groups;
    now.bad_frames += earlier_.bad_frames;
    return now;
  }

  media::Exporter::Stats figures() {
    if (exporter_ != nullptr) stats_ = earlier_plus(exporter_->stats());
    return stats_;
  }

  ClientApp& app_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  Timer leave_;
  std::unique_ptr<Output> output_;
  std::unique_ptr<Origin::Watch> watch_;
  std::unique_ptr<media::Exporter> exporter_;
  media::Exporter::Stats stats_;
  media::Exporter::Stats earlier_;
  std::uint64_t shown_bytes_ = 0;
  std::shared_ptr<Broadcast> current_;
  std::shared_ptr<Broadcast> next_;
  bool stopping_ = false;
  bool paused_ = false;
  bool done_ = false;
};

}  // namespace

std::unique_ptr<VerbRunner> make_export(ClientApp& app) { return std::make_unique<Export>(app); }

}  // namespace moq::apps
