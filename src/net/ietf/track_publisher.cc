#include "net/ietf/track_publisher.h"

#include <algorithm>
#include <vector>

#include "net/ietf/datagram.h"
#include "net/ietf/mapping.h"
#include "net/ietf/properties.h"
#include "net/ietf/session.h"

namespace moq::ietf {

class TrackPublisher::Following final : private GroupReader {
 public:
  Following(TrackPublisher& owner, std::shared_ptr<Group> group)
      : owner_(owner), group_(std::move(group)) {
    group_->attach(*this);
  }
  [[nodiscard]] const std::shared_ptr<Group>& group() const { return group_; }
  /// Subgroups that have streams, in the order of their making.
  std::size_t begun = 0;

 private:
  void on_subgroups() override {
    // Not from inside of who makes them.
    if (std::exchange(posted_, true)) return;
    owner_.session().loop().post(
        [&owner = owner_, alive = std::weak_ptr(owner_.alive_), id = group_->sequence()] {
          if (alive.expired()) return;
          const auto found = owner.following_.find(id);
          if (found == owner.following_.end()) return;
          found->second->posted_ = false;
          owner.look_at(*found->second);
        });
  }

  TrackPublisher& owner_;
  std::shared_ptr<Group> group_;
  bool posted_ = false;
};

TrackPublisher::TrackPublisher(Session& session, MessageKind kind, Arrival arrival,
                               FullTrackName name)
    : Request(session, kind, std::move(arrival)), name_(std::move(name)) {
  session.count_serving(1);
}

TrackPublisher::TrackPublisher(Session& session, MessageKind kind, FullTrackName name)
    : Request(session, kind), name_(std::move(name)) {
  session.count_serving(1);
}

TrackPublisher::~TrackPublisher() {
  stop_all();
  session().count_serving(-1);
}

// --- The terms

void TrackPublisher::start(const std::shared_ptr<Track>& track, const SubscriberTerms& terms) {
  terms_ = terms;
  filter_type_ = terms.filter.type;
  delivery_ = std::make_shared<Delivery>(
      Delivery{.track = track, .max_latency = Duration::max(), .traffic = session().traffic()});
  ++session().traffic()->subscriptions;
  options_.priority = to_priority(terms.priority);
  options_.ordered = terms.group_order == GroupOrder::ascending;
  set_range(terms.filter);
  // Timeouts are not for upstream (§"Delivery Timeouts"): others may have none.
  options_.max_latency = Duration::max();
  set_timeouts();
  if (const auto& known = track->info()) on_info(*known);
  subscription_ = track->subscribe(options_, *this);
}

void TrackPublisher::set_range(const Filter& filter) {
  options_.start.reset();
  options_.end.reset();
  first_ = {};
  if (filter.type == FilterType::absolute_start || filter.type == FilterType::absolute_range) {
    options_.start = filter.start.group;
    first_ = filter.start;
  }
  if (filter.type == FilterType::absolute_range) options_.end = filter.end_group;
  const auto largest = delivery_->track->largest();
  // Not as a start: the demand is for the latest, which others may want now.
  if (filter.type == FilterType::next_group && largest) first_ = {.group = largest->group + 1};
}

void TrackPublisher::set_timeouts() {
  const auto lesser = [](std::optional<Duration> one, std::optional<Duration> other) {
    if (!one || *one == Duration::zero()) return other;
    return other ? std::optional(std::min(*one, *other)) : one;
  };
  delivery_->max_latency =
      std::max(delivery_->track->retention(), session().limits().max_delivery_latency);
  delivery_->object_timeout = lesser(terms_.object_delivery_timeout, info_.object_delivery_timeout);
  const auto subgroup = lesser(terms_.subgroup_delivery_timeout, info_.subgroup_delivery_timeout);
  if (std::exchange(subgroup_timeout_, subgroup) == subgroup) return;
  for (const auto& [key, sending] : sending_) set_deadline(*sending);
}

void TrackPublisher::set_deadline(Sending& sending) {
  if (!subgroup_timeout_) return sending.deadline.reset();
  if (sending.deadline != nullptr) return sending.deadline->change(*subgroup_timeout_);
  const auto group = sending.group.lock();
  Subgroup* objects = group == nullptr ? nullptr : group->find(sending.subgroup);
  if (objects == nullptr) return;
  sending.deadline =
      std::make_unique<SubgroupDeadline>(session().loop(), group, *objects, *subgroup_timeout_,
                                         [this, key = Key{sending.group_id, sending.subgroup}] {
                                           give_up(key, StreamError::delivery_timeout);
                                           maybe_finish();
                                         });
}

transport::Priority TrackPublisher::priority(std::uint64_t group,
                                             std::optional<std::uint8_t> publisher) const {
  return {.band = transport::Priority::Band::media,
          .subscriber = options_.priority,
          .publisher = publisher.value_or(info_.priority),
          .flow = id(),
          .order = options_.ordered ? group : ~group};
}

void TrackPublisher::change(const SubscriberTerms& terms) {
  if (subscription_ == nullptr) return;
  const bool resumes = terms.forward && !terms_.forward;
  if (terms.filter != terms_.filter) set_range(terms.filter);
  terms_ = terms;
  options_.priority = to_priority(terms.priority);
  options_.ordered = terms.group_order == GroupOrder::publisher
                         ? info_.ordered
                         : terms.group_order == GroupOrder::ascending;
  set_timeouts();
  if (!terms.forward) stop_forwarding();
  if (resumes) {
    forward_again();
  } else {
    subscription_->update(options_);
  }
  for (const auto& [key, sending] : sending_) {
    sending->stream->set_priority(priority(key.first, sending->priority));
  }
  sweep();
}

void TrackPublisher::forward_again() {
  // As if it began now.
  set_joining_location();
  if (largest_) {
    first_ = std::max(first_, Location{.group = largest_->group, .object = largest_->object + 1});
    if (options_.start) options_.start = std::max(*options_.start, first_.group);
  }
  subscription_ = delivery_->track->subscribe(options_, *this);
}

Result<void> TrackPublisher::received_update(ByteSpan body) {
  MOQ_TRY(const auto taken, take_update(body));
  if (!taken) {
    done(PublishDoneCode::update_failed, "a token's alias is not known");
    return {};
  }
  const RequestUpdate& update = *taken;
  if (subscription_ == nullptr) return {};
  SubscriberTerms terms = terms_;
  terms.priority = update.subscriber_priority.value_or(terms.priority);
  terms.forward = update.forward.value_or(terms.forward);
  if (update.object_delivery_timeout) {
    terms.object_delivery_timeout = update.object_delivery_timeout;
  }
  if (update.subgroup_delivery_timeout) {
    terms.subgroup_delivery_timeout = update.subgroup_delivery_timeout;
  }
  if (update.filter && !session().traits().has_request_updates && widens(*update.filter)) {
    return fail(SessionError::protocol_violation, "an update asks for more than the subscription");
  }
  if (update.filter) terms.filter = *update.filter;
  change(terms);
  if (session().traits().updates_are_answered) {
    send(RequestUpdateOk{.request_id = update.request_id, .largest = delivery_->track->largest()});
  }
  // What it waited for may be gone.
  maybe_finish();
  return {};
}

bool TrackPublisher::widens(const Filter& filter) const {
  if (filter.start < told_) return true;
  if (!options_.start && filter.start.group < subscription_->start().value_or(0)) return true;
  if (!options_.end) return false;
  return filter.type != FilterType::absolute_range || filter.end_group > *options_.end;
}

void TrackPublisher::on_info(const TrackInfo& info) {
  info_ = info;
  if (terms_.group_order == GroupOrder::publisher) options_.ordered = info.ordered;
  set_timeouts();
  if (std::exchange(answered_, true)) return;
  set_joining_location();
  told_ = first_;
  tell_alias();
  for (const auto& waiting : std::exchange(waiting_, {})) waiting(*this);
}

void TrackPublisher::set_joining_location() {
  largest_ = delivery_->track->largest();
  if (!largest_) return;
  if (terms_.filter.type == FilterType::largest_object) {
    first_ = {.group = largest_->group, .object = largest_->object + 1};
  }
  if (terms_.filter.type == FilterType::next_group) first_ = {.group = largest_->group + 1};
}

void TrackPublisher::when_answered(Answered then) {
  if (answered_) return then(*this);
  waiting_.push_back(std::move(then));
}

// --- The objects

void TrackPublisher::on_group(std::shared_ptr<Group> group) {
  if (!terms_.forward || group->sequence() < first_.group) return;
  sweep();
  const std::uint64_t sequence = group->sequence();
  auto& following = following_[sequence];
  following = std::make_unique<Following>(*this, std::move(group));
  look_at(*following);
}

void TrackPublisher::look_at(Following& following) {
  const std::shared_ptr<Group> group = following.group();
  const auto& subgroups = group->subgroups();
  while (following.begun < subgroups.size()) open_stream(group, *subgroups[following.begun++]);
  if (!group->closed()) return;
  following_.erase(group->sequence());
  maybe_finish();
}

void TrackPublisher::open_stream(const std::shared_ptr<Group>& group, Subgroup& objects) {
  const ObjectRules& rules = session().traits().objects;
  const std::uint64_t first = group->sequence() == first_.group ? first_.object : 0;
  const bool begun = !objects.objects().empty() && objects.objects().front().id < first;
  SubgroupHeader header{
      .track_alias = id(),
      .group = group->sequence(),
      .id_mode = objects.id() == 0 ? SubgroupIdMode::zero : SubgroupIdMode::explicit_id,
      .subgroup = objects.id(),
      .has_properties = true,
      .end_of_group = objects.ends_group(),
      .first_object = first == 0 && !begun && (rules.subgroup_bits & kSubgroupFirstObject) != 0};
  if ((rules.subgroup_bits & kSubgroupDefaultPriority) == 0) {
    header.priority = to_priority(info_.priority);
  }
  if (objects.info().priority) header.priority = to_priority(*objects.info().priority);
  const auto prefix = encode(session().version(), header);
  if (!prefix) {
    return log::debug("{}: group {}: {}", session().name(), group->sequence(),
                      prefix.error().message());
  }
  const Key key{group->sequence(), objects.id()};
  if (sending_.contains(key)) return;
  // Of one group, too.
  while (sending_.size() >= session().limits().max_groups_in_flight) {
    give_up(sending_.begin()->first, StreamError::too_far_behind);
  }
  auto sending = std::make_unique<Sending>(*this, key.first, key.second);
  sending->group = group;
  sending->priority = objects.info().priority;
  auto source =
      std::make_unique<SubgroupSender>(group, objects, delivery_, session().version(), *prefix);
  source->skip_to(first);
  sending->source = source.get();
  source->set_handle(&sending->source);
  sending->stream = session().transport().open_uni(priority(key.first, sending->priority),
                                                   std::move(source), sending.get());
  if (sending->source != nullptr) sending->source->set_stream(sending->stream.get());
  set_deadline(*(sending_[key] = std::move(sending)));
  ++streams_;
}

void TrackPublisher::sweep() {
  std::vector<std::pair<Key, StreamError>> over;
  for (const auto& [key, sending] : sending_) {
    const auto group = sending->group.lock();
    if (group == nullptr) continue;
    if (group->aborted()) {
      // The transport may not ask for long; until then the group takes memory.
      over.emplace_back(key, StreamError::cancelled);
    } else if ((sending->source != nullptr && sending->source->late()) ||
               delivery_->track->expired(*group, *delivery_->max_latency)) {
      over.emplace_back(key, StreamError::delivery_timeout);
    }
  }
  for (const auto& [key, code] : over) give_up(key, code);
  while (sending_.size() >= session().limits().max_groups_in_flight) {
    give_up(sending_.begin()->first, StreamError::too_far_behind);
  }
  while (following_.size() >= session().limits().max_groups_in_flight) {
    following_.erase(following_.begin());
  }
}

void TrackPublisher::give_up(Key key, StreamError code) {
  const auto sending = std::move(sending_.extract(key).mapped());
  sending->stream->set_handler(nullptr);
  sending->stream->reset(wire_code(session().version(), code));
}

void TrackPublisher::sent(Sending& sending) {
  sending_.erase({sending.group_id, sending.subgroup});
  maybe_finish();
}

void TrackPublisher::on_datagram(const Datagram& datagram) {
  if (!terms_.forward) return;
  const VersionInfo& version = session().traits();
  ObjectDatagram object{.track_alias = id(),
                        .group = datagram.sequence,
                        .object = datagram.object,
                        .priority = to_priority(datagram.priority.value_or(info_.priority)),
                        .payload = datagram.payload};
  Object of;
  of.timestamp = datagram.timestamp;
  of.properties_form = datagram.properties_form;
  of.properties = datagram.properties;
  object.properties = properties_for(version, of, info_.timescale);
  const auto body = encode(version.version, object);
  // One that does not fit is dropped, not sent on a stream (§"Datagrams").
  if (!body) return;
  Traffic& sent = session().traffic()->sent;
  ++sent.frames;
  sent.bytes += datagram.payload.size();
  session().transport().send_datagram(Bytes::copy_of(*body));
}

void TrackPublisher::on_drop(std::uint64_t /*first*/, std::uint64_t /*last*/,
                             std::uint64_t /*code*/) {}

void TrackPublisher::on_end(std::uint64_t /*end*/) {
  ended_ = true;
  maybe_finish();
}

void TrackPublisher::maybe_finish() {
  if (!ended_ || !sending_.empty() || !following_.empty()) return;
  const auto end = delivery_->track->end();
  const bool all = end && (!options_.end || *end == 0 || *end - 1 <= *options_.end);
  done(all ? PublishDoneCode::track_ended : PublishDoneCode::subscription_ended, "");
}

void TrackPublisher::on_abort(const Error& error) {
  // What has ended is complete: its last groups go out although their track is gone.
  if (ended_) return subscription_.reset();
  stop_all();
  if (!answered_) {
    if (!waits_after(error)) refuse(request_error_of(error), error.detail());
    return;
  }
  done(publish_done_of(error), error.detail());
}

void TrackPublisher::done(PublishDoneCode status, const std::string& reason) {
  if (over()) return;
  subscription_.reset();
  send(PublishDone{.request_id = id(),
                   .status = wire_code(session().version(), status),
                   .stream_count = streams_,
                   .reason = reason.substr(0, kMaxReason)});
  finish();
}

void TrackPublisher::gone(StreamError /*code*/) { stop_all(); }

void TrackPublisher::stop_forwarding() {
  following_.clear();
  std::vector<Key> open;
  for (const auto& [key, sending] : sending_) {
    const auto group = sending->group.lock();
    const Subgroup* objects = group == nullptr ? nullptr : group->find(key.second);
    // What has ended is whole.
    if (objects != nullptr && objects->state() == Subgroup::State::open) open.push_back(key);
  }
  for (const Key& key : open) give_up(key, StreamError::cancelled);
}

void TrackPublisher::stop_all() {
  subscription_.reset();
  following_.clear();
  for (auto& [key, sending] : std::exchange(sending_, {})) {
    sending->stream->set_handler(nullptr);
    sending->stream->reset(wire_code(session().version(), StreamError::cancelled));
  }
}

}  // namespace moq::ietf
