#include "crowd/roll.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace moq::crowd {

namespace {

constexpr std::size_t kMostFaults = 50;

void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

double unix_now() { return in_seconds(std::chrono::system_clock::now().time_since_epoch()); }

}  // namespace

Roll::Roll(const RollOptions& options)
    : options_(options),
      timeline_(options.timeline),
      frames_(options.frames_per_group, options.frames_per_second, options.small) {
  timeline_.add(events_.now(), "crowd", "begin",
                {{"unix", unix_now()},
                 {"viewers", options_.viewers},
                 {"frames_per_second", options_.frames_per_second},
                 {"frames_per_group", options_.frames_per_group}});
  camera_ = std::make_unique<Camera>(events_, timeline_, frames_, options_.publisher_url,
                                     options_.publisher_version,
                                     [this](const std::string& what) { fault(what); });
  arrive();
}

Roll::~Roll() = default;

int Roll::run() {
  events_.run();
  const bool good = summarize();
  leave();
  return good ? 0 : 1;
}

void Roll::arrive() {
  if (ending_ || watchers_.size() == options_.viewers) return;
  const std::size_t number = watchers_.size();
  const std::size_t versions = options_.viewer_versions.size();
  watchers_.push_back(std::make_unique<Watcher>(
      events_, timeline_, frames_, fmt::format("viewer {}", number),
      options_.viewer_urls[number / versions % options_.viewer_urls.size()],
      options_.viewer_versions[number % versions],
      Watcher::Hears{.whole = [this](Watcher&) { look(); },
                     .end =
                         [this](Watcher&) {
                           if (++ended_ == options_.viewers) events_.stop();
                         },
                     .fault = [this](const std::string& what) { fault(what); }}));
  arrival_.arm(later(events_.now(), kArrival));
}

void Roll::on_signal() {
  if (ending_) return events_.stop();
  end();
}

void Roll::end() {
  if (std::exchange(ending_, true)) return;
  timeline_.add(events_.now(), "crowd", "end", {});
  camera_->end();
  after_end_.arm(later(events_.now(), kAfterEnd + frames_.due(frames_.per_group())));
}

void Roll::look() {
  if (watchers_.size() != options_.viewers) return;
  std::uint64_t next = std::numeric_limits<std::uint64_t>::max();
  for (const auto& watcher : watchers_) {
    if (!watcher->tally().first()) return;
    next = std::min(next, watcher->tally().next());
  }
  if (next == 0 || told_whole_ == next - 1) return;
  if (!told_whole_) {
    timeline_.add(events_.now(), "crowd", "running", {});
    say("running");
    if (options_.length) length_.arm(later(events_.now(), *options_.length));
  }
  told_whole_ = next - 1;
  say(fmt::format("whole {}", next - 1));
}

void Roll::fault(const std::string& what) {
  if (leaving_) return;
  timeline_.add(events_.now(), "crowd", "fault", {{"what", what}});
  if (++faults_ <= kMostFaults) say("fault: " + what);
}

bool Roll::summarize() {
  const std::uint64_t end = camera_->track_end().value_or(camera_->groups());
  Tally::Counts all;
  Duration longest{};
  std::size_t losses = camera_->line().losses();
  for (const auto& watcher : watchers_) {
    const Tally& tally = watcher->tally();
    all += tally.counts(end);
    longest = std::max(longest, tally.longest_pause());
    losses += watcher->line().losses();
    watcher->line().tell("pause", {{"seconds", in_seconds(tally.longest_pause())},
                                   {"began", in_seconds(tally.pause_began())}});
  }
  // Who never came has nothing to lose, and is a fault all the same.
  const bool good = all.good() && faults_ == 0 && watchers_.size() == options_.viewers &&
                    ended_ == options_.viewers;
  const nlohmann::ordered_json summary{{"viewers", watchers_.size()},
                                       {"groups", end},
                                       {"expected", all.expected},
                                       {"received", all.whole},
                                       {"lost", all.lost},
                                       {"incomplete", all.incomplete},
                                       {"duplicated", all.duplicated},
                                       {"out_of_order", all.out_of_order},
                                       {"wrong_frames", all.wrong},
                                       {"faults", faults_},
                                       {"sessions_lost", losses},
                                       {"longest_pause", in_seconds(longest)},
                                       {"good", good}};
  timeline_.add(events_.now(), "crowd", "summary", summary);
  say(summary.dump());
  return good;
}

void Roll::leave() {
  leaving_ = true;
  for (const auto& watcher : watchers_) watcher->line().close();
  camera_->line().close();
  // The CONNECTION_CLOSEs leave with the loop's last turns.
  events_.run_until(
      [this] {
        return camera_->line().gone() &&
               std::all_of(watchers_.begin(), watchers_.end(),
                           [](const auto& watcher) { return watcher->line().gone(); });
      },
      std::chrono::seconds(5));
}

}  // namespace moq::crowd
