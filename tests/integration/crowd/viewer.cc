#include "crowd/viewer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace moq::crowd {

/// A group on its way; frames are compared as they become whole.
class Viewer::Follow final : public SubgroupReader {
 public:
  Follow(Viewer& viewer, std::shared_ptr<Group> group)
      : viewer_(viewer), group_(std::move(group)), objects_(group_->only()) {
    objects_.attach(*this);
  }

  /// Looks at what is new; false after a fault.
  bool check() {
    for (; seen_ < objects_.objects().size(); ++seen_) {
      const Object& object = objects_.objects()[seen_];
      if (!object.complete()) break;
      if (seen_ == kFramesPerGroup || !(object.flatten() == payload(group_->sequence(), seen_))) {
        viewer_.fault(
            fmt::format("frame {} of group {} is not what was sent", seen_, group_->sequence()));
        return false;
      }
    }
    const bool over = objects_.state() != Subgroup::State::open;
    if (over && (seen_ != kFramesPerGroup || objects_.state() == Subgroup::State::aborted)) {
      viewer_.fault(fmt::format("group {} ended after {} frames", group_->sequence(), seen_));
      return false;
    }
    return true;
  }
  [[nodiscard]] bool begun() const { return seen_ > 0; }
  [[nodiscard]] bool whole() const { return objects_.state() == Subgroup::State::finished; }

 private:
  void on_progress() override { viewer_.stage_.events.loop().mark(viewer_); }

  Viewer& viewer_;
  std::shared_ptr<Group> group_;
  Subgroup& objects_;
  std::size_t seen_ = 0;
};

Viewer::Viewer(Stage& stage, native::Dialer& client, std::string name, Hears hears)
    : stage_(stage),
      name_(std::move(name)),
      hears_(std::move(hears)),
      cache_(std::make_shared<CacheBudget>()),
      origin_(stage.events.loop(), 0) {
  dial_ = client.connect(stage.url, [this](auto connection) {
    if (!connection) return fault(connection.error().message());
    begin(*std::move(connection));
  });
}

Viewer::~Viewer() = default;

void Viewer::begin(std::shared_ptr<transport::Session> connection) {
  session_ = *Session::create(stage_.events.loop(), std::move(connection),
                              {.side = Side::client,
                               .subscribe = &origin_,
                               .cache = &cache_,
                               .path = stage_.url.target(),
                               .versions = {stage_.viewer_version},
                               .on_goaway = OnGoaway::stay});
  session_->draining([this](const std::string&) { hears_.goaway(*this); });
  session_->closed([this](const Error& error, bool) {
    if (hears_.closed) return hears_.closed(*this, error);
    fault("the session has ended: " + error.message());
  });
  session_->ready([this] { hears_.ready(*this); });
  if (hears_.watches) watch_ = origin_.watch(Path(kBroadcast), *this);
}

void Viewer::unsubscribe() {
  watch_.reset();
  subscription_.reset();
  open_.clear();
  overtaken_.clear();
}

void Viewer::on_announcements(const std::vector<Announcement>& changes) {
  for (const Announcement& change : changes) {
    if (change.broadcast == nullptr || subscription_ != nullptr || end_) continue;
    auto track = change.broadcast->track(kTrack);
    if (!track) return fault("no track: " + track.error().message());
    newest_then_ = stage_.newest_whole;
    subscription_ = (*track)->subscribe({.max_latency = kPatience}, *this);
  }
}

void Viewer::on_group(std::shared_ptr<Group> group) {
  const std::uint64_t sequence = group->sequence();
  if (!first_) first_ = subscription_->start().value_or(sequence);
  if (*first_ < newest_then_) {
    return fault(fmt::format("began with group {} when {} was there", *first_, newest_then_));
  }
  if (sequence < newest_then_) {
    return fault(fmt::format("got group {} when {} was there", sequence, newest_then_));
  }
  // Those that are over have been counted, without a gap.
  const bool counted = sequence >= *first_ && sequence < *first_ + groups_;
  auto& groups = sequence < *first_ ? overtaken_ : open_;
  if (counted || groups.contains(sequence)) {
    return fault(fmt::format("group {} came twice", sequence));
  }
  groups.emplace(sequence, std::make_unique<Follow>(*this, std::move(group)));
  stage_.events.loop().mark(*this);
}

void Viewer::check() {
  for (const auto* groups : {&overtaken_, &open_}) {
    for (const auto& [sequence, follow] : *groups) {
      if (!follow->check()) return;
    }
  }
  if (!told_begun_ && first_ && !open_.empty() && open_.begin()->first == *first_ &&
      open_.begin()->second->begun()) {
    told_begun_ = true;
    hears_.begun(*this);
  }
  while (first_ && !open_.empty() && open_.begin()->first == *first_ + groups_ &&
         open_.begin()->second->whole()) {
    open_.erase(open_.begin());
    stage_.newest_whole = std::max(stage_.newest_whole, *first_ + groups_);
    ++groups_;
    hears_.whole(*this);
  }
  if (end_ && first_ && *first_ + groups_ == *end_ && !std::exchange(told_end_, true)) {
    hears_.end(*this);
  }
}

void Viewer::on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) {
  fault(fmt::format("groups {} to {} were dropped with {:#x}", first, last, code));
}

void Viewer::on_end(std::uint64_t end) {
  end_ = end;
  stage_.events.loop().mark(*this);
}

void Viewer::on_abort(const Error& error) {
  // What has ended may go in the same turn, before anybody has looked at its last group.
  if (end_) check();
  // The session's own end is told as such.
  if (!told_end_ && session_->open()) fault("the track was given up: " + error.message());
}

}  // namespace moq::crowd
