#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "net/base/loop.h"
#include "net/model/cache.h"
#include "net/model/origin.h"
#include "net/splice/spliced_broadcast.h"

namespace moq {

class Splice;

/// One session's part in a splice: the origin that the session announces in, and what
/// is known of the session. Made by Splice::add; outlives its session.
class SpliceLeg final : private AnnounceReader {
 public:
  ~SpliceLeg();
  SpliceLeg(const SpliceLeg&) = delete;
  SpliceLeg& operator=(const SpliceLeg&) = delete;

  /// SessionOptions::subscribe and ::cache of the session.
  [[nodiscard]] Origin& origin() { return origin_; }
  [[nodiscard]] Cache& cache();

  /// The session is up: what it does not announce soon is not there.
  void set_ready();
  /// The session will end, and another will come.
  void set_leaving() { leaving_ = true; }
  /// The session is over. To be called before the loop goes on, so that nobody takes for
  /// the publisher's will what only the session's end has brought. Idempotent.
  void lose();

  /// Higher for newer legs.
  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] bool leaving() const { return leaving_; }
  [[nodiscard]] bool ready() const { return ready_; }
  /// Whether nothing is read over it.
  [[nodiscard]] bool idle() const;

 private:
  friend class Splice;
  SpliceLeg(Splice& splice, std::uint64_t number);
  void on_announcements(const std::vector<Announcement>& changes) override;

  Splice& splice_;
  std::uint64_t number_;
  bool ready_ = false;
  bool leaving_ = false;
  bool lost_ = false;
  Origin origin_;
  std::unique_ptr<Origin::Watch> watch_;
};

/// Makes the origins of successive sessions with the same peer, or its replacements, one
/// origin for the application: broadcasts stay, and their tracks deliver each group
/// once and whole, while the session under them changes.
///
/// Two sessions' broadcasts at one path are the same if they name the same publisher
/// (the first hop), or one of them names none and their groups do not contradict it. Otherwise
/// the newer one replaces the older.
///
/// Belongs to its loop's thread. The application may destroy it in any call that it
/// gets from here; `out` and `cache` must outlive it.
class Splice {
 public:
  struct Limits {
    /// How long a broadcast that a session carried may be missing from the next one,
    /// once that is up, before it is withdrawn.
    Duration reannounce = std::chrono::seconds(10);
  };

  Splice(Loop& loop, Origin& out, Cache& cache, const Limits& limits);
  Splice(Loop& loop, Origin& out, Cache& cache) : Splice(loop, out, cache, Limits()) {}
  Splice(const Splice&) = delete;
  Splice& operator=(const Splice&) = delete;
  /// Legs must have been destroyed. Withdraws everything.
  ~Splice();

  /// A new session's leg, which goes before all older ones.
  [[nodiscard]] std::unique_ptr<SpliceLeg> add();
  /// No leg will come any more: what waits for one is given up.
  void close();
  [[nodiscard]] bool closed() const { return closed_; }

  /// Who the sessions are to origins, all of them: SessionOptions::peer.
  [[nodiscard]] PeerToken token() const { return this; }
  [[nodiscard]] Loop& loop() const { return loop_; }
  [[nodiscard]] Origin& out() const { return out_; }
  [[nodiscard]] Cache& cache() const { return cache_; }

  // --- For its parts.

  /// What the sessions themselves keep: nothing but what is being read.
  [[nodiscard]] Cache& session_cache() { return session_cache_; }

  /// Null once this is gone.
  [[nodiscard]] std::weak_ptr<Splice*> weak() const { return self_; }
  [[nodiscard]] bool has(std::uint64_t leg) const;
  void lost(const SpliceLeg& leg);
  void offered(const SpliceLeg& leg, const Announcement& change);
  void withdrawn(const SpliceLeg& leg, const Path& path);
  /// What `leg` carries at the broadcast's path is another publisher's: it becomes a
  /// broadcast of its own, on the loop's next turn.
  void split(const SplicedBroadcast& broadcast, const SpliceLeg& leg);
  /// Destroys retired broadcasts that nobody uses, on the loop's next turn.
  void clean_up();
  /// Looks for broadcasts that have waited for too long.
  void check_orphans();
  [[nodiscard]] bool reads(const SpliceLeg& leg) const;

 private:
  using BroadcastPtr = std::shared_ptr<SplicedBroadcast>;

  void replace(const Path& path, const SplicedBroadcast::Source& source);
  void retire(BroadcastPtr broadcast);
  template <typename Task>
  void post(Task task);

  Loop& loop_;
  Origin& out_;
  Cache& cache_;
  Cache session_cache_;
  Limits limits_;
  bool closed_ = false;
  std::uint64_t last_number_ = 0;
  std::set<const SpliceLeg*> legs_;
  Time ready_since_ = kNever;  ///< of the newest leg that is up
  std::map<Path, BroadcastPtr> broadcasts_;
  std::vector<BroadcastPtr> retired_;
  bool clean_up_posted_ = false;
  Timer orphan_timer_;
  std::shared_ptr<Splice*> self_ = std::make_shared<Splice*>(this);
};

}  // namespace moq
