#include "moq-interop-client/lasting.h"

#include <random>
#include <utility>

#include "net/model/flat_group.h"

namespace moq::interop {

namespace {

/// A hop id that no other endpoint has: it names this publisher.
HopId random_hop() {
  std::random_device device;
  return std::uniform_int_distribution<HopId>(1, (HopId{1} << 53) - 1)(device);
}

}  // namespace

Lasting::Lasting(Stage& stage, std::string role, bool reconnect)
    : stage_(stage),
      cache_(std::make_shared<CacheBudget>()),
      origin_(stage.events().loop(), random_hop()),
      role_(std::move(role)),
      reconnect_(reconnect) {}

void Lasting::connect(Origin* publish, Origin* subscribe) {
  client_.emplace(stage_.events().loop(), stage_.dialer(), stage_.options().url,
                  native::ClientOptions{.publish = publish,
                                        .subscribe = subscribe,
                                        .cache = &cache_,
                                        .versions = stage_.options().versions,
                                        // A session of a case is a short one, and no failure.
                                        .backoff = {.initial = native::Backoff::kLeastInitial},
                                        .goaway = {.redirect = native::Redirect::follow},
                                        .reconnect = reconnect_,
                                        .random = {}},
                  static_cast<native::ClientHandler&>(*this));
}

void Lasting::on_connected(Session& session) {
  ++sessions_;
  stage_.set_version(session.version());
}

// --- Publisher

Publisher::Publisher(Stage& stage, const std::string& path, bool reconnect)
    : Lasting(stage, "publisher", reconnect),
      broadcast_(std::make_shared<Broadcast>(stage.events().loop(), cache_)) {
  track_ = *broadcast_->create(std::string(kTrack));
  track_->accept(TrackInfo{});
  publication_ = *origin_.publish(Path(path), broadcast_, Route{});
  connect(&origin_, nullptr);
}

void Publisher::add(std::uint64_t group, const std::string& payload) {
  std::shared_ptr<Group>& slot = groups_[group];
  if (slot == nullptr) slot = *track_->create_group(group);
  Subgroup& objects = slot->only();
  // Within every limit of a group.
  (void)objects.append({.id = objects.objects().size()}, Bytes::copy_of(payload));
}

void Publisher::end(std::uint64_t group) {
  Group& whole = *groups_.at(group);
  whole.only().finish();
  whole.finish();
}

void Publisher::finish() { track_->finish(groups_.empty() ? 0 : groups_.rbegin()->first + 1); }

// --- Viewer

Viewer::Viewer(Stage& stage, const std::string& path, bool reconnect)
    : Lasting(stage, "subscriber", reconnect), path_(path) {
  watch_ = origin_.watch(path_, *this);
  connect(nullptr, &origin_);
}

void Viewer::on_announcements(const std::vector<Announcement>& changes) {
  for (const Announcement& change : changes) {
    if (change.path != path_ || change.broadcast == nullptr || subscription_ != nullptr) continue;
    const auto track = change.broadcast->track(std::string(kTrack));
    if (!track) continue;
    subscription_ = (*track)->subscribe({.max_latency = std::chrono::minutes(1)}, *this);
  }
}

void Viewer::on_group(std::shared_ptr<Group> group) {
  const std::uint64_t number = group->sequence();
  groups_[number] = flatten(stage_.events().loop(), group);
}

std::vector<std::string> Viewer::objects(std::uint64_t group) const {
  std::vector<std::string> out;
  const auto found = groups_.find(group);
  if (found == groups_.end()) return out;
  for (const Object& object : found->second->only().objects()) {
    if (object.complete()) out.emplace_back(object.flatten().text());
  }
  return out;
}

bool Viewer::complete(std::uint64_t group) const {
  const auto found = groups_.find(group);
  return found != groups_.end() && found->second->complete();
}

}  // namespace moq::interop
