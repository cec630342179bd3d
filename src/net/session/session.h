#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/error.h"
#include "net/base/loop.h"
#include "net/lite/session.h"
#include "net/model/origin.h"
#include "net/model/scope.h"
#include "net/session/drain.h"
#include "net/session/version.h"
#include "net/transport/transport.h"

namespace moq {

enum class Side : std::uint8_t { client, server };

struct SessionOptions {
  Side side = Side::client;
  /// What the peer may read; null: nothing. Not owned.
  Origin* publish = nullptr;
  /// Where the peer's broadcasts appear; null: they are not asked for. Not owned.
  Origin* subscribe = nullptr;
  /// Keeps the groups of what is subscribed to; needed with `subscribe`. Not owned.
  Cache* cache = nullptr;
  /// Client: the URL's path and query. Server: as the transport received it, if it
  /// carries one.
  std::string path;
  /// Server: what a path may do. Unset: everything. An error closes the session.
  std::function<Result<Scope>(const std::string& path)> authorize;
  lite::SessionLimits limits;
};

/// A MoQ session, of whatever version was negotiated. Belongs to its loop's
/// thread; destroying it closes it, and may be done in any callback: its own, its
/// drain's, or a reader's of what came over it.
class Session final : private lite::SessionEvents, private Drain::Actions {
 public:
  /// Starts a session on a connected transport, in the version that its ALPN
  /// token (or WebTransport subprotocol) names. Fails if that is none of ours.
  static Result<std::unique_ptr<Session>> create(Loop& loop,
                                                 std::shared_ptr<transport::Session> transport,
                                                 SessionOptions options);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  /// The session's own end, in an orderly way.
  [[nodiscard]] Drain& drain() { return drain_; }
  /// The peer's GOAWAY: calls `told` with its URI (may be empty), at once if it has
  /// come already. Existing subscriptions go on; new requests fail with GOING_AWAY.
  void draining(std::function<void(const std::string& uri)> told);
  /// Calls `done` once the session is over, as the last call.
  void closed(std::function<void(const Error& error, bool by_peer)> done);
  /// Calls `done` once the peer has been let in (SETUP, where there is one).
  void ready(std::function<void()> done);

  void close(lite::SessionError code, std::string_view reason);
  /// See lite::Session::probe.
  void probe(std::uint64_t target_bitrate,
             std::function<void(std::uint64_t bitrate, std::uint64_t rtt_ms)> report);

  [[nodiscard]] bool open() const { return !over_; }
  /// "moq-lite-05".
  [[nodiscard]] std::string_view version() const;
  /// "moq-lite-05 [::1]:4443".
  [[nodiscard]] const std::string& name() const { return lite_->name(); }
  [[nodiscard]] transport::Session& transport() { return lite_->transport(); }
  /// Streams that are at work.
  [[nodiscard]] std::size_t active() const { return lite_->active(); }
  /// Subscriptions of the peer's that are not fully served.
  [[nodiscard]] std::size_t serving() const { return lite_->serving(); }

 private:
  Session(Loop& loop, std::shared_ptr<transport::Session> transport, lite::Version version,
          SessionOptions options);

  void on_ready() override;
  void on_goaway(const std::string& uri) override;
  void on_closed(const Error& error, bool by_peer) override;
  void send_goaway(const std::string& uri) override;
  void close_for_deadline() override;
  void probe_peer();

  /// While draining, how often a quiet peer is asked whether it is there: one that
  /// left without a word that reached us would hold the drain.
  static constexpr Duration kProbeInterval = std::chrono::seconds(1);

  Loop& loop_;
  Drain drain_;
  Timer probe_timer_;
  bool over_ = false;
  bool ready_ = false;
  std::optional<std::string> goaway_uri_;
  std::function<void(const std::string&)> told_goaway_;
  std::function<void()> told_ready_;
  std::function<void(const Error&, bool)> told_closed_;
  std::shared_ptr<lite::Session> lite_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace moq
