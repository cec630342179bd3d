#include "moq-interop-client/run.h"

#include <csignal>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "moq-interop-client/stage.h"
#include "moq-interop-client/tap.h"
#include "native/io/signals.h"

namespace moq::interop {

namespace {

constexpr int kInterrupted = 130;
/// How long a relay may take to serve again.
constexpr Duration kUndrainTime = std::chrono::seconds(10);

class Run {
 public:
  explicit Run(const Options& options)
      : options_(options),
        signals_(events_, {SIGINT, SIGTERM}, [this](int) { interrupted_ = true; }) {}

  int all() {
    bool failed = false;
    for (std::size_t i = 0; i < options_.cases.size(); ++i) {
      const CaseResult result = one(*options_.cases[i]);
      failed = failed || result.wrong.has_value();
      // What was negotiated belongs in front.
      if (i == 0) say(tap_head(options_.cases.size(), about(result)));
      say(tap_result(i + 1, result));
      if (interrupted_) {
        say(tap_bail_out("interrupted"));
        return kInterrupted;
      }
      // The others would say the same, each at the end of its time.
      if (unreachable_ && i == 0 && result.wrong) {
        say(tap_bail_out(fmt::format("no connection to {}", options_.url.to_log())));
        return 1;
      }
    }
    return failed ? 1 : 0;
  }

 private:
  static void say(const std::string& text) {
    fmt::print("{}", text);
    std::fflush(stdout);
  }

  [[nodiscard]] std::vector<std::string> about(const CaseResult& first) const {
    std::vector<std::string> lines{"moq-interop-client (moq-cpp) v" MOQ_VERSION,
                                   "Relay: " + options_.url.to_log()};
    if (!first.version.empty()) lines.push_back("Draft: " + draft_name(first.version));
    return lines;
  }

  CaseResult one(const Case& each) {
    CaseResult result{.id = each.id};
    if (each.drains) {
      result.skipped = why_not_drained();
      if (!result.skipped.empty()) return result;
    }
    const Time begun = events_.now();
    const auto limit = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(each.limit) * options_.time_factor);
    {
      Stage stage(events_, options_, limit, [this] { return interrupted_; });
      result.wrong = stage.unusable();
      unreachable_ = result.wrong.has_value();
      if (!result.wrong) result.wrong = each.run(stage);
      result.duration = events_.now() - begun;
      result.version = stage.version();
      result.skipped = stage.skipped();
      unreachable_ = unreachable_ || stage.unreachable();
    }
    if (each.drains) undrain(each, result);
    return result;
  }

  [[nodiscard]] std::string why_not_drained() const {
    if (options_.drain_command.empty()) return "nothing says how to drain it (--drain-command)";
    if (!drained_by_.empty()) {
      return fmt::format(
          "the relay was drained by {}, and nothing undoes that "
          "(--undrain-command)",
          drained_by_);
    }
    return {};
  }

  void undrain(const Case& each, CaseResult& result) {
    if (options_.undrain_command.empty()) {
      drained_by_ = each.id;
      return;
    }
    const Command command(events_, options_.undrain_command);
    events_.run_until([&] { return interrupted_ || command.result(); }, kUndrainTime);
    if (command.result() == 0 || result.wrong) return;
    result.wrong =
        Failure{.expected = "the undrain command ends with 0",
                .received = command.result() ? fmt::format("it ended with {}", *command.result())
                                             : "it did not end"};
  }

  const Options& options_;
  native::EventLoop events_;
  bool interrupted_ = false;
  native::SignalSet signals_;
  bool unreachable_ = false;
  std::string_view drained_by_;
};

}  // namespace

int run(const Options& options) { return Run(options).all(); }

}  // namespace moq::interop
