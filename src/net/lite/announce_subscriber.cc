#include "net/lite/announce_subscriber.h"

#include <utility>

#include "net/lite/session.h"

namespace moq::lite {

AnnounceSubscriber::AnnounceSubscriber(Session& session, const Path& prefix)
    : RequestStream(session, BidiType::announce, {}), prefix_(prefix) {
  send(AnnounceRequest{.prefix = prefix.text(), .exclude_hop = session.config().subscribe->id()});
}

AnnounceSubscriber::~AnnounceSubscriber() { session().forget(*this); }

void AnnounceSubscriber::set_draining() {
  for (auto& [suffix, broadcast] : active_) {
    if (broadcast != nullptr) broadcast->set_draining();
  }
}

Result<bool> AnnounceSubscriber::parse(MessageReader& reader) {
  const bool init = session().traits().has_announce_init && !begun_;
  reader.set_max_message(init ? kMaxAnnounceInit : kMaxMessage);
  MOQ_TRY(const auto body, reader.next_message());
  if (!body) return false;
  const bool first = !std::exchange(begun_, true);
  if (init) {
    MOQ_TRY(auto message, decode_body<AnnounceInit>(session().version(), *body));
    for (std::string& suffix : message.suffixes) {
      MOQ_CHECK_OK(
          received({.status = AnnounceStatus::active, .suffix = std::move(suffix), .hops = {}}));
    }
    return true;
  }
  if (session().traits().has_announce_ok && first) {
    MOQ_TRY(const auto ok, decode_body<AnnounceOk>(session().version(), *body));
    peer_hop_ = ok.hop_id;
    return true;
  }
  MOQ_TRY(const auto message, decode_body<AnnounceBroadcast>(session().version(), *body));
  MOQ_CHECK_OK(received(message));
  return true;
}

Result<void> AnnounceSubscriber::received(const AnnounceBroadcast& message) {
  // Paths that only differ in slashes are one path here.
  const std::string suffix = Path(message.suffix).text();
  const auto known = active_.find(suffix);
  if (message.status == AnnounceStatus::ended) {
    if (known == active_.end()) {
      // It may be one of those that were ignored.
      if (warned_) return {};
      return fail(StreamError::malformed, "a broadcast ended, but was not active");
    }
    withdraw(std::move(known->second));
    active_.erase(known);
    return {};
  }
  if (known == active_.end() && active_.size() >= session().limits().max_announced) {
    if (!std::exchange(warned_, true)) {
      log::debug("{}: announces more than {} broadcasts: the rest is ignored", session().name(),
                 session().limits().max_announced);
    }
    session().refused(SessionLimit::announcements);
    return {};
  }
  std::vector<std::uint64_t> hops = message.hops;
  // An unknown hop stands for a way that the version does not tell of: without it, we
  // would be the publisher to those behind us.
  if (!session().traits().self_in_hops || hops.empty()) hops.push_back(peer_hop_);
  activate(suffix, hops);
  return {};
}

void AnnounceSubscriber::activate(const std::string& suffix,
                                  const std::vector<std::uint64_t>& hops) {
  Origin& origin = *session().config().subscribe;
  const Path wire = prefix_.join(Path(suffix));
  const Path path = session().scope().root.join(wire);
  const Route route{
      .hops = hops, .peer = session().token(), .draining = session().goaway_received()};
  auto& slot = active_[suffix];
  // The same publisher by another way is the same content; anything else is a new
  // instance (moq-lite-05 §"Announce").
  const HopId publisher = hops.empty() ? 0 : hops.front();
  if (slot != nullptr && (publisher == 0 || slot->publisher() != publisher)) {
    withdraw(std::exchange(slot, nullptr));
  }
  if (slot == nullptr) slot = std::make_unique<RemoteBroadcast>(session(), origin, wire.text());
  if (const auto published = slot->publish(origin, path, route); !published) {
    log::debug("{}: \"{}\" is not used: {}", session().name(), path.text(),
               published.error().message());
    slot.reset();
  }
}

void AnnounceSubscriber::withdraw(std::unique_ptr<RemoteBroadcast> broadcast) {
  if (broadcast == nullptr) return;
  RemoteBroadcast& ref = *broadcast;
  ending_.push_back(std::move(broadcast));
  ref.withdraw([this, &ref] {
    std::erase_if(ending_, [&](const auto& entry) { return entry.get() == &ref; });
    if (fin_ && ending_.empty()) finish();
  });
}

void AnnounceSubscriber::on_fin() {
  // Everything is ended now (§"Announce"). Our side ends when nothing runs any more.
  fin_ = true;
  for (auto& [suffix, broadcast] : std::exchange(active_, {})) withdraw(std::move(broadcast));
  if (ending_.empty()) finish();
}

void AnnounceSubscriber::on_cancel(std::uint64_t /*code*/) {
  active_.clear();
  ending_.clear();
}

}  // namespace moq::lite
