#pragma once

#include <map>
#include <memory>
#include <vector>

#include "net/model/origin.h"
#include "relay/report.h"

namespace moq::relay {

/// Which broadcasts there are. Belongs to the origin's thread; the origin must outlive it.
class BroadcastList final : private AnnounceReader {
 public:
  explicit BroadcastList(Origin& origin) : watch_(origin.watch(Path(), *this)) {}

  /// In the order of their paths.
  [[nodiscard]] std::vector<BroadcastReport> all() const {
    std::vector<BroadcastReport> list;
    for (const auto& [path, hops] : hops_) list.push_back({.path = path.text(), .hops = hops});
    return list;
  }

 private:
  void on_announcements(const std::vector<Announcement>& changes) override {
    for (const Announcement& change : changes) {
      if (change.broadcast == nullptr) {
        hops_.erase(change.path);
      } else {
        hops_[change.path] = change.hops.size();
      }
    }
  }

  std::map<Path, std::size_t> hops_;
  std::unique_ptr<Origin::Watch> watch_;
};

}  // namespace moq::relay
