#include "net/session/session.h"

#include <type_traits>
#include <utility>
#include <variant>

#include "net/base/log.h"
#include "net/ietf/session.h"
#include "net/lite/session.h"
#include "net/transport/error.h"

namespace moq {

Result<std::unique_ptr<Session>> Session::create(Loop& loop,
                                                 std::shared_ptr<transport::Session> transport,
                                                 SessionOptions options) {
  if (options.versions.empty()) options.versions = *parse_versions({});
  const std::string protocol(transport->protocol());
  options.versions = candidates(options.versions, protocol);
  if (options.versions.empty()) {
    transport->close(static_cast<std::uint64_t>(SessionError::version_negotiation), "");
    return fail(SessionError::version_negotiation,
                protocol.empty()
                    ? "there is no protocol token, and no version that needs none"
                    : "the peer chose \"" + protocol + "\", which is no version of ours");
  }
  return std::unique_ptr<Session>(new Session(loop, std::move(transport), std::move(options)));
}

Session::Session(Loop& loop, std::shared_ptr<transport::Session> transport, SessionOptions options)
    : loop_(loop),
      transport_(std::move(transport)),
      options_(std::move(options)),
      name_{.text = std::string(transport_->protocol()) + " " + transport_->peer_address(),
            .connection = transport_->id()},
      drain_(loop, *this),
      probe_timer_(loop, [this] { probe_peer(); }) {
  const ProtocolVersion& first = *options_.versions.front();
  if (!first.by_setup) {
    start(first, {});
    return;
  }
  negotiation_ =
      std::make_unique<Negotiation>(loop, transport_,
                                    Negotiation::Config{.side = options_.side,
                                                        .versions = options_.versions,
                                                        .path = options_.path,
                                                        .authority = options_.authority,
                                                        .timeout = options_.limits.header_timeout},
                                    static_cast<Negotiation::Events&>(*this));
}

void Session::start(const ProtocolVersion& version, Negotiated negotiated) {
  SessionConfig config{.side = options_.side,
                       .publish = options_.publish,
                       .subscribe = options_.subscribe,
                       .cache = options_.cache,
                       .peer = options_.peer,
                       .path = negotiated.path.value_or(options_.path),
                       .authority = options_.authority,
                       .authorize = std::move(options_.authorize),
                       .limits = options_.limits,
                       .traffic = traffic_,
                       .waiting = std::move(negotiated.waiting)};
  if (const auto* max = setup::find(negotiated.parameters, setup::kMaxRequestId)) {
    config.peer_max_request_id = max->number;
  }
  for (const setup::Parameter& parameter : negotiated.parameters) {
    if (parameter.id == setup::kToken) config.setup_tokens.push_back(parameter.bytes);
  }
  if (version.by_setup) config.session_stream = std::move(negotiated.stream);
  const auto create = [&](auto which) -> std::shared_ptr<ProtocolSession> {
    using Family = std::conditional_t<std::is_same_v<decltype(which), lite::Version>, lite::Session,
                                      ietf::Session>;
    return Family::create(loop_, transport_, which, std::move(config),
                          static_cast<SessionEvents&>(*this));
  };
  protocol_ = std::visit(create, version.version);
  name_ = protocol_->name();
  const Wanted wanted = std::exchange(wanted_, {});
  if (wanted.goaway) protocol_->send_goaway(wanted.goaway->first, wanted.goaway->second);
  for (const auto& [bitrate, report] : wanted.probes) protocol_->probe(bitrate, report);
}

Session::~Session() {
  negotiation_.reset();
  if (protocol_ != nullptr) {
    protocol_->abandon();
  } else if (!closing_ && !over_) {
    transport_->close(static_cast<std::uint64_t>(SessionError::no_error), "");
  }
}

void Session::on_negotiated(Negotiated result) {
  // It is at work, and says nothing more.
  const std::unique_ptr<Negotiation> done = std::move(negotiation_);
  const ProtocolVersion& version = *result.version;
  log::info("{}: SETUP chose {}", name_, version.name);
  start(version, std::move(result));
}

void Session::on_negotiation_failed(SessionError code, std::string reason) {
  log::warn("{}: closing: {}", name_, reason);
  close(code, reason);
}

void Session::on_transport_closed(const Error& error, bool by_peer) {
  const bool named = &error.domain() == &error_domain(transport::ApplicationError{});
  on_closed(
      named ? Error(error_domain(SessionError::no_error), error.code(), error.detail()) : error,
      by_peer);
}

void Session::draining(std::function<void(const std::string&)> told) {
  told_goaway_ = std::move(told);
  if (goaway_uri_) on_goaway(std::string(*goaway_uri_));
}

void Session::idle(std::function<void()> told) {
  told_idle_ = std::move(told);
  if (!goaway_uri_ || over_ || !idle()) return;
  if (const auto call = told_idle_) call();
}

void Session::closed(std::function<void(const Error&, bool)> done) {
  told_closed_ = std::move(done);
}

void Session::ready(std::function<void()> done) {
  told_ready_ = std::move(done);
  if (ready_) on_ready();
}

void Session::close(SessionError code, std::string_view reason) {
  if (protocol_ != nullptr) return protocol_->close(code, reason);
  if (closing_ || over_) return;
  closing_ = true;
  negotiation_.reset();
  transport_->close(static_cast<std::uint64_t>(code), reason);
  loop_.post([this, alive = std::weak_ptr(alive_), error = Error(code, std::string(reason))] {
    if (!alive.expired()) on_closed(error, false);
  });
}

void Session::probe(std::uint64_t target_bitrate, ProbeReport report) {
  if (protocol_ != nullptr) return protocol_->probe(target_bitrate, std::move(report));
  if (wanted_.probes.size() < kMaxWantedProbes) {
    wanted_.probes.emplace_back(target_bitrate, std::move(report));
  }
}

std::string_view Session::version() const {
  return protocol_ == nullptr ? "" : protocol_->version_name();
}

void Session::on_ready() {
  ready_ = true;
  // A copy, here and below: the call may destroy this.
  if (const auto told = told_ready_) told();
}

void Session::on_goaway(const std::string& uri) {
  goaway_uri_ = uri;
  if (const auto told = told_goaway_) told(uri);
}

void Session::on_idle() {
  const std::weak_ptr<int> alive = alive_;
  if (const auto told = told_idle_) told();
  if (alive.expired() || options_.on_goaway == OnGoaway::stay) return;
  close(SessionError::no_error, "nothing runs any more");
}

void Session::on_refused(SessionLimit limit) {
  if (options_.refused) options_.refused(limit);
}

void Session::on_closed(const Error& error, bool by_peer) {
  over_ = true;
  probe_timer_.cancel();
  const std::weak_ptr<int> alive = alive_;
  drain_.session_closed(error, by_peer);
  if (alive.expired()) return;
  if (const auto done = std::exchange(told_closed_, nullptr)) done(error, by_peer);
}

void Session::send_goaway(const std::string& uri, Duration timeout) {
  if (protocol_ != nullptr) {
    protocol_->send_goaway(uri, timeout);
  } else {
    wanted_.goaway = {uri, timeout};
  }
  transport_->going_away();
  probe_peer();
}

void Session::probe_peer() {
  transport_->probe_peer();
  probe_timer_.arm(later(loop_.now(), kProbeInterval));
}

void Session::close_for_deadline() { close(SessionError::goaway_timeout, "goaway timeout"); }

}  // namespace moq
