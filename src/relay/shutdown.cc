#include "relay/shutdown.h"

#include <string_view>

#include "net/base/log.h"

namespace moq::relay {

namespace {
// What shells report for a process that a signal ended.
constexpr int kSignalExit = 128;
}  // namespace

Shutdown::Shutdown(Loop& loop, std::optional<Duration> window, ShutdownEffects& effects)
    : loop_(loop), window_(window), effects_(effects), timer_(loop, [this] { time_is_up(); }) {}

void Shutdown::on_signal(int signal) {
  if (phase_ == Phase::over) return;
  if (phase_ != Phase::running) {
    log::warn("signal {} again: ending at once", signal);
    return end(kSignalExit + signal);
  }
  phase_ = Phase::draining;
  log::info("signal {}: draining; a second one ends at once", signal);
  effects_.drain();
  if (window_) timer_.arm(later(loop_.now(), *window_));
}

void Shutdown::drained() {
  if (phase_ != Phase::draining && phase_ != Phase::closing) return;
  log::info("no session is left");
  end(0);
}

void Shutdown::time_is_up() {
  if (phase_ == Phase::closing) return end(0);
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
