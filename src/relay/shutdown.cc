#include "relay/shutdown.h"

#include <utility>

#include "net/base/log.h"

namespace moq::relay {

namespace {
// What shells report for a process that a signal ended.
constexpr int kSignalExit = 128;
}  // namespace

const ErrorDomain& error_domain(ShutdownError) {
  static constexpr ErrorDomain domain{"shutdown", [](std::uint64_t code) -> std::string_view {
                                        switch (static_cast<ShutdownError>(code)) {
                                          case ShutdownError::draining:
                                            return "the relay is drained already";
                                          case ShutdownError::ending:
                                            return "a signal has come: the relay ends";
                                        }
                                        return "unknown";
                                      }};
  return domain;
}

std::string_view to_string(Shutdown::Phase phase) {
  switch (phase) {
    case Shutdown::Phase::running:
      return "running";
    case Shutdown::Phase::draining:
      return "draining";
    case Shutdown::Phase::closing:
      return "closing";
    case Shutdown::Phase::empty:
      return "empty";
    case Shutdown::Phase::over:
      return "over";
  }
  return "unknown";
}

Shutdown::Shutdown(Loop& loop, DrainOrder order, ShutdownEffects& effects)
    : loop_(loop),
      order_(std::move(order)),
      effects_(effects),
      timer_(loop, [this] { time_is_up(); }) {}

void Shutdown::on_signal(int signal) {
  if (phase_ == Phase::over) return;
  if (std::exchange(ending_, true)) {
    log::warn("signal {} again: ending at once", signal);
    return end(kSignalExit + signal);
  }
  switch (phase_) {
    case Phase::running:
      log::info("signal {}: draining; a second one ends at once", signal);
      return begin(order_);
    case Phase::empty:
      log::info("signal {}: no session is left", signal);
      effects_.adopt();
      return end(0);
    default:
      log::info("signal {}: ending with the drain under way; a second one ends at once", signal);
      if (phase_ == Phase::closing) timer_.arm(later(loop_.now(), kCloseTime));
      return effects_.adopt();
  }
}

Result<void> Shutdown::request(const DrainOrder& order) {
  if (ending_) return fail(ShutdownError::ending);
  if (phase_ != Phase::running) return fail(ShutdownError::draining);
  log::info("draining, as was asked for");
  begin(order);
  return {};
}

Result<void> Shutdown::cancel() {
  if (ending_) return fail(ShutdownError::ending);
  if (phase_ == Phase::running) return {};
  phase_ = Phase::running;
  timer_.cancel();
  effects_.resume();
  return {};
}

void Shutdown::begin(const DrainOrder& order) {
  phase_ = Phase::draining;
  if (order.timeout) timer_.arm(later(loop_.now(), *order.timeout));
  effects_.drain(order);
}

void Shutdown::drained() {
  if (phase_ != Phase::draining && phase_ != Phase::closing) return;
  phase_ = Phase::empty;
  timer_.cancel();
  effects_.emptied();
  if (ending_) end(0);
}

void Shutdown::time_is_up() {
  if (phase_ == Phase::closing) {
    if (ending_) end(0);
    return;
  }
  phase_ = Phase::closing;
  log::warn("the drain timeout is over: closing what is left");
  // First, since the effects may end with drained() before they return.
  timer_.arm(later(loop_.now(), kCloseTime));
  effects_.close_sessions();
}

void Shutdown::end(int code) {
  phase_ = Phase::over;
  timer_.cancel();
  effects_.exit(code);
}

}  // namespace moq::relay
