#include "net/ietf/fetch_publisher.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "net/ietf/mapping.h"
#include "net/ietf/properties.h"
#include "net/ietf/session.h"
#include "net/ietf/stream.h"
#include "net/ietf/track_publisher.h"
#include "net/model/error.h"

namespace moq::ietf {

namespace {

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
/// What may wait in a stream before more objects are added, in bytes.
constexpr std::uint64_t kEnough = 256U << 10;
/// Groups in a row that are looked for upstream in vain, before those between there and
/// the next that is cached are taken not to be.
constexpr std::size_t kMaxMisses = 16;
/// How long nothing may come of what is waited for: of a group that others have told of, its
/// publisher need not have it, or not give it.
constexpr Duration kPatience = std::chrono::seconds(10);

}  // namespace

class FetchPublisher::Watch final {
 public:
  Watch(FetchPublisher& owner, std::shared_ptr<Group> group)
      : subgroups_(owner), group_(std::move(group)) {
    group_->attach(subgroups_);
    follow();
  }
  [[nodiscard]] const std::shared_ptr<Group>& group() const { return group_; }
  /// Hears of subgroups that are new, too.
  void follow() {
    const auto& all = group_->subgroups();
    while (objects_.size() < all.size()) {
      objects_.push_back(std::make_unique<Objects>(subgroups_.owner));
      all[objects_.size() - 1]->attach(*objects_.back());
    }
  }

 private:
  struct Subgroups final : GroupReader {
    explicit Subgroups(FetchPublisher& o) : owner(o) {}
    void on_subgroups() override { owner.post_step(); }
    FetchPublisher& owner;
  };
  struct Objects final : moq::SubgroupReader {
    explicit Objects(FetchPublisher& o) : owner(o) {}
    void on_progress() override { owner.post_step(); }
    FetchPublisher& owner;
  };

