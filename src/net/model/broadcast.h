#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/intrusive/list.hpp>

#include "net/base/error.h"
#include "net/base/loop.h"
#include "net/model/track.h"

namespace moq {

class Broadcast;

/// Makes a broadcast's tracks when someone asks for them.
class BroadcastSource {
 public:
  virtual ~BroadcastSource() = default;
  /// A track that nobody has made is wanted: accept it, set its source, or
  /// abort it, now or later. Called from inside Broadcast::track. The broadcast
  /// aborts such a track when it needs the room and the track is idle.
  virtual void on_track(Broadcast& broadcast, const std::shared_ptr<Track>& track) = 0;
};

/// Hears of a broadcast's end. Detaches itself when destroyed.
class BroadcastWatcher : public boost::intrusive::list_base_hook<
                             boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  BroadcastWatcher() = default;
  BroadcastWatcher(const BroadcastWatcher&) = delete;
  BroadcastWatcher& operator=(const BroadcastWatcher&) = delete;

  /// The broadcast was closed. Once; from inside Broadcast::close, so it may
  /// destroy watchers, this one too, but not the broadcast.
  virtual void on_broadcast_closed() = 0;

 protected:
  ~BroadcastWatcher() = default;
};

/// A set of tracks from one publisher, by name. Belongs to its loop's thread;
/// owned by shared_ptr. Its end is that of its tracks.
class Broadcast : public std::enable_shared_from_this<Broadcast> {
 public:
  struct Limits {
    Track::Limits track;
    /// Tracks at a time, idle ones that were made on demand not counted.
    std::size_t max_tracks = 1024;
  };

  /// `loop` and `cache` must outlive the broadcast and its tracks.
  Broadcast(Loop& loop, Cache& cache, const Limits& limits);
  Broadcast(Loop& loop, Cache& cache) : Broadcast(loop, cache, Limits()) {}
  Broadcast(const Broadcast&) = delete;
  Broadcast& operator=(const Broadcast&) = delete;
  /// Closes with `ModelError::closed`.
  ~Broadcast();

  /// Who makes tracks on demand; null: unknown tracks do not exist. Not owned;
  /// must be reset before it is destroyed.
  void set_source(BroadcastSource* source) { source_ = source; }

  /// Makes a track that is there whether or not anyone asks. Fails with
  /// `exists`, `closed` or `too_many`. A track that has been aborted is made anew.
  Result<std::shared_ptr<Track>> create(const std::string& name);
  /// The track, made on demand by the source; fails with `not_found`, `closed`
  /// or `too_many`. A track that has been aborted is made anew (by the source).
  Result<std::shared_ptr<Track>> track(const std::string& name);

  /// Aborts every track and closes. Idempotent.
  void close(const Error& error);
  [[nodiscard]] bool closed() const { return closed_.has_value(); }
  /// The watcher hears of the end, unless it has come already.
  void attach(BroadcastWatcher& watcher);

  [[nodiscard]] Loop& loop() const { return loop_; }
  /// Tracks that are kept, aborted ones until their room is needed.
  [[nodiscard]] std::size_t size() const { return tracks_.size(); }

 private:
  struct Entry {
    std::shared_ptr<Track> track;
    bool on_demand = false;
  };

  Result<std::shared_ptr<Track>> make(const std::string& name, bool on_demand);
  void make_room();

  Loop& loop_;
  Cache& cache_;
  Limits limits_;
  BroadcastSource* source_ = nullptr;
  std::optional<Error> closed_;
  std::map<std::string, Entry, std::less<>> tracks_;
  boost::intrusive::list<BroadcastWatcher, boost::intrusive::constant_time_size<false>> watchers_;
};

}  // namespace moq
