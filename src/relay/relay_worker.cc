#include "relay/relay_worker.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "native/io/event_loop.h"
#include "net/base/log.h"
#include "net/transport/error.h"
#include "relay/auth.h"

namespace moq::relay {

namespace {
// RFC 9110 §15.
constexpr int kOk = 200;
constexpr int kUnauthorized = 401;
constexpr int kBadGateway = 502;
constexpr int kUnavailable = 503;

Census::Kind kind_of(Session& session) {
  const std::string_view version = session.version();
  return {.version = std::string(version.empty() ? "none" : version),
          .transport = std::string(session.transport().traits().kind)};
}

Limit limit_of(SessionLimit limit) {
  switch (limit) {
    case SessionLimit::requests:
      return Limit::requests;
    case SessionLimit::fetches:
      return Limit::fetches;
    case SessionLimit::probes:
      return Limit::probes;
    case SessionLimit::announcements:
      return Limit::announcements;
  }
  return Limit::requests;
}

/// How a drain's session ended. One that was not told may end like one that was.
DrainOutcome outcome_of(const Error& error, bool by_peer) {
  if (by_peer) return DrainOutcome::peer_left;
  if (error.is(SessionError::goaway_timeout)) return DrainOutcome::deadline;
  if (error.is(transport::TransportError::lost)) return DrainOutcome::lost;
  return DrainOutcome::closed;
}

}  // namespace

RelayWorker::RelayWorker(native::Worker& worker, const Shared& shared)
    : worker_(worker),
      loop_(worker.loop()),
      shared_(shared),
      access_(shared.access),
      cache_(shared.budget),
      origin_(loop_, shared.hop_id),
      bridge_(loop_, origin_, cache_),
      handshakes_(loop_, [this] { check_empty(); }),
      flushed_(loop_, [this] { say_flushed(); }) {}

RelayWorker::~RelayWorker() = default;

void RelayWorker::ask(const Visitor& visitor, Access::Done done) {
  // Answers come from another thread, which posts nothing once the workers have ended.
  const Post post = [&events = worker_.events()](std::function<void()> task) {
    events.post(std::move(task));
  };
  access_->authorize(visitor, unix_now(), post,
                     [alive = std::weak_ptr(alive_), done = std::move(done)](auto grant) {
                       if (!alive.expired()) done(std::move(grant));
                     });
}

void RelayWorker::decide(const native::http3::ConnectRequest& request,
                         const native::quic::Connection& connection,
                         const native::http3::Answer& answer) {
  if (mode_ == Mode::closing) return answer(kUnavailable);
  const Visitor visitor{.target = request.path,
                        .host = request.authority,
                        .certificate = connection.client_certificate_end()};
  ask(visitor, [this, answer, client = request.client](Result<Grant> grant) {
    if (mode_ == Mode::closing) return answer(kUnavailable);
    if (!grant) {
      log::info("{}: a request for WebTransport was refused: {}", client, grant.error().detail());
      return answer(grant.error().is(SessionError::unauthorized) ? kUnauthorized : kBadGateway);
    }
    auto place = take_place(grant->scope.root, client);
    if (place == nullptr) return answer(kUnavailable);
    decided_ = {.grant = *std::move(grant), .place = std::move(place)};
    answer(kOk);
    // Nobody may have waited for it any more.
    decided_.reset();
  });
}

std::shared_ptr<RootPlaces::Place> RelayWorker::take_place(const Path& root,
                                                           const log::Name& client) {
  auto place = shared_.roots->take(root);
  if (place == nullptr) shared_.refusals->add(Limit::sessions_per_root, client, loop_.now());
  return place;
}

void RelayWorker::accept(std::shared_ptr<transport::Session> connection,
                         const native::Arrival& arrival) {
  auto decided = std::exchange(decided_, std::nullopt);
  if (mode_ == Mode::closing) {
    connection->close(static_cast<std::uint64_t>(SessionError::goaway_timeout), "goaway timeout");
    return;
  }
  const DrainPlan::Id id = connection->id();
  const log::Name peer{.text = connection->peer_address(), .connection = id};
  auto created = Session::create(
      loop_, std::move(connection),
      {.side = Side::server,
       .publish = &origin_,
       .subscribe = &origin_,
       .cache = &cache_,
       .path = arrival.path,
       .authorize =
           [this, id, decided = std::move(decided), arrival](const std::string& target,
                                                             const Decision& decision) {
             if (decided) return let_in(id, decided->grant, decided->place, decision);
             ask({.target = target, .host = arrival.host, .certificate = arrival.certificate_end},
                 [this, id, decision](Result<Grant> grant) {
                   let_in(id, std::move(grant), nullptr, decision);
                 });
           },
       .versions = shared_.versions,
       .limits = shared_.limits,
       .refused =
           [this, peer](SessionLimit limit) {
             shared_.refusals->add(limit_of(limit), peer, loop_.now());
           }});
  if (!created) {
    log::info("{}: refused: {}", peer, created.error().message());
    return;
  }
  std::unique_ptr<Session> session = *std::move(created);
  log::info("{}: connected", session->name());
  session->closed([this, id](const Error& error, bool by_peer) { ended(id, error, by_peer); });
  session->ready([this, id] { ready(id); });
  Census::Kind kind = kind_of(*session);
  shared_.census->came(kind);
  sessions_.emplace(
      id, Guest{.session = std::move(session), .kind = std::move(kind), .since = loop_.now()});
  // Its handshake was under way when the drain began.
  if (plan_ != nullptr) plan_->tell_now(id);
}

void RelayWorker::let_in(DrainPlan::Id id, Result<Grant> grant,
                         std::shared_ptr<RootPlaces::Place> place, const Decision& decision) {
  if (!grant) return decision(tl::unexpected<Error>(std::move(grant).error()));
  const auto it = sessions_.find(id);
  // It has gone meanwhile.
  if (it == sessions_.end()) return;
  Guest& guest = it->second;
  guest.place = place ? std::move(place) : take_place(grant->scope.root, guest.session->name());
  if (guest.place == nullptr) {
    return decision(
        fail(SessionError::too_many_requests, "there are enough sessions at this path"));
  }
  guest.tier = std::move(grant->tier);
  guest.root = grant->scope.root.text();
  if (grant->expires) {
    guest.expires = grant->expires;
    guest.expiry = std::make_unique<Timer>(loop_, [this, id] { look_at_clock(id); });
    guest.expiry->arm(loop_.now());
  }
  decision(std::move(grant->scope));
}

void RelayWorker::look_at_clock(DrainPlan::Id id) {
  const auto it = sessions_.find(id);
  if (it == sessions_.end()) return;
  Guest& guest = it->second;
  const token::UnixTime now = unix_now();
  if (now >= *guest.expires) {
    return guest.session->close(SessionError::unauthorized,
                                "the token or the certificate has expired");
  }
  // The clock may be set meanwhile; and any number can stand in a token.
  const auto wait = *guest.expires < now + kClockInterval ? *guest.expires - now : kClockInterval;
  guest.expiry->arm(later(loop_.now(), wait));
}

void RelayWorker::ready(DrainPlan::Id id) {
  const auto it = sessions_.find(id);
  if (it == sessions_.end()) return;
  Guest& guest = it->second;
  Census::Kind kind = kind_of(*guest.session);
  if (kind == guest.kind) return;
  shared_.census->changed(guest.kind, kind, guest.told);
  guest.kind = std::move(kind);
}

void RelayWorker::ended(DrainPlan::Id id, const Error& error, bool by_peer) {
  const auto it = sessions_.find(id);
  if (it == sessions_.end()) return;
  const Guest& guest = it->second;
  log::info("{}: {}: {}", guest.session->name(), by_peer ? "left" : "closed", error.message());
  shared_.census->left(guest.kind, guest.told, outcome_of(error, by_peer));
  if (plan_ != nullptr) plan_->forget(id);
  add_ended(guest);
  sessions_.erase(it);
  check_empty();
}

void RelayWorker::add_ended(const Guest& guest) {
  ended_.paths.add(guest.session->transport().path_stats());
  if (guest.place == nullptr) return;
  TierReport& tier = ended_.tiers[guest.tier];
  ++tier.opened;
  ++tier.closed;
  tier.traffic += guest.session->traffic();
}

Report RelayWorker::report(bool one_by_one) const {
  Report report = ended_;
  // So that the usual one is there from the beginning.
  report.tiers[""];
  for (const auto& [id, guest] : sessions_) {
    Session& session = *guest.session;
    const transport::PathStats path = session.transport().path_stats();
    report.paths.add(path);
    if (path.smoothed_rtt > Duration::zero()) report.round_trips.push_back(path.smoothed_rtt);
    if (path.bitrate > 0) report.bitrates.push_back(path.bitrate);
    if (guest.place != nullptr) {
      TierReport& tier = report.tiers[guest.tier];
      ++tier.opened;
      tier.subscriptions += session.serving();
      tier.viewers += session.serving() > 0 ? 1 : 0;
      tier.traffic += session.traffic();
    }
    if (!one_by_one) continue;
    report.sessions.push_back({.id = id,
                               .peer = session.transport().peer_address(),
                               .version = guest.kind.version,
                               .transport = guest.kind.transport,
                               .root = guest.root,
                               .tier = guest.tier,
                               .age = loop_.now() - guest.since,
                               .told = guest.told,
                               .subscriptions = session.serving(),
                               .announced = session.announced(),
                               .round_trip = path.smoothed_rtt > Duration::zero()
                                                 ? std::optional(path.smoothed_rtt)
                                                 : std::nullopt,
                               .traffic = session.traffic()});
  }
  return report;
}

void RelayWorker::drain(std::shared_ptr<DrainRun> run) {
  worker_.endpoint().refuse_new();
  run_ = std::move(run);
  empty_ = false;
  // Without any time, they are closed right away, which says enough.
  mode_ = run_->order.timeout == Duration::zero() ? Mode::closing : Mode::draining;
  if (mode_ == Mode::draining) {
    std::vector<DrainPlan::Guest> guests;
    for (const auto& [id, guest] : sessions_) {
      if (guest.told) continue;
      guests.push_back({.id = id, .publishes = guest.session->announced() > 0});
    }
    plan_ = std::make_unique<DrainPlan>(
        loop_, run_, std::random_device()(), guests,
        [this](DrainPlan::Id id, const std::string& uri, const std::optional<Duration>& stay) {
          const auto it = sessions_.find(id);
          if (it != sessions_.end()) tell(it->second, uri, stay);
        });
    for (const auto& [id, guest] : sessions_) {
      if (guest.told) guest.session->drain().set_deadline(plan_->stay());
    }
    // Due once this turn has been flushed.
    flushed_.arm(loop_.now());
  }
  check_empty();
}

void RelayWorker::say_flushed() {
  const auto told = std::ranges::count_if(sessions_, [](const auto& entry) {
    return entry.second.told && entry.second.session->has_goaway();
  });
  const std::chrono::duration<double, std::milli> took = native::monotonic_now() - run_->begun;
  log::info("worker {}: {} GOAWAYs were handed to the kernel within {:.1f} ms", worker_.index(),
            told, took.count());
}

void RelayWorker::tell(Guest& guest, const std::string& uri, const std::optional<Duration>& stay) {
  if (const auto started = guest.session->drain().start(uri, stay); !started) {
    return log::debug("{}: {}", guest.session->name(), started.error().message());
  }
  guest.told = true;
  shared_.census->told(guest.kind, guest.session->has_goaway());
}

void RelayWorker::resume() {
  if (mode_ == Mode::serving) return;
  mode_ = Mode::serving;
  plan_.reset();
  handshakes_.cancel();
  shared_.census->handshakes(worker_.index(), 0);
  for (const auto& [id, guest] : sessions_) guest.session->drain().set_deadline(std::nullopt);
  worker_.endpoint().accept_new();
}

void RelayWorker::close_sessions() {
  mode_ = Mode::closing;
  plan_.reset();
  // Closing may end a session at once, and take it from the map.
  std::vector<DrainPlan::Id> all;
  for (const auto& [id, guest] : sessions_) all.push_back(id);
  for (const DrainPlan::Id id : all) {
    const auto it = sessions_.find(id);
    if (it == sessions_.end()) continue;
    it->second.session->close(SessionError::goaway_timeout, "goaway timeout");
  }
  check_empty();
}

void RelayWorker::check_empty() {
  if (mode_ == Mode::serving) return;
  const std::size_t waiting =
      mode_ == Mode::closing ? 0 : worker_.endpoint().handshakes() + worker_.http3().negotiating();
  shared_.census->handshakes(worker_.index(), waiting);
  handshakes_.arm(waiting == 0 ? kNever : later(loop_.now(), kHandshakeInterval));
  if (waiting > 0 || !sessions_.empty() || std::exchange(empty_, true)) return;
  if (shared_.on_empty) shared_.on_empty(worker_.index(), run_->number);
}

}  // namespace moq::relay
