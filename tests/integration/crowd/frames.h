#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <vector>

#include "crowd/stage.h"
#include "net/base/bytes.h"

namespace moq::crowd {

/// What a rolled track consists of, and what each frame of it has to be: made once for
/// all who publish and compare.
class Frames {
 public:
  /// Groups that are remembered; older ones are made again.
  static constexpr std::size_t kRemembered = 64;

  /// `per_group` is at most kMostFrames. `small`: a frame has a hundred bytes at most.
  Frames(std::uint64_t per_group, std::uint64_t per_second, bool small)
      : per_group_(per_group), per_second_(per_second), small_(small) {}

  [[nodiscard]] std::uint64_t per_group() const { return per_group_; }
  /// When frame number `frame` of the track is due, from its beginning on.
  [[nodiscard]] Duration due(std::uint64_t frame) const {
    return Duration(std::chrono::seconds(frame)) / per_second_;
  }
  [[nodiscard]] const Bytes& at(std::uint64_t group, std::uint64_t frame) {
    const auto [entry, anew] = groups_.try_emplace(group);
    if (anew) {
      for (std::uint64_t i = 0; i < per_group_; ++i) {
        const Bytes whole = payload(group, i);
        entry->second.push_back(small_ ? whole.slice(0, std::min(whole.size(), kSmall)) : whole);
      }
      if (groups_.size() > kRemembered) {
        groups_.erase(entry == groups_.begin() ? std::prev(groups_.end()) : groups_.begin());
      }
    }
    return entry->second[frame];
  }

 private:
  static constexpr std::size_t kSmall = 100;

  std::uint64_t per_group_;
  std::uint64_t per_second_;
  bool small_;
  std::map<std::uint64_t, std::vector<Bytes>> groups_;
};

}  // namespace moq::crowd
