#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "moq/options.h"
#include "native/client/client.h"
#include "native/io/event_loop.h"
#include "native/io/signals.h"
#include "net/model/origin.h"
#include "net/session/session.h"

namespace moq::apps {

/// What a verb does.
class VerbRunner {
 public:
  virtual ~VerbRunner() = default;
  /// The first session is up; the app's origin is what the verb publishes in or reads from.
  virtual void start() = 0;
  /// Ctrl-C: comes to an orderly end soon.
  virtual void stop() = 0;
  /// The relay has sent GOAWAY, and there will be no other. By default the same as `stop`.
  virtual void going_away() { stop(); }
  /// Figures for the progress line, and as members of a JSON object.
  virtual std::string progress() { return {}; }
  virtual std::string report() { return {}; }
};

/// A client program: a lasting connection, one verb on it, Ctrl-C, progress.
class ClientApp final : private native::ClientHandler {
 public:
  explicit ClientApp(Options options);
  ~ClientApp();
  ClientApp(const ClientApp&) = delete;
  ClientApp& operator=(const ClientApp&) = delete;

  /// Runs to the end; the exit status.
  int run();

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] native::EventLoop& events() { return events_; }
  [[nodiscard]] Loop& loop() { return events_.loop(); }
  [[nodiscard]] Origin& origin() { return origin_; }
  [[nodiscard]] Cache& cache() { return cache_; }
  /// Subscriptions of relays that are not fully served.
  [[nodiscard]] std::size_t serving() const { return client_ ? client_->serving() : 0; }

  /// The verb is done: closes the session and ends with `code`.
  void finish(int code);
  /// As `finish(1)`, saying why.
  void fail(const std::string& why);

 private:
  void on_connected(Session& session) override;
  void on_goaway(const native::Url& next) override;
  void on_handed_over() override;
  void on_disconnected(const Error& error) override;
  void on_closed(const Error& error) override;
  void on_signal();
  /// A line for people, whatever the log shows.
  void say(const std::string& what);
  void tick();
  /// One line of figures, if they are asked for.
  void write_report();
  void clear_line();

  Options options_;
  native::EventLoop events_;
  native::SignalSet signals_;
  Cache cache_;
  Origin origin_;
  std::unique_ptr<native::Dialer> dialer_;
  std::unique_ptr<VerbRunner> verb_;
  std::optional<native::Client> client_;
  Timer tick_;
  Timer giving_up_;
  std::FILE* report_ = nullptr;
  bool terminal_;
  bool line_shown_ = false;
  bool stopping_ = false;
  bool started_ = false;
  int code_ = 0;
  bool over_ = false;
};

std::unique_ptr<VerbRunner> make_import(ClientApp& app);
std::unique_ptr<VerbRunner> make_export(ClientApp& app);
std::unique_ptr<VerbRunner> make_announced(ClientApp& app);

}  // namespace moq::apps
