#include <fmt/format.h>

#include "media/import.h"
#include "moq/client_app.h"

namespace moq::apps {
namespace {

/// Publishes media as a broadcast until the input ends.
class Import final : public VerbRunner {
 public:
  explicit Import(ClientApp& app) : app_(app), flushed_(app.loop(), [this] { check_flushed(); }) {}
  ~Import() override { importer_.reset(); }

  void start() override {
    broadcast_ = std::make_shared<Broadcast>(app_.loop(), app_.cache());
    media::Importer::Options options = app_.options().import;
    options.opened = [this] { announce(); };
    importer_ = std::make_unique<media::Importer>(
        broadcast_, media::Importer::from_url(app_.options().source, app_.options().reader),
        [&events = app_.events()](std::function<void()> task) { events.post(std::move(task)); },
        options, [this](const Result<void>& result) { ended(result); });
  }

  void stop() override {
    if (importer_ == nullptr) return app_.finish(0);
    stats_ = importer_->stats();
    importer_->stop();
  }

  std::string progress() override {
    const auto now = figures();
    const std::uint64_t bytes = now.bytes - std::exchange(shown_bytes_, now.bytes);
    return fmt::format("published {} frames in {} groups, {:.2f} Mbit/s, at {:.1f} s", now.frames,
                       now.groups, static_cast<double>(bytes) * 8e-6,
                       static_cast<double>(now.pts) * 1e-6);
  }

  std::string report() override {
    const auto now = figures();
    return fmt::format(R"("frames":{},"bytes":{},"groups":{},"skipped":{},"pts":{:.6f})",
                       now.frames, now.bytes, now.groups, now.skipped,
                       static_cast<double>(now.pts) * 1e-6);
  }

 private:
  media::Publisher::Stats figures() {
    if (importer_ != nullptr) stats_ = importer_->stats();
    return stats_;
  }

  void announce() {
    auto published = app_.origin().publish(Path(app_.options().broadcast), broadcast_, Route{});
    if (!published) return app_.fail(published.error().message());
    publication_ = *std::move(published);
  }

  void ended(const Result<void>& result) {
    stats_ = importer_->stats();
    if (!result) {
      return app_.fail(
          fmt::format("cannot import {}: {}", app_.options().source, result.error().message()));
    }
    check_flushed();
  }

  /// Leaves once nothing of what was published is on its way any more.
  void check_flushed() {
    if (app_.serving() == 0) {
      publication_.reset();
      return app_.finish(0);
    }
    flushed_.arm(later(app_.loop().now(), std::chrono::milliseconds(20)));
  }

  ClientApp& app_;
  std::shared_ptr<Broadcast> broadcast_;
  std::unique_ptr<media::Importer> importer_;
  std::unique_ptr<Origin::Publication> publication_;
  media::Publisher::Stats stats_;
  std::uint64_t shown_bytes_ = 0;
  Timer flushed_;
};

}  // namespace

std::unique_ptr<VerbRunner> make_import(ClientApp& app) { return std::make_unique<Import>(app); }

}  // namespace moq::apps
