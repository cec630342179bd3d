#include "moq-bench/bench.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "moq-bench/plot.h"
#include "net/base/log.h"

namespace moq::bench {

namespace {

constexpr Duration kStep = std::chrono::milliseconds(50);
/// How long it is waited, after the ramp, for subscriptions that have no group yet.
constexpr Duration kPatience = std::chrono::seconds(5);
/// Beyond the subscriptions' max_latency, for what is on its way at the end.
constexpr Duration kDrain = std::chrono::seconds(2);
/// For the last packets, CONNECTION_CLOSE among them, to leave.
constexpr Duration kClosing = std::chrono::seconds(2);
/// Groups that a bulk is ahead of its slowest subscriber.
constexpr std::uint64_t kBulkAhead = 32;

/// Each connection has a socket.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Duration ramp_of(const Options& options) {
  // Those who choose among announcements collect them for as long again.
  const bool gathers = options.fanout == 0 && options.subscribe.max != 0;
  return gathers ? options.startup * 2 : options.startup;
}

std::size_t largest_frame(const std::vector<Plan>& plans, const Options& options) {
  std::size_t size = options.frame_size.max;
  for (const Plan& plan : plans) size = std::max<std::size_t>(size, plan.shape.frame_size);
  return size;
}

std::string_view name_of(int phase) {
  constexpr std::string_view kNames[] = {"starting", "measuring", "draining", "over"};
  return kNames[phase];
}

}  // namespace

std::vector<Plan> make_plans(const Options& options, const std::string& run) {
  Random random(options.seed);
  const bool fanout = options.fanout != 0;
  const std::uint64_t count =
      fanout ? options.fanout + 1 : std::max<std::uint64_t>(options.connections.roll(random), 1);
  std::vector<Plan> plans(count);
  const std::string base = options.name + "/" + run;
  for (std::uint64_t i = 0; i < count; ++i) {
    Plan& plan = plans[i];
    plan.index = i;
    plan.delay =
        options.startup * static_cast<Duration::rep>(i) / static_cast<Duration::rep>(count);
    plan.seed = random();
    plan.prefix = fmt::format("{}/{}", base, i);
    plan.broadcasts = options.broadcasts.roll(random);
    plan.subscribe = options.subscribe.roll(random);
    plan.shape.fps = options.fps.roll(random);
    plan.shape.frame_size = static_cast<std::uint32_t>(options.frame_size.roll(random));
    plan.shape.group_frames = static_cast<std::uint32_t>(options.group_size.roll(random) + 1);
    plan.shape.bulk_ahead = options.bulk ? kBulkAhead : 0;
    plan.watch = options.name;
    plan.gather = options.startup;
    if (fanout) {
      plan.broadcasts = i == 0 ? 1 : 0;
      plan.subscribe = i == 0 ? 0 : 1;
      plan.watch = base + "/0/0";
      plan.gather = Duration::zero();
    }
  }
  // The slow ones are the last.
  std::uint64_t slow = options.slow;
  for (auto plan = plans.rbegin(); plan != plans.rend() && slow != 0; ++plan) {
    if (plan->subscribe == 0) continue;
    plan->slow = true;
    --slow;
  }
  return plans;
}

Bench::Bench(Options options)
    : options_(std::move(options)),
      signals_(events_, {SIGINT, SIGTERM}, [this](int) { on_signal(); }),
      workers_(options_.threads, "bench"),
      plans_(make_plans(options_, fmt::format("{:08x}", std::random_device{}()))),
      pattern_(largest_frame(plans_, options_)),
      self_(getpid()),
      ramp_(ramp_of(options_)),
      terminal_(isatty(STDERR_FILENO) != 0),
      step_(events_.loop(), [this] { step(); }),
      report_(events_.loop(), [this] { tick(); }) {
  if (options_.relay_pid != 0) relay_.emplace(options_.relay_pid);
  for (const Plan& plan : plans_) {
    if (!plan.slow) readers_ += plan.subscribe;
  }
  if (options_.bulk) gate_ = std::make_unique<BulkGate>(workers_.at(0), readers_);
}

Bench::~Bench() {
  if (output_ != nullptr) std::fclose(output_);
}

