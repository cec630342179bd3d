#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "native/client/dialer.h"
#include "native/client/redirect.h"
#include "native/client/url.h"
#include "net/base/loop.h"
#include "net/session/session.h"
#include "net/splice/splice.h"

namespace moq::native {

/// How a client goes on trying: after each failure it waits for `initial`, times
/// `multiplier` for each failure before, at most `max`; of that, by chance, half to all.
struct Backoff {
  /// A session that lived for less is a failure, too, GOAWAY or not: two relays cannot
  /// send a client back and forth. At least kLeastInitial.
  Duration initial = std::chrono::seconds(1);
  double multiplier = 2;
  Duration max = std::chrono::seconds(5);
  /// How long it fails, without a session, before it is given up; zero: never.
  Duration timeout = std::chrono::seconds(10);

  static constexpr Duration kLeastInitial = std::chrono::milliseconds(50);
};

/// What a client does when its relay goes away.
struct Goaway {
  Redirect redirect = Redirect::same_host;
  /// How long the old session may stay once its replacement serves, unless its relay still
  /// reads from us: others may have nothing but that. Zero: until nothing is left on it.
  Duration handover = std::chrono::seconds(10);
};

struct ClientOptions {
  /// What relays may read, and where their broadcasts appear; null: nothing. Not owned.
  Origin* publish = nullptr;
  Origin* subscribe = nullptr;
  /// Keeps the groups of what is subscribed to; needed with `subscribe`. Not owned.
  Cache* cache = nullptr;
  /// Those that may be spoken, the preferred first; empty: all. What the connector
  /// offers should be the same.
  std::vector<const ProtocolVersion*> versions;
  SessionLimits limits;
  Backoff backoff;
  Goaway goaway;
  /// Whether to dial again, after GOAWAY and when a session is lost. Without, there is one
  /// session; after a GOAWAY it leaves when nothing of media runs any more, at once if
  /// nothing does.
  bool reconnect = true;
  /// Chance, from 0 to 1 (exclusive). Unset: the system's.
  std::function<double()> random;
};

/// What a client tells, from the loop. Any call may destroy the client.
class ClientHandler {
 public:
  /// A session is up: the first, a replacement after GOAWAY, or a new one after a loss.
  virtual void on_connected(Session& /*session*/) {}
  /// The relay goes away; `next` is dialled while the old session serves on (if the
  /// client reconnects).
  virtual void on_goaway(const Url& /*next*/) {}
  /// The old session of a handover is over.
  virtual void on_handed_over() {}
  /// The session was lost; another is tried for.
  virtual void on_disconnected(const Error& /*error*/) {}
  /// The client has given up: the first dial failed, the credentials are not accepted, or
  /// it failed for too long. The last call.
  virtual void on_closed(const Error& error) = 0;

 protected:
  ~ClientHandler() = default;
};

/// One lasting connection to a relay, over as many sessions as it takes.
///
/// When a relay says GOAWAY, the client dials the replacement at once, while the old
/// session serves. Subscriptions move when the replacement delivers, so that each group
/// comes once and whole; publications are on both. The old session is closed when nothing
/// is left on it, when the handover has taken too long, or by its relay. When a session is lost,
/// another is dialled, and subscriptions go on with what is missing. The application
/// sees one origin and one connection (see Splice).
///
/// Each further dial resolves the name again, and asks for a UDP port of its own, so that
/// a load balancer may lead it elsewhere.
///
/// Belongs to its loop's thread.
class Client {
 public:
  /// Dials at once. The first dial's failure is told as such and not repeated.
  /// Everything that is referred to must outlive the client.
  Client(Loop& loop, Connector& connector, const Url& url, ClientOptions options,
         ClientHandler& handler);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  /// Closes the sessions, with NO_ERROR; nothing is told.
  ~Client();

  /// The newest session that is up; null if there is none.
  [[nodiscard]] Session* session() const;
  /// Sessions that are up, the one that is being left included: two at most.
  [[nodiscard]] std::size_t sessions() const;
  /// Whether an old session is being left.
  [[nodiscard]] bool handing_over() const { return old_ != nullptr; }
  /// Subscriptions of the relays' that are not fully served, over all sessions.
  [[nodiscard]] std::size_t serving() const;
  /// What is dialled next: the last redirect that was followed, or what was given.
  [[nodiscard]] const Url& url() const { return target_.url; }

 private:
  /// Where to dial, and whether it may be on a local network.
  struct Target {
    Url url;
    DialOptions dial;
  };
  /// A session, from its dial on.
  struct Line;

  /// How often it is looked whether the old session is empty.
  static constexpr Duration kLook = std::chrono::milliseconds(10);

  void plan(Duration delay);
  void dial();
  void dialled(Line& line, Result<std::shared_ptr<transport::Session>> connection);
  void ready(Line& line);
  void going_away(Line& line, const std::string& uri);
  void closed(Line& line, const Error& error);
  void follow(const Line& line, const std::string& uri);
  /// Another failure; how long to wait before the next attempt. None: it is given up.
  std::optional<Duration> failed(const Error& error);
  [[nodiscard]] Duration backoff_delay();
  [[nodiscard]] bool healthy(const Line& line) const;
  void leave_old();
  void drop_old();
  void look_at_old();
  void give_up(const Error& error);

  Loop& loop_;
  Connector& connector_;
  ClientOptions options_;
  ClientHandler& handler_;
  Target home_;
  Target target_;
  bool redirected_ = false;  ///< the target is not home
  bool at_home_ = false;     ///< the redirect failed: this attempt is at home
  bool dialled_before_ = false;
  bool ever_up_ = false;
  bool over_ = false;
  std::uint64_t failures_ = 0;
  std::optional<Time> failing_since_;
  std::unique_ptr<Splice> splice_;  ///< null without a subscribing origin
  std::unique_ptr<Line> next_;      ///< being dialled
  std::unique_ptr<Line> current_;   ///< up, and not going away
  std::unique_ptr<Line> old_;       ///< going away
  bool late_ = false;               ///< it stays for what it serves alone
  Timer retry_;
  Timer handover_;
  Timer look_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace moq::native
