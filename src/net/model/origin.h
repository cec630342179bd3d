#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/error.h"
#include "net/base/loop.h"
#include "net/model/broadcast.h"

namespace moq {

/// Identifies a relay in an announcement's path; below 2^62, 0 is "unknown".
using HopId = std::uint64_t;

/// A broadcast path: segments joined by "/", without empty ones. Prefixes match
/// whole segments: "room" is a prefix of "room/a", not of "rooms".
class Path {
 public:
  static constexpr std::size_t kMaxSize = 1024;  ///< bytes

  Path() = default;
  /// Drops leading, trailing and doubled slashes.
  explicit Path(std::string_view text);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] bool has_prefix(const Path& prefix) const;
  /// The rest behind `prefix`, which must be one.
  [[nodiscard]] Path without(const Path& prefix) const;
  [[nodiscard]] Path join(const Path& suffix) const;
  /// The first segment, and what follows it.
  [[nodiscard]] std::pair<std::string_view, std::string_view> split() const;

  friend auto operator<=>(const Path&, const Path&) = default;

 private:
  std::string text_;
};

/// Who a route came from: a session or a bridge. Only its address counts.
using PeerToken = const void*;

/// How a broadcast is reached.
struct Route {
  /// From the publisher to the peer that announced it; empty: published here.
  std::vector<HopId> hops;
  /// Whom it was learned from; null: published here.
  PeerToken peer = nullptr;
  /// The peer has sent GOAWAY: the route loses to any other.
  bool draining = false;
};

/// What one announcement said; `broadcast` null: it is no longer there.
struct Announcement {
  Path path;
  std::shared_ptr<Broadcast> broadcast;
  std::vector<HopId> hops;
};

/// Hears of broadcasts that come, are replaced, and go.
class AnnounceReader {
 public:
  /// Changes since the last call, at most one for each path, in one batch a
  /// tick. A replacement is one announcement with another broadcast or hops;
  /// an end followed by a new instance within the tick is a replacement.
  virtual void on_announcements(const std::vector<Announcement>& changes) = 0;

 protected:
  ~AnnounceReader() = default;
};

/// A tree of paths and the broadcasts at them, with any number of routes to
/// each; the best is announced and served. Belongs to one thread.
///
/// Order of routes: not draining, fewest hops, a hash of name and hops (FNV-1a,
/// as the reference), newest. A route whose hops hold our own id is refused.
/// A watcher is never told of a path through itself: it gets the best route
/// that did not come from its peer, and whose hops do not hold `exclude`.
class Origin {
 public:
  struct Limits {
    std::size_t max_broadcasts = 65536;
    std::size_t max_hops = 32;
  };

  /// `id`: this relay's hop id, 0 for an endpoint that is no relay.
  Origin(Loop& loop, HopId id, const Limits& limits = {});
  ~Origin();

  [[nodiscard]] HopId id() const { return id_; }
  [[nodiscard]] Loop& loop() const { return loop_; }

  /// A published route: withdrawn when destroyed.
  class Publication;
  /// Fails with `loop`, `too_many` or `invalid_path`.
  Result<std::unique_ptr<Publication>> publish(const Path& path,
                                               std::shared_ptr<Broadcast> broadcast, Route route);

  /// A running watch: ends when destroyed. `peer`: whom announcements go to.
  class Watch;
  [[nodiscard]] std::unique_ptr<Watch> watch(const Path& prefix, AnnounceReader& reader,
                                             PeerToken peer = nullptr, HopId exclude = 0);

  /// The best broadcast at `path` that did not come from `peer`; null if none.
  [[nodiscard]] std::shared_ptr<Broadcast> find(const Path& path, PeerToken peer = nullptr) const;

  // The implementer adds what it needs below.
 private:
  Loop& loop_;
  HopId id_;
  Limits limits_;
};

}  // namespace moq
