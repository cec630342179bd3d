#include "moq-bench/options.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "moq-bench/payload.h"
#include "moq-bench/preset.h"
#include "native/io/workers.h"
#include "net/model/group.h"

namespace moq::bench {

namespace {

constexpr std::string_view kExamples = R"(
Examples:
  # one publisher, 200 viewers of 2 Mbit/s, and what that costs the relay
  moq-bench --client-connect moqt://localhost:4443 --client-tls-disable-verify \
      --fanout 200 --frame-size 8333 --group-size 29 --duration 40s --relay-pid $(pidof moq-relay)

  # a swarm of different connections
  moq-bench --client-connect moqt://relay.example.com --connections 100 --subscribe 1:5 \
      --fps 24:60 --plot run.html

Ranges: each connection rolls a value of MIN:MAX. Exit status: 0; 1 on an error, when nothing
was measured or received, or, with --fail-on-loss, when anything was lost; 130 after a second
Ctrl-C.)";

constexpr double kDay = 86400;
constexpr std::uint64_t kMaxFrameSize = 16U << 20;
constexpr std::uint64_t kMaxFps = 100000;
constexpr std::uint64_t kMaxConnections = 20000;
/// What --bulk has for frames, unless told otherwise.
constexpr std::uint64_t kBulkSize = 100000;

struct Raw {
  double startup = 10;
  double duration = 0;
  double report = 1;
  double max_latency = 5;
};

/// The flags of the benchmark itself.
class Flags {
 public:
  Flags(CLI::App& app, Options& options, Raw& raw) : app_(app), options_(options), raw_(raw) {
    add_load();
    add_time();
    add_results();
  }

  /// What holds where the command line and the environment say nothing.
  void preset(const Settings& settings, std::string_view source) {
    for (const auto& [flag, value] : settings) {
      CLI::Option* option = app_.get_option_no_throw(flag);
      if (option == nullptr) {
        throw std::runtime_error(fmt::format("{}: there is no {}", source, flag));
      }
      option->run_callback_for_default()->default_val(value)->required(false);
      settled_.insert(flag);
    }
  }

  void require_sense() const {
    if (options_.fanout != 0) {
      for (const char* flag : {"--connections", "--broadcasts", "--subscribe"}) {
        if (given(flag)) throw CLI::ExcludesError("--fanout", flag);
      }
    }
    if (options_.bulk && options_.fanout == 0) throw CLI::RequiresError("--bulk", "--fanout");
    if (options_.slow > options_.fanout && options_.slow > options_.connections.min) {
      throw CLI::ValidationError("--slow", "there are not so many subscribers");
    }
    if (raw_.report == 0) throw CLI::ValidationError("--report", "must be more than 0");
    const std::uint64_t group = (options_.group_size.max + 1) * options_.frame_size.max;
    if (group > Group::Limits{}.max_bytes ||
        options_.group_size.max >= Group::Limits{}.max_objects) {
      throw CLI::ValidationError(
          "--group-size", fmt::format("a group may have {} bytes and {} frames at most",
                                      Group::Limits{}.max_bytes, Group::Limits{}.max_objects));
    }
  }

  void fill_in() {
    options_.startup = apps::seconds(raw_.startup);
    options_.report = apps::seconds(raw_.report);
    options_.max_latency = apps::seconds(raw_.max_latency);
    if (given("--duration")) options_.duration = apps::seconds(raw_.duration);
    if (!given("--seed")) options_.seed = std::random_device{}();
    if (options_.bulk) {
      if (!given("--fanout") && !given("--connections")) options_.fanout = 1;
      if (!given("--frame-size")) options_.frame_size = {kBulkSize, kBulkSize};
      if (!given("--group-size")) options_.group_size = {0, 0};
    }
    options_.frame_size.min = std::max<std::uint64_t>(options_.frame_size.min, FrameStamp::kSize);
    options_.frame_size.max = std::max<std::uint64_t>(options_.frame_size.max, FrameStamp::kSize);
  }

