#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/base/error.h"
#include "net/base/loop.h"
#include "net/model/broadcast.h"
#include "net/model/path.h"

namespace moq {

/// Identifies a relay in an announcement's path; below 2^62, 0 is "unknown".
using HopId = std::uint64_t;

/// Who a route came from: a session or a bridge. Only its address counts.
using PeerToken = const void*;

/// Names of tracks that do not change any more; may be shared by threads. Null: none.
using TrackNames = std::shared_ptr<const std::set<std::string>>;

/// How a broadcast is reached.
struct Route {
  /// From the publisher to the peer that announced it; empty: published here.
  std::vector<HopId> hops;
  /// Whom it was learned from; null: published here.
  PeerToken peer = nullptr;
  /// The peer has sent GOAWAY: the route loses to any other.
  bool draining = false;
  /// Tracks whose publisher wants them to be known (moq-transport's PUBLISH). There may be
  /// others.
  TrackNames tracks = {};
};

/// What one announcement said; `broadcast` null: it is no longer there.
struct Announcement {
  Path path;
  std::shared_ptr<Broadcast> broadcast;
  std::vector<HopId> hops;
  TrackNames tracks = {};
};

/// Whether a watch is told when only a route's `tracks` change.
enum class WatchTracks : bool { no, yes };

/// Hears of broadcasts that come, are replaced, and go.
class AnnounceReader {
 public:
  /// Changes since the last call, at most one for each path, in one batch a
  /// tick, ordered by path. A replacement is one announcement with another
  /// broadcast or hops; an end followed by a new instance within the tick is a
  /// replacement. What came and went within the tick is not told.
  ///
  /// The first batch comes with the tick in which the watch began, even if it is
  /// empty: it is the whole of what is there. Called from the loop; may destroy
  /// any watch, publication or the origin.
  virtual void on_announcements(const std::vector<Announcement>& changes) = 0;

 protected:
  ~AnnounceReader() = default;
};

/// All paths and the broadcasts at them, with any number of routes to each; the
/// best is announced and served. Belongs to one thread.
///
/// Order of routes: not draining, fewest hops, lowest hash of path and hops
/// (FNV-1a, as the reference, so that a cluster agrees), newest publication.
/// A route whose hops hold our own id is refused (0 is nobody's). A route whose
/// broadcast has closed is no route.
/// A watcher is never told of a path through itself: it gets the best route
/// that did not come from its peer, and whose hops do not hold `exclude`.
class Origin {
 public:
  struct Limits {
    std::size_t max_broadcasts = 65536;  ///< paths that have a route
    std::size_t max_routes = 256;        ///< routes to one path
    std::size_t max_hops = 32;           ///< hops of a route
  };

  class Publication;
  class Watch;

  /// `id`: this relay's hop id, 0 for an endpoint that is no relay. The loop
  /// must outlive the origin, its publications and watches; these may outlive
  /// the origin, and then do nothing.
  Origin(Loop& loop, HopId id, const Limits& limits);
  Origin(Loop& loop, HopId id) : Origin(loop, id, Limits()) {}
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;
  ~Origin();

  [[nodiscard]] HopId id() const { return id_; }
  [[nodiscard]] Loop& loop() const { return loop_; }

  /// Publishes a route. Fails with `loop`, `too_many` (broadcasts, routes or
  /// hops), `invalid_path` (longer than Path::kMaxSize) or `closed` (the
  /// broadcast is).
  Result<std::unique_ptr<Publication>> publish(const Path& path,
                                               std::shared_ptr<Broadcast> broadcast, Route route);

  /// Watches `prefix` and all below it. `peer`: whom announcements go to, so
  /// that none of its own come back; `exclude`: a hop id, 0 for none.
  [[nodiscard]] std::unique_ptr<Watch> watch(const Path& prefix, AnnounceReader& reader,
                                             PeerToken peer = nullptr, HopId exclude = 0,
                                             WatchTracks tracks = WatchTracks::no);

  /// The best broadcast at `path` that did not come from `peer`; null if none.
  [[nodiscard]] std::shared_ptr<Broadcast> find(const Path& path, PeerToken peer = nullptr) const;

  /// Paths that have a route, closed broadcasts included.
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry;
  struct State;

  Loop& loop_;
  HopId id_;
  std::shared_ptr<State> state_;
};

/// A published route: withdrawn when destroyed. Keeps its broadcast.
class Origin::Publication final : private BroadcastWatcher {
 public:
  ~Publication();

  [[nodiscard]] const Path& path() const { return path_; }
  [[nodiscard]] const Route& route() const { return route_; }
  [[nodiscard]] const std::shared_ptr<Broadcast>& broadcast() const { return broadcast_; }

  /// Changes the route. Fails with `loop` or `too_many` (hops), and
  /// then changes nothing.
  Result<void> update(Route route);

 private:
  friend class Origin;
  Publication(std::shared_ptr<State> state, const Path& path, std::shared_ptr<Broadcast> broadcast,
              Route route);
  void on_broadcast_closed() override;

  std::shared_ptr<State> state_;
  Path path_;
  std::shared_ptr<Broadcast> broadcast_;
  Route route_;
  std::uint64_t hash_ = 0;
  std::uint64_t age_ = 0;  ///< higher is newer
  bool open_ = true;       ///< the broadcast has not closed
};

/// A running watch: ends when destroyed.
class Origin::Watch : public boost::intrusive::list_base_hook<
                          boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();

  [[nodiscard]] const Path& prefix() const { return prefix_; }

 private:
  friend class Origin;
  Watch(std::shared_ptr<State> state, const Path& prefix, AnnounceReader& reader, PeerToken peer,
        HopId exclude, WatchTracks tracks);

  std::shared_ptr<State> state_;
  Path prefix_;
  AnnounceReader& reader_;
  PeerToken peer_;
  HopId exclude_;
  WatchTracks tracks_;
  bool told_ = false;  ///< the first batch is in `batch_` or was told
  std::vector<Announcement> batch_;
  boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>
      waiting_hook_;  ///< in the list of those whose batch is due
};

}  // namespace moq
