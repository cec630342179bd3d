#include "net/lite/announce_publisher.h"

#include <algorithm>
#include <utility>

#include "net/lite/session.h"

namespace moq::lite {

AnnouncePublisher::AnnouncePublisher(Session& session, transport::Stream stream,
                                     MessageReader reader)
    : RequestStream(session, std::move(stream), std::move(reader)) {}

AnnouncePublisher::~AnnouncePublisher() {
  for (const Path& path : active_) session().told_paths() -= path.text().size() + kPathOverhead;
}

Result<void> AnnouncePublisher::begin(ByteSpan message) {
  MOQ_TRY(const auto request, decode_body<AnnounceRequest>(session().version(), message));
  Origin* origin = session().config().publish;
  if (origin == nullptr) {
    // A subscriber that publishes nothing: reference relays end a session that refuses.
    on_announcements({});
    return {};
  }
  prefix_ = session().scope().root.join(Path(request.prefix));
  watch_ = origin->watch(prefix_, *this, session().token(), request.exclude_hop);
  return {};
}

std::uint64_t AnnouncePublisher::own_hop() const {
  const SessionConfig& config = session().config();
  if (config.publish != nullptr) return config.publish->id();
  return config.subscribe != nullptr ? config.subscribe->id() : 0;
}

bool AnnouncePublisher::tellable(const Announcement& change) const {
  const std::size_t self = session().traits().self_in_hops ? 1 : 0;
  return change.broadcast != nullptr && session().may_read(change.path) &&
         change.hops.size() + self <= kMaxHops;
}

void AnnouncePublisher::on_announcements(const std::vector<Announcement>& changes) {
  std::vector<std::uint8_t> out;
  if (!std::exchange(told_initial_, true) && session().traits().has_announce_ok) {
    const auto active = std::ranges::count_if(
        changes, [&](const Announcement& change) { return tellable(change); });
    encode(out, session().version(),
           AnnounceOk{.hop_id = own_hop(), .active_count = static_cast<std::uint64_t>(active)});
  }
  for (const Announcement& change : changes) {
    if (announce(change, out)) continue;
    log::debug("{}: asks for too many announcements", session().name());
    watch_.reset();
    return reset(static_cast<std::uint64_t>(StreamError::too_far_behind));
  }
  send_bytes(std::move(out));
}

bool AnnouncePublisher::announce(const Announcement& change, std::vector<std::uint8_t>& out) {
  AnnounceBroadcast message{.status = AnnounceStatus::ended,
                            .suffix = change.path.without(prefix_).text()};
  const auto known = active_.find(change.path);
  const std::size_t cost = change.path.text().size() + kPathOverhead;
  if (!tellable(change)) {
    if (known == active_.end()) return true;
    active_.erase(known);
    session().told_paths() -= cost;
    encode(out, session().version(), message);
    return true;
  }
  if (known == active_.end()) {
    if (session().told_paths() + cost > session().limits().max_told_paths) return false;
    session().told_paths() += cost;
    active_.insert(change.path);
  } else if (!session().traits().has_restart) {
    // Versions without a restart end the old instance first.
    encode(out, session().version(), message);
  }
  message.status = AnnounceStatus::active;
  message.hops = change.hops;
  if (session().traits().self_in_hops) message.hops.push_back(own_hop());
  encode(out, session().version(), message);
  return true;
}

void AnnouncePublisher::on_fin() {
  watch_.reset();
  finish();
}

void AnnouncePublisher::on_cancel(std::uint64_t /*code*/) { watch_.reset(); }

}  // namespace moq::lite
