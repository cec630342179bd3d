#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/base/error.h"
#include "net/base/loop.h"
#include "net/model/origin.h"
#include "net/model/scope.h"
#include "net/protocol/session.h"
#include "net/session/drain.h"
#include "net/session/negotiation.h"
#include "net/session/version.h"
#include "net/transport/transport.h"

namespace moq {

/// What a session does once its peer has sent GOAWAY.
enum class OnGoaway : std::uint8_t {
  /// It serves, and is served, for as long as anything of media runs, and then closes
  /// with NO_ERROR; at once if nothing does.
  leave_when_idle,
  stay,  ///< its owner closes it
};

struct SessionOptions {
  Side side = Side::client;
  /// What the peer may read; null: nothing. Not owned.
  Origin* publish = nullptr;
  /// Where the peer's broadcasts appear; null: they are not asked for. Not owned.
  Origin* subscribe = nullptr;
  /// Keeps the groups of what is subscribed to; needed with `subscribe`. Not owned.
  Cache* cache = nullptr;
  /// Who the peer is to the origins; null: this session, and no other. Sessions that
  /// follow each other share one: what came over one is never announced over another.
  PeerToken peer = nullptr;
  /// Client: the URL's path and query. Server: as the transport received it, if it
  /// carries one.
  std::string path;
  /// Client: as SessionConfig::authority.
  std::string authority = {};
  /// Server: what a path may do, asked once. Unset: everything.
  Authorize authorize;
  /// Those that may be spoken, the preferred first; empty: all. What the transport's
  /// handshake offered or accepted should be the same.
  std::vector<const ProtocolVersion*> versions;
  OnGoaway on_goaway = OnGoaway::leave_when_idle;
  SessionLimits limits;
  /// Told of what a limit did not let in, from the loop; it must not destroy the session.
  std::function<void(SessionLimit)> refused = {};
};

/// A MoQ session, of whatever version was negotiated. Belongs to its loop's
/// thread; destroying it closes it, and may be done in any callback: its own, its
/// drain's, or a reader's of what came over it.
class Session final : private SessionEvents, private Negotiation::Events, private Drain::Actions {
 public:
  /// Starts a session on a connected transport, in the version that its ALPN
  /// token (or WebTransport subprotocol) names, or that a SETUP exchange chooses
  /// where that does not say. Fails if it can be none of `options.versions`.
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
  /// Calls `told` whenever nothing of media runs any more (see the other) after the
  /// peer's GOAWAY; at once if that is so already. Before the session leaves by itself.
  void idle(std::function<void()> told);
  /// Whether nothing of media runs in either direction: no SUBSCRIBE, FETCH or TRACK,
  /// and no group on its way. Announcements do not count.
  [[nodiscard]] bool idle() const { return protocol_ == nullptr || protocol_->idle(); }
  /// Calls `done` once the session is over, as the last call.
  void closed(std::function<void(const Error& error, bool by_peer)> done);
  /// Calls `done` once the peer has been let in, in a version that is known.
  void ready(std::function<void()> done);

  /// See ProtocolSession::move; 0 until the version is known.
  std::size_t move(const Path& path, const std::string& uri, Duration timeout) {
    return protocol_ == nullptr ? 0 : protocol_->move(path, uri, timeout);
  }
  void close(SessionError code, std::string_view reason);
  /// See ProtocolSession::probe.
  void probe(std::uint64_t target_bitrate, ProbeReport report);

  [[nodiscard]] bool open() const { return !over_; }
  /// "moq-lite-05"; empty until it is known.
  [[nodiscard]] std::string_view version() const;
  /// "moq-lite-05 [::1]:4443"; the token stands for the version until it is known.
  [[nodiscard]] const log::Name& name() const { return name_; }
  [[nodiscard]] transport::Session& transport() { return *transport_; }
  /// Streams that are at work.
  [[nodiscard]] std::size_t active() const {
    return protocol_ == nullptr ? 0 : protocol_->active();
  }
  /// Subscriptions of the peer's that are not fully served.
  [[nodiscard]] std::size_t serving() const {
    return protocol_ == nullptr ? 0 : protocol_->serving();
  }
  /// Broadcasts that the peer has announced and not ended.
  [[nodiscard]] std::size_t announced() const {
    return protocol_ == nullptr ? 0 : protocol_->announced();
  }
  /// What it has carried so far.
  [[nodiscard]] const SessionTraffic& traffic() const { return *traffic_; }
  /// Whether the version has a GOAWAY; false until the version is known.
  [[nodiscard]] bool has_goaway() const { return protocol_ != nullptr && protocol_->has_goaway(); }

 private:
  /// What is asked of a session whose version is not known yet.
  struct Wanted {
    std::optional<std::pair<std::string, Duration>> goaway;  ///< URI, timeout
    std::vector<std::pair<std::uint64_t, ProbeReport>> probes;
  };
  /// Calls of `probe` that may wait for the version; more are dropped.
  static constexpr std::size_t kMaxWantedProbes = 8;

  Session(Loop& loop, std::shared_ptr<transport::Session> transport, SessionOptions options);

  void start(const ProtocolVersion& version, Negotiated negotiated);
  void on_negotiated(Negotiated result) override;
  void on_negotiation_failed(SessionError code, std::string reason) override;
  void on_transport_closed(const Error& error, bool by_peer) override;

  void on_ready() override;
  void on_goaway(const std::string& uri) override;
  void on_idle() override;
  void on_refused(SessionLimit limit) override;
  void on_closed(const Error& error, bool by_peer) override;
  void send_goaway(const std::string& uri, Duration timeout) override;
  void close_for_deadline() override;
  void probe_peer();

  /// While draining, how often a quiet peer is asked whether it is there: one that
  /// left without a word that reached us would hold the drain.
  static constexpr Duration kProbeInterval = std::chrono::seconds(1);

  Loop& loop_;
  std::shared_ptr<transport::Session> transport_;
  SessionOptions options_;
  std::shared_ptr<SessionTraffic> traffic_ = std::make_shared<SessionTraffic>();
  log::Name name_;
  Drain drain_;
  Timer probe_timer_;
  bool over_ = false;
  bool closing_ = false;  ///< before the version was known
  bool ready_ = false;
  std::optional<std::string> goaway_uri_;
  std::function<void(const std::string&)> told_goaway_;
  std::function<void()> told_idle_;
  std::function<void()> told_ready_;
  std::function<void(const Error&, bool)> told_closed_;
  Wanted wanted_;
  std::unique_ptr<Negotiation> negotiation_;
  std::shared_ptr<ProtocolSession> protocol_;  ///< null until the version is known
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace moq
