#include "net/ietf/subscribe_publisher.h"

#include <algorithm>
#include <utility>

#include "net/ietf/mapping.h"
#include "net/ietf/session.h"

namespace moq::ietf {

class SubscribePublisher::Rendezvous final : private AnnounceReader {
 public:
  Rendezvous(SubscribePublisher& owner, const Path& path, Duration timeout)
      : owner_(owner), path_(path), timer_(owner.session().loop(), [this] { over(); }) {
    timer_.arm(later(owner.session().loop().now(), timeout));
    watch_ = owner.session().config().publish->watch(path, *this);
  }

  ~Rendezvous() { owner_.session().release_rendezvous(); }

 private:
  void on_announcements(const std::vector<Announcement>& changes) override {
    const bool there = std::ranges::any_of(changes, [this](const Announcement& change) {
      return change.path == path_ && change.broadcast != nullptr;
    });
    if (!there) return;
    const auto self = std::move(owner_.rendezvous_);
    owner_.message_.rendezvous_timeout = {};
    owner_.begin();
  }
  void over() { owner_.refuse(RequestErrorCode::timeout, "no publisher has come"); }

  SubscribePublisher& owner_;
  Path path_;
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
  const auto track = session().find_track(message_.track);
  const auto path = session().readable(message_.track.track_namespace);
  if (!track && path && message_.rendezvous_timeout > Duration::zero() &&
      track.error().is(RequestErrorCode::does_not_exist) && session().claim_rendezvous()) {
    rendezvous_ = std::make_unique<Rendezvous>(
        *this, *path, std::min(message_.rendezvous_timeout, kMaxRendezvous));
    return;
  }
  if (!track) return refuse(request_error_of(track.error()), track.error().detail());
  const Filter& filter = message_.filter;
  if (filter.type == FilterType::absolute_range && filter.end_group < filter.start.group) {
    return refuse(RequestErrorCode::invalid_range, "the range ends before it starts");
  }
  start(*track, {.priority = message_.subscriber_priority,
                 .group_order = message_.group_order,
                 .filter = filter,
                 .forward = message_.forward,
                 .delivery_timeout = message_.object_delivery_timeout});
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
  send(ok);
}

}  // namespace moq::ietf