int Bench::run() {
  raise_file_limit();
  if (!options_.output.empty()) {
    output_ = std::fopen(options_.output.c_str(), "we");
    if (output_ == nullptr) {
      fmt::print(stderr, "moq-bench: cannot write to {}: {}\n", options_.output,
                 std::strerror(errno));
      return 1;
    }
  }
  facts_.has_relay = relay_.has_value();
  if (relay_) facts_.relay_before = relay_->sample();
  if (relay_ && !facts_.relay_before) {
    fmt::print(stderr, "moq-bench: --relay-pid: there is no process {}\n", options_.relay_pid);
    return 1;
  }
  const Crew::Settings settings{
      .pattern = pattern_,
      .clock = this_clock(),
      .client = options_,
      .max_latency = options_.max_latency,
      .bulk = gate_.get(),
      .failed = [this](std::uint64_t index, const std::string& why, bool was_open) {
        events_.post([this, index, why, was_open] { failed(index, why, was_open); });
      }};
  const Time start = events_.now();
  facts_.start = start;
  crews_.resize(workers_.size());
  workers_.run_on_all([&](std::size_t worker) {
    crews_[worker] = std::make_unique<Crew>(workers_.at(worker), settings);
    std::vector<Plan> mine;
    for (const Plan& plan : plans_) {
      if (plan.index % workers_.size() == worker) mine.push_back(plan);
    }
    crews_[worker]->launch(mine, start);
  });
  fmt::print(stderr, "moq-bench: {} connections to {}, seed {}\n", plans_.size(),
             options_.url.to_log(), options_.seed);
  last_ = begun_ = moment();
  step_.arm(later(start, kStep));
  report_.arm(later(start, options_.report));
  events_.run();
  return finish();
}

bool Bench::started() const {
  const Time now = last_.at;
  if (now < later(facts_.start, ramp_) || last_.tally.connections < plans_.size()) return false;
  const bool all_begun = last_.deliveries.begun >= readers_;
  return all_begun || now >= later(facts_.start, ramp_ + kPatience);
}

void Bench::step() {
  const Time now = events_.now();
  step_.arm(later(now, kStep));
  const bool time_is_up =
      interrupted_ || (options_.duration && now >= facts_.start + *options_.duration);
  switch (phase_) {
    case Phase::starting:
      if (time_is_up) return end_measuring();
      if (now >= later(facts_.start, ramp_)) {
        const Moment then = std::exchange(last_, moment());
        const bool ready = started();
        last_ = then;
        if (ready) begin_measuring();
      }
      return;
    case Phase::measuring:
      if (time_is_up) end_measuring();
      return;
    case Phase::draining: {
      std::vector<char> waits(crews_.size());
      workers_.run_on_all([&](std::size_t i) { waits[i] = crews_[i]->waits(ends_) ? 1 : 0; });
      waits_ = std::ranges::any_of(waits, [](char each) { return each != 0; });
      if (waits_ && now < drain_until_) return;
      phase_ = Phase::over;
      events_.stop();
      return;
    }
    case Phase::over:
      return;
  }
}

void Bench::begin_measuring() {
  phase_ = Phase::measuring;
  workers_.run_on_all([&](std::size_t i) { crews_[i]->begin_measuring(native::monotonic_now()); });
  begun_ = moment();
  last_ = begun_;
  report_.arm(later(begun_.at, options_.report));
}

void Bench::end_measuring() {
  measured_ = phase_ == Phase::measuring;
  if (!measured_) {
    why_ = fmt::format("{} before all connections were there and measuring began",
                       interrupted_ ? "interrupted" : "--duration ended");
    // What there is is told all the same.
    begun_ = last_;
  }
  phase_ = Phase::draining;
  ended_ = moment();
  workers_.run_on_all([&](std::size_t i) { crews_[i]->end_measuring(native::monotonic_now()); });
  std::vector<Crew::Ends> ends(crews_.size());
  workers_.run_on_all(
      [&](std::size_t i) { ends[i] = crews_[i]->stop_publishing(native::monotonic_now()); });
  for (Crew::Ends& each : ends) ends_.merge(each);
  drain_until_ = later(events_.now(), options_.max_latency + kDrain);
}

void Bench::on_signal() {
  if (interrupted_ || phase_ == Phase::draining) {
    fmt::print(stderr, "\n");
    std::_Exit(130);
  }
  interrupted_ = true;
  step_.arm(events_.now());
}

void Bench::failed(std::uint64_t index, const std::string& why, bool was_open) {
  if (!was_open) {
    return give_up(fmt::format("connection {} of {}: {}", index + 1, plans_.size(), why));
  }
  log::warn("connection {}: {}", index + 1, why);
  if (why_.empty()) why_ = fmt::format("connection {} was lost: {}", index + 1, why);
}

