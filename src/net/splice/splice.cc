#include "net/splice/splice.h"

#include <algorithm>
#include <utility>

#include "net/base/log.h"
#include "net/model/error.h"

namespace moq {

namespace {

/// A session keeps nothing but what is being read from it: the readers' tracks do.
std::shared_ptr<CacheBudget> nothing() {
  auto budget = std::make_shared<CacheBudget>();
  budget->duration = 0;
  return budget;
}

}  // namespace

SpliceLeg::SpliceLeg(Splice& splice, std::uint64_t number)
    : splice_(splice),
      number_(number),
      origin_(splice.loop(), splice.out().id()),
      watch_(origin_.watch(Path(), *this)) {}

SpliceLeg::~SpliceLeg() { lose(); }

Cache& SpliceLeg::cache() { return splice_.session_cache(); }

void SpliceLeg::lose() {
  if (std::exchange(lost_, true)) return;
  watch_.reset();
  splice_.lost(*this);
}

void SpliceLeg::set_ready() {
  ready_ = true;
  splice_.check_orphans();
}

bool SpliceLeg::idle() const { return !splice_.reads(*this); }

void SpliceLeg::on_announcements(const std::vector<Announcement>& changes) {
  const auto splice = splice_.weak();
  const std::uint64_t number = number_;
  for (const Announcement& change : changes) {
    if (change.broadcast != nullptr) {
      splice_.offered(*this, change);
    } else {
      splice_.withdrawn(*this, change.path);
    }
    const auto alive = splice.lock();
    if (alive == nullptr || !(*alive)->has(number)) return;
  }
}

Splice::Splice(Loop& loop, Origin& out, Cache& cache, const Limits& limits)
    : loop_(loop),
      out_(out),
      cache_(cache),
      session_cache_(nothing()),
      limits_(limits),
      orphan_timer_(loop, [this] { check_orphans(); }) {}

Splice::~Splice() {
  close();
  self_.reset();
  // What readers do in here finds nothing half gone.
  const auto broadcasts = std::exchange(broadcasts_, {});
  const auto retired = std::exchange(retired_, {});
}

std::unique_ptr<SpliceLeg> Splice::add() {
  std::unique_ptr<SpliceLeg> leg(new SpliceLeg(*this, ++last_number_));
  legs_.insert(leg.get());
  return leg;
}

bool Splice::has(std::uint64_t leg) const {
  return std::ranges::any_of(legs_, [&](const SpliceLeg* each) { return each->number() == leg; });
}

void Splice::close() {
  if (std::exchange(closed_, true)) return;
  orphan_timer_.cancel();
  std::vector<BroadcastPtr> alone;
  for (const auto& [path, broadcast] : broadcasts_) {
    broadcast->give_up();
    if (!broadcast->has_source()) alone.push_back(broadcast);
  }
  for (const BroadcastPtr& broadcast : alone) {
    broadcasts_.erase(broadcast->path());
    retire(broadcast);
  }
}

void Splice::lost(const SpliceLeg& leg) {
  legs_.erase(&leg);
  const auto all = broadcasts_;
  for (const auto& [path, broadcast] : all) broadcast->lose(leg);
  const auto retired = retired_;
  for (const BroadcastPtr& broadcast : retired) broadcast->lose(leg);
  check_orphans();
}

void Splice::offered(const SpliceLeg& leg, const Announcement& change) {
  const SplicedBroadcast::Source source{&leg, change.broadcast, change.hops};
  const auto known = broadcasts_.find(change.path);
  if (known == broadcasts_.end()) return replace(change.path, source);
  const BroadcastPtr broadcast = known->second;
  const auto* before = broadcast->find(leg);
  // A session that replaces what it announced, and does not say that the publisher is the
  // same, means another.
  const bool replaced = before != nullptr && before->broadcast != change.broadcast &&
                        !broadcast->same_publisher(source);
  const bool other_publisher = source.publisher() != 0 && broadcast->publisher() != 0 &&
                               source.publisher() != broadcast->publisher();
  if (!replaced && !other_publisher) {
    if (const auto offered = broadcast->offer(source); !offered) {
      log::debug("\"{}\" is not used: {}", change.path.text(), offered.error().message());
    }
    return;
  }
  // A session that is on its way out has nothing newer to tell than its successor.
  const auto* best = broadcast->best({});
  if (best != nullptr && best->leg->number() > leg.number()) return;
  replace(change.path, source);
}

void Splice::replace(const Path& path, const SplicedBroadcast::Source& source) {
  const auto broadcast = std::make_shared<SplicedBroadcast>(*this, path, source.publisher());
  if (const auto offered = broadcast->offer(source); !offered) {
    log::debug("\"{}\" is not used: {}", path.text(), offered.error().message());
    return;
  }
  // After the new one is there, so that the path is never without.
  if (auto old = std::exchange(broadcasts_[path], broadcast)) {
    old->withdraw(*source.leg);
    retire(std::move(old));
  }
}

void Splice::withdrawn(const SpliceLeg& leg, const Path& path) {
  const auto known = broadcasts_.find(path);
  if (known == broadcasts_.end() || known->second->find(leg) == nullptr) return;
  const BroadcastPtr broadcast = known->second;
  broadcast->withdraw(leg);
  if (broadcast->has_source()) return;
  // From one that stays, it is the publisher's word. One that leaves loses its
  // publishers to where we go, too.
  if (leg.leaving() && !closed_) return check_orphans();
  broadcasts_.erase(known);
  retire(broadcast);
}

void Splice::split(const SplicedBroadcast& broadcast, const SpliceLeg& leg) {
  post([this, path = broadcast.path(), key = &broadcast, number = leg.number()] {
    const auto known = broadcasts_.find(path);
    if (known == broadcasts_.end() || known->second.get() != key) return;
    const auto* source = known->second->best({});
    if (source == nullptr || source->leg->number() != number) return;
    log::info("\"{}\" is published anew", path.text());
    const SplicedBroadcast::Source anew = *source;
    const BroadcastPtr old = known->second;
    old->lose(*anew.leg);
    replace(path, anew);
  });
}

void Splice::retire(BroadcastPtr broadcast) {
  SplicedBroadcast& kept = *retired_.emplace_back(std::move(broadcast));
  kept.retire();
}

void Splice::clean_up() {
  if (retired_.empty() || std::exchange(clean_up_posted_, true)) return;
  post([this] {
    clean_up_posted_ = false;
    std::vector<BroadcastPtr> unused;
    std::erase_if(retired_, [&](const BroadcastPtr& broadcast) {
      if (broadcast->busy()) return false;
      unused.push_back(broadcast);
      return true;
    });
  });
}

void Splice::check_orphans() {
  if (closed_) return;
  // Whether a session is up that would announce what is there.
  const bool up = std::ranges::any_of(
      legs_, [](const SpliceLeg* leg) { return leg->ready() && !leg->leaving(); });
  if (!up) {
    ready_since_ = kNever;
    orphan_timer_.cancel();
    return;
  }
  if (ready_since_ == kNever) ready_since_ = loop_.now();
  Time next = kNever;
  std::vector<BroadcastPtr> missed;
  for (const auto& [path, broadcast] : broadcasts_) {
    if (broadcast->has_source()) continue;
    const Time due = later(std::max(broadcast->orphaned(), ready_since_), limits_.reannounce);
    if (due <= loop_.now()) {
      missed.push_back(broadcast);
    } else {
      next = std::min(next, due);
    }
  }
  orphan_timer_.arm(next);
  for (const BroadcastPtr& broadcast : missed) {
    broadcasts_.erase(broadcast->path());
    retire(broadcast);
  }
}

bool Splice::reads(const SpliceLeg& leg) const {
  return std::ranges::any_of(broadcasts_,
                             [&](const auto& entry) { return entry.second->reads(leg); }) ||
         std::ranges::any_of(retired_, [&](const auto& each) { return each->reads(leg); });
}

template <typename Task>
void Splice::post(Task task) {
  loop_.post([weak = weak(), task] {
    if (!weak.expired()) task();
  });
}

}  // namespace moq
