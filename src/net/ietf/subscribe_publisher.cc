#include "net/ietf/subscribe_publisher.h"

#include <algorithm>
#include <vector>

#include "net/ietf/datagram.h"
#include "net/ietf/mapping.h"
#include "net/ietf/properties.h"
#include "net/ietf/session.h"

namespace moq::ietf {

class SubscribePublisher::Following final : private GroupReader {
 public:
  Following(SubscribePublisher& owner, std::shared_ptr<Group> group)
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

  SubscribePublisher& owner_;
  std::shared_ptr<Group> group_;
  bool posted_ = false;
};

SubscribePublisher::SubscribePublisher(Session& session, Arrival arrival, Subscribe message)
    : Request(session, MessageKind::subscribe, std::move(arrival)), message_(std::move(message)) {
  session.count_serving(1);
}

SubscribePublisher::~SubscribePublisher() {
  stop_all();
  session().count_serving(-1);
}

void SubscribePublisher::begin() {
  const auto track = session().find_track(message_.track);
  if (!track) return refuse(request_error_of(track.error()), track.error().detail());
  if (session().traits().has_duplicate_subscription &&
      session().subscribed(*this, message_.track)) {
    return refuse(RequestErrorCode::duplicate_subscription, "it is subscribed to already");
  }
  const Filter& filter = message_.filter;
  options_ = {.priority = to_priority(message_.subscriber_priority),
              .ordered = message_.group_order == GroupOrder::ascending,
              .max_latency = message_.object_delivery_timeout.value_or(Duration::max())};
  if (options_.max_latency == Duration::zero()) options_.max_latency = Duration::max();
  if (filter.type == FilterType::absolute_start || filter.type == FilterType::absolute_range) {
    options_.start = filter.start.group;
    first_ = filter.start;
  }
  if (filter.type == FilterType::next_group && (*track)->latest() != nullptr) {
    options_.start = (*track)->latest()->sequence() + 1;
  }
  if (filter.type == FilterType::absolute_range) {
    if (filter.end_group < filter.start.group) {
      return refuse(RequestErrorCode::invalid_range, "the range ends before it starts");
    }
    options_.end = filter.end_group;
  }
  delivery_ = std::make_shared<Delivery>(Delivery{*track, delivery_latency(**track)});
  subscription_ = (*track)->subscribe(options_, *this);
}

Duration SubscribePublisher::delivery_latency(const Track& track) const {
  return std::min(options_.max_latency,
                  std::max(track.retention(), session().limits().max_delivery_latency));
}

transport::Priority SubscribePublisher::priority(std::uint64_t group) const {
  return {.band = transport::Priority::Band::media,
          .subscriber = options_.priority,
          .publisher = info_.priority,
          .flow = id(),
          .order = options_.ordered ? group : ~group};
}

Result<void> SubscribePublisher::received(MessageKind kind, ByteSpan body) {
  if (kind == MessageKind::request_update) return received_update(body);
  return fail(SessionError::protocol_violation,
              std::string(to_string(kind)) + " about a subscription of its sender's");
}

Result<void> SubscribePublisher::received_update(ByteSpan body) {
  MOQ_TRY(const auto update, decode<RequestUpdate>(session().version(), body));
  MOQ_TRY(const bool known, session().take_tokens(update.tokens));
  if (!known) {
    done(PublishDoneCode::update_failed, "a token's alias is not known");
    return {};
  }
  if (subscription_ == nullptr) return {};
  if (update.subscriber_priority) {
    options_.priority = to_priority(*update.subscriber_priority);
  }
  if (update.object_delivery_timeout) {
    options_.max_latency = *update.object_delivery_timeout == Duration::zero()
                               ? Duration::max()
                               : *update.object_delivery_timeout;
  }
  if (update.filter && !session().traits().has_request_updates && widens(*update.filter)) {
    return fail(SessionError::protocol_violation, "an update asks for more than the subscription");
  }
  if (update.filter) {
    options_.start = update.filter->start.group;
    first_ = update.filter->start;
    options_.end = update.filter->type == FilterType::absolute_range
                       ? std::optional(update.filter->end_group)
                       : std::nullopt;
  }
  delivery_->max_latency = delivery_latency(*delivery_->track);
  const bool resumes = update.forward.value_or(false) && !message_.forward;
  message_.forward = update.forward.value_or(message_.forward);
  subscription_->update(options_);
  // From the latest group on, as if it began now.
  if (resumes) subscription_ = delivery_->track->subscribe(options_, *this);
  for (const auto& [key, sending] : sending_) sending->stream->set_priority(priority(key.first));
  sweep();
  if (session().traits().updates_are_answered)
    send(RequestUpdateOk{.request_id = update.request_id});
  return {};
}

bool SubscribePublisher::widens(const Filter& filter) const {
  if (filter.start < first_) return true;
  if (!options_.start && filter.start.group < subscription_->start().value_or(0)) return true;
  if (!options_.end) return false;
  return filter.type != FilterType::absolute_range || filter.end_group > *options_.end;
}

void SubscribePublisher::on_info(const TrackInfo& info) {
  info_ = info;
  if (message_.group_order == GroupOrder::publisher) options_.ordered = info.ordered;
  delivery_->max_latency = delivery_latency(*delivery_->track);
  answer();
}

void SubscribePublisher::answer() {
  if (std::exchange(answered_, true)) return;
  largest_ = largest_of(delivery_->track->latest().get());
  SubscribeOk ok{.request_id = id(), .track_alias = id(), .largest = largest_};
  if (const auto set = set_info(session().traits(), info_, ok); !set) {
    log::debug("{}: properties of a track: {}", session().name(), set.error().message());
  }
  send(ok);
  for (const auto& waiting : std::exchange(waiting_, {})) waiting(*this);
}

void SubscribePublisher::when_answered(Answered then) {
  if (answered_) return then(*this);
  waiting_.push_back(std::move(then));
}

void SubscribePublisher::on_group(std::shared_ptr<Group> group) {
  if (!message_.forward) return;
  sweep();
  const std::uint64_t sequence = group->sequence();
  auto& following = following_[sequence];
  following = std::make_unique<Following>(*this, std::move(group));
  look_at(*following);
}

void SubscribePublisher::look_at(Following& following) {
  const std::shared_ptr<Group> group = following.group();
  const auto& subgroups = group->subgroups();
  while (following.begun < subgroups.size()) open_stream(group, *subgroups[following.begun++]);
  if (!group->closed()) return;
  following_.erase(group->sequence());
  maybe_finish();
}

void SubscribePublisher::open_stream(const std::shared_ptr<Group>& group, Subgroup& objects) {
  const ObjectRules& rules = session().traits().objects;
  const std::uint64_t first = group->sequence() == first_.group ? first_.object : 0;
  const bool begun = !objects.objects().empty() && objects.objects().front().id < first;
  // One that was over before the start has nothing to send.
  if (objects.state() == Subgroup::State::finished && begun &&
      objects.objects().back().id < first) {
    return;
  }
  SubgroupHeader header{
      .track_alias = id(),
      .group = group->sequence(),
      .id_mode = objects.id() == 0 ? SubgroupIdMode::zero : SubgroupIdMode::explicit_id,
      .subgroup = objects.id(),
      .has_properties = true,
      .end_of_group = objects.ends_group(),
      .first_object = !begun && (rules.subgroup_bits & kSubgroupFirstObject) != 0};
  if ((rules.subgroup_bits & kSubgroupDefaultPriority) == 0) {
    header.priority = to_priority(info_.priority);
  }
  const auto prefix = encode(session().version(), header);
  if (!prefix) {
    return log::warn("{}: group {}: {}", session().name(), group->sequence(),
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
  auto source =
      std::make_unique<SubgroupSender>(group, objects, delivery_, session().version(), *prefix);
  source->skip_to(first);
  ObjectSender* sender = source.get();
  source->set_handle(&sender);
  sending->stream =
      session().transport().open_uni(priority(key.first), std::move(source), sending.get());
  if (sender != nullptr) sender->set_stream(sending->stream.get());
  sending_[key] = std::move(sending);
  ++streams_;
}

void SubscribePublisher::sweep() {
  std::vector<std::pair<Key, StreamError>> over;
  for (const auto& [key, sending] : sending_) {
    const auto group = sending->group.lock();
    if (group == nullptr) continue;
    if (group->aborted()) {
      // The transport may not ask for long; until then the group takes memory.
      over.emplace_back(key, StreamError::cancelled);
    } else if (delivery_->track->expired(*group, *delivery_->max_latency)) {
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

void SubscribePublisher::give_up(Key key, StreamError code) {
  const auto sending = std::move(sending_.extract(key).mapped());
  sending->stream->set_handler(nullptr);
  sending->stream->reset(wire_code(session().version(), code));
}

void SubscribePublisher::sent(Sending& sending) {
  sending_.erase({sending.group_id, sending.subgroup});
  maybe_finish();
}

void SubscribePublisher::on_datagram(const Datagram& datagram) {
  if (!message_.forward) return;
  const VersionInfo& version = session().traits();
  ObjectDatagram object{.track_alias = id(),
                        .group = datagram.sequence,
                        .object = datagram.object,
                        .priority = to_priority(info_.priority),
                        .payload = datagram.payload};
  Object of;
  of.timestamp = datagram.timestamp;
  of.properties_form = datagram.properties_form;
  of.properties = datagram.properties;
  object.properties = properties_for(version, of, info_.timescale);
  const auto body = encode(version.version, object);
  // One that does not fit is dropped, not sent on a stream (§"Datagrams").
  if (body) session().transport().send_datagram(Bytes::copy_of(*body));
}

void SubscribePublisher::on_drop(std::uint64_t /*first*/, std::uint64_t /*last*/,
                                 std::uint64_t /*code*/) {}

void SubscribePublisher::on_end(std::uint64_t /*end*/) {
  ended_ = true;
  maybe_finish();
}

void SubscribePublisher::maybe_finish() {
  if (ended_ && sending_.empty() && following_.empty()) done(PublishDoneCode::track_ended, "");
}

void SubscribePublisher::on_abort(const Error& error) {
  subscription_.reset();
  // What has ended is complete: its last groups go out although their track is gone.
  if (ended_) return;
  stop_all();
  if (!answered_) return refuse(request_error_of(error), error.detail());
  const bool going = error.is(StreamError::going_away);
  done(going ? PublishDoneCode::going_away : PublishDoneCode::internal, error.detail());
}

void SubscribePublisher::done(PublishDoneCode status, const std::string& reason) {
  if (over()) return;
  subscription_.reset();
  send(PublishDone{.request_id = id(),
                   .status = wire_code(session().version(), status),
                   .stream_count = streams_,
                   .reason = reason.substr(0, kMaxReason)});
  finish();
}

void SubscribePublisher::gone(StreamError /*code*/) {
  subscription_.reset();
  stop_all();
}

void SubscribePublisher::stop_all() {
  following_.clear();
  for (auto& [key, sending] : std::exchange(sending_, {})) {
    sending->stream->set_handler(nullptr);
    sending->stream->reset(wire_code(session().version(), StreamError::cancelled));
  }
}

}  // namespace moq::ietf
