#include "net/session/session.h"

#include <algorithm>
#include <utility>

namespace moq {

Result<std::unique_ptr<Session>> Session::create(Loop& loop,
                                                 std::shared_ptr<transport::Session> transport,
                                                 SessionOptions options) {
  const auto all = protocol_versions();
  const auto found = std::ranges::find(all, transport->protocol(), &ProtocolVersion::alpn);
  if (found == all.end()) {
    const std::string protocol(transport->protocol());
    transport->close(static_cast<std::uint64_t>(lite::SessionError::version_negotiation), "");
    return fail(lite::SessionError::version_negotiation,
                "the peer chose \"" + protocol + "\", which is no MoQ version of ours");
  }
  return std::unique_ptr<Session>(
      new Session(loop, std::move(transport), found->lite, std::move(options)));
}

Session::Session(Loop& loop, std::shared_ptr<transport::Session> transport, lite::Version version,
                 SessionOptions options)
    : loop_(loop),
      drain_(loop, *this),
      probe_timer_(loop, [this] { probe_peer(); }),
      lite_(lite::Session::create(
          loop, std::move(transport), version,
          lite::SessionConfig{
              .side = options.side == Side::client ? lite::Side::client : lite::Side::server,
              .publish = options.publish,
              .subscribe = options.subscribe,
              .cache = options.cache,
              .path = std::move(options.path),
              .authorize = std::move(options.authorize),
              .limits = options.limits},
          static_cast<lite::SessionEvents&>(*this))) {}

Session::~Session() { lite_->abandon(); }

void Session::draining(std::function<void(const std::string&)> told) {
  told_goaway_ = std::move(told);
  if (goaway_uri_) on_goaway(std::string(*goaway_uri_));
}

void Session::closed(std::function<void(const Error&, bool)> done) {
  told_closed_ = std::move(done);
}

void Session::ready(std::function<void()> done) {
  told_ready_ = std::move(done);
  if (ready_) on_ready();
}

void Session::close(lite::SessionError code, std::string_view reason) {
  lite_->close(code, reason);
}

void Session::probe(std::uint64_t target_bitrate,
                    std::function<void(std::uint64_t, std::uint64_t)> report) {
  lite_->probe(target_bitrate, std::move(report));
}

std::string_view Session::version() const { return lite::version_info(lite_->version()).name; }

void Session::on_ready() {
  ready_ = true;
  // A copy, here and below: the call may destroy this.
  if (const auto told = told_ready_) told();
}

void Session::on_goaway(const std::string& uri) {
  goaway_uri_ = uri;
  if (const auto told = told_goaway_) told(uri);
}

void Session::on_closed(const Error& error, bool by_peer) {
  over_ = true;
  probe_timer_.cancel();
  const std::weak_ptr<int> alive = alive_;
  drain_.session_closed(error, by_peer);
  if (alive.expired()) return;
  if (const auto done = std::exchange(told_closed_, nullptr)) done(error, by_peer);
}

void Session::send_goaway(const std::string& uri) {
  lite_->send_goaway(uri);
  if (lite_->has_goaway()) lite_->transport().going_away();
  probe_peer();
}

void Session::probe_peer() {
  lite_->transport().probe_peer();
  probe_timer_.arm(later(loop_.now(), kProbeInterval));
}

void Session::close_for_deadline() {
  lite_->close(lite::SessionError::goaway_timeout, "goaway timeout");
}

}  // namespace moq
