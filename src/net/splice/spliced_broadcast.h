#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "net/model/origin.h"
#include "net/splice/spliced_track.h"

namespace moq {

class Splice;

/// One publisher's broadcast, as readers have it while the sessions that carry it come
/// and go.
class SplicedBroadcast final : private BroadcastSource {
 public:
  /// A session's own broadcast.
  struct Source {
    const SpliceLeg* leg;
    std::shared_ptr<Broadcast> broadcast;
    std::vector<HopId> hops;
    [[nodiscard]] HopId publisher() const { return hops.empty() ? 0 : hops.front(); }
  };

  /// `publisher`: the first hop, 0 if it is not known.
  SplicedBroadcast(Splice& splice, Path path, HopId publisher);
  ~SplicedBroadcast() override;

  [[nodiscard]] Splice& splice() const { return splice_; }
  [[nodiscard]] const Path& path() const { return path_; }
  [[nodiscard]] HopId publisher() const { return publisher_; }

  /// A session carries it, or by another way than before. Published with the first.
  Result<void> offer(Source source);
  /// A session does not announce it any more; what runs over it goes on.
  void withdraw(const SpliceLeg& leg);
  /// The session is gone.
  void lose(const SpliceLeg& leg);
  /// Nobody finds it any more; what runs goes on.
  void retire();
  void give_up();

  [[nodiscard]] const Source* find(const SpliceLeg& leg) const;
  /// The newest session's that is not among `refusals`; null if there is none.
  [[nodiscard]] const Source* best(const std::set<std::uint64_t>& refusals) const;
  [[nodiscard]] bool has_source() const { return !sources_.empty(); }
  /// When it lost its last source.
  [[nodiscard]] Time orphaned() const { return orphaned_; }
  /// Whether what `source` carries is known to be the same publisher's.
  [[nodiscard]] bool same_publisher(const Source& source) const;
  /// Whether another session may go on with what `leg` (null: gone) has stopped.
  [[nodiscard]] bool may_wait(const SpliceLeg* leg) const;
  [[nodiscard]] bool reads(const SpliceLeg& leg) const;
  [[nodiscard]] bool busy() const;

  /// What comes by `leg` is another publisher's.
  void differs(const SpliceLeg& leg);
  void look_whether_idle();

 private:
  void on_track(Broadcast& broadcast, const std::shared_ptr<Track>& track) override;

  Splice& splice_;
  Path path_;
  HopId publisher_;
  std::vector<Source> sources_;  ///< the oldest session's first
  Time orphaned_{};
  bool retired_ = false;
  std::shared_ptr<Broadcast> broadcast_;
  std::unique_ptr<Origin::Publication> publication_;
  std::map<const Track*, std::shared_ptr<SplicedTrack>> tracks_;
};

}  // namespace moq
