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
  std::span<const Announcement> rest = changes;
  bool known = std::exchange(told_initial_, true) || begin_answer(rest, out);
  for (const Announcement& change : rest) known = known && announce(change, out);
  if (known) return send_bytes(std::move(out));
  log::debug("{}: asks for too many announcements", session().name());
  watch_.reset();
  reset(static_cast<std::uint64_t>(StreamError::too_far_behind));
}

bool AnnouncePublisher::begin_answer(std::span<const Announcement>& changes,
                                     std::vector<std::uint8_t>& out) {
  if (session().traits().has_announce_ok) {
    const auto active = std::ranges::count_if(
        changes, [&](const Announcement& change) { return tellable(change); });
    encode(out, session().version(),
           AnnounceOk{.hop_id = own_hop(), .active_count = static_cast<std::uint64_t>(active)});
  }
  if (!session().traits().has_announce_init) return true;
  AnnounceInit init;
  std::size_t text = 0;
  while (!changes.empty() && init.suffixes.size() < kMaxAnnounceInitSent &&
         text < kMaxAnnounceInitTextSent) {
    const Announcement& change = changes.front();
    changes = changes.subspan(1);
    if (!tellable(change) || active_.contains(change.path)) continue;
    if (!note(change.path)) return false;
    init.suffixes.push_back(change.path.without(prefix_).text());
    text += init.suffixes.back().size();
  }
  encode(out, session().version(), init);
  return true;
}

bool AnnouncePublisher::note(const Path& path) {
  const std::size_t cost = path.text().size() + kPathOverhead;
  if (session().told_paths() + cost > session().limits().max_told_paths) return false;
  session().told_paths() += cost;
  active_.insert(path);
  return true;
}

bool AnnouncePublisher::announce(const Announcement& change, std::vector<std::uint8_t>& out) {
  AnnounceBroadcast message{.status = AnnounceStatus::ended,
                            .suffix = change.path.without(prefix_).text()};
  const auto known = active_.find(change.path);
  if (!tellable(change)) {
    if (known == active_.end()) return true;
    active_.erase(known);
    session().told_paths() -= change.path.text().size() + kPathOverhead;
    encode(out, session().version(), message);
    return true;
  }
  if (known == active_.end()) {
    if (!note(change.path)) return false;
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
