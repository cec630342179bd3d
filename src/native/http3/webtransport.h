#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "native/http3/limits.h"
#include "native/http3/message.h"
#include "native/quic/connection.h"
#include "net/base/loop.h"
#include "net/transport/transport.h"

namespace moq::native::http3 {

class SessionImpl;

/// The ALPN token of connections that are for `Connections`.
inline constexpr std::string_view kAlpn = "h3";

/// A WebTransport session (draft-ietf-webtrans-http3, with the code points of draft 02
/// that browsers use): the only one of its connection.
///
/// Held by a shared_ptr; letting go of it closes the session with code 0 and calls no
/// handler any more. Codes of streams have 32 bits; a code of the peer's that is none of
/// an application's reads as 0. Errors given to `on_closed`: `transport::ApplicationError`
/// (the session was closed, by either side), `Http3Error` (somebody broke the rules), and
/// those of quic::Connection.
class WebTransportSession : public transport::Session {
 public:
  /// What the client asked for.
  [[nodiscard]] virtual const ConnectRequest& request() const = 0;
};

/// Tells a client that asks for a session what came of it, with a status of HTTP: 200 to
/// 299 lets it in. To be called on the loop's thread, inside of `decide` or later; whatever
/// comes after the first call, or after the request, is ignored.
using Answer = std::function<void(int status)>;

/// How a server answers.
struct ServerOptions {
  /// Subprotocols that are supported. Of those that a client offers, the first that is
  /// here is taken. None in common: the session has no protocol.
  std::vector<std::string> protocols;
  /// Decides on a client that asks for a session on `connection`, which may be looked at
  /// inside of the call only. Meanwhile, streams of the session wait. Unset: 200.
  std::function<void(const ConnectRequest& request, const quic::Connection& connection,
                     const Answer& answer)>
      decide;
  /// Gets a session that was let in, inside of the call that answers; sets its handler
  /// before it returns.
  std::function<void(std::shared_ptr<WebTransportSession> session)> accepted;
};

/// The HTTP/3 connections of a server's worker or of a client: it holds them until they
/// have a session, and beside the session's owner until both sides have closed. Belongs
/// to its loop's thread.
class Connections {
 public:
  using Connected = std::function<void(Result<std::shared_ptr<WebTransportSession>>)>;
  /// Letting go of it before `Connected` was called gives the attempt up.
  using Attempt = std::shared_ptr<void>;

  /// The loop must outlive this.
  explicit Connections(Loop& loop, Limits limits = {}, ServerOptions server = {});
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;
  /// Closes connections that nobody holds a session of.
  ~Connections();

  /// Takes over a connection that a client made with `kAlpn`.
  void accept(std::shared_ptr<quic::Connection> connection);
  /// Asks the server at the other end for a session; `connected` is called once, from
  /// the loop. Errors tell what the server answered.
  [[nodiscard]] Attempt connect(std::shared_ptr<quic::Connection> connection,
                                ConnectRequest request, Connected connected);

  /// Closes all sessions with `code`, and all connections at once.
  void close_all(std::uint64_t code, std::string_view reason);

  /// Connections, with a session or without.
  [[nodiscard]] std::size_t size() const { return all_.size(); }
  /// Those that have had no session yet, a request for one being under decision or not.
  /// Each has one, or ends, within `Limits::connect_timeout`, `decision_timeout` and
  /// `close_timeout` together.
  [[nodiscard]] std::size_t negotiating() const { return negotiating_.size(); }

  // --- For its connections.

  [[nodiscard]] Loop& loop() const { return loop_; }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  [[nodiscard]] const ServerOptions& server() const { return server_; }
  void has_session(SessionImpl& connection) { negotiating_.erase(&connection); }
  void forget(SessionImpl& connection);

 private:
  std::shared_ptr<SessionImpl> add(std::shared_ptr<quic::Connection> connection);

  Loop& loop_;
  Limits limits_;
  ServerOptions server_;
  std::unordered_map<SessionImpl*, std::shared_ptr<SessionImpl>> all_;
  std::unordered_set<SessionImpl*> negotiating_;
};

}  // namespace moq::native::http3
