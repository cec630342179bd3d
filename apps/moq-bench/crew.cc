#include "moq-bench/crew.h"

#include <algorithm>

namespace moq::bench {

namespace {

/// Subscribers keep nothing but what they are reading.
std::shared_ptr<CacheBudget> nothing() {
  auto budget = std::make_shared<CacheBudget>();
  budget->duration = 0;
  return budget;
}

}  // namespace

Crew::Crew(native::EventLoop& events, const Settings& settings)
    : events_(events),
      published_(std::make_shared<CacheBudget>()),
      received_(nothing()),
      settings_(settings) {}

Crew::~Crew() = default;

void Crew::launch(const std::vector<Plan>& plans, Time start) {
  const MemberContext context{.events = events_,
                              .tally = tally_,
                              .published = published_,
                              .received = received_,
                              .pattern = settings_.pattern,
                              .clock = settings_.clock,
                              .client = settings_.client,
                              .max_latency = settings_.max_latency,
                              .bulk = settings_.bulk,
                              .failed = settings_.failed};
  for (const Plan& plan : plans) {
    members_.push_back(std::make_unique<Member>(context, plan, start));
  }
}

void Crew::begin_measuring(Time now) {
  for (const auto& member : members_) member->begin_measuring(now);
}

void Crew::end_measuring(Time now) {
  for (const auto& member : members_) member->end_measuring(now);
}

Crew::Ends Crew::stop_publishing(Time now) {
  Ends ends;
  for (const auto& member : members_) {
    member->stop_publishing(now);
    for (const auto& publisher : member->publishers()) {
      ends[publisher->path()] = publisher->whole_groups();
    }
  }
  return ends;
}

bool Crew::waits(const Ends& ends) const {
  return std::ranges::any_of(members_, [&](const auto& member) {
    return member->open() &&
           std::ranges::any_of(member->subscribers(), [&](const auto& subscriber) {
             const auto it = ends.find(subscriber->path());
             return !subscriber->slow() && it != ends.end() &&
                    !subscriber->ledger().has_all(it->second);
           });
  });
}

void Crew::settle(const Ends& ends) {
  for (const auto& member : members_) {
    for (const auto& subscriber : member->subscribers()) {
      const auto it = ends.find(subscriber->path());
      if (it != ends.end()) {
        subscriber->ledger().settle(it->second);
      } else {
        subscriber->ledger().settle();
      }
    }
  }
}

void Crew::close() {
  for (const auto& member : members_) member->close();
}

bool Crew::quiet() const {
  return std::ranges::all_of(members_, [](const auto& member) { return member->quiet(); });
}

const Tally& Crew::tally(Time now) {
  for (const auto& member : members_) member->offer(now);
  return tally_;
}

Deliveries Crew::deliveries(Time now) const {
  Deliveries all;
  for (const auto& member : members_) {
    for (const auto& subscriber : member->subscribers()) {
      if (subscriber->slow()) {
        ++all.slow;
        continue;
      }
      Deliveries one;
      one.groups = subscriber->ledger().counts();
      one.readers = 1;
      one.begun = subscriber->begun() ? 1 : 0;
      if (subscriber->begun()) one.pauses = {subscriber->longest_pause(now)};
      all.merge(one);
    }
  }
  return all;
}

}  // namespace moq::bench
