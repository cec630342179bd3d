#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "native/io/event_loop.h"
#include "native/server/server.h"
#include "net/model/cache.h"
#include "net/model/origin.h"
#include "relay/bridge.h"
#include "relay/broadcast_list.h"
#include "relay/cache_governor.h"
#include "relay/certificates.h"
#include "relay/config.h"
#include "relay/drain_report.h"
#include "relay/drain_status.h"
#include "relay/fetcher.h"
#include "relay/file_watch.h"
#include "relay/http_client.h"
#include "relay/http_server.h"
#include "relay/relay_worker.h"
#include "relay/shutdown.h"

namespace moq::relay {

/// A relay: workers that serve sessions, the bridges between them, HTTP, and an
/// orderly end; or, as operators ask for it, an orderly emptying. Belongs to the thread that runs
/// `events`, which is for signals and HTTP only.
class Relay final : private ShutdownEffects {
 public:
  /// Gets what the process is to exit with. Once; must not destroy the relay.
  using Ended = std::function<void(int code)>;

  /// Opens the sockets and serves. Errors name the address or file. `events`
  /// must outlive the relay.
  static Result<std::unique_ptr<Relay>> start(native::EventLoop& events, const Config& config,
                                              Ended ended);
  /// Whether `start` would find its certificates and keys. Opens no socket.
  static Result<void> check(const Config& config);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  /// Closes what is left and joins the workers.
  ~Relay();

  /// Takes over what needs no restart (Key::live); sessions that are there keep what they
  /// were granted. Fails, and changes nothing, if certificates or keys cannot be read.
  Result<void> apply(const Config& config);

  /// SIGINT or SIGTERM: the first drains, the second ends at once (see Shutdown).
  void on_signal(int signal) { shutdown_.on_signal(signal); }

  /// Where QUIC is listened for; and HTTP, null when it is off.
  [[nodiscard]] native::SocketAddress address() const { return server_->local_address(); }
  [[nodiscard]] const native::SocketAddress* http_address() const {
    return web_ == nullptr ? nullptr : &web_->address();
  }
  /// Where operators ask; null when it is off.
  [[nodiscard]] const native::SocketAddress* internal_address() const {
    return internal_ == nullptr ? nullptr : &internal_->address();
  }

 private:
  struct Pages;

  /// How long the last packets may take to leave.
  static constexpr Duration kCloseTime = std::chrono::milliseconds(500);

  Relay(native::EventLoop& events, const Config& config, Ended ended);
  Result<void> open(const Config& config);
  Result<std::shared_ptr<const Access>> open_access(const Config& config);
  Result<void> open_web(const Config& config);
  void start_worker(native::Worker& worker);
  /// Certificates have changed in their files.
  void reload_certificates();
  void show(Certificates certificates);
  void set_cache(const Config::Cache& cache);
  /// What HTTP's clients may ask of media.
  [[nodiscard]] std::vector<HttpRoute> public_routes();
  /// Runs `task` on each worker's thread, later; and then, if all have, `done` here.
  void on_workers(const std::function<void(RelayWorker&)>& task, std::function<void()> done = {});
  /// What the service manager shows of a relay that runs.
  [[nodiscard]] std::string serving() const;
  void on_empty(std::size_t worker, unsigned drain);
  [[nodiscard]] DrainStatus status();
  void measure(bool one_by_one, std::function<void(Measured)> done);

  void drain(const DrainOrder& order) override;
  void adopt() override;
  void resume() override;
  void close_sessions() override;
  void emptied() override;
  void exit(int code) override;

  native::EventLoop& events_;
  Config config_;  ///< of the keys that are live, as they are now
  Certificates certificates_;
  FileWatch certificate_files_;
  std::shared_ptr<const Access> access_;
  Shared shared_;
  Shutdown shutdown_;
  DrainReport report_;
  CacheGovernor governor_;
  Ended ended_;
  unsigned drains_ = 0;
  /// The workers on which the last drain has left nobody.
  std::set<std::size_t> empty_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  /// What HTTP reads of media: this thread is a reader like any worker.
  Cache cache_;
  Origin origin_;
  Bridge bridge_;
  BroadcastList broadcasts_;
  Time started_ = events_.loop().now();
  /// Each touched on its worker's thread only.
  std::vector<std::unique_ptr<RelayWorker>> workers_;
  /// What is asked over HTTP, for the workers, who ask from their threads; one for each
  /// way in which servers were trusted so far.
  std::vector<std::unique_ptr<Pages>> pages_;
  std::unique_ptr<native::Server> server_;
  std::unique_ptr<HttpServer> web_;
  std::unique_ptr<HttpServer> secure_web_;
  std::unique_ptr<HttpServer> internal_;
};

}  // namespace moq::relay
