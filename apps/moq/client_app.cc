#include "moq/client_app.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <random>

#include <fmt/format.h>
#include <unistd.h>

namespace moq::apps {

namespace {

/// How long an orderly end may take before the session is closed all the same.
constexpr Duration kStopTime = std::chrono::seconds(10);

/// A hop id that no other endpoint has: it names this publisher.
HopId random_hop() {
  std::random_device device;
  return std::uniform_int_distribution<HopId>(1, (HopId{1} << 53) - 1)(device);
}

std::unique_ptr<VerbRunner> make_verb(ClientApp& app) {
  switch (app.options().verb) {
    case Verb::import:
      return make_import(app);
    case Verb::export_:
      return make_export(app);
    case Verb::announced:
      return make_announced(app);
  }
  return nullptr;
}

}  // namespace

ClientApp::ClientApp(Options options)
    : options_(std::move(options)),
      signals_(events_, {SIGINT, SIGTERM}, [this](int) { on_signal(); }),
      cache_(std::make_shared<CacheBudget>()),
      origin_(events_.loop(), random_hop()),
      tick_(events_.loop(), [this] { tick(); }),
      giving_up_(events_.loop(), [this] { finish(code_); }),
      terminal_(isatty(STDERR_FILENO) != 0) {}

ClientApp::~ClientApp() {
  if (report_ != nullptr) std::fclose(report_);
}

int ClientApp::run() {
  if (!options_.report.empty()) {
    report_ = std::fopen(options_.report.c_str(), "ae");
    if (report_ == nullptr) {
      fmt::print(stderr, "moq: cannot write to {}: {}\n", options_.report, std::strerror(errno));
      return 1;
    }
  }
  auto dialer = native::Dialer::create(events_, options_.client);
  if (!dialer) {
    fmt::print(stderr, "moq: {}\n", dialer.error().message());
    return 1;
  }
  dialer_ = *std::move(dialer);
  verb_ = make_verb(*this);
  const bool publishes = options_.verb == Verb::import;
  client_.emplace(loop(), *dialer_, options_.url,
                  native::ClientOptions{.publish = publishes ? &origin_ : nullptr,
                                        .subscribe = publishes ? nullptr : &origin_,
                                        .cache = &cache_,
                                        .versions = options_.versions,
                                        .limits = {},
                                        .backoff = options_.backoff,
                                        .goaway = options_.goaway,
                                        .reconnect = options_.reconnect,
                                        .random = {}},
                  static_cast<native::ClientHandler&>(*this));
  events_.run();
  clear_line();
  verb_.reset();
  client_.reset();
  // The last packets, CONNECTION_CLOSE among them, leave with the loop's last turns.
  events_.run_until([this] { return dialer_->connections() == 0; }, std::chrono::seconds(1));
  dialer_.reset();
  return code_;
}

void ClientApp::say(const std::string& what) {
  clear_line();
  fmt::print(stderr, "moq: {}\n", what);
}

void ClientApp::on_connected(Session& session) {
  if (std::exchange(started_, true)) {
    return say(fmt::format("connected again: {}", session.name()));
  }
  tick_.arm(later(loop().now(), std::chrono::seconds(1)));
  verb_->start();
}

void ClientApp::on_goaway(const native::Url& next) {
  if (options_.reconnect) {
    return say(fmt::format("the relay is going away; going on at {}", next.to_log()));
  }
  say("the relay is going away");
  stopping_ = true;
  verb_->going_away();
}

void ClientApp::on_handed_over() { log::info("the old session is over"); }

void ClientApp::on_disconnected(const Error& error) {
  say(fmt::format("the session has ended: {}; connecting again", error.message()));
}

void ClientApp::on_closed(const Error& error) {
  if (over_) return;
  if (!started_) {
    // The detail begins with the URL.
    return fail("cannot connect to " + (error.detail().empty() ? error.message() : error.detail()));
  }
  if (stopping_ && error.is(SessionError::no_error)) return finish(0);
  fail(fmt::format("the session has ended: {}", error.message()));
}

void ClientApp::on_signal() {
  if (stopping_ || !started_) {
    clear_line();
    // A second Ctrl-C, or nothing to end in order yet.
    code_ = 130;
    finish(130);
    return;
  }
  stopping_ = true;
  giving_up_.arm(later(loop().now(), kStopTime));
  verb_->stop();
}

void ClientApp::finish(int code) {
  if (std::exchange(over_, true)) return;
  code_ = code;
  tick_.cancel();
  if (started_) write_report();
  events_.stop();
}

void ClientApp::fail(const std::string& why) {
  if (over_) return;
  say(why);
  finish(1);
}

void ClientApp::tick() {
  tick_.arm(later(loop().now(), std::chrono::seconds(1)));
  write_report();
  if (!terminal_) return;
  const std::string line = verb_->progress();
  if (line.empty()) return;
  fmt::print(stderr, "\r\x1b[K{}", line);
  line_shown_ = true;
}

void ClientApp::write_report() {
  if (report_ == nullptr) return;
  const std::string figures = verb_->report();
  if (figures.empty()) return;
  const auto now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch());
  fmt::print(report_, "{{\"time\":{:.6f},{}}}\n", now.count(), figures);
  std::fflush(report_);
}

void ClientApp::clear_line() {
  if (std::exchange(line_shown_, false)) fmt::print(stderr, "\n");
}

}  // namespace moq::apps
