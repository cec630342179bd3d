#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "native/server/server.h"
#include "net/base/loop.h"
#include "net/model/cache.h"
#include "net/model/origin.h"
#include "net/session/session.h"
#include "relay/auth.h"
#include "relay/bridge.h"
#include "relay/census.h"
#include "relay/config.h"
#include "relay/drain_plan.h"
#include "relay/refusals.h"
#include "relay/report.h"
#include "relay/root_places.h"

namespace moq::relay {

/// What all workers of a relay have in common. Does not change once they run.
struct Shared {
  std::shared_ptr<const Access> access;  ///< at the beginning
  /// Those that are spoken, the preferred first.
  std::vector<const ProtocolVersion*> versions;
  /// This relay, in the hops of announcements: the same for all workers, since
  /// going from one to another is no hop.
  HopId hop_id = 0;
  std::shared_ptr<CacheBudget> budget = std::make_shared<CacheBudget>();
  std::shared_ptr<Census> census;
  SessionLimits limits;
  std::shared_ptr<Refusals> refusals;
  std::shared_ptr<RootPlaces> roots;
  /// Called on the worker's thread once in each drain: no session is left, and no
  /// handshake that may become one.
  std::function<void(std::size_t worker, unsigned drain)> on_empty;
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

  [[nodiscard]] std::size_t index() const { return worker_.index(); }
  [[nodiscard]] Bridge& bridge() { return bridge_; }

  /// Who may do what, of clients that come from now on.
  void set_access(std::shared_ptr<const Access> access) { access_ = std::move(access); }
  /// Whether a client may have a WebTransport session. `accept` follows inside of the call
  /// that says so.
  void decide(const native::http3::ConnectRequest& request,
              const native::quic::Connection& connection, const native::http3::Answer& answer);
  /// A client's session.
  void accept(std::shared_ptr<transport::Session> connection, const native::Arrival& arrival);
  /// Takes no new connection, and asks all sessions to leave: those that are there, as
  /// the plan says; those whose handshake is under way, as soon as they are. One that was
  /// told in a drain before is not told again; what this one says of its time holds.
  void drain(std::shared_ptr<DrainRun> run);
  /// Tells nobody any more, lets those stay who were told, and takes new connections.
  void resume();
  /// What it carries; sessions one by one only on demand.
  [[nodiscard]] Report report(bool one_by_one) const;
  /// Closes all sessions with GOAWAY_TIMEOUT, and waits for no handshake any more.
  void close_sessions();

 private:
  enum class Mode : std::uint8_t { serving, draining, closing };
  struct Guest {
    std::unique_ptr<Session> session;
    Census::Kind kind;
    bool told = false;
    Time since{};
    std::string root = {};
    /// Whose account it is: Grant::tier.
    std::string tier = {};
    /// When its token or certificate ends; none if it has no such end.
    std::optional<token::UnixTime> expires = {};
    std::unique_ptr<Timer> expiry = {};
    std::shared_ptr<RootPlaces::Place> place = {};  ///< null until it is let in
  };
  /// What a client is let in with, by decide, while it is.
  struct Decided {
    Grant grant;
    std::shared_ptr<RootPlaces::Place> place;
  };
  /// How often it is looked whether the handshakes that a drain waits for are over: nobody
  /// says so of those that come to nothing.
  static constexpr Duration kHandshakeInterval = std::chrono::milliseconds(10);
  /// How often at least the system's clock is asked whether a token has expired.
  static constexpr std::chrono::seconds kClockInterval{60};

  void tell(Guest& guest, const std::string& uri, const std::optional<Duration>& stay);
  /// Logs how long the GOAWAYs of the drain's first turn took to leave.
  void say_flushed();
  /// Asks what a visitor may do; `done` as Access::authorize, and not once this is gone.
  void ask(const Visitor& visitor, Access::Done done);
  /// The session's place at its root; null after telling of what was refused.
  std::shared_ptr<RootPlaces::Place> take_place(const Path& root, const log::Name& client);
  /// Lets a session in, or not.
  void let_in(DrainPlan::Id id, Result<Grant> grant, std::shared_ptr<RootPlaces::Place> place,
              const Decision& decision);
  /// Closes a session whose token or certificate has expired, or looks again later.
  void look_at_clock(DrainPlan::Id id);
  void ready(DrainPlan::Id id);
  void ended(DrainPlan::Id id, const Error& error, bool by_peer);
  void add_ended(const Guest& guest);
  void check_empty();

  native::Worker& worker_;
  Loop& loop_;
  const Shared& shared_;
  std::shared_ptr<const Access> access_;
  Cache cache_;
  Origin origin_;
  Bridge bridge_;
  Mode mode_ = Mode::serving;
  std::shared_ptr<DrainRun> run_;  ///< of the last drain
  bool empty_ = false;             ///< and that it has been told so
  std::unique_ptr<DrainPlan> plan_;
  Timer handshakes_;
  Timer flushed_;
  Report ended_;                                       ///< what sessions carried that have ended
  std::unordered_map<DrainPlan::Id, Guest> sessions_;  ///< by transport::Session::id
  std::optional<Decided> decided_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace moq::relay
