#include "net/transport/scheduler.h"

#include <compare>
#include <tuple>

namespace moq::transport {

namespace {

/// Which class goes first: the lower band, the higher priorities.
std::strong_ordering compare_class(const Priority& a, const Priority& b) {
  return std::tuple(a.band, b.subscriber, b.publisher) <=>
         std::tuple(b.band, a.subscriber, a.publisher);
}

bool id_before(const Priority& a, const Priority& b) {
  const auto order = compare_class(a, b);
  return order != 0 ? order < 0 : a.flow < b.flow;
}

bool same_flow(const Priority& a, const Priority& b) {
  return compare_class(a, b) == 0 && a.flow == b.flow;
}

}  // namespace

bool detail::Flow::ByOrder::operator()(const Schedulable& a, const Schedulable& b) const {
  return std::tuple(a.priority_.order, a.added_) < std::tuple(b.priority_.order, b.added_);
}

bool Scheduler::ByTurn::operator()(const Flow& a, const Flow& b) const {
  const auto order = compare_class(a.priority, b.priority);
  return order != 0 ? order < 0 : a.turn < b.turn;
}

bool Scheduler::ById::operator()(const Flow& a, const Flow& b) const {
  return id_before(a.priority, b.priority);
}
bool Scheduler::ById::operator()(const Flow& a, const Priority& b) const {
  return id_before(a.priority, b);
}
bool Scheduler::ById::operator()(const Priority& a, const Flow& b) const {
  return id_before(a, b.priority);
}

Schedulable::~Schedulable() {
  if (scheduler_ != nullptr) scheduler_->remove(*this);
}

Scheduler::~Scheduler() {
  while (Schedulable* item = best()) remove(*item);
}

Schedulable* Scheduler::best() const {
  // The sets are not const-correct in their elements, which are not ours.
  return by_turn_.empty() ? nullptr : const_cast<Schedulable*>(&*by_turn_.begin()->items.begin());
}

Scheduler::Flow& Scheduler::flow_of(const Priority& priority) {
  if (const auto it = by_id_.find(priority, ById()); it != by_id_.end()) return *it;
  if (spare_.empty()) spare_.push_back(std::make_unique<Flow>());
  Flow* flow = spare_.back().release();
  spare_.pop_back();
  flow->priority = priority;
  flow->turn = ++last_turn_;
  by_turn_.insert(*flow);
  by_id_.insert(*flow);
  return *flow;
}

void Scheduler::leave_flow(Schedulable& item) {
  Flow& flow = *item.flow_;
  flow.items.erase(flow.items.iterator_to(item));
  item.flow_ = nullptr;
  if (!flow.items.empty()) return;
  by_turn_.erase(by_turn_.iterator_to(flow));
  by_id_.erase(by_id_.iterator_to(flow));
  spare_.emplace_back(&flow);
}

void Scheduler::add(Schedulable& item) {
  if (item.scheduler_ != nullptr) return;
  item.scheduler_ = this;
  item.added_ = ++last_added_;
  item.flow_ = &flow_of(item.priority_);
  item.flow_->items.insert(item);
}

void Scheduler::remove(Schedulable& item) {
  if (item.scheduler_ != this) return;
  leave_flow(item);
  item.scheduler_ = nullptr;
}

void Scheduler::took_turn(Schedulable& item) {
  if (item.scheduler_ != this) return;
  Flow& flow = *item.flow_;
  by_turn_.erase(by_turn_.iterator_to(flow));
  flow.turn = ++last_turn_;
  by_turn_.insert(flow);
}

void Scheduler::set_priority(Schedulable& item, const Priority& priority) {
  if (item.priority_ == priority) return;
  if (item.scheduler_ != this) {
    // Held elsewhere: only its own scheduler may move it.
    if (item.scheduler_ == nullptr) item.priority_ = priority;
    return;
  }
  if (same_flow(item.priority_, priority)) {
    Flow& flow = *item.flow_;
    flow.items.erase(flow.items.iterator_to(item));
    item.priority_ = priority;
    flow.items.insert(item);
    return;
  }
  leave_flow(item);
  item.priority_ = priority;
  item.flow_ = &flow_of(priority);
  item.flow_->items.insert(item);
}

}  // namespace moq::transport
