#pragma once

#include <cstdint>
#include <list>
#include <map>

#include "net/transport/transport.h"

namespace moq::transport {

class Scheduler;

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
  Priority priority_;
  Scheduler* scheduler_ = nullptr;
};

/// Which of the ready streams fills the next packet: the lowest band, then the
/// highest subscriber priority, then the highest publisher priority; equal
/// flows take turns; within a flow, the lowest order.
///
/// Adding, removing and finding the best cost O(log n) in the streams held.
class Scheduler {
 public:
  Scheduler() = default;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler();

  [[nodiscard]] bool empty() const { return classes_.empty(); }
  /// The stream whose turn it is; nullptr when empty.
  [[nodiscard]] Schedulable* best() const;

  /// Adds `item`, whose flow takes its turn behind those of its class that
  /// are already held. Does nothing if it is held.
  void add(Schedulable& item);
  /// Does nothing if `item` is not held.
  void remove(Schedulable& item);
  /// `item`'s flow has filled a packet: the flows of its class go before it.
  void took_turn(Schedulable& item);
  /// Changes the priority of an item, held or not.
  void set_priority(Schedulable& item, const Priority& priority);

 private:
  struct Class {
    Priority::Band band;
    std::uint8_t subscriber;
    std::uint8_t publisher;
    friend bool operator<(const Class& a, const Class& b);
  };
  struct Flow {
    std::uint64_t id;
    std::multimap<std::uint64_t, Schedulable*> by_order;
  };
  struct Turns {
    std::list<Flow> ring;  ///< front: whose turn it is
    std::map<std::uint64_t, std::list<Flow>::iterator> by_id;
  };
  static Class class_of(const Priority& priority);

  std::map<Class, Turns> classes_;
};

}  // namespace moq::transport
