#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "net/base/loop.h"
#include "net/model/sequence_set.h"
#include "net/model/track.h"
#include "net/splice/feed.h"

namespace moq {

class SplicedBroadcast;

/// The source of a track that readers keep while the sessions under it come and go.
///
/// It has a feed for each session that contributes. A newer session is asked for all
/// that is not whole yet, and the older one is let go of once the newer one has shown
/// that it delivers, and nothing that only the older one has is missing. So each group
/// comes once, and whole, however the change falls.
///
/// Groups that were open on a session that is gone stay open for the next one, until
/// it is known that it does not have them.
class SplicedTrack final : public std::enable_shared_from_this<SplicedTrack>,
                           private TrackSource,
                           private Flushable {
 public:
  /// Groups behind the oldest that has not begun, beyond which no session is asked for
  /// it any more. It is welcome all the same.
  static constexpr std::size_t kMaxAhead = 64;
  /// Datagrams that are remembered, so that each comes once.
  static constexpr std::size_t kMaxDatagrams = 4096;
  /// Subscriptions at one session: at a broadcast, and at the one that it replaces.
  static constexpr std::ptrdiff_t kMaxFeedsOfLeg = 2;

  SplicedTrack(SplicedBroadcast& broadcast, std::shared_ptr<Track> track);
  ~SplicedTrack() override;

  [[nodiscard]] Track& track() const { return *track_; }
  /// The broadcast's sources have changed; `leg`: of which one has come.
  void update(const SpliceLeg& leg);
  /// Asks, and subscribes at, the best session if that has not been done.
  void use_best();
  /// A session is gone.
  void lose(const SpliceLeg& leg);
  /// No session will come any more: what waits for one is given up.
  void give_up();
  /// Whether anything of the session's is read.
  [[nodiscard]] bool reads(const SpliceLeg& leg) const;
  /// Whether something is still to come.
  [[nodiscard]] bool busy() const;
  /// The broadcast is gone.
  void detach();

  // --- From the feeds. Those that tell readers may lead to anything.

  void mark() { track_->loop().mark(*this); }
  [[nodiscard]] std::uint64_t timescale() const;
  /// `from`: the session's track, whose properties these are.
  void accept(const TrackInfo& info, const Track& from);
  /// The readers' group for one that begins on a feed; null if they need none.
  std::shared_ptr<Group> begin(Feed& feed, std::uint64_t sequence);
  /// A merge has come to its end.
  void over(Feed& feed, std::uint64_t sequence, const GroupMerge& merge);
  void datagram(const Datagram& datagram);
  void dropped(Feed& feed, std::uint64_t first, std::uint64_t last, std::uint64_t code);
  void ended(Feed& feed, std::uint64_t end);

 private:
  using FeedPtr = std::shared_ptr<Feed>;
  /// A group that was fetched from a session, by its number.
  struct Fetch {
    std::uint64_t leg;
    std::unique_ptr<GroupMerge> merge;
  };

  void on_demand(Track& track, const std::optional<SubscribeOptions>& combined) override;
  void on_fetch(Track& track, std::uint64_t sequence) override;
  void flush() override;

  /// Asks the best session for the properties.
  void ask_info();
  void info_answered(const SpliceLeg* leg, const Result<TrackInfo>& info);
  void fetched(std::uint64_t sequence, const Track& from, std::uint64_t leg,
               const Result<std::shared_ptr<Group>>& group);
  /// Subscribes at the best session that has not refused, if that is another.
  void feed_from_best();
  /// Makes room for another feed from `leg`.
  void limit_feeds(const SpliceLeg& leg);
  /// A session does not serve it: another may, or it waits, or it is given up.
  void refused(const SpliceLeg* leg, const Error& error);
  void drop_failed_feeds();
  /// Lets go of older sessions that nothing depends on any more.
  void release_older();
  /// Gives up open groups that no session will go on with.
  void sweep_orphans();
  /// A group is over, one way or the other.
  void settle(std::uint64_t sequence);
  /// Groups before `least` are not missed.
  void advance(std::uint64_t least);
  void reset_progress();
  [[nodiscard]] Feed* newest() const { return feeds_.empty() ? nullptr : feeds_.back().get(); }
  /// The oldest group of the subscription that readers lack something of; none before it
  /// has begun.
  [[nodiscard]] std::optional<std::uint64_t> missing() const;
  /// Whether a session other than `but` (null: any) delivers it at the moment.
  [[nodiscard]] bool fed(std::uint64_t sequence, const Feed* but = nullptr) const;
  /// The readers' group, whatever has become of it; null if it is not known any more.
  [[nodiscard]] std::shared_ptr<Group> known_group(std::uint64_t sequence) const;

  SplicedBroadcast* broadcast_;  ///< null once detached
  std::shared_ptr<Track> track_;
  std::optional<SubscribeOptions> wanted_;
  std::vector<FeedPtr> feeds_;  ///< the oldest session's first
  /// Sessions that would not serve it; by number, as they may be gone.
  std::set<std::uint64_t> refusals_;
  std::shared_ptr<Track> asking_;  ///< the session's track whose properties are awaited
  std::vector<Fetch> fetches_;

  /// Groups that readers have been given.
  SequenceSet begun_;
  /// And datagrams, which are not matched against groups.
  /// Sequences and objects of datagrams that were delivered, the newest kMaxDatagrams.
  std::set<std::pair<std::uint64_t, std::uint64_t>> datagrams_;
  /// The lowest group of the subscription that has not begun, nor is known not to come.
  std::optional<std::uint64_t> next_;
  std::set<std::uint64_t> settled_;  ///< those behind it that are
  /// The readers' groups that are not over: the track may have let go of them.
  std::map<std::uint64_t, std::shared_ptr<Group>> open_;
  /// The newest that is over, to tell a publisher's groups from another's.
  std::shared_ptr<Group> newest_whole_;
};

}  // namespace moq
