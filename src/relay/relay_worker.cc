#include "relay/relay_worker.h"

#include <string>
#include <utility>
#include <vector>

#include "net/base/log.h"
#include "relay/auth.h"

namespace moq::relay {

namespace {
// RFC 9110 §15.
constexpr int kOk = 200;
constexpr int kUnauthorized = 401;
constexpr int kUnavailable = 503;
}  // namespace

RelayWorker::RelayWorker(native::Worker& worker, const Shared& shared)
    : worker_(worker),
      loop_(worker.loop()),
      shared_(shared),
      cache_(shared.budget),
      origin_(loop_, shared.hop_id),
      bridge_(loop_, origin_, cache_) {}

RelayWorker::~RelayWorker() = default;

int RelayWorker::decide(const std::string& target) const {
  if (draining_) return kUnavailable;
  const auto scope = authorize_public(shared_.access, target);
  if (scope) return kOk;
  log::info("a request for WebTransport was refused: {}", scope.error().message());
  return kUnauthorized;
}

void RelayWorker::accept(std::shared_ptr<transport::Session> connection, const std::string& path) {
  if (draining_) {
    // Its handshake was under way when the drain began.
    connection->close(static_cast<std::uint64_t>(lite::SessionError::no_error), "going away");
    return;
  }
  const std::string peer = connection->peer_address();
  auto created = Session::create(
      loop_, std::move(connection),
      {.side = Side::server,
       .publish = &origin_,
       .subscribe = &origin_,
       .cache = &cache_,
       .path = path,
       .authorize = [access = &shared_.access](
                        const std::string& target) { return authorize_public(*access, target); },
       .versions = shared_.versions});
  if (!created) {
    log::info("{}: refused: {}", peer, created.error().message());
    return;
  }
  std::unique_ptr<Session> session = *std::move(created);
  Session* key = session.get();
  log::info("{}: connected", session->name());
  session->closed([this, key](const Error& error, bool by_peer) { ended(key, error, by_peer); });
  sessions_.emplace(key, std::move(session));
}

void RelayWorker::ended(const Session* session, const Error& error, bool by_peer) {
  const auto it = sessions_.find(session);
  if (it == sessions_.end()) return;
  log::info("{}: {}: {}", session->name(), by_peer ? "left" : "closed", error.message());
  sessions_.erase(it);
  if (draining_) report();
}

void RelayWorker::drain(std::optional<Duration> window) {
  if (std::exchange(draining_, true)) return;
  worker_.endpoint().refuse_new();
  for (const auto& [key, session] : sessions_) {
    // A window of zero closes right away, which says enough.
    if (window == Duration::zero()) break;
    if (const auto started = session->drain().start({}, window); !started) {
      log::debug("{}: {}", session->name(), started.error().message());
    }
  }
  report();
}

void RelayWorker::close_sessions() {
  // Closing may end a session at once, and take it from the map.
  std::vector<Session*> all;
  for (const auto& [key, session] : sessions_) all.push_back(session.get());
  for (Session* session : all) {
    if (sessions_.contains(session)) {
      session->close(lite::SessionError::goaway_timeout, "goaway timeout");
    }
  }
}

void RelayWorker::report() {
  if (shared_.on_drain_progress) shared_.on_drain_progress(worker_.index(), sessions_.size());
}

}  // namespace moq::relay
