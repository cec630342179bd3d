#include "net/ietf/subscribe_publisher.h"

#include <algorithm>
#include <utility>

#include "net/ietf/mapping.h"
#include "net/ietf/session.h"

namespace moq::ietf {

class SubscribePublisher::Rendezvous final : private AnnounceReader {
 public:
  /// `without`: a broadcast that has not got the track, until it says so; may be null.
  Rendezvous(SubscribePublisher& owner, const Path& path, Time deadline,
             const std::shared_ptr<Broadcast>& without)
      : owner_(owner), path_(path), timer_(owner.session().loop(), [this] { over(); }) {
    if (without != nullptr) without_ = without;
    timer_.arm(deadline);
    watch_ = owner.session().config().publish->watch(path, *this, nullptr, 0, WatchTracks::yes);
  }

  ~Rendezvous() { owner_.session().release_rendezvous(); }

 private:
  void on_announcements(const std::vector<Announcement>& changes) override {
    if (!std::ranges::any_of(changes, [this](const auto& each) { return has_track(each); })) return;
    const auto self = std::move(owner_.rendezvous_);
    // The last that is tried.
    if (without_) owner_.deadline_.reset();
    owner_.begin();
  }
  [[nodiscard]] bool has_track(const Announcement& change) const {
    if (change.path != path_ || change.broadcast == nullptr) return false;
    if (!without_ || without_->lock() != change.broadcast) return true;
    return change.tracks != nullptr && change.tracks->contains(owner_.name().track_name);
  }
  void over() { owner_.refuse(RequestErrorCode::timeout, "no publisher has come"); }

  SubscribePublisher& owner_;
  Path path_;
  std::optional<std::weak_ptr<Broadcast>> without_;
  Timer timer_;
  std::unique_ptr<Origin::Watch> watch_;
};

SubscribePublisher::SubscribePublisher(Session& session, Arrival arrival, Subscribe message)
    : TrackPublisher(session, MessageKind::subscribe, std::move(arrival), message.track),
      message_(std::move(message)) {}

SubscribePublisher::~SubscribePublisher() = default;

void SubscribePublisher::begin() {
  if (session().traits().has_duplicate_subscription && session().subscribed(message_.track, this)) {
    return refuse(RequestErrorCode::duplicate_subscription, "it is subscribed to already");
  }
  const Duration timeout = std::min(std::exchange(message_.rendezvous_timeout, {}), kMaxRendezvous);
  if (timeout > Duration::zero()) deadline_ = later(session().loop().now(), timeout);
  const auto track = session().find_track(message_.track);
  if (!track) {
    if (!waits_after(track.error())) {
      refuse(request_error_of(track.error()), track.error().detail());
    }
    return;
  }
  const Filter& filter = message_.filter;
  if (filter.type == FilterType::absolute_range && filter.end_group < filter.start.group) {
    return refuse(RequestErrorCode::invalid_range, "the range ends before it starts");
  }
  start(*track, {.priority = message_.subscriber_priority,
                 .group_order = message_.group_order,
                 .filter = filter,
                 .forward = message_.forward,
                 .object_delivery_timeout = message_.object_delivery_timeout,
                 .subgroup_delivery_timeout = message_.subgroup_delivery_timeout});
}

bool SubscribePublisher::waits_after(const Error& error) {
  const auto path = session().readable(message_.track.track_namespace);
  if (!path || !deadline_ || *deadline_ <= session().loop().now() ||
      request_error_of(error) != RequestErrorCode::does_not_exist ||
      !session().claim_rendezvous()) {
    return false;
  }
  rendezvous_ = std::make_unique<Rendezvous>(
      *this, *path, *deadline_, session().config().publish->find(*path, session().token()));
  return true;
}

Result<void> SubscribePublisher::received(MessageKind kind, ByteSpan body) {
  if (kind == MessageKind::request_update) return received_update(body);
  return fail(SessionError::protocol_violation,
              std::string(to_string(kind)) + " about a subscription of its sender's");
}

void SubscribePublisher::tell_alias() {
  SubscribeOk ok{.request_id = id(), .track_alias = id(), .largest = largest()};
  if (const auto set = set_info(session().traits(), info(), ok); !set) {
    log::debug("{}: properties of a track: {}", session().name(), set.error().message());
  }
  // As it comes, whatever the track's is.
  ok.group_order = ordered() ? GroupOrder::ascending : GroupOrder::descending;
  send(ok);
}

}  // namespace moq::ietf
