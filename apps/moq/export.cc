#include "media/export.h"

#include <fmt/format.h>
#include <unistd.h>

#include "moq/client_app.h"
#include "moq/output.h"

namespace moq::apps {
namespace {

/// How long a viewer stays with a relay that is going away: the publisher is
/// told too, and ends its tracks.
constexpr Duration kGoawayHandover = std::chrono::seconds(10);

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

  void start(Session& /*session*/) override {
    watch_ = app_.origin().watch(Path(app_.options().broadcast), *this);
  }

  void stop() override {
    leave_.cancel();
    if (exporter_ == nullptr) return end();
    exporter_->stop();
  }

  void going_away() override { leave_.arm(later(app_.loop().now(), kGoawayHandover)); }

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
      if (exporter_ == nullptr && !done_) begin(change.broadcast);
    }
  }

  void begin(const std::shared_ptr<Broadcast>& broadcast) {
    log::info("receiving \"{}\"", app_.options().broadcast);
    media::Exporter::Options options = app_.options().export_;
    const Path path(app_.options().broadcast);
    options.resolve = [this, path](const std::string& reference) -> std::shared_ptr<Broadcast> {
      return reference.empty() ? app_.origin().find(path) : nullptr;
    };
    exporter_ = std::make_unique<media::Exporter>(
        broadcast, std::move(options), [this](ByteSpan bytes) { return write(bytes); },
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
    stats_ = exporter_->stats();
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

  media::Exporter::Stats figures() {
    if (exporter_ != nullptr) stats_ = exporter_->stats();
    return stats_;
  }

  ClientApp& app_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  Timer leave_;
  std::unique_ptr<Output> output_;
  std::unique_ptr<Origin::Watch> watch_;
  std::unique_ptr<media::Exporter> exporter_;
  media::Exporter::Stats stats_;
  std::uint64_t shown_bytes_ = 0;
  bool paused_ = false;
  bool done_ = false;
};

}  // namespace

std::unique_ptr<VerbRunner> make_export(ClientApp& app) { return std::make_unique<Export>(app); }

}  // namespace moq::apps
