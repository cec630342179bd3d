#include "net/lite/announce_publisher.h"

#include <algorithm>
#include <utility>

#include "net/lite/session.h"

namespace moq::lite {

AnnouncePublisher::AnnouncePublisher(Session& session, transport::Stream stream,
                                     MessageReader reader)
    : RequestStream(session, std::move(stream), std::move(reader)) {}

Result<void> AnnouncePublisher::begin(ByteSpan message) {
  MOQ_TRY(const auto request, decode_body<AnnounceRequest>(session().version(), message));
  Origin* origin = session().config().publish;
  if (origin == nullptr) return fail(StreamError::not_found, "nothing is published here");
  prefix_ = session().scope().root.join(Path(request.prefix));
  watch_ = origin->watch(prefix_, *this, session().token(), request.exclude_hop);
  return {};
}

void AnnouncePublisher::on_announcements(const std::vector<Announcement>& changes) {
  if (!std::exchange(told_initial_, true) && session().traits().has_announce_ok) {
    const auto active = std::ranges::count_if(changes, [&](const Announcement& change) {
      return change.broadcast != nullptr && session().may_read(change.path);
    });
    send(AnnounceOk{.hop_id = session().config().publish->id(),
                    .active_count = static_cast<std::uint64_t>(active)});
  }
  for (const Announcement& change : changes) announce(change);
  if (backlog() > session().limits().max_announce_backlog) {
    log::warn("{}: reads no announcements: {} bytes are waiting", session().name(), backlog());
    watch_.reset();
    reset(static_cast<std::uint64_t>(StreamError::too_far_behind));
  }
}

void AnnouncePublisher::announce(const Announcement& change) {
  if (!session().may_read(change.path)) return;
  AnnounceBroadcast message{.status = AnnounceStatus::ended,
                            .suffix = change.path.without(prefix_).text()};
  const auto known = active_.find(change.path);
  if (change.broadcast == nullptr) {
    if (known == active_.end()) return;
    active_.erase(known);
    send(message);
    return;
  }
  // Versions without a restart end the old instance first.
  if (known != active_.end() && !session().traits().has_restart) send(message);
  message.status = AnnounceStatus::active;
  message.hops = change.hops;
  const HopId self = session().config().publish->id();
  if (session().traits().self_in_hops) message.hops.push_back(self);
  if (message.hops.size() > kMaxHops) return;
  if (known == active_.end()) active_.insert(change.path);
  send(message);
}

void AnnouncePublisher::on_fin() {
  watch_.reset();
  finish();
}

void AnnouncePublisher::on_cancel(std::uint64_t /*code*/) { watch_.reset(); }

}  // namespace moq::lite
