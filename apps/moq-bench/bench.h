#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "moq-bench/bulk_gate.h"
#include "moq-bench/crew.h"
#include "moq-bench/options.h"
#include "moq-bench/report.h"
#include "native/io/event_loop.h"
#include "native/io/signals.h"
#include "native/io/workers.h"

namespace moq::bench {

/// What each connection of a run is to do: the same for the same options and seed.
[[nodiscard]] std::vector<Plan> make_plans(const Options& options, const std::string& run);

/// A run: threads of connections, its phases, and its reports.
class Bench {
 public:
  explicit Bench(Options options);
  ~Bench();
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  /// Runs to the end; the exit status.
  int run();

 private:
  enum class Phase : std::uint8_t { starting, measuring, draining, over };

  /// Looks whether a phase has ended; every kStep.
  void step();
  [[nodiscard]] bool started() const;
  void begin_measuring();
  void end_measuring();
  void on_signal();
  void failed(std::uint64_t index, const std::string& why, bool was_open);
  void give_up(const std::string& why);
  void tick();
  Moment moment();
  void write(const nlohmann::ordered_json& line);
  [[nodiscard]] bool plot() const;
  int finish();
  void close();

  Options options_;
  native::EventLoop events_;
  native::SignalSet signals_;
  native::Workers workers_;
  std::vector<Plan> plans_;
  Pattern pattern_;
  std::unique_ptr<BulkGate> gate_;
  std::vector<std::unique_ptr<Crew>> crews_;
  std::optional<ProcessSampler> relay_;
  ProcessSampler self_;
  RunFacts facts_;
  Phase phase_ = Phase::starting;
  Duration ramp_{};
  std::uint64_t readers_ = 0;  ///< subscriptions that there should be at least
  Moment last_;
  Moment begun_;  ///< when measuring began
  std::optional<Moment> ended_;
  Crew::Ends ends_;
  Time drain_until_{};
  bool waits_ = false;
  std::string why_;  ///< of a run that failed
  bool interrupted_ = false;
  bool measured_ = false;  ///< there was a time of measuring
  std::FILE* output_ = nullptr;
  std::vector<std::string> lines_;  ///< for --plot
  bool terminal_;
  Timer step_;
  Timer report_;
};

}  // namespace moq::bench
