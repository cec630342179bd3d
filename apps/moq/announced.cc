#include <cstdio>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "moq/client_app.h"

namespace moq::apps {
namespace {

/// Lists broadcasts as they come and go: "+ path" and "- path".
class Announced final : public VerbRunner, private AnnounceReader {
 public:
  explicit Announced(ClientApp& app) : app_(app) {}

  void start() override { watch_ = app_.origin().watch(Path(app_.options().prefix), *this); }
  void stop() override { app_.finish(0); }

 private:
  void on_announcements(const std::vector<Announcement>& changes) override {
    for (const Announcement& change : changes) {
      auto& known = known_[change.path];
      // Another way to the same broadcast is no news.
      if (known.lock() == change.broadcast && change.broadcast != nullptr) continue;
      fmt::print("{} {}\n", change.broadcast != nullptr ? '+' : '-', change.path.text());
      known = change.broadcast;
      if (change.broadcast == nullptr) known_.erase(change.path);
    }
    std::fflush(stdout);
  }

  ClientApp& app_;
  std::map<Path, std::weak_ptr<Broadcast>> known_;
  std::unique_ptr<Origin::Watch> watch_;
};

}  // namespace

std::unique_ptr<VerbRunner> make_announced(ClientApp& app) {
  return std::make_unique<Announced>(app);
}

}  // namespace moq::apps
