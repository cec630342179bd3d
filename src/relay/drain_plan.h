#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "net/base/loop.h"
#include "relay/drain_order.h"

namespace moq::relay {

/// One drain of a relay, common to its workers.
struct DrainRun {
  DrainRun(unsigned which, DrainOrder what, Time start)
      : number(which),
        order(std::move(what)),
        begun(start),
        until(order.timeout ? later(start, *order.timeout) : kNever) {}

  /// Tells it from the drains before.
  const unsigned number;
  const DrainOrder order;
  const Time begun;
  /// When what is left is closed; kNever: not at all.
  const Time until;
  /// URIs that have been given out.
  std::atomic<std::size_t> turns = 0;

  /// The next session's URI: may be empty. Any thread.
  std::string next_uri();
};

/// Which session is told when to leave, where to, and how long it may stay: those that
/// publish at once, so that they are at the next relay before their viewers; the others
/// evenly and at random over the spread. Belongs to one worker's loop.
class DrainPlan {
 public:
  /// Names a session; whoever asks for the plan knows which.
  using Id = std::uint64_t;
  /// Tells a session. `stay`: what is left of the drain, above zero; none: until it
  /// leaves. May call `forget`, and nothing else of the plan.
  using Tell =
      std::function<void(Id id, const std::string& uri, const std::optional<Duration>& stay)>;

  struct Guest {
    Id id = 0;
    bool publishes = false;
  };

  /// Plans for those that are there, and tells who is due: all of them before this
  /// returns, if the spread is zero. `seed`: of the times that are drawn.
  DrainPlan(Loop& loop, std::shared_ptr<DrainRun> run, std::uint64_t seed,
            const std::vector<Guest>& guests, Tell tell);
  DrainPlan(const DrainPlan&) = delete;
  DrainPlan& operator=(const DrainPlan&) = delete;

  [[nodiscard]] DrainRun& run() const { return *run_; }
  /// What is left for sessions to stay: see Tell.
  [[nodiscard]] std::optional<Duration> stay() const;
  /// Tells one that came later, at once.
  void tell_now(Id id);
  /// It has left.
  void forget(Id id);
  /// Sessions whose turn has not come.
  [[nodiscard]] std::size_t waiting() const { return due_.size(); }

 private:
  void tell_due();

  Loop& loop_;
  std::shared_ptr<DrainRun> run_;
  Tell tell_;
  std::multimap<Time, Id> due_;
  std::map<Id, std::multimap<Time, Id>::iterator> places_;
  Timer timer_;
};

}  // namespace moq::relay
