#include "relay/drain_plan.h"

#include <algorithm>
#include <utility>

namespace moq::relay {

std::string DrainRun::next_uri() {
  return order.uris.empty() ? "" : order.uris[turns++ % order.uris.size()];
}

DrainPlan::DrainPlan(Loop& loop, std::shared_ptr<DrainRun> run, std::uint64_t seed,
                     const std::vector<Guest>& guests, Tell tell)
    : loop_(loop),
      run_(std::move(run)),
      tell_(std::move(tell)),
      timer_(loop, [this] { tell_due(); }) {
  std::vector<Id> viewers;
  for (const Guest& guest : guests) {
    if (guest.publishes) {
      tell_now(guest.id);
    } else {
      viewers.push_back(guest.id);
    }
  }
  // Each has a part of the spread of its own, and a moment in it.
  std::mt19937_64 random(seed);
  std::ranges::shuffle(viewers, random);
  std::uniform_real_distribution<double> moment(0, 1);
  const auto share = static_cast<double>(run_->order.spread.count()) /
                     static_cast<double>(std::max<std::size_t>(viewers.size(), 1));
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    const auto delay =
        static_cast<Duration::rep>((static_cast<double>(i) + moment(random)) * share);
    places_.emplace(viewers[i], due_.emplace(later(loop.now(), Duration(delay)), viewers[i]));
  }
  tell_due();
}

std::optional<Duration> DrainPlan::stay() const {
  if (run_->until == kNever) return {};
  return std::max(run_->until - loop_.now(), Duration(1));
}

void DrainPlan::tell_now(Id id) { tell_(id, run_->next_uri(), stay()); }

void DrainPlan::forget(Id id) {
  const auto place = places_.find(id);
  if (place == places_.end()) return;
  due_.erase(place->second);
  places_.erase(place);
}

void DrainPlan::tell_due() {
  while (!due_.empty() && due_.begin()->first <= loop_.now()) {
    const Id id = due_.begin()->second;
    forget(id);
    tell_now(id);
  }
  timer_.arm(due_.empty() ? kNever : due_.begin()->first);
}

}  // namespace moq::relay
