#include "relay/group_fetch.h"

#include <numeric>
#include <utility>
#include <vector>

#include "net/model/error.h"
#include "net/model/flat_group.h"

namespace moq::relay {

namespace {

// Bytes from which on a part is large enough: a slow client has to take a part within its
// time, not all.
constexpr std::size_t kPart = 256 * 1024;

class GroupBody final : public HttpBody, private SubgroupReader, private GroupReader {
 public:
  GroupBody(Loop& loop, std::shared_ptr<Group> group, std::shared_ptr<GroupFetch> fetch,
            Time deadline)
      : group_(std::move(group)), fetch_(std::move(fetch)), deadline_(loop, [this] { expire(); }) {
    deadline_.arm(deadline);
    GroupReader& as_group_reader = *this;
    group_->attach(as_group_reader);
    look_for_objects();
  }

  Part take() override {
    Part part;
    if (expired_) return {.chunks = {}, .state = State::broken};
    if (objects_ == nullptr) {
      part.state = group_->closed() ? end_of_group() : State::more;
      return part;
    }
    std::size_t size = 0;
    const auto& objects = objects_->objects();
    while (index_ < objects.size() && size < kPart) {
      const Object& object = objects[index_];
      size += take_of(object, kPart - size, part.chunks);
      if (!object.complete() || taken_ < object.size) break;
      ++index_;
      taken_ = 0;
    }
    const bool at_end = index_ == objects.size() && objects_->state() != Subgroup::State::open;
    const bool cut_off = objects_->state() == Subgroup::State::aborted && size == 0;
    if (at_end || cut_off) part.state = end_of_group();
    return part;
  }

  void wait(std::function<void()> ready) override { ready_ = std::move(ready); }

  [[nodiscard]] std::optional<std::uint64_t> size() const override {
    if (!group_->complete()) return {};
    if (objects_ == nullptr) return 0;
    const auto& objects = objects_->objects();
    return std::accumulate(objects.begin(), objects.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const Object& each) { return sum + each.size; });
  }

 private:
  [[nodiscard]] State end_of_group() const {
    const bool whole =
        objects_ == nullptr ? group_->complete() : objects_->state() == Subgroup::State::finished;
    return whole ? State::end : State::broken;
  }

  /// Adds what there is of `object` beyond `taken_`, chunk by chunk until there are `enough`
  /// bytes, and returns how many.
  std::size_t take_of(const Object& object, std::size_t enough, std::vector<Bytes>& chunks) {
    std::size_t size = 0;
    std::uint64_t skip = taken_;
    for (const Bytes& chunk : object.payload) {
      if (size >= enough) break;
      if (skip >= chunk.size()) {
        skip -= chunk.size();
        continue;
      }
      chunks.push_back(chunk.slice(std::exchange(skip, 0)));
      size += chunks.back().size();
    }
    taken_ += size;
    return size;
  }

  void look_for_objects() {
    if (objects_ != nullptr) return;
    objects_ = group_->find(0);
    SubgroupReader& as_subgroup_reader = *this;
    if (objects_ != nullptr) objects_->attach(as_subgroup_reader);
  }

  void on_progress() override { wake(); }
  void on_subgroups() override {
    look_for_objects();
    wake();
  }
  void expire() {
    // What is there may take as long as its client does.
    if (group_->complete()) return;
    expired_ = true;
    wake();
  }
  void wake() {
    if (const auto ready = std::exchange(ready_, nullptr)) ready();
  }

  std::shared_ptr<Group> group_;
  std::shared_ptr<GroupFetch> fetch_;
  Timer deadline_;
  Subgroup* objects_ = nullptr;
  std::size_t index_ = 0;    ///< the object at hand
  std::uint64_t taken_ = 0;  ///< bytes of it that were taken
  bool expired_ = false;
  std::function<void()> ready_;
};

}  // namespace

GroupFetch::GroupFetch(Origin& origin, GroupWanted wanted, Done done)
    : loop_(origin.loop()), wanted_(std::move(wanted)), done_(std::move(done)) {
  loop_.post([this, &origin, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) look(origin);
  });
}

GroupFetch::~GroupFetch() = default;

void GroupFetch::look(Origin& origin) {
  if (const auto broadcast = origin.find(wanted_.broadcast)) return open(*broadcast);
  watch_ = origin.watch(wanted_.broadcast, *this);
}

void GroupFetch::on_announcements(const std::vector<Announcement>& changes) {
  for (const Announcement& change : changes) {
    if (change.path != wanted_.broadcast || change.broadcast == nullptr) continue;
    const auto broadcast = change.broadcast;
    watch_.reset();
    return open(*broadcast);
  }
}

void GroupFetch::open(Broadcast& broadcast) {
  auto track = broadcast.track(wanted_.track);
  if (!track) return finish(fail(std::move(track).error()));
  track_ = *std::move(track);
  if (!wanted_.group) {
    subscription_ = track_->subscribe({}, *this);
    return;
  }
  track_->fetch(*wanted_.group,
                [this, alive = std::weak_ptr(alive_)](Result<std::shared_ptr<Group>> result) {
                  if (!alive.expired()) finish(std::move(result));
                });
}

void GroupFetch::on_group(std::shared_ptr<Group> group) { finish(std::move(group)); }

void GroupFetch::on_end(std::uint64_t /*end*/) {
  finish(fail(ModelError::not_found, "the track has ended without a group"));
}

void GroupFetch::on_abort(const Error& error) { finish(fail(error)); }

void GroupFetch::finish(Result<std::shared_ptr<Group>> result) {
  const Done done = std::exchange(done_, nullptr);
  if (!done) return;
  if (result && track_->info() && track_->info()->has_subgroups) {
    result = flatten(loop_, *result);
  }
  done(std::move(result));
}

std::unique_ptr<HttpBody> make_group_body(Loop& loop, std::shared_ptr<Group> group,
                                          std::shared_ptr<GroupFetch> fetch, Time deadline) {
  return std::make_unique<GroupBody>(loop, std::move(group), std::move(fetch), deadline);
}

}  // namespace moq::relay