 private:
  [[nodiscard]] bool given(const char* flag) const {
    return app_.get_option(flag)->count() != 0 || settled_.contains(flag);
  }

  CLI::Option* add_range(const std::string& flag, Range& range, std::uint64_t most,
                         const std::string& what) {
    const std::string once = fmt::format("{}..{}", range.min, range.max);
    return app_
        .add_option_function<std::string>(
            flag,
            [&range, most, flag](const std::string& text) {
              const auto parsed = Range::parse(text);
              if (!parsed) {
                throw CLI::ValidationError(flag, "\"" + text + "\" is neither N nor MIN:MAX");
              }
              if (parsed->max > most) {
                throw CLI::ValidationError(flag, fmt::format("may be {} at most", most));
              }
              range = *parsed;
            },
            what)
        ->type_name("N|MIN:MAX")
        ->default_str(range.min == range.max ? std::to_string(range.min) : once)
        ->group("Load");
  }

  void add_load() {
    add_range("--connections", options_.connections, kMaxConnections, "Connections to the relay")
        ->envname("MOQ_BENCH_CONNECTIONS");
    add_range("--broadcasts", options_.broadcasts, 10000, "Broadcasts that each publishes")
        ->envname("MOQ_BENCH_BROADCASTS");
    add_range("--subscribe", options_.subscribe, 10000,
              "Broadcasts of others that each subscribes to")
        ->envname("MOQ_BENCH_SUBSCRIBE");
    add_range("--fps", options_.fps, kMaxFps, "Frames a second of a broadcast; 0: idle")
        ->envname("MOQ_BENCH_FPS");
    add_range("--frame-size", options_.frame_size, kMaxFrameSize,
              fmt::format("Bytes of a frame, at least {}", FrameStamp::kSize))
        ->envname("MOQ_BENCH_FRAME_SIZE");
    add_range("--group-size", options_.group_size, 65535,
              "Frames of a group behind its first: 29 for a group a second at 30 fps")
        ->envname("MOQ_BENCH_GROUP_SIZE");
    app_.add_option("--fanout", options_.fanout,
                    "Instead of --connections: one publishes one broadcast, N subscribe to it")
        ->envname("MOQ_BENCH_FANOUT")
        ->check(CLI::Range(std::uint64_t{0}, kMaxConnections))
        ->group("Load");
    app_.add_option("--slow", options_.slow,
                    "So many of the subscribers stop reading when measuring begins")
        ->envname("MOQ_BENCH_SLOW")
        ->group("Load");
    app_.add_flag("--bulk", options_.bulk,
                  "Groups as fast as they are taken; unless told otherwise, --fanout 1 and one "
                  "frame of 100000 bytes a group")
        ->group("Load");
    app_.add_option("--max-latency", raw_.max_latency,
                    "A group that is older than the latest by more may be given up")
        ->envname("MOQ_BENCH_MAX_LATENCY")
        ->transform(apps::duration_flag(kDay))
        ->capture_default_str()
        ->group("Load");
    app_.add_option("--name", options_.name, "Broadcasts are NAME/RUN/CONNECTION/INDEX")
        ->envname("MOQ_BENCH_NAME")
        ->capture_default_str()
        ->group("Load");
    app_.add_option("--threads", options_.threads, "Threads of clients [default: 2, or 1]")
        ->envname("MOQ_BENCH_THREADS")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{64}))
        ->group("Load");
    app_.add_option("--seed", options_.seed, "What ranges and choices are rolled with")
        ->envname("MOQ_BENCH_SEED")
        ->group("Load");
  }

  void add_time() {
    constexpr const char* kGroup = "Time";
    app_.add_option("--startup", raw_.startup, "Connections are spread over this")
        ->envname("MOQ_BENCH_STARTUP")
        ->transform(apps::duration_flag(kDay))
        ->capture_default_str()
        ->group(kGroup);
    app_.add_option("--duration", raw_.duration,
                    "Of the run, startup included [default: until Ctrl-C]")
        ->envname("MOQ_BENCH_DURATION")
        ->transform(apps::duration_flag(30 * kDay))
        ->group(kGroup);
    app_.add_option("--report", raw_.report, "Between two reports")
        ->envname("MOQ_BENCH_REPORT")
        ->transform(apps::duration_flag(kDay))
        ->capture_default_str()
        ->group(kGroup);
  }

  void add_results() {
    constexpr const char* kGroup = "Results";
    app_.add_option("--output", options_.output, "Write each report and the summary as JSON lines")
        ->envname("MOQ_BENCH_OUTPUT")
        ->group(kGroup);
    app_.add_option("--plot", options_.plot, "Write a page with the timelines of the run")
        ->envname("MOQ_BENCH_PLOT")
        ->group(kGroup);
    app_.add_option("--relay-pid", options_.relay_pid,
                    "The relay's process on this machine: adds what it uses")
        ->envname("MOQ_BENCH_RELAY_PID")
        ->check(CLI::PositiveNumber)
        ->group(kGroup);
    app_.add_flag("--fail-on-loss", options_.fail_on_loss,
                  "Exit with 1 if a group was lost, incomplete, corrupt or came twice")
        ->group(kGroup);
  }

  CLI::App& app_;
  Options& options_;
  Raw& raw_;
  std::set<std::string, std::less<>> settled_;  ///< by a file or preset
};

