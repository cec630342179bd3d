#include "net/session/drain.h"

#include <array>
#include <utility>

#include "net/transport/error.h"

namespace moq {

std::string_view to_string(DrainOutcome outcome) {
  switch (outcome) {
    case DrainOutcome::peer_left:
      return "left";
    case DrainOutcome::deadline:
      return "deadline";
    case DrainOutcome::closed:
      return "closed";
    case DrainOutcome::lost:
      return "lost";
  }
  return "unknown";
}

const ErrorDomain& error_domain(DrainError) {
  static constexpr ErrorDomain domain{"drain", [](std::uint64_t code) -> std::string_view {
                                        static constexpr std::array<std::string_view, 3> names{
                                            "ALREADY_STARTED", "URI_TOO_LONG", "SESSION_CLOSED"};
                                        return code < names.size() ? names[code] : "unknown";
                                      }};
  return domain;
}

Drain::Drain(Loop& loop, Actions& actions)
    : actions_(actions), loop_(loop), deadline_(loop, [this] {
        expired_ = true;
        actions_.close_for_deadline();
      }) {}

Result<void> Drain::start(const std::string& uri, std::optional<Duration> deadline) {
  if (started_) return fail(DrainError::already_started);
  if (closed_) return fail(DrainError::session_closed);
  if (uri.size() > kMaxUri) {
    return fail(DrainError::uri_too_long, "a GOAWAY's URI has at most 8192 bytes");
  }
  started_ = true;
  actions_.send_goaway(uri, deadline.value_or(Duration::zero()));
  set_deadline(deadline);
  return {};
}

void Drain::set_deadline(std::optional<Duration> deadline) {
  if (!started_ || closed_) return;
  const bool wanted = deadline && *deadline > Duration::zero();
  deadline_.arm(wanted ? later(loop_.now(), *deadline) : kNever);
}

void Drain::complete(std::function<void(DrainOutcome)> done) {
  if (outcome_) {
    done(*outcome_);
  } else {
    waiting_.push_back(std::move(done));
  }
}

void Drain::session_closed(const Error& error, bool by_peer) {
  closed_ = true;
  deadline_.cancel();
  if (!started_) return;
  if (by_peer) {
    outcome_ = DrainOutcome::peer_left;
  } else if (expired_) {
    outcome_ = DrainOutcome::deadline;
  } else if (error.is(transport::TransportError::lost)) {
    outcome_ = DrainOutcome::lost;
  } else {
    outcome_ = DrainOutcome::closed;
  }
  // Copies: a call may destroy this.
  const DrainOutcome outcome = *outcome_;
  const auto waiting = std::exchange(waiting_, {});
  for (const auto& done : waiting) done(outcome);
}

}  // namespace moq
