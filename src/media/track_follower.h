#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "net/base/loop.h"
#include "net/model/track.h"

namespace moq::media {

/// Subscribes to a track and delivers its objects in the order of groups and,
/// in a group, of objects. A group that is late or stalls is waited for until
/// the next newer one has been there for the maximal latency.
///
/// Whatever it waits for is bounded by Limits: beyond them it does not wait.
class TrackFollower final : private TrackReader, private Flushable {
 public:
  struct Limits {
    std::size_t max_groups = 1024;          ///< waiting behind the current one
    std::uint64_t max_bytes = 64ULL << 20;  ///< in them
  };

  /// What it tells; calls come from the loop, and may destroy the follower.
  class Sink {
   public:
    /// A whole object. `first`: of its group; `gap`: objects before it are missing.
    virtual void on_object(std::uint64_t group, bool first, bool gap, const Object& object) = 0;
    /// Nothing more will come; the error if the track was given up. Once, the last.
    virtual void on_end(const std::optional<Error>& error) = 0;

   protected:
    ~Sink() = default;
  };

  struct Stats {
    std::uint64_t groups = 0;
    std::uint64_t lost_groups = 0;  ///< missing, cut short or given up
  };

  TrackFollower(const std::shared_ptr<Track>& track, const SubscribeOptions& options, Sink& sink,
                const Limits& limits);
  ~TrackFollower();

  /// Stops delivery until `resume`; what is beyond the latency is then lost.
  void pause() { paused_ = true; }
  void resume();

  [[nodiscard]] const Stats& stats() const { return stats_; }
  [[nodiscard]] const std::optional<TrackInfo>& info() const { return info_; }

 private:
  class Follow;

  void on_info(const TrackInfo& info) override { info_ = info; }
  void on_group(std::shared_ptr<Group> group) override;
  void on_datagram(const Datagram&) override {}
  void on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) override;
  void on_end(std::uint64_t end) override;
  void on_abort(const Error& error) override;
  void flush() override;

  /// Delivers what can be of the oldest group; whether it is over.
  bool deliver(Follow& follow, const std::weak_ptr<bool>& alive);
  void advance(std::uint64_t next);
  [[nodiscard]] bool over_limits() const;
  /// When the wait for what is missing ends; kNever if for nothing.
  [[nodiscard]] Time deadline() const;

  Loop& loop_;
  Sink& sink_;
  Limits limits_;
  Duration max_latency_;
  std::optional<TrackInfo> info_;
  Stats stats_;
  /// Groups that are not over, oldest first; below `next_` there are none.
  std::map<std::uint64_t, std::unique_ptr<Follow>> groups_;
  /// Groups that will not come: first to last.
  std::map<std::uint64_t, std::uint64_t> dropped_;
  std::optional<std::uint64_t> next_;
  std::optional<std::uint64_t> end_;
  Time ended_at_ = kNever;
  std::optional<Error> error_;
  bool gap_ = false;
  bool paused_ = false;
  bool over_ = false;
  Timer timer_;
  /// Expires with this object, for calls that may destroy it.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<Subscription> subscription_;
};

}  // namespace moq::media