void Bench::give_up(const std::string& why) {
  if (phase_ == Phase::over) return;
  phase_ = Phase::over;
  why_ = why;
  ended_.reset();
  events_.stop();
}

Moment Bench::moment() {
  Moment now;
  std::vector<Tally> tallies(crews_.size());
  std::vector<Deliveries> deliveries(crews_.size());
  workers_.run_on_all([&](std::size_t i) {
    const Time at = native::monotonic_now();
    tallies[i] = crews_[i]->tally(at);
    deliveries[i] = crews_[i]->deliveries(at);
  });
  for (const Tally& each : tallies) now.tally.merge(each);
  for (const Deliveries& each : deliveries) now.deliveries.merge(each);
  now.at = native::monotonic_now();
  now.wall_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                               std::chrono::system_clock::now().time_since_epoch())
                                               .count());
  now.self = self_.sample().value_or(ProcessSample{});
  if (relay_) now.relay = relay_->sample();
  return now;
}

void Bench::write(const nlohmann::ordered_json& line) {
  const std::string text = line.dump() + "\n";
  if (!options_.plot.empty()) lines_.push_back(text);
  if (output_ == nullptr) return;
  if (std::fwrite(text.data(), 1, text.size(), output_) != text.size() ||
      std::fflush(output_) != 0) {
    give_up(fmt::format("cannot write to {}: {}", options_.output, std::strerror(errno)));
  }
}

void Bench::tick() {
  const Moment now = moment();
  const auto line = report_line(facts_, "report", name_of(static_cast<int>(phase_)), last_, now);
  last_ = now;
  write(line);
  fmt::print(stderr, "{}{}{}", terminal_ ? "\r\x1b[K" : "", progress_line(line),
             terminal_ ? "" : "\n");
  report_.arm(later(events_.now(), options_.report));
}

void Bench::close() {
  workers_.run_on_all([&](std::size_t i) { crews_[i]->close(); });
  const Time until = later(native::monotonic_now(), kClosing);
  events_.run_until(
      [&] {
        std::vector<char> quiet(crews_.size());
        workers_.run_on_all([&](std::size_t i) { quiet[i] = crews_[i]->quiet() ? 1 : 0; });
        return native::monotonic_now() >= until ||
               std::ranges::all_of(quiet, [](char each) { return each != 0; });
      },
      kClosing);
  workers_.run_on_all([&](std::size_t i) { crews_[i].reset(); });
  workers_.stop();
}

bool Bench::plot() const {
  if (options_.plot.empty()) return true;
  const std::string what = options_.fanout != 0
                               ? fmt::format("1 publisher, {} subscribers", options_.fanout)
                               : fmt::format("{} connections", plans_.size());
  std::ofstream file(options_.plot, std::ios::binary | std::ios::trunc);
  file << plot_page(lines_, "moq-bench: " + what, options_.command);
  if (file.flush()) return true;
  fmt::print(stderr, "moq-bench: cannot write to {}\n", options_.plot);
  return false;
}

int Bench::finish() {
  step_.cancel();
  report_.cancel();
  if (terminal_) fmt::print(stderr, "\n");
  if (!ended_) {
    fmt::print(stderr, "moq-bench: {}\n", why_);
    close();
    return 1;
  }
  workers_.run_on_all([&](std::size_t i) { crews_[i]->settle(ends_); });
  Moment settled = *ended_;
  const Moment last = moment();
  // Rates are of the time that was measured; what became of the groups, and of the
  // frames that were due in it, is known only now.
  settled.deliveries = last.deliveries;
  settled.tally.latency = last.tally.latency;
  settled.tally.connections_lost = last.tally.connections_lost;
  settled.tally.frames_corrupt = last.tally.frames_corrupt;
  auto line = report_line(facts_, "summary", "over", begun_, settled);
  write(line);
  close();
  fmt::print("{}", summary_table(line));
  std::fflush(stdout);
  if (!plot()) return 1;
  if (readers_ != 0 && last.tally.frames_recv == 0) {
    fmt::print(stderr, "moq-bench: nothing was received{}{}\n", why_.empty() ? "" : ": ", why_);
    return 1;
  }
  if (!why_.empty()) fmt::print(stderr, "moq-bench: {}\n", why_);
  if (!measured_) return 1;
  const std::string lost = losses(line);
  if (options_.fail_on_loss && !lost.empty()) {
    fmt::print(stderr, "moq-bench: --fail-on-loss: {}\n", lost);
    return 1;
  }
  return 0;
}

}  // namespace moq::bench
