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

namespace moq {

class Track;

/// The publisher's properties of a track, fixed for its lifetime (moq-lite-05
/// TRACK_INFO).
struct TrackInfo {
  /// Higher is sent first between subscriptions of equal priority.
  std::uint8_t priority = 0;
  /// Whether older groups are to be sent first.
  bool ordered = false;
  /// How long a group that is not the latest may be kept.
  Duration max_latency = std::chrono::seconds(5);
  /// Timestamp units per second; never 0.
  std::uint64_t timescale = 1000;

  friend bool operator==(const TrackInfo&, const TrackInfo&) = default;
};

/// A subscriber's preferences (moq-lite SUBSCRIBE).
struct SubscribeOptions {
  std::uint8_t priority = 0;  ///< higher is sent first
  bool ordered = false;       ///< older groups first
  /// A group that is not the latest is dropped once it is older than the latest
  /// by more than this, in media time or in arrival time. Zero: latest only.
  Duration max_latency{};
  std::optional<std::uint64_t> start;  ///< first group; none: the latest
  std::optional<std::uint64_t> end;    ///< last group, inclusive; none: unbounded

  friend bool operator==(const SubscribeOptions&, const SubscribeOptions&) = default;
};

/// A datagram: a group of one object that is sent at once or never, and not cached.
struct Datagram {
  std::uint64_t sequence = 0;
  std::uint64_t timestamp = 0;
  Bytes payload;
};

/// What a subscription delivers. Calls come from the loop or from the track's
/// producer; a reader may end its own subscription inside them, and no other.
class TrackReader {
 public:
  /// The track's properties are known. First, and once.
  virtual void on_info(const TrackInfo& info) = 0;
  /// A group of the subscription has begun; it may be far along already. Groups
  /// come as they arrive, so not always in order; each at most once.
  virtual void on_group(std::shared_ptr<Group> group) = 0;
  virtual void on_datagram(const Datagram& datagram) = 0;
  /// Groups [first, last] will not come.
  virtual void on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) = 0;
  /// No group at or after `end` will come; groups below it still may finish.
  virtual void on_end(std::uint64_t end) = 0;
  /// The track is gone: the last call.
  virtual void on_abort(const Error& error) = 0;

 protected:
  ~TrackReader() = default;
};

/// Where a track's groups come from when they are not there: an upstream
/// session, a bridge to another worker, or an application that wants to know.
class TrackSource {
 public:
  virtual ~TrackSource() = default;
  /// The combined wish of all subscriptions; none when the last has left.
  /// Called from the loop, once for any number of changes in a tick.
  virtual void on_demand(Track& track, const std::optional<SubscribeOptions>& combined) = 0;
  /// Group `sequence` is wanted and not cached: answered by
  /// Track::create_fetched, or Track::fail_fetch.
  virtual void on_fetch(Track& track, std::uint64_t sequence) = 0;
};

/// A running subscription: ends when destroyed.
class Subscription : public boost::intrusive::list_base_hook<
                         boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  /// Changes what is wanted. Groups that a lower start newly covers are
  /// delivered if they are cached.
  void update(const SubscribeOptions& options);
  [[nodiscard]] const SubscribeOptions& options() const { return options_; }
  [[nodiscard]] Track& track() const { return *track_; }
  /// The first group, once it is resolved.
  [[nodiscard]] std::optional<std::uint64_t> start() const { return start_; }

 private:
  friend class Track;
  Subscription(std::shared_ptr<Track> track, const SubscribeOptions& options, TrackReader& reader);

  std::shared_ptr<Track> track_;
  SubscribeOptions options_;
  TrackReader& reader_;
  std::optional<std::uint64_t> start_;
  bool told_info_ = false;
  bool told_end_ = false;
};

/// A named series of groups with its cache, one producer and any number of
/// readers. Belongs to its loop's thread.
///
/// A track is *pending* until `accept`, then *live*, and ends with `finish` or
/// `abort`. While its source is demand-driven and nobody subscribes, cached
/// groups may be stale: a reader who asks for the latest then waits for what
/// the source names as such.
class Track : public std::enable_shared_from_this<Track> {
 public:
  struct Limits {
    Group::Limits group;
    /// Groups in the index, whatever their age.
    std::size_t max_groups = 1024;
  };

  Track(Loop& loop, Cache& cache, std::string name, const Limits& limits = {});
  ~Track();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::optional<TrackInfo>& info() const { return info_; }
  [[nodiscard]] Loop& loop() const { return loop_; }
  /// Set once the track is gone.
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  /// Exclusive end, once the track has ended.
  [[nodiscard]] std::optional<std::uint64_t> end() const { return end_; }

  // --- For its producer.

  /// Sets who hears of demand; null: nobody (a producer that always produces).
  /// Not owned; must be reset before it is destroyed.
  void set_source(TrackSource* source);
  /// Makes the properties known. Once; a second call with others aborts.
  void accept(const TrackInfo& info);
  /// Begins group `sequence`, in any order. Fails with `exists` if it is cached
  /// and complete or in progress (readers who wait for the latest get it then),
  /// and with `too_old` if retention would drop it at once.
  Result<std::shared_ptr<Group>> create_group(std::uint64_t sequence);
  /// Begins a group that was asked for by on_fetch.
  Result<std::shared_ptr<Group>> create_fetched(std::uint64_t sequence);
  void fail_fetch(std::uint64_t sequence, const Error& error);
  void datagram(const Datagram& datagram);
  /// Groups [first, last] will not come.
  void drop(std::uint64_t first, std::uint64_t last, std::uint64_t code);
  /// No group at or after `end` will be made. Open groups may still finish.
  void finish(std::uint64_t end);
  /// The track is gone; open groups are aborted with `error.code()`.
  void abort(const Error& error);

  // --- For readers.

  /// Delivery starts on the loop's next turn, never inside this call.
  [[nodiscard]] std::unique_ptr<Subscription> subscribe(const SubscribeOptions& options,
                                                        TrackReader& reader);
  using Fetched = std::function<void(Result<std::shared_ptr<Group>>)>;
  /// One group, from the cache or from the source; `done` is called once, from
  /// the loop.
  void fetch(std::uint64_t sequence, Fetched done);
  /// Calls `done` from the loop once the properties are known or never will be.
  void when_info(std::function<void(Result<TrackInfo>)> done);

  [[nodiscard]] std::shared_ptr<Group> cached(std::uint64_t sequence) const;
  /// The newest group by sequence; null when there is none.
  [[nodiscard]] std::shared_ptr<Group> latest() const;
  /// Whether `group` is older than the latest by more than `max_latency`, in
  /// media time or in arrival time (moq-lite §Expiration). Never true of the latest.
  [[nodiscard]] bool expired(const Group& group, Duration max_latency) const;
  /// The combined options of all subscriptions: highest priority, ordered if all
  /// are, longest latency, earliest explicit start, unbounded end if any is.
  [[nodiscard]] std::optional<SubscribeOptions> combined() const;

 private:
  friend class Subscription;

  Loop& loop_;
  Cache& cache_;
  std::string name_;
  Limits limits_;
  std::optional<TrackInfo> info_;
  std::optional<Error> error_;
  std::optional<std::uint64_t> end_;
  TrackSource* source_ = nullptr;
  std::map<std::uint64_t, std::shared_ptr<Group>> groups_;
  boost::intrusive::list<Subscription, boost::intrusive::constant_time_size<false>> subscriptions_;
  // The implementer adds what it needs below.
};

}  // namespace moq
