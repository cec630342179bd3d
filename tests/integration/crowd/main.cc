// crowd: a publisher and any number of viewers in one process, for tests of a
// relay. Exits 0 when every viewer got what it had to; 1 with a line for each
// mistake otherwise.

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "crowd/publisher.h"
#include "crowd/roll.h"
#include "crowd/stage.h"
#include "crowd/viewer.h"
#include "net/base/log.h"
#include "net/session/version.h"

namespace moq::crowd {
namespace {

struct Options {
  std::vector<std::string> urls;
  std::string publisher_version = "moq-lite-05";
  std::vector<std::string> viewer_versions{"moq-lite-05"};
  std::size_t viewers = 1;
  std::uint64_t groups = 3;
  std::uint32_t seed = 1;
  double seconds = 0;
  bool verbose = false;
  RollOptions roll;
};

void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

const ProtocolVersion* known_version(const std::string& name) {
  const ProtocolVersion* version = find_protocol_version(name);
  if (version == nullptr) throw CLI::ValidationError("no version " + name);
  return version;
}

native::Url known_url(const std::string& text) {
  const auto url = native::Url::parse(text);
  if (!url) throw CLI::ValidationError(text + ": " + url.error().message());
  return *url;
}

native::DialerConfig client_config(const std::string& version) {
  const std::array versions{known_version(version)};
  native::DialerConfig config;
  config.tls.disable_verify = true;
  config.alpns = alpns(versions);
  config.connect_timeout = std::chrono::minutes(2);
  return config;
}

/// A run: sockets, the publisher, and whoever watches at the moment.
class Run {
 public:
  /// Sockets of the viewers: several, so that the relay's workers get some each.
  static constexpr std::size_t kSockets = 8;
  static constexpr Duration kLongest = std::chrono::minutes(4);

  explicit Run(const Options& options)
      : options_(options),
        stage_{events_, known_url(options.urls.front()), known_version(options.publisher_version),
               known_version(options.viewer_versions.front())},
        random_(options.seed) {
    publisher_client_ = *native::Dialer::create(events_, client_config(options.publisher_version));
    for (std::size_t i = 0; i < kSockets; ++i) {
      clients_.push_back(
          *native::Dialer::create(events_, client_config(options.viewer_versions.front())));
    }
  }

  /// Everybody joins while the publisher stands still in the middle of a group;
  /// each must get that group from its start, and all that come then.
  void crowd() {
    publish();
    add({.begun = [this](Viewer&) { rush(); }});
  }

  /// One to three viewers who come and go, some in the middle of a group.
  void churn() {
    publish();
    publisher_->play();
    visitor();
  }

  /// Waits for GOAWAY, and then ends as it should: whole groups to the last.
  void drain() {
    publish();
    publisher_->on_goaway([this] { publisher_->end([this] { publisher_->leave(); }); });
    publisher_->play();
    for (std::size_t i = 0; i < options_.viewers; ++i) {
      add({.whole =
               [this](Viewer& viewer) {
                 if (begun_.insert(&viewer).second && begun_.size() == options_.viewers) {
                   say("running");
                 }
               },
           .end = [this](Viewer& viewer) { leave_after_both(viewer); },
           .goaway = [this](Viewer& viewer) { leave_after_both(viewer); }});
    }
  }

  /// Sessions that stay, GOAWAY or not, until standard input ends.
  void hold() {
    for (std::size_t i = 0; i < options_.viewers; ++i) {
      add({.watches = false,
           .ready =
               [this](Viewer&) {
                 if (++ready_ == options_.viewers) say("running");
               },
           .goaway =
               [this](Viewer& viewer) {
                 if (begun_.insert(&viewer).second && begun_.size() == options_.viewers) {
                   say("goaway");
                 }
               },
           .closed =
               [this](Viewer& viewer, const Error& error) {
                 say("closed: " + error.message());
                 gone(viewer);
               }});
    }
    input_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [this](const boost::system::error_code&) { events_.stop(); });
  }

  int finish() {
    const bool in_time = events_.run_until([] { return false; }, kLongest) || !timed_out();
    if (!in_time) stage_.faults.emplace_back("it takes too long");
    viewers_.clear();
    publisher_.reset();
    // The CONNECTION_CLOSEs leave with the loop's last turns.
    events_.run_until(
        [this] {
          return publisher_client_->connections() == 0 &&
                 std::all_of(clients_.begin(), clients_.end(),
                             [](const auto& client) { return client->connections() == 0; });
        },
        std::chrono::seconds(5));
    for (const std::string& fault : stage_.faults) say(fault);
    return stage_.faults.empty() ? 0 : 1;
  }

 private:
  [[nodiscard]] bool timed_out() const {
    return later(started_, kLongest) <= native::monotonic_now();
  }

  void publish() { publisher_ = std::make_unique<Publisher>(stage_, *publisher_client_); }

  Viewer& add(Viewer::Hears hears) {
    const std::size_t number = added_++;
    auto viewer = std::make_unique<Viewer>(stage_, *clients_[number % clients_.size()],
                                           fmt::format("viewer {}", number), std::move(hears));
    return *viewers_.emplace(viewer.get(), std::move(viewer)).first->second;
  }

  /// Never from inside the viewer.
  void gone(Viewer& viewer) {
    events_.loop().post([this, key = &viewer] {
      viewers_.erase(key);
      if (viewers_.empty()) events_.stop();
    });
  }

