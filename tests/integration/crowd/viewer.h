#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "crowd/stage.h"
#include "net/model/cache.h"
#include "net/model/origin.h"
#include "net/model/track.h"
#include "net/session/session.h"

namespace moq::crowd {

/// One session that subscribes as soon as the broadcast is there, and checks
/// what comes: every group from the newest on, whole, each once, without a gap.
class Viewer final : private AnnounceReader, private TrackReader, private Flushable {
 public:
  struct Hears {
    /// Whether it subscribes; otherwise it only has a session.
    bool watches = true;
    /// The session is up.
    std::function<void(Viewer&)> ready = [](Viewer&) {};
    /// A group has begun: its first frame is whole.
    std::function<void(Viewer&)> begun = [](Viewer&) {};
    /// Another group is whole, and so are all before it.
    std::function<void(Viewer&)> whole = [](Viewer&) {};
    /// The track has ended, and every group of it is whole.
    std::function<void(Viewer&)> end = [](Viewer&) {};
    std::function<void(Viewer&)> goaway = [](Viewer&) {};
    /// The session is over, by the relay's doing. By default a fault.
    std::function<void(Viewer&, const Error&)> closed = {};
  };

  Viewer(Stage& stage, native::Dialer& client, std::string name, Hears hears);
  ~Viewer();
  Viewer(const Viewer&) = delete;
  Viewer& operator=(const Viewer&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  /// The first group of the subscription.
  [[nodiscard]] std::optional<std::uint64_t> first() const { return first_; }
  /// Groups seen whole.
  [[nodiscard]] std::uint64_t groups() const { return groups_; }
  /// Stops watching, and keeps the session.
  void unsubscribe();

 private:
  class Follow;

  void begin(std::shared_ptr<transport::Session> connection);
  void fault(const std::string& what) { stage_.fault(name_ + ": " + what); }
  void check();
  void flush() override { check(); }

  void on_announcements(const std::vector<Announcement>& changes) override;
  void on_info(const TrackInfo&) override {}
  void on_group(std::shared_ptr<Group> group) override;
  void on_datagram(const Datagram&) override {}
  void on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) override;
  void on_end(std::uint64_t end) override;
  void on_abort(const Error& error) override;

  Stage& stage_;
  std::string name_;
  Hears hears_;
  Cache cache_;
  Origin origin_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Origin::Watch> watch_;
  std::map<std::uint64_t, std::unique_ptr<Follow>> open_;
  /// What the first group has overtaken on its way: welcome, and not counted.
  std::map<std::uint64_t, std::unique_ptr<Follow>> overtaken_;
  std::unique_ptr<Subscription> subscription_;
  /// What the relay had for certain when this one subscribed.
  std::uint64_t newest_then_ = 0;
  std::optional<std::uint64_t> first_;
  std::uint64_t groups_ = 0;
  std::optional<std::uint64_t> end_;
  bool told_begun_ = false;
  bool told_end_ = false;
  native::Dialer::Dial dial_;
};

}  // namespace moq::crowd
