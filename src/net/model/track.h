#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/intrusive/list.hpp>

#include "net/base/error.h"
#include "net/base/loop.h"
#include "net/model/cache.h"
#include "net/model/group.h"
#include "net/model/subscription.h"
#include "net/model/track_info.h"

namespace moq {

/// A named series of groups with its cache, one producer and any number of
/// readers. Belongs to its loop's thread; owned by shared_ptr.
///
/// A track is *pending* until `accept`, then *live*, and ends with `finish` or
/// `abort`. While its source is demand-driven and nobody subscribes, cached
/// groups may be stale: a reader who asks for the latest then waits for what
/// the source names as such, by create_group of a sequence that is not below
/// all that is cached. Without a source, the latest is the latest.
///
/// Retention, at each create_group: the latest always stays; others go from the
/// index when they are older than the latest, by arrival, by more than the
/// lesser of the publisher's max_latency and the cache's duration, and, lowest
/// sequence first, when there are more than Limits::max_groups. Readers of a
/// group keep it.
class Track final : public std::enable_shared_from_this<Track>,
                    private GroupOwner,
                    private Flushable {
 public:
  struct Limits {
    Group::Limits group;
    /// Groups in the index, whatever their age.
    std::size_t max_groups = 1024;
    /// Groups that are being fetched from the source at a time.
    std::size_t max_fetches = 64;
    /// Calls that wait for a fetch or for the properties.
    std::size_t max_waiters = 4096;
  };

  /// `loop` and `cache` must outlive the track.
  Track(Loop& loop, Cache& cache, std::string name, const Limits& limits);
  Track(Loop& loop, Cache& cache, std::string name)
      : Track(loop, cache, std::move(name), Limits()) {}
  Track(const Track&) = delete;
  Track& operator=(const Track&) = delete;
  ~Track();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::optional<TrackInfo>& info() const { return info_; }
  [[nodiscard]] Loop& loop() const { return loop_; }
  /// Set once the track is gone.
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  /// Exclusive end, once the track has ended.
  [[nodiscard]] std::optional<std::uint64_t> end() const { return end_; }

  // --- For its producer.

  /// Sets who hears of demand; null: nobody (a producer that always produces),
  /// which fails fetches in progress with `closed`. Not owned; must be reset
  /// before it is destroyed, aborted track or not.
  void set_source(TrackSource* source);
  [[nodiscard]] TrackSource* source() const { return source_; }
  /// Makes the properties known. Once; a second call with others, or a timescale
  /// of 0, aborts with `mismatch`. `largest`: the largest object that the source says
  /// there has been, of which this need not have any; may differ at a second call.
  void accept(const TrackInfo& info, const std::optional<Location>& largest = std::nullopt);
  /// Begins group `sequence`, in any order, now; a group that was aborted is
  /// replaced. Fails with `exists` if it is cached and complete or in progress
  /// (readers who wait for the latest get it then), with `too_old` if retention
  /// would drop it at once, and with `closed` at or after the end, or when the
  /// track is gone.
  Result<std::shared_ptr<Group>> create_group(std::uint64_t sequence);
  /// Begins a group that was asked for by on_fetch. It is cached, but is not
  /// announced to subscriptions, nor ever the latest, unless create_group names
  /// it, too. Fails with `exists` (those who asked for it have been given what
  /// is cached), `not_found` if nobody asked, or `closed`.
  Result<std::shared_ptr<Group>> create_fetched(std::uint64_t sequence);
  void fail_fetch(std::uint64_t sequence, const Error& error);
  void datagram(const Datagram& datagram);
  /// Groups [first, last] will not come. Told to the subscriptions that run,
  /// cut to what they asked for.
  void drop(std::uint64_t first, std::uint64_t last, std::uint64_t code);
  /// No group at or after `end` will be made. Groups below it may still be made
  /// and finish. The first end stands; it is never before a group that exists.
  void finish(std::uint64_t end);
  /// The track is gone; open groups are aborted with `error.code()`, or with
  /// CANCELLED where that is a ModelError and so no stream code.
  void abort(const Error& error);

  // --- For readers.

  /// Delivery starts on the loop's next turn, never inside this call. `reader`
  /// is not owned and must outlive the subscription.
  [[nodiscard]] std::unique_ptr<Subscription> subscribe(const SubscribeOptions& options,
                                                        TrackReader& reader);
  using Fetched = std::function<void(Result<std::shared_ptr<Group>>)>;
  /// One group, from the cache (complete or in progress) or from the source;
  /// `done` is called once, from the loop. All who ask for one group while it is
  /// on its way share one on_fetch. Fails with `not_found` (without a source),
  /// `closed`, `too_many`, or what the source says. On a pending track without a
  /// source it waits until there is one, or the track is accepted without.
  void fetch(std::uint64_t sequence, Fetched done);
  using InfoKnown = std::function<void(Result<TrackInfo>)>;
  /// Calls `done` from the loop once the properties are known or never will be;
  /// fails with `too_many`, too.
  void when_info(InfoKnown done);

  /// The group as it is in the index, however it got there; null when it is not.
  [[nodiscard]] std::shared_ptr<Group> cached(std::uint64_t sequence) const;
  /// The first group at or after `sequence` that is cached.
  [[nodiscard]] std::optional<std::uint64_t> cached_from(std::uint64_t sequence) const;
  /// The last one at or before `sequence`.
  [[nodiscard]] std::optional<std::uint64_t> cached_to(std::uint64_t sequence) const;
  /// The newest group by sequence; null when there is none.
  [[nodiscard]] std::shared_ptr<Group> latest() const { return latest_; }
  /// The largest object that there has been while somebody wanted the track, here or, as
  /// its source has told, there; otherwise the latest group's. None before any.
  [[nodiscard]] std::optional<Location> largest() const;
  /// How long a group that is not the latest is kept: the publisher's max_latency,
  /// or the cache's duration if that is less.
  [[nodiscard]] Duration retention() const;
  /// Whether nobody subscribes, fetches or waits for the properties.
  [[nodiscard]] bool idle() const { return subscriptions_.empty() && waiters_ == 0; }
  /// Groups in the index.
  [[nodiscard]] std::size_t size() const { return groups_.size(); }
  /// Whether `group` is older than the latest by more than `max_latency`, in
  /// media time or in arrival time (moq-lite §Expiration). Never true of the
  /// latest. Media time is that of first objects, against the newest group that
  /// has one; it counts once the timescale is known.
  [[nodiscard]] bool expired(const Group& group, Duration max_latency) const;
  /// The combined options of all subscriptions: highest priority, ordered if all
  /// are, longest latency, earliest explicit start, unbounded end if any is.
  [[nodiscard]] std::optional<SubscribeOptions> combined() const;

 private:
  friend class Subscription;

  struct Entry {
    std::shared_ptr<Group> group;
    bool fetched = false;  ///< not (yet) named by create_group
  };
  using Groups = std::map<std::uint64_t, Entry>;
  using Ages =
      boost::intrusive::list<Group,
                             boost::intrusive::member_hook<Group, Group::Hook, &Group::age_hook_>,
                             boost::intrusive::constant_time_size<false>>;
  struct Fetch {
    std::vector<Fetched> waiters;
    bool asked = false;
  };
  /// Walks the subscriptions while they come and go.
  class Walk;

  // track.cc
  void on_first_object(Group& group) override;
  void on_evicted(Group& group) override;
  void flush() override;
  [[nodiscard]] bool has_live(std::uint64_t sequence) const;
  void make_latest(const std::shared_ptr<Group>& group);
  void find_latest();
  void add_age(Group& group);
  Entry& index(const std::shared_ptr<Group>& group, bool fetched);
  Groups::iterator unindex(Groups::iterator at);
  void retain();
  void forget_open();

  // track_delivery.cc
  /// Whether latest_ is what the source would call so.
  [[nodiscard]] bool knows_latest() const { return source_ == nullptr || named_; }
  void announce(const std::shared_ptr<Group>& group);
  void offer(Subscription& subscription, const std::shared_ptr<Group>& group);
  void resolve_start(Subscription& subscription) const;
  void catch_up(Walk& walk);
  void catch_up_all(bool only_due);
  void post_catch_up();
  void tell_end(Subscription& subscription);

  // track_fetch.cc
  void ask(std::uint64_t sequence);
  void answer_fetch(std::uint64_t sequence, const Result<std::shared_ptr<Group>>& result);
  void answer_fetches(const Error& error);
  void answer_info(const Result<TrackInfo>& result);

  Loop& loop_;
  Cache& cache_;
  std::string name_;
  Limits limits_;
  std::optional<TrackInfo> info_;
  /// Of what the latest group does not tell: from the source, or of groups before it.
  std::optional<Location> known_largest_;
  std::optional<Error> error_;
  std::optional<std::uint64_t> end_;

  TrackSource* source_ = nullptr;
  std::optional<SubscribeOptions> told_demand_;
  bool named_ = false;      ///< the source has named the latest since demand began
  bool named_end_ = false;  ///< the same of the end

  Groups groups_;
  std::shared_ptr<Group> latest_;
  Ages ages_;  ///< indexed groups but the latest, oldest arrival first
  /// The newest group that had an object, and the timestamp of its first one.
  std::optional<std::pair<std::uint64_t, std::uint64_t>> newest_timed_;

  boost::intrusive::list<Subscription, boost::intrusive::constant_time_size<false>> subscriptions_;
  Walk* walks_ = nullptr;
  bool catch_up_posted_ = false;

  std::map<std::uint64_t, Fetch> fetches_;
  std::size_t waiters_ = 0;
  std::vector<InfoKnown> info_waiters_;
};

}  // namespace moq
