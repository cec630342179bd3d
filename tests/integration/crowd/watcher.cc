#include "crowd/watcher.h"

#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace moq::crowd {

namespace {

double in_milliseconds(Duration duration) {
  return std::round(static_cast<double>(duration.count()) / 1e5) / 10;
}

}  // namespace

/// A group on its way; frames are compared as they become whole.
class Watcher::Follow final : public SubgroupReader {
 public:
  Follow(Watcher& watcher, std::shared_ptr<Group> group)
      : watcher_(watcher), group_(std::move(group)), objects_(group_->only()) {
    objects_.attach(*this);
  }

  /// Looks at what is new.
  void check() {
    const Time now = watcher_.events_.now();
    for (; seen_.size() < objects_.objects().size(); seen_.push_back(now)) {
      const Object& object = objects_.objects()[seen_.size()];
      if (!object.complete()) break;
      if (seen_.size() >= watcher_.frames_.per_group() ||
          !(object.flatten() == watcher_.frames_.at(group_->sequence(), seen_.size()))) {
        watcher_.tally_.wrong_frame();
        watcher_.fault(fmt::format("frame {} of group {} is not what was sent", seen_.size(),
                                   group_->sequence()));
      }
      watcher_.tally_.frame(now);
    }
  }
  [[nodiscard]] bool over() const { return objects_.state() != Subgroup::State::open; }
  [[nodiscard]] bool whole() const {
    return objects_.state() == Subgroup::State::finished &&
           seen_.size() == watcher_.frames_.per_group();
  }
  void tell() const {
    auto frames = nlohmann::ordered_json::array();
    for (const Time at : seen_) frames.push_back(in_milliseconds(at - seen_.front()));
    watcher_.line_.tell(
        "group", {{"group", group_->sequence()},
                  {"whole", whole()},
                  {"relay", watcher_.line_.relay()},
                  {"began", seen_.empty() ? nlohmann::ordered_json()
                                          : nlohmann::ordered_json(in_seconds(seen_.front()))},
                  {"frames", std::move(frames)}});
  }

 private:
  void on_progress() override { watcher_.events_.loop().mark(watcher_); }

  Watcher& watcher_;
  std::shared_ptr<Group> group_;
  Subgroup& objects_;
  /// When each frame was whole.
  std::vector<Time> seen_;
};

Watcher::Watcher(native::EventLoop& events, Timeline& timeline, Frames& frames, std::string name,
                 const native::Url& url, const ProtocolVersion* version, Hears hears)
    : events_(events),
      frames_(frames),
      hears_(std::move(hears)),
      cache_(std::make_shared<CacheBudget>()),
      origin_(events.loop(), 0),
      line_(events, timeline, std::move(name),
            {.url = url, .version = version, .subscribe = &origin_, .cache = &cache_},
            [this](const Error& error) { fault("gave up: " + error.message()); }),
      watch_(origin_.watch(Path(kBroadcast), *this)) {}

Watcher::~Watcher() = default;

void Watcher::on_announcements(const std::vector<Announcement>& changes) {
  for (const Announcement& change : changes) {
    // Its end comes with the track's.
    if (end_) return;
    // By another way, but it is what it was.
    if (broadcast_ != nullptr && change.broadcast == broadcast_) continue;
    if (change.broadcast == nullptr || broadcast_ != nullptr) {
      fault(change.broadcast == nullptr ? "the broadcast went" : "another broadcast came");
      continue;
    }
    broadcast_ = change.broadcast;
    auto track = change.broadcast->track(kTrack);
    if (!track) return fault("no track: " + track.error().message());
    subscription_ =
        (*track)->subscribe({.ordered = true, .max_latency = std::chrono::seconds(30)}, *this);
  }
}

void Watcher::on_group(std::shared_ptr<Group> group) {
  const std::uint64_t sequence = group->sequence();
  if (!tally_.first()) tally_.set_first(subscription_->start().value_or(sequence));
  if (!tally_.begin(sequence)) {
    return fault(fmt::format("group {} came twice, or before the first", sequence));
  }
  open_.emplace(sequence, std::make_unique<Follow>(*this, std::move(group)));
  events_.loop().mark(*this);
}

void Watcher::flush() {
  for (auto at = open_.begin(); at != open_.end();) {
    const auto& [sequence, follow] = *at;
    follow->check();
    if (!follow->over()) {
      ++at;
      continue;
    }
    follow->tell();
    if (follow->whole()) {
      tally_.whole(sequence);
    } else {
      fault(fmt::format("group {} ended before it was whole", sequence));
    }
    at = open_.erase(at);
    hears_.whole(*this);
  }
  if (end_ && tally_.next() >= *end_ && !std::exchange(told_end_, true)) hears_.end(*this);
}

void Watcher::on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) {
  fault(fmt::format("groups {} to {} were dropped with {:#x}", first, last, code));
}

void Watcher::on_end(std::uint64_t end) {
  end_ = end;
  events_.loop().mark(*this);
}

void Watcher::on_abort(const Error& error) {
  // What has ended may go in the same turn, before anybody has looked at its last group.
  if (end_) flush();
  if (!told_end_) fault("the track was given up: " + error.message());
}

}  // namespace moq::crowd
