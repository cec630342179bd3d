#include "moq-interop-client/stage.h"

#include <algorithm>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "net/ietf/mapping.h"

namespace moq::interop {

namespace {

/// For CONNECTION_CLOSE to leave.
constexpr Duration kCloseTime = std::chrono::seconds(1);

}  // namespace

Stage::Stage(native::EventLoop& events, const Options& options, Duration limit,
             std::function<bool()> stopped)
    : events_(events),
      options_(options),
      deadline_(later(events.now(), limit)),
      limit_(limit),
      stopped_(std::move(stopped)) {
  auto dialer = native::Dialer::create(events, options.dialer);
  if (dialer) {
    dialer_ = *std::move(dialer);
  } else {
    unusable_ = Failure{.message = dialer.error().message()};
  }
}

Stage::~Stage() {
  peers_.clear();
  if (dialer_ == nullptr) return;
  events_.run_until([this] { return dialer_->connections() == 0; }, kCloseTime);
}

bool Stage::unreachable() const {
  return !peers_.empty() &&
         std::ranges::none_of(peers_, [](const auto& peer) { return peer->connected(); });
}

Wrong Stage::skip(std::string reason) {
  skipped_ = std::move(reason);
  return std::nullopt;
}

bool Stage::ended() const {
  return std::ranges::any_of(peers_, [](const auto& peer) { return peer->over(); });
}

bool Stage::wait(const std::function<bool()>& done, std::optional<Duration> most) {
  const Duration left = deadline_ - events_.now();
  if (left <= Duration::zero()) return done();
  events_.run_until([&] { return stopped_() || done(); }, std::min(left, most.value_or(left)));
  return done();
}

bool Stage::wait_up(const std::function<bool()>& done, std::optional<Duration> most) {
  wait([&] { return ended() || done(); }, most);
  return done();
}

Failure Stage::missing(std::string expected) const {
  Failure failure{.expected = std::move(expected)};
  if (stopped_()) {
    failure.received = "interrupted";
    return failure;
  }
  for (const auto& peer : peers_) {
    if (!peer->over()) continue;
    failure.received = peer->fate();
    failure.message = fmt::format("of the {}", peer->role());
    return failure;
  }
  failure.received = "nothing";
  failure.message = fmt::format(
      "the case has {} ms", std::chrono::duration_cast<std::chrono::milliseconds>(limit_).count());
  return failure;
}

// --- Sessions

Peer& Stage::join(std::string role) {
  return *peers_.emplace_back(std::make_unique<Peer>(
      events_, *dialer_, Peer::Target{.url = &options_.url, .versions = options_.versions},
      std::move(role)));
}

Wrong Stage::up(const Peer& peer) {
  if (!wait_up([&] { return peer.up(); })) return missing("SETUP");
  set_version(peer.version_name());
  return std::nullopt;
}

Wrong Stage::ready(const Peer& peer) {
  if (auto wrong = up(peer)) return wrong;
  if (!wait_up([&] { return peer.may_ask(); })) return missing("MAX_REQUEST_ID");
  return std::nullopt;
}

Wrong Stage::accepted(const Peer& peer, const Asked& request, ietf::MessageKind kind) {
  const std::string expected =
      fmt::format("{} to the {}'s {}", to_string(kind), peer.role(), to_string(request.kind));
  if (!wait_up([&] { return !request.answers.empty(); })) return missing(expected);
  const Answer& answer = request.answers.front();
  if (answer.kind == kind) return std::nullopt;
  return Failure{.expected = expected, .received = answer.text};
}

Wrong Stage::refused(const Peer& peer, const Asked& request) {
  return accepted(peer, request, ietf::MessageKind::request_error);
}

Wrong Stage::all_well() const {
  if (ended()) return missing("the sessions stay open");
  return std::nullopt;
}

// --- Draining

void Stage::start_drain() { drain_ = std::make_unique<Command>(events_, options_.drain_command); }

Wrong Stage::drain_failed() const {
  if (drain_ == nullptr || !drain_->result() || *drain_->result() == 0) return std::nullopt;
  return Failure{.expected = "the drain command ends with 0",
                 .received = fmt::format("it ended with {}", *drain_->result())};
}

ietf::TrackNamespace Stage::test_namespace() { return ietf::to_namespace(Path(kNamespace)); }

std::string Stage::own_namespace() const {
  std::random_device chance;
  return fmt::format("{}/{:08x}{:08x}", kNamespace, chance(), chance());
}

}  // namespace moq::interop