/// Where else flags are: found before they are parsed.
struct Sources {
  std::string file;
  std::string preset;

  void add(CLI::App& app) {
    app.add_option("--preset", preset, "A load with a name")
        ->check(CLI::IsMember(preset_names()))
        ->group("Load");
    app.add_option("--file", file, "Settings from a TOML file, by the names of the flags")
        ->check(CLI::ExistingFile)
        ->group("Load");
  }

  static Sources find(int argc, const char* const* argv) {
    Sources sources;
    CLI::App app;
    app.set_help_flag();
    app.allow_extras();
    sources.add(app);
    app.parse(argc, argv);
    return sources;
  }
};

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// For people to read: a URL's query, which may be a token, is left out.
std::string command_of(int argc, const char* const* argv) {
  std::string command;
  for (int i = 0; i < argc; ++i) {
    std::string_view word = argv[i];
    if (word.find("://") != std::string_view::npos) word = word.substr(0, word.find('?'));
    command += fmt::format("{}{}", i == 0 ? "" : " ", word);
  }
  return command;
}

std::nullopt_t wrong(const Error& error, int& exit_code) {
  fmt::print(stderr, "moq-bench: {}\nRun \"moq-bench --help\" for what there is.\n",
             error.detail().empty() ? error.message() : error.detail());
  exit_code = 1;
  return std::nullopt;
}

}  // namespace

std::optional<Options> parse_options(int argc, const char* const* argv, int& exit_code) {
  Options options;
  Raw raw;
  CLI::App app("moq-bench: puts load on a MoQ relay, and measures what comes through", "moq-bench");
  app.set_version_flag("--version", "moq-bench " MOQ_VERSION);
  app.footer(std::string(kExamples));
  apps::ClientFlags client;
  client.add(app);
  Flags flags(app, options, raw);
  Sources shown;
  shown.add(app);
  try {
    const Sources sources = Sources::find(argc, argv);
    flags.preset(read_settings(preset_text(sources.preset), sources.preset), sources.preset);
    if (!sources.file.empty()) {
      flags.preset(read_settings(read_file(sources.file), sources.file), sources.file);
    }
    app.parse(argc, argv);
    flags.fill_in();
    flags.require_sense();
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 1;
    return std::nullopt;
  } catch (const std::runtime_error& error) {
    fmt::print(stderr, "moq-bench: {}\n", error.what());
    exit_code = 1;
    return std::nullopt;
  }
  auto connect = client.finish();
  if (!connect) return wrong(connect.error(), exit_code);
  static_cast<apps::ClientOptions&>(options) = *std::move(connect);
  options.command = command_of(argc, argv);
  if (options.threads == 0) {
    options.threads = std::min<std::size_t>(native::Workers::default_count(), 2);
  }
  return options;
}

}  // namespace moq::bench