  void rush() {
    for (std::size_t i = 0; i < options_.viewers; ++i) {
      add({.begun =
               [this](Viewer& viewer) {
                 if (viewer.first() != Publisher::kPrelude) {
                   stage_.fault(fmt::format("{}: began with group {}, not with the newest",
                                            viewer.name(), viewer.first().value_or(0)));
                 }
                 if (++ready_ != options_.viewers) return;
                 say("everybody is there");
                 publisher_->play();
               },
           .whole =
               [this](Viewer& viewer) {
                 if (viewer.groups() != options_.groups) return;
                 if (++whole_ == options_.viewers) publisher_->end([] {});
               },
           .end =
               [this](Viewer&) {
                 if (++ended_ == options_.viewers) events_.stop();
               }});
    }
  }

  /// Lets one in, and plans the next.
  void visitor() {
    const std::size_t most = 1 + random_() % 3;
    if (viewers_.size() < most && added_ < options_.viewers) {
      const std::uint64_t wanted = random_() % 3;
      const auto perhaps = [this, wanted](Viewer& viewer) {
        if (viewer.groups() < wanted) return;
        if (begun_.insert(&viewer).second) depart(viewer);
      };
      add({.begun = perhaps, .whole = perhaps});
    }
    if (added_ == options_.viewers && viewers_.empty()) return events_.stop();
    next_.arm(later(events_.loop().now(), std::chrono::milliseconds(random_() % 200)));
  }

  void depart(Viewer& viewer) {
    events_.loop().post([this, key = &viewer] {
      begun_.erase(key);
      viewers_.erase(key);
    });
  }

  void leave_after_both(Viewer& viewer) {
    if (halfway_.insert(&viewer).second) return;
    gone(viewer);
  }

  Options options_;
  native::EventLoop events_;
  Stage stage_;
  std::minstd_rand random_;
  std::unique_ptr<native::Dialer> publisher_client_;
  std::vector<std::unique_ptr<native::Dialer>> clients_;
  std::unique_ptr<Publisher> publisher_;
  std::map<const Viewer*, std::unique_ptr<Viewer>> viewers_;
  std::size_t added_ = 0;
  std::size_t ready_ = 0;
  std::size_t whole_ = 0;
  std::size_t ended_ = 0;
  std::set<const Viewer*> begun_;
  std::set<const Viewer*> halfway_;
  Timer next_{events_.loop(), [this] { visitor(); }};
  boost::asio::posix::stream_descriptor input_{events_.context(), ::dup(STDIN_FILENO)};
  Time started_ = native::monotonic_now();
};

int roll(const Options& options) {
  RollOptions plan = options.roll;
  for (const std::string& url : options.urls) plan.viewer_urls.push_back(known_url(url));
  plan.publisher_url = plan.viewer_urls.front();
  plan.publisher_version = known_version(options.publisher_version);
  for (const std::string& name : options.viewer_versions) {
    plan.viewer_versions.push_back(known_version(name));
  }
  plan.viewers = options.viewers;
  if (options.seconds > 0) {
    plan.length =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.seconds));
  }
  return Roll(plan).run();
}

void add_roll(CLI::App& app, Options& options) {
  app.add_option("--seconds", options.seconds, "How long it plays; 0: until a signal")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--fps", options.roll.frames_per_second)
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--group", options.roll.frames_per_group, "Frames in one")
      ->check(CLI::Range(1, static_cast<int>(kMostFrames)))
      ->capture_default_str();
  app.add_flag("--small", options.roll.small, "Frames of a hundred bytes at most");
  app.add_option("--timeline", options.roll.timeline, "File for what happens, a line of JSON each");
}

}  // namespace
}  // namespace moq::crowd

int main(int argc, char** argv) {
  using moq::crowd::Run;
  moq::crowd::Options options;
  CLI::App app("crowd: publishers and viewers for tests of a relay");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--url", options.urls, "Of several, viewers that roll take turns")->required();
  app.add_option("--publisher-version", options.publisher_version)->capture_default_str();
  app.add_option("--viewer-version", options.viewer_versions, "Of several, as of URLs")
      ->capture_default_str();
  app.add_option("--viewers", options.viewers, "At once; or, of churn, in all")
      ->capture_default_str();
  app.add_option("--groups", options.groups, "What each of a crowd sees at least")
      ->capture_default_str();
  app.add_option("--seed", options.seed)->capture_default_str();
  app.add_flag("--verbose", options.verbose, "Say on standard error what the library logs");
  using Scenario = void (Run::*)();
  Scenario scenario = nullptr;
  const auto add = [&](const char* name, Scenario what) {
    app.add_subcommand(name)->callback([&scenario, what] { scenario = what; });
  };
  add("crowd", &Run::crowd);
  add("churn", &Run::churn);
  add("drain", &Run::drain);
  add("hold", &Run::hold);
  CLI::App* rolling = app.add_subcommand("roll", "Clients that stay connected while relays roll");
  moq::crowd::add_roll(*rolling, options);
  CLI11_PARSE(app, argc, argv);
  if (options.verbose) {
    moq::log::set_sink([](const moq::log::Line& line) { fmt::print(stderr, "{}\n", line.text); },
                       moq::log::Level::debug);
  }
  if (rolling->parsed()) return moq::crowd::roll(options);
  Run run(options);
  (run.*scenario)();
  return run.finish();
}
