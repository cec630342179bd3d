#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <boost/intrusive/set.hpp>

#include "net/transport/transport.h"

namespace moq::transport {

class Scheduler;
namespace detail {
struct Flow;
}

/// Something that a Scheduler can hold: a send stream. Leaves its scheduler
/// when destroyed.
class Schedulable {
 public:
  explicit Schedulable(const Priority& priority) : priority_(priority) {}
  Schedulable(const Schedulable&) = delete;
  Schedulable& operator=(const Schedulable&) = delete;

  [[nodiscard]] const Priority& priority() const { return priority_; }
  [[nodiscard]] bool scheduled() const { return scheduler_ != nullptr; }

 protected:
  ~Schedulable();

 private:
  friend class Scheduler;
  friend struct detail::Flow;

  Priority priority_;
  Scheduler* scheduler_ = nullptr;
  detail::Flow* flow_ = nullptr;  ///< the one that holds it
  std::uint64_t added_ = 0;       ///< decides between equal orders
  boost::intrusive::set_member_hook<> hook_;
};

namespace detail {

/// The streams of one flow that are held at one priority.
struct Flow {
  struct ByOrder {
    bool operator()(const Schedulable& a, const Schedulable& b) const;
  };
  using Items = boost::intrusive::set<
      Schedulable,
      boost::intrusive::member_hook<Schedulable, boost::intrusive::set_member_hook<>,
                                    &Schedulable::hook_>,
      boost::intrusive::compare<ByOrder>, boost::intrusive::constant_time_size<false>>;

  Priority priority;  ///< `order` means nothing here
  std::uint64_t turn = 0;
  Items items;
  boost::intrusive::set_member_hook<> by_turn;
  boost::intrusive::set_member_hook<> by_id;
};

}  // namespace detail

/// Which of the ready streams fills the next packet: the lowest band, then the
/// highest subscriber priority, then the highest publisher priority; equal
/// flows take turns; within a flow, the lowest order, and of equal orders the
/// one that was added first.
///
/// Adding and removing cost O(log n) in the streams held, finding the best
/// O(1); none allocates once as many flows as now have been held before.
class Scheduler {
 public:
  Scheduler() = default;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  /// Lets go of the streams that it holds.
  ~Scheduler();

  [[nodiscard]] bool empty() const { return by_turn_.empty(); }
  /// The stream whose turn it is; nullptr when empty.
  [[nodiscard]] Schedulable* best() const;

  /// Adds `item`, whose flow takes its turn behind those of its class that
  /// are already held (or keeps its turn if it is one of them). Does nothing if
  /// `item` is held.
  void add(Schedulable& item);
  /// Does nothing if `item` is not held.
  void remove(Schedulable& item);
  /// `item`'s flow has filled a packet: the flows of its class go before it.
  /// Does nothing if `item` is not held.
  void took_turn(Schedulable& item);
  /// Changes the priority of an item, held or not. A flow keeps its turn when
  /// only the item's order in it changes.
  void set_priority(Schedulable& item, const Priority& priority);

 private:
  using Flow = detail::Flow;
  using Hook = boost::intrusive::set_member_hook<>;
  /// By class, then by turn.
  struct ByTurn {
    bool operator()(const Flow& a, const Flow& b) const;
  };
  /// By class, then by flow.
  struct ById {
    bool operator()(const Flow& a, const Flow& b) const;
    bool operator()(const Flow& a, const Priority& b) const;
    bool operator()(const Priority& a, const Flow& b) const;
  };
  template <Hook Flow::*member, typename Order>
  using Flows = boost::intrusive::set<Flow, boost::intrusive::member_hook<Flow, Hook, member>,
                                      boost::intrusive::compare<Order>,
                                      boost::intrusive::constant_time_size<false>>;

  Flow& flow_of(const Priority& priority);
  void leave_flow(Schedulable& item);

  Flows<&Flow::by_turn, ByTurn> by_turn_;  ///< owns the flows that hold something
  Flows<&Flow::by_id, ById> by_id_;
  std::vector<std::unique_ptr<Flow>> spare_;  ///< empty flows, for the next ones
  std::uint64_t last_turn_ = 0;
  std::uint64_t last_added_ = 0;
};

}  // namespace moq::transport
