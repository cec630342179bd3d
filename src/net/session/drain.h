#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/error.h"
#include "net/base/loop.h"

namespace moq {

/// How a drain ended.
enum class DrainOutcome : std::uint8_t {
  peer_left,  ///< the peer closed the session
  deadline,   ///< it did not in time: closed with GOAWAY_TIMEOUT (0x10)
  closed,     ///< closed here, for another reason
  lost,       ///< the connection was lost
};
[[nodiscard]] std::string_view to_string(DrainOutcome outcome);

enum class DrainError : std::uint8_t {
  already_started,  ///< the first drain stands
  uri_too_long,     ///< more than 8192 bytes
  session_closed,   ///< there is nobody to tell
};
const ErrorDomain& error_domain(DrainError);

/// The end of a session in an orderly way: the peer is told to go elsewhere, what
/// runs goes on, and the session closes when the peer leaves. The same on every
/// version; on those without a GOAWAY nothing is sent, and the deadline holds.
class Drain {
 public:
  /// Bytes of a URI (moq-lite GOAWAY, moq-transport §GOAWAY).
  static constexpr std::size_t kMaxUri = 8192;

  /// What a drain does to its session.
  class Actions {
   public:
    /// `timeout`: how long the peer has; zero: no limit is told.
    virtual void send_goaway(const std::string& uri, Duration timeout) = 0;
    virtual void close_for_deadline() = 0;

   protected:
    ~Actions() = default;
  };

  Drain(Loop& loop, Actions& actions);

  /// Tells the peer. `uri`: where to go instead, empty for nowhere in
  /// particular. `deadline`: how long it may stay; none, or zero: until it leaves.
  /// Once: a second call fails and changes nothing.
  Result<void> start(const std::string& uri = {}, std::optional<Duration> deadline = std::nullopt);
  [[nodiscard]] bool started() const { return started_; }

  /// Gives the peer of a started drain this long from now on, whatever it had; none, or
  /// zero: until it leaves. It is told nothing: the GOAWAY stands. Nothing happens
  /// before the start, and once the session is over.
  void set_deadline(std::optional<Duration> deadline);
  /// When the session is closed if the peer has not left; kNever: not at all.
  [[nodiscard]] Time deadline() const { return deadline_.when(); }

  /// Calls `done` when a started drain has ended; at once if it has already.
  void complete(std::function<void(DrainOutcome)> done);
  [[nodiscard]] std::optional<DrainOutcome> outcome() const { return outcome_; }

  /// The session is over. Called by it, once.
  void session_closed(const Error& error, bool by_peer);

 private:
  Actions& actions_;
  Loop& loop_;
  Timer deadline_;
  bool started_ = false;
  bool expired_ = false;
  bool closed_ = false;
  std::optional<DrainOutcome> outcome_;
  std::vector<std::function<void(DrainOutcome)>> waiting_;
};

}  // namespace moq
