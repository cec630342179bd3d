#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include "native/server/server.h"
#include "net/base/loop.h"
#include "net/model/cache.h"
#include "net/model/origin.h"
#include "net/session/session.h"
#include "relay/bridge.h"
#include "relay/config.h"

namespace moq::relay {

/// What all workers of a relay have in common. Does not change once they run.
struct Shared {
  PublicAccess access;
  /// Those that are spoken, the preferred first.
  std::vector<const ProtocolVersion*> versions;
  /// This relay, in the hops of announcements: the same for all workers, since
  /// going from one to another is no hop.
  HopId hop_id = 0;
  std::shared_ptr<CacheBudget> budget = std::make_shared<CacheBudget>();
  /// Called on the worker's thread while it drains, with the sessions that are
  /// left: when the drain begins, and each time that one has ended.
  std::function<void(std::size_t worker, std::size_t left)> on_drain_progress;
};

/// One worker's part of a relay: its tree of broadcasts, its sessions, and its
/// end of the bridges. Belongs to the worker's thread.
class RelayWorker {
 public:
  RelayWorker(native::Worker& worker, const Shared& shared);
  RelayWorker(const RelayWorker&) = delete;
  RelayWorker& operator=(const RelayWorker&) = delete;
  /// Closes what is left, without a report.
  ~RelayWorker();

  [[nodiscard]] Bridge& bridge() { return bridge_; }
  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }

  /// Whether a client may have a WebTransport session at `target` (path and query), as a
  /// status of HTTP.
  [[nodiscard]] int decide(const std::string& target) const;
  /// A client's session; `path` as it came with the handshake, if it did.
  void accept(std::shared_ptr<transport::Session> connection, const std::string& path);
  /// Asks all sessions to leave, with GOAWAY; they may stay for `window`, or as
  /// long as they like. Connections that come in later are closed.
  void drain(std::optional<Duration> window);
  /// Closes all sessions with GOAWAY_TIMEOUT.
  void close_sessions();

 private:
  void ended(const Session* session, const Error& error, bool by_peer);
  void report();

  native::Worker& worker_;
  Loop& loop_;
  const Shared& shared_;
  Cache cache_;
  Origin origin_;
  Bridge bridge_;
  bool draining_ = false;
  std::unordered_map<const Session*, std::unique_ptr<Session>> sessions_;
};

}  // namespace moq::relay
