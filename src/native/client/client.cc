#include "native/client/client.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "net/base/log.h"
#include "net/transport/error.h"

namespace moq::native {

namespace {

double system_chance() {
  static thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

/// What another attempt cannot change.
bool is_final(const Error& error) {
  return error.is(SessionError::unauthorized) || error.is(transport::TransportError::forbidden);
}

}  // namespace

struct Client::Line {
  explicit Line(Target to) : target(std::move(to)) {}
  ~Line() {
    // Before the session ends what it carries.
    if (leg != nullptr) leg->lose();
  }

  Target target;
  Connector::Dial dial;
  /// Outlives the session, which announces in it.
  std::unique_ptr<SpliceLeg> leg;
  std::unique_ptr<Session> session;
  bool up = false;
  Time up_since{};
  /// GOAWAY came before the session was up.
  std::optional<std::string> goaway;
};

Client::Client(Loop& loop, Connector& connector, const Url& url, ClientOptions options,
               ClientHandler& handler)
    : loop_(loop),
      connector_(connector),
      options_(std::move(options)),
      handler_(handler),
      home_{url, {}},
      target_{url, {}},
      retry_(loop, [this] { dial(); }),
      handover_(loop,
                [this] {
                  // Armed again when there is another replacement.
                  if (current_ == nullptr) return;
                  if (old_->session->serving() > 0) {
                    late_ = true;
                    return;
                  }
                  log::info("{}: the handover takes too long", old_->session->name());
                  leave_old();
                }),
      look_(loop, [this] { look_at_old(); }) {
  options_.backoff.initial = std::max(options_.backoff.initial, Backoff::kLeastInitial);
  if (!options_.random) options_.random = system_chance;
  if (options_.subscribe != nullptr) {
    splice_ = std::make_unique<Splice>(loop, *options_.subscribe, *options_.cache);
  }
  plan(Duration::zero());
}

Client::~Client() {
  over_ = true;
  for (auto* line : {&next_, &old_, &current_}) {
    const std::unique_ptr<Line> gone = std::move(*line);
  }
}

Session* Client::session() const {
  if (current_ != nullptr) return current_->session.get();
  return old_ != nullptr ? old_->session.get() : nullptr;
}

std::size_t Client::sessions() const {
  return (current_ != nullptr ? 1U : 0U) + (old_ != nullptr ? 1U : 0U);
}

std::size_t Client::serving() const {
  return (current_ != nullptr ? current_->session->serving() : 0) +
         (old_ != nullptr ? old_->session->serving() : 0);
}

// --- Dialling

void Client::plan(Duration delay) { retry_.arm(later(loop_.now(), delay)); }

void Client::dial() {
  next_ = std::make_unique<Line>(at_home_ ? home_ : target_);
  Line& line = *next_;
  log::info("connecting to {}", line.target.url.to_log());
  DialOptions options = line.target.dial;
  options.new_port = std::exchange(dialled_before_, true);
  line.dial = connector_.connect(line.target.url, options,
                                 [this, &line](auto result) { dialled(line, std::move(result)); });
}

void Client::dialled(Line& line, Result<std::shared_ptr<transport::Session>> connection) {
  if (!connection) return closed(line, connection.error());
  if (splice_ != nullptr) line.leg = splice_->add();
  auto session =
      Session::create(loop_, *std::move(connection),
                      {.side = Side::client,
                       .publish = options_.publish,
                       .subscribe = line.leg != nullptr ? &line.leg->origin() : nullptr,
                       .cache = line.leg != nullptr ? &line.leg->cache() : nullptr,
                       .peer = splice_ != nullptr ? splice_->token() : this,
                       .path = line.target.url.target(),
                       .authority = line.target.url.authority(),
                       .versions = options_.versions,
                       .on_goaway = options_.reconnect ? OnGoaway::stay : OnGoaway::leave_when_idle,
                       .limits = options_.limits});
  if (!session) return closed(line, session.error());
  line.session = *std::move(session);
  line.session->closed([this, &line](const Error& error, bool) { closed(line, error); });
  line.session->draining([this, &line](const std::string& uri) { going_away(line, uri); });
  line.session->ready([this, &line] { ready(line); });
}

void Client::ready(Line& line) {
  log::info("connected: {}", line.session->name());
  const std::weak_ptr<int> alive = alive_;
  current_ = std::move(next_);
  line.up = true;
  line.up_since = loop_.now();
  ever_up_ = true;
  // A redirect that leads nowhere is forgotten once home answers.
  if (std::exchange(at_home_, false)) {
    target_ = home_;
    redirected_ = false;
  }
  if (line.leg != nullptr) line.leg->set_ready();
  if (old_ != nullptr) {
    if (options_.goaway.handover > Duration::zero()) {
      handover_.arm(later(loop_.now(), options_.goaway.handover));
    }
    look_.arm(later(loop_.now(), kLook));
  }
  handler_.on_connected(*line.session);
  if (alive.expired() || current_.get() != &line || !line.goaway) return;
  going_away(line, std::string(*line.goaway));
}

// --- What becomes of a session

bool Client::healthy(const Line& line) const {
  return loop_.now() - line.up_since >= options_.backoff.initial;
}

void Client::going_away(Line& line, const std::string& uri) {
  if (&line != current_.get()) {
    line.goaway = uri;
    return;
  }
  const std::weak_ptr<int> alive = alive_;
  follow(line, uri);
  if (!options_.reconnect) return handler_.on_goaway(target_.url);
  if (line.leg != nullptr) line.leg->set_leaving();
  // Sessions never pile up: what was being left before is left at once.
  if (old_ != nullptr) leave_old();
  if (alive.expired() || current_.get() != &line) return;
  const bool was_healthy = healthy(line);
  old_ = std::move(current_);
  Duration delay{};
  if (was_healthy) {
    failures_ = 0;
    failing_since_.reset();
  } else {
    ++failures_;
    if (!failing_since_) failing_since_ = loop_.now();
    delay = backoff_delay();
  }
  plan(delay);
  handler_.on_goaway(target_.url);
}

void Client::follow(const Line& line, const std::string& uri) {
  if (uri.empty()) return;
  auto next = redirect(line.target.url, uri, options_.goaway.redirect);
  if (!next) {
    log::warn("{}: the redirect is not followed: {}", line.session->name(), next.error().detail());
    return;
  }
  const auto server = SocketAddress::parse(line.session->transport().peer_address());
  target_ = {*std::move(next), {.public_only = server && !is_local(*server)}};
  redirected_ = true;
}

void Client::closed(Line& line, const Error& error) {
  if (over_) return;
  const std::weak_ptr<int> alive = alive_;
  if (&line == old_.get()) {
    // From here on there is no session that gives it time.
    if (failing_since_) failing_since_ = loop_.now();
    const bool replaced = current_ != nullptr;
    drop_old();
    if (alive.expired()) return;
    return replaced ? handler_.on_handed_over() : handler_.on_disconnected(error);
  }
  auto& owner = &line == current_.get() ? current_ : next_;
  const bool was_up = line.up;
  if (was_up && healthy(line)) {
    failures_ = 0;
    failing_since_.reset();
  }
  { const std::unique_ptr<Line> gone = std::move(owner); }
  if (alive.expired()) return;
  const auto delay = failed(error);
  if (!delay) return give_up(error);
  log::info("{}; trying again in {} ms", error.message(),
            std::chrono::duration_cast<std::chrono::milliseconds>(*delay).count());
  plan(*delay);
  if (was_up) handler_.on_disconnected(error);
}

std::optional<Duration> Client::failed(const Error& error) {
  ++failures_;
  if (!failing_since_) failing_since_ = loop_.now();
  if (!ever_up_) return std::nullopt;
  const bool redirected = redirected_ && !at_home_;
  // Another relay may know us no better; the one that we were given may.
  if (is_final(error) && !redirected && old_ == nullptr) return std::nullopt;
  if (!options_.reconnect) return std::nullopt;
  const bool too_long = options_.backoff.timeout > Duration::zero() &&
                        loop_.now() - *failing_since_ >= options_.backoff.timeout;
  // While the old session serves, there is time.
  if (too_long && old_ == nullptr) return std::nullopt;
  // A redirect may be wrong: home is tried in turns with it.
  at_home_ = redirected;
  return backoff_delay();
}

Duration Client::backoff_delay() {
  const Backoff& backoff = options_.backoff;
  const double factor = std::pow(std::max(backoff.multiplier, 1.0),
                                 static_cast<double>(std::min<std::uint64_t>(failures_, 64) - 1));
  const double most = static_cast<double>(std::max(backoff.max, backoff.initial).count());
  const double delay = std::min(static_cast<double>(backoff.initial.count()) * factor, most);
  return Duration(static_cast<Duration::rep>(delay * (0.5 + 0.5 * options_.random())));
}

// --- The old session of a handover

void Client::look_at_old() {
  if (old_ == nullptr) return;
  const bool read = old_->leg != nullptr && !old_->leg->idle();
  const bool empty = !read && old_->session->idle();
  if (current_ != nullptr && (empty || (late_ && old_->session->serving() == 0))) {
    return leave_old();
  }
  look_.arm(later(loop_.now(), kLook));
}

void Client::leave_old() {
  const std::weak_ptr<int> alive = alive_;
  drop_old();
  if (!alive.expired()) handler_.on_handed_over();
}

void Client::drop_old() {
  handover_.cancel();
  look_.cancel();
  late_ = false;
  const std::unique_ptr<Line> gone = std::move(old_);
}

void Client::give_up(const Error& error) {
  if (std::exchange(over_, true)) return;
  retry_.cancel();
  const std::weak_ptr<int> alive = alive_;
  for (auto* line : {&next_, &old_, &current_}) {
    { const std::unique_ptr<Line> gone = std::move(*line); }
    if (alive.expired()) return;
  }
  if (splice_ != nullptr) splice_->close();
  if (!alive.expired()) handler_.on_closed(error);
}

}  // namespace moq::native