  Subgroups subgroups_;
  std::shared_ptr<Group> group_;
  std::vector<std::unique_ptr<Objects>> objects_;
};

FetchPublisher::FetchPublisher(Session& session, Arrival arrival, Fetch message)
    : Request(session, MessageKind::fetch, std::move(arrival)),
      message_(std::move(message)),
      writer_(session.version(), message_.group_order == GroupOrder::descending
                                     ? GroupOrder::descending
                                     : GroupOrder::ascending),
      descending_(message_.group_order == GroupOrder::descending),
      budget_(message_.fill_timeout),
      patience_(session.loop(), [this] { lose_patience(); }) {
  session.count_fetches(1);
}

FetchPublisher::~FetchPublisher() {
  session().count_fetches(-1);
  if (stream_ != nullptr) stream_->set_handler(nullptr);
}

// --- The range

void FetchPublisher::begin() {
  if (session().fetches() > session().limits().max_fetches) {
    session().refused(SessionLimit::fetches);
    return refuse(RequestErrorCode::excessive_load, "too many fetches");
  }
  const FetchRange& range = message_.range;
  if (range.type != FetchType::standalone) return join();
  auto track = session().find_track(range.track);
  if (!track) return refuse(request_error_of(track.error()), track.error().detail());
  serve(*std::move(track), range.start, range.end);
}

void FetchPublisher::join() {
  TrackPublisher* joined = session().subscription(message_.range.joining_request_id);
  if (joined == nullptr) {
    return refuse(RequestErrorCode::invalid_joining_request_id, "there is no such subscription");
  }
  if (session().traits().joins_largest_only &&
      joined->filter_type() != FilterType::largest_object) {
    return session().fail(Error(SessionError::protocol_violation,
                                "a fetch joins a subscription to another than the largest object"));
  }
  joined->when_answered([this, alive = std::weak_ptr(alive_)](TrackPublisher& subscription) {
    if (alive.expired() || over()) return;
    const auto& largest = subscription.largest();
    if (!subscription.forwards() || !largest) {
      return refuse(RequestErrorCode::invalid_range,
                    largest ? "the subscription does not forward" : "there is no object yet");
    }
    const FetchRange& range = message_.range;
    const std::uint64_t back = std::min(range.joining_start, largest->group);
    const std::uint64_t first =
        range.type == FetchType::relative_joining ? largest->group - back : range.joining_start;
    serve(subscription.shared_track(), {.group = first},
          {.group = largest->group, .object = largest->object + 1});
  });
  if (track_ == nullptr && !over() && budget_) wait();
}

void FetchPublisher::serve(std::shared_ptr<Track> track, Location start, Location end) {
  track_ = std::move(track);
  start_ = start;
  end_ = {.group = end.group, .object = end.object == 0 ? kAll : end.object - 1};
  if (end_ < start_)
    return refuse(RequestErrorCode::invalid_range, "the range ends before it starts");
  track_->when_info([this, alive = std::weak_ptr(alive_)](const Result<TrackInfo>& info) {
    if (!alive.expired() && !over()) on_info(info);
  });
  if (!track_->info() && budget_) wait();
}

void FetchPublisher::on_info(const Result<TrackInfo>& info) {
  if (!info) return refuse(request_error_of(info.error()), info.error().detail());
  if (const auto largest = track_->largest()) {
    if (*largest < start_) {
      return refuse(RequestErrorCode::invalid_range, "the range starts behind the largest object");
    }
    end_ = std::min(end_, *largest);
  } else if (track_->end() == 0) {
    return refuse(RequestErrorCode::invalid_range, "the track has no objects");
  }
  ends_track_ = track_->end() && end_.group + 1 >= *track_->end();
  group_id_ = descending_ ? end_.group : start_.group;
  next_object_ = group_id_ == start_.group ? start_.object : 0;
  open_stream();
  if (!session().traits().empty_fetch_is_error) answer();
  step();
}

void FetchPublisher::answer() {
  if (std::exchange(answered_, true)) return;
  FetchOk ok{.request_id = id(),
             .end_of_track = ends_track_,
             .end = {.group = end_.group, .object = end_.object == kAll ? 0 : end_.object + 1}};
  if (const auto set = set_info(session().traits(), *track_->info(), ok); !set) {
    log::debug("{}: properties of a track: {}", session().name(), set.error().message());
  }
  // As it comes, whatever the track's is.
  ok.group_order = descending_ ? GroupOrder::descending : GroupOrder::ascending;
  send(ok);
}

void FetchPublisher::open_stream() {
  ++session().traffic()->fetches;
  auto source = std::make_unique<FetchSender>([this] { post_step(); });
  sender_ = source.get();
  if (auto header = encode(session().version(), FetchHeader{.request_id = id()})) {
    source->add(*std::move(header));
  }
  stream_ = session().transport().open_uni(priority(), std::move(source), this);
  sender_->set_stream(stream_.get());
}

transport::Priority FetchPublisher::priority() const {
  return {
      .band = transport::Priority::Band::media,
      .subscriber = to_priority(message_.subscriber_priority),
      .publisher = track_->info()->priority,
      .flow = id(),
      .order = start_.group,
  };
}

// --- The objects

void FetchPublisher::post_step() {
  if (std::exchange(posted_, true)) return;
  session().loop().post([this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    posted_ = false;
    step();
  });
}

std::uint64_t FetchPublisher::last_object() const {
  return group_id_ == end_.group ? end_.object : kAll;
}

void FetchPublisher::wait() {
  const Time now = session().loop().now();
  waits_since_ = now;
  patience_.arm(later(now, budget_ ? std::min(*budget_, kPatience) : kPatience));
}

void FetchPublisher::end_wait() {
  patience_.cancel();
  if (!waits_since_) return;
  const Duration waited = session().loop().now() - *std::exchange(waits_since_, std::nullopt);
  if (budget_) *budget_ -= std::min(*budget_, waited);
}

void FetchPublisher::lose_patience() {
  if (over() || ended_) return;
  if (sender_ == nullptr)
    return refuse(RequestErrorCode::timeout, "the track is not known in time");
  end_wait();
  if (std::exchange(asking_, false)) {
    if (!add_unknown({.group = group_id_, .object = last_object()})) return;
    if (!next_group()) return ended();
  }
  const std::weak_ptr<int> alive = alive_;
  gave_up_ = true;
  step();
  if (!alive.expired()) gave_up_ = false;
}

void FetchPublisher::step() {
  // Behind what there is.
  if (torn_ && !over() && sender_->unsent() == 0) {
    sender_->abort(wire_code(session().version(), StreamError::unknown_object_status));
  }
  if (asking_) return;
  end_wait();
  while (!over() && !ended_ && sender_->unsent() < kEnough) {
    if (watch_ == nullptr) {
      if (!late()) return ask();
      if (const auto group = track_->cached(group_id_)) {
        watch_ = std::make_unique<Watch>(*this, group);
      } else {
        if (!skip_missing()) return ended();
        continue;
      }
    }
    watch_->follow();
    if (!add_objects()) return;
    watch_.reset();
    if (!next_group()) return ended();
  }
}

void FetchPublisher::ask() {
  asking_ = true;
  wait();
  // Answers come on another turn.
  track_->fetch(group_id_, [this, alive = std::weak_ptr(alive_),
                            turn = ++asked_](const Result<std::shared_ptr<Group>>& group) {
    if (alive.expired() || over() || !asking_ || turn != asked_) return;
    asking_ = false;
    if (group) {
      misses_ = 0;
      watch_ = std::make_unique<Watch>(*this, *group);
    } else {
      ++misses_;
      const bool unknown = !group.error().is(ModelError::not_found);
      if (unknown && !add_unknown({.group = group_id_, .object = last_object()})) return;
      if (!next_group()) return ended();
    }
    step();
  });
}

bool FetchPublisher::add_objects() {
  const std::shared_ptr<Group> group = watch_->group();
  const std::uint64_t last = last_object();
  const bool waits = !gave_up_ && !late();
  const auto wait_for_more = [this] {
    wait();
    return false;
  };
  while (next_object_ <= last && sender_->unsent() < kEnough) {
    // Of all subgroups, the lowest id that is not there yet.
    const Subgroup* from = nullptr;
    const Object* next = nullptr;
    std::uint64_t settled = kAll;  // below it, nothing more will come
    for (const auto& subgroup : group->subgroups()) {
      const auto& objects = subgroup->objects();
      const auto at = std::ranges::lower_bound(objects, next_object_, {}, &Object::id);
      if (at != objects.end() && (next == nullptr || at->id < next->id)) {
        from = subgroup.get();
        next = &*at;
      }
      if (subgroup->state() != Subgroup::State::open) continue;
      settled = std::min(settled, objects.empty() ? 0 : objects.back().id);
    }
    if (next == nullptr || next->id > last) {
      // A group that is known before it has objects may still get those.
      const auto largest = group->largest();
      const bool passed = settled > last && largest && largest->object >= last;
      if (passed || group->complete()) return true;
      if (!group->closed() && waits) return wait_for_more();
      // Also of what was given up there may have been more.
      return add_unknown({.group = group_id_, .object = last});
    }
    if (settled < next->id && next_object_ < next->id && !group->closed()) {
      if (waits) return wait_for_more();
      if (!add_unknown({.group = group_id_, .object = next->id - 1})) return false;
    }
    if (next->complete()) {
      if (!add_object(*from, *next)) return false;
    } else {
      if (from->state() == Subgroup::State::open && waits) return wait_for_more();
      if (!add_unknown({.group = group_id_, .object = next->id})) return false;
    }
    if (next->id == kAll) return true;
    next_object_ = next->id + 1;
  }
  return next_object_ > last;
}

bool FetchPublisher::add_object(const Subgroup& subgroup, const Object& object) {
  const VersionInfo& version = session().traits();
  FetchObject header{
      .location = {.group = group_id_, .object = object.id},
      .subgroup = subgroup.id(),
      .priority = to_priority(subgroup.info().priority.value_or(track_->info()->priority)),
      .size = object.size,
      .status = static_cast<Status>(object.status)};
  if (may_have_properties(version.objects, header.status)) {
    header.properties = properties_for(version, object, watch_->group()->timescale());
  }
  // In drafts whose fetches have no statuses, what is not there is left out.
  if (header.status != Status::normal && !version.fetch.statuses) return true;
  std::vector<std::uint8_t> bytes;
  if (const auto written = writer_.object(bytes, header); !written) {
    log::debug("{}: object {} of group {}: {}", session().name(), object.id, group_id_,
               written.error().message());
    return true;
  }
  answer();
  ++session().traffic()->sent.frames;
  session().traffic()->sent.bytes += object.size;
  sender_->add(watch_->group(), object, std::move(bytes));
  return true;
}

bool FetchPublisher::add_unknown(Location last) {
  if (session().traits().fetch.ranges) {
    std::vector<std::uint8_t> bytes;
    if (writer_.end_of_range(bytes, {.last = last, .unknown = true})) {
      sender_->add(std::move(bytes));
    }
    return true;
  }
  // Nothing says in between that there may be more.
  if (answered_) {
    ended_ = torn_ = true;
    post_step();
  } else {
    sender_->abort(wire_code(session().version(), StreamError::unknown_object_status));
    refuse(RequestErrorCode::unknown_status_in_range, "an object may be there or not");
  }
  return false;
}

bool FetchPublisher::skip_missing() {
  // The last that is missing before one that is there.
  if (descending_) {
    const auto there = track_->cached_to(group_id_);
    group_id_ = there ? std::max(*there + 1, start_.group) : start_.group;
  } else {
    const auto there = track_->cached_from(group_id_);
    group_id_ = there ? std::min(*there - 1, end_.group) : end_.group;
  }
  return add_unknown({.group = group_id_, .object = last_object()}) && next_group();
}

bool FetchPublisher::next_group() {
  if (group_id_ == (descending_ ? start_.group : end_.group)) return false;
  group_id_ = descending_ ? group_id_ - 1 : group_id_ + 1;
  if (misses_ >= kMaxMisses) {
    const auto next = descending_ ? track_->cached_to(group_id_) : track_->cached_from(group_id_);
    const std::uint64_t last = descending_ ? start_.group : end_.group;
    group_id_ =
        descending_ ? std::max(next.value_or(last), last) : std::min(next.value_or(last), last);
    misses_ = 0;
  }
  next_object_ = group_id_ == start_.group ? start_.object : 0;
  return true;
}

void FetchPublisher::ended() {
  if (over() || std::exchange(ended_, true)) return;
  patience_.cancel();
  if (!answered_ && session().traits().empty_fetch_is_error) {
    sender_->abort(wire_code(session().version(), StreamError::cancelled));
    return refuse(RequestErrorCode::no_objects, "there are no objects in the range");
  }
  answer();
  sender_->finish();
}

// --- The end

Result<void> FetchPublisher::received(MessageKind kind, ByteSpan body) {
  if (kind != MessageKind::request_update) {
    return fail(SessionError::protocol_violation,
                std::string(to_string(kind)) + " about a fetch of its sender's");
  }
  MOQ_TRY(const auto update, take_update(body));
  if (!update) {
    gone(StreamError::cancelled);
    finish();
    return {};
  }
  if (update->subscriber_priority) {
    message_.subscriber_priority = *update->subscriber_priority;
    if (stream_ != nullptr) stream_->set_priority(priority());
  }
  if (session().traits().updates_are_answered) {
    send(RequestUpdateOk{.request_id = update->request_id});
  }
  return {};
}

void FetchPublisher::on_send_finished() {
  stream_->set_handler(nullptr);
  stream_ = nullptr;
  finish();
}

void FetchPublisher::on_send_stopped(std::uint64_t /*code*/) {
  stream_->set_handler(nullptr);
  stream_ = nullptr;
  finish();
}

void FetchPublisher::gone(StreamError /*code*/) {
  if (stream_ == nullptr) return;
  stream_->set_handler(nullptr);
  std::exchange(stream_, nullptr)->reset(wire_code(session().version(), StreamError::cancelled));
}

}  // namespace moq::ietf
