#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "native/io/event_loop.h"
#include "native/server/server.h"
#include "relay/config.h"
#include "relay/relay_worker.h"
#include "relay/shutdown.h"
#include "relay/web.h"

namespace moq::relay {

/// A relay: workers that serve sessions, the bridges between them, HTTP, and an
/// orderly end. Belongs to the thread that runs `events`, which is for signals
/// and HTTP only.
class Relay final : private ShutdownEffects {
 public:
  /// Gets what the process is to exit with. Once; must not destroy the relay.
  using Ended = std::function<void(int code)>;

  /// Opens the sockets and serves. Errors name the address or file. `events`
  /// must outlive the relay.
  static Result<std::unique_ptr<Relay>> start(native::EventLoop& events, const Config& config,
                                              Ended ended);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  /// Closes what is left and joins the workers.
  ~Relay();

  /// SIGINT or SIGTERM: the first drains, the second ends at once (see Shutdown).
  void on_signal(int signal) { shutdown_.on_signal(signal); }

  /// Where QUIC is listened for; and HTTP, null when it is off.
  [[nodiscard]] native::SocketAddress address() const { return server_->local_address(); }
  [[nodiscard]] const native::SocketAddress* http_address() const {
    return web_ == nullptr ? nullptr : &web_->address();
  }

 private:
  /// How long the last packets may take to leave.
  static constexpr Duration kCloseTime = std::chrono::milliseconds(500);

  Relay(native::EventLoop& events, const Config& config, Ended ended);
  Result<void> open(const Config& config);
  void start_worker(native::Worker& worker);
  /// Runs `task` on each worker's thread, later.
  void on_workers(const std::function<void(RelayWorker&)>& task);
  void on_drain_progress(std::size_t worker, std::size_t left);

  void drain() override;
  void close_sessions() override;
  void exit(int code) override;

  native::EventLoop& events_;
  Shared shared_;
  std::optional<Duration> window_;
  Shutdown shutdown_;
  Ended ended_;
  /// Sessions left on each worker that has begun to drain.
  std::vector<std::optional<std::size_t>> left_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  /// Each touched on its worker's thread only.
  std::vector<std::unique_ptr<RelayWorker>> workers_;
  std::unique_ptr<native::Server> server_;
  std::unique_ptr<Web> web_;
};

}  // namespace moq::relay
