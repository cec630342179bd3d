#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crowd/frames.h"
#include "crowd/line.h"
#include "crowd/tally.h"
#include "net/base/loop.h"
#include "net/model/cache.h"
#include "net/model/origin.h"
#include "net/model/track.h"

namespace moq::crowd {

/// A viewer on a client that stays connected. It subscribes once, and counts what comes:
/// whatever happens to relays, that has to be every group, each once, in order, whole.
class Watcher final : private AnnounceReader, private TrackReader, private Flushable {
 public:
  struct Hears {
    /// Another group is whole, and so are all before it.
    std::function<void(Watcher&)> whole;
    /// The track has ended, and every group of it is whole.
    std::function<void(Watcher&)> end;
    /// Something happened that no viewer may notice.
    std::function<void(const std::string&)> fault;
  };

  Watcher(native::EventLoop& events, Timeline& timeline, Frames& frames, std::string name,
          const native::Url& url, const ProtocolVersion* version, Hears hears);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  [[nodiscard]] Line& line() { return line_; }
  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  class Follow;

  void fault(const std::string& what) { hears_.fault(line_.name() + ": " + what); }
  void flush() override;

  void on_announcements(const std::vector<Announcement>& changes) override;
  void on_info(const TrackInfo&) override {}
  void on_group(std::shared_ptr<Group> group) override;
  void on_datagram(const Datagram&) override {}
  void on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) override;
  void on_end(std::uint64_t end) override;
  void on_abort(const Error& error) override;

  native::EventLoop& events_;
  Frames& frames_;
  Hears hears_;
  Cache cache_;
  Origin origin_;
  Tally tally_;
  std::shared_ptr<Broadcast> broadcast_;
  std::map<std::uint64_t, std::unique_ptr<Follow>> open_;
  std::optional<std::uint64_t> end_;
  bool told_end_ = false;
  Line line_;
  std::unique_ptr<Subscription> subscription_;
  std::unique_ptr<Origin::Watch> watch_;
};

}  // namespace moq::crowd
