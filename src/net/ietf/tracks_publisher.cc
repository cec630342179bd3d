#include "net/ietf/tracks_publisher.h"

#include <utility>

#include "net/ietf/mapping.h"
#include "net/ietf/publish_request.h"
#include "net/ietf/session.h"

namespace moq::ietf {

// --- A PUBLISH for each track

TrackAnnouncer::TrackAnnouncer(Session& session) : Task(session) {}
TrackAnnouncer::~TrackAnnouncer() = default;

void TrackAnnouncer::start(const Path& prefix, bool forward) {
  forward_ = forward;
  watch_ = session().config().publish->watch(prefix, *this, session().token(), 0, WatchTracks::yes);
}

void TrackAnnouncer::on_announcements(const std::vector<Announcement>& changes) {
  for (const Announcement& change : changes) {
    if (change.broadcast == nullptr || !session().may_read(change.path)) {
      // Each ends when its track does.
      told_.erase(change.path);
      continue;
    }
    Told& told = told_[change.path];
    if (told.broadcast.lock() != change.broadcast) {
      for (const auto& [name, id] : std::exchange(told.tracks, {})) {
        if (id) session().replace_publication(*id);
      }
      told.broadcast = change.broadcast;
    }
    std::erase_if(told.tracks, [&](const auto& each) {
      return change.tracks == nullptr || !change.tracks->contains(each.first);
    });
    if (change.tracks == nullptr) continue;
    for (const std::string& name : *change.tracks) {
      if (told.tracks.try_emplace(name).second) tell(change.path, name);
    }
  }
}

void TrackAnnouncer::tell(const Path& path, const std::string& name) {
  const auto track = told_[path].broadcast.lock()->track(name);
  if (!track) return;
  // Its properties are part of the message.
  (*track)->when_info([this, path, name, weak = std::weak_ptr(*track),
                       alive = std::weak_ptr(alive_)](const Result<TrackInfo>& info) {
    if (alive.expired() || !info) return;
    (void)session().when_request_allowed([this, path, name, weak, again = alive] {
      const auto known = weak.lock();
      if (!again.expired() && known != nullptr) publish(path, name, known);
    });
  });
}

void TrackAnnouncer::publish(const Path& path, const std::string& name,
                             const std::shared_ptr<Track>& track) {
  const auto told = told_.find(path);
  if (told == told_.end()) return;
  const auto entry = told->second.tracks.find(name);
  if (entry == told->second.tracks.end() || entry->second || track->error()) return;
  FullTrackName full{.track_namespace = to_namespace(path.without(session().scope().root)),
                     .track_name = name};
  // Who asked for it by name has it.
  if (!is_encodable(full) || session().subscribed(full)) return;
  entry->second =
      session()
          .add(std::make_unique<PublishRequest>(session(), std::move(full), track, forward_))
          .id();
}

// --- SUBSCRIBE_TRACKS

TracksPublisher::TracksPublisher(Session& session, Arrival arrival, SubscribeTracks message)
    : Request(session, MessageKind::subscribe_tracks, std::move(arrival)),
      message_(std::move(message)) {}

TracksPublisher::~TracksPublisher() = default;

void TracksPublisher::begin() {
  const auto prefix = to_path(message_.prefix);
  if (!prefix) return refuse(RequestErrorCode::does_not_exist, "the prefix is no path here");
  if (session().overlaps(*this, message_.prefix)) {
    return refuse(RequestErrorCode::prefix_overlap, "another subscription has this prefix");
  }
  send(RequestOk{.request_id = id()});
  watch(*prefix);
}

void TracksPublisher::watch(const Path& prefix) {
  if (session().config().publish == nullptr) return;
  if (announcer_ == nullptr) announcer_ = std::make_unique<TrackAnnouncer>(session());
  announcer_->start(session().scope().root.join(prefix), message_.forward);
}

Result<void> TracksPublisher::received(MessageKind kind, ByteSpan body) {
  if (kind == MessageKind::request_update) return received_update(body);
  return fail(SessionError::protocol_violation,
              std::string(to_string(kind)) + " about a SUBSCRIBE_TRACKS of its sender's");
}

Result<void> TracksPublisher::received_update(ByteSpan body) {
  MOQ_TRY(const auto update, decode<RequestUpdate>(session().version(), body));
  MOQ_TRY(const bool known, session().take_tokens(update.tokens));
  const SubscribeTracks before = message_;
  message_.forward = update.forward.value_or(message_.forward);
  message_.prefix = update.prefix.value_or(message_.prefix);
  const auto prefix = to_path(message_.prefix);
  if (!known || !prefix || session().overlaps(*this, message_.prefix)) {
    announcer_.reset();
    refuse(!known    ? RequestErrorCode::malformed_auth_token
           : !prefix ? RequestErrorCode::does_not_exist
                     : RequestErrorCode::prefix_overlap,
           "the update cannot be had");
    return {};
  }
  send(RequestUpdateOk{.request_id = update.request_id});
  if (message_.prefix != before.prefix || message_.forward != before.forward) watch(*prefix);
  return {};
}

void TracksPublisher::on_fin() {
  announcer_.reset();
  finish();
}

void TracksPublisher::gone(StreamError /*code*/) { announcer_.reset(); }

}  // namespace moq::ietf
