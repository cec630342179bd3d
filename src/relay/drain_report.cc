#include "relay/drain_report.h"

#include <chrono>
#include <cstdio>
#include <string_view>

#include <fmt/format.h>

#include "net/base/log.h"
#include "relay/notify.h"

namespace moq::relay {

namespace {

// Of a terminal (ECMA-48): to the line's beginning, and erase what is on it.
constexpr std::string_view kClearLine = "\r\x1b[K";

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

std::string how_gone(const Census::Ended& ended) {
  std::string text;
  for (const DrainOutcome outcome : kDrainOutcomes) {
    const auto count = ended.find(outcome);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ",
                        count == ended.end() ? 0 : count->second, to_string(outcome));
  }
  return text;
}

std::uint64_t sum(const Census::Ended& ended) {
  std::uint64_t all = 0;
  for (const auto& [outcome, count] : ended) all += count;
  return all;
}

std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

std::string drain_status(const Census::Counts& counts) {
  const std::string sessions = counted(counts.total().sessions, "session");
  if (counts.handshakes == 0) return fmt::format("draining: {} left", sessions);
  return fmt::format("draining: {} and {} left", sessions, counted(counts.handshakes, "handshake"));
}

std::string drain_details(const Census::Counts& counts) {
  const Census::Present left = counts.total();
  const std::string handshakes =
      counts.handshakes == 0 ? "" : ", " + counted(counts.handshakes, "handshake");
  return fmt::format("{} remain{}, {} told{}; gone: {}", counted(left.sessions, "session"),
                     left.sessions == 1 ? "s" : "", left.told, handshakes, how_gone(counts.ended));
}

void DrainReport::begin(bool ending) {
  since_ = loop_.now();
  ending_ = ending;
  gone_ = 0;
  const std::string status = drain_status(census_.counts());
  if (ending) {
    notify::stopping(status);
  } else {
    notify::status(status);
  }
  timer_.arm(later(loop_.now(), kInterval));
}

void DrainReport::adopt() {
  ending_ = true;
  notify::stopping(since_ ? drain_status(census_.counts()) : "drained");
}

void DrainReport::tick() {
  const Census::Counts counts = census_.counts();
  const std::string line =
      fmt::format("draining for {:.0f} s: {}", seconds(*age()), drain_details(counts));
  if (terminal_) {
    // The cursor stays at its beginning, so that a line of the log replaces it.
    fmt::print(stderr, "{}{}\r", kClearLine, line);
    std::fflush(stderr);
  } else {
    log::info("{}", line);
  }
  const std::uint64_t gone = sum(counts.ended);
  if (ending_ && gone > gone_) {
    notify::progress(drain_status(counts), kExtension);
  } else {
    notify::status(drain_status(counts));
  }
  gone_ = gone;
  timer_.arm(later(loop_.now(), kInterval));
}

void DrainReport::clear_line() const {
  if (!terminal_) return;
  fmt::print(stderr, "{}", kClearLine);
  std::fflush(stderr);
}

void DrainReport::end() {
  if (!since_) return;
  const Duration time = *age();
  const Census::Counts counts = census_.counts();
  since_.reset();
  timer_.cancel();
  clear_line();
  if (counts.total().sessions == 0) {
    took_ = time;
    log::info("drained in {:.3f} s: {}", seconds(time), how_gone(counts.ended));
    notify::status("drained");
  } else {
    log::warn("the drain is cut off after {:.3f} s: {}", seconds(time), drain_details(counts));
  }
}

void DrainReport::cancel(const std::string& serving) {
  if (since_) {
    clear_line();
    log::info("the drain was called off after {:.3f} s: {}", seconds(*age()),
              drain_details(census_.counts()));
  } else {
    log::info("taking new sessions again");
  }
  since_.reset();
  timer_.cancel();
  notify::status(serving);
}

std::optional<Duration> DrainReport::age() const {
  if (!since_) return {};
  return loop_.now() - *since_;
}

}  // namespace moq::relay
