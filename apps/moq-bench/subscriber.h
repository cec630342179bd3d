#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "moq-bench/ledger.h"
#include "moq-bench/payload.h"
#include "moq-bench/tally.h"
#include "net/model/broadcast.h"
#include "net/model/subscription.h"
#include "net/model/track.h"

namespace moq::bench {

/// What is the same for all subscribers of a thread.
struct SubscriberContext {
  Loop& loop;
  Tally& tally;
  const Pattern& pattern;
  std::uint64_t clock;
  /// What is asked of the relay: a group that is older than the latest by more
  /// is given up.
  Duration max_latency;
  bool ordered = false;  ///< older groups first
};

/// One subscription to one broadcast: checks each frame as it arrives, and keeps
/// the books. Belongs to its loop's thread.
class Subscriber final : private TrackReader, private Flushable {
 public:
  /// Who hears that a group has ended, whole or not; from a flush.
  using GroupOver = std::function<void(std::uint64_t sequence)>;

  /// `slow`: it will not read, and what it misses counts for nothing.
  Subscriber(const SubscriberContext& context, std::string path, bool slow);
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool slow() const { return slow_; }
  void on_group_over(GroupOver told) { group_over_ = std::move(told); }

  /// Subscribes at a broadcast that was announced at its path, from its latest
  /// group on; again where a route was replaced.
  void attach(const std::shared_ptr<Broadcast>& broadcast);
  /// The session is gone.
  void detach();

  /// From now on pauses count, and the latency of what is due from now on: of that until
  /// the end, too, if it comes behind it, or the longest would never be seen.
  void begin_measuring(Time now);
  void end_measuring(Time now);
  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  Ledger& ledger() { return ledger_; }
  /// The longest time without a frame while it was measured, `now` included.
  [[nodiscard]] Duration longest_pause(Time now) const;
  [[nodiscard]] bool begun() const { return ledger_.first().has_value(); }

 private:
  class Follower;

  void on_info(const TrackInfo& /*info*/) override {}
  void on_group(std::shared_ptr<Group> group) override;
  void on_datagram(const Datagram& /*datagram*/) override {}
  void on_drop(std::uint64_t /*first*/, std::uint64_t /*last*/, std::uint64_t /*code*/) override {}
  void on_end(std::uint64_t /*end*/) override {}
  void on_abort(const Error& error) override;
  void flush() override;
  bool frame(const Group& group, const Object& object, std::uint32_t& group_frames);

  SubscriberContext context_;
  std::string path_;
  std::uint64_t source_;
  bool slow_;
  GroupOver group_over_;
  Ledger ledger_;
  std::shared_ptr<Broadcast> broadcast_;
  std::unique_ptr<Subscription> subscription_;
  std::vector<std::unique_ptr<Follower>> open_;
  std::vector<std::unique_ptr<Follower>> spare_;
  std::vector<std::uint64_t> over_;

  bool measuring_ = false;
  Time measure_from_ = kNever;
  Time measure_until_ = kNever;
  Time last_frame_{};
  Duration longest_pause_{};
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace moq::bench
