#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/error.h"
#include "net/base/log.h"
#include "net/base/time.h"
#include "net/model/origin.h"
#include "net/model/scope.h"
#include "net/protocol/error.h"
#include "net/protocol/traffic.h"
#include "net/transport/send_queue.h"
#include "net/transport/transport.h"

namespace moq {

enum class Side : std::uint8_t { client, server };

/// What a peer can make a session hold, each with its default. Passing one
/// closes or resets what the comment says.
struct SessionLimits {
  /// Requests of the peer (subscriptions, fetches and all the others) that run at
  /// once; more are reset with TOO_FAR_BEHIND. GOAWAY is always taken.
  std::size_t max_requests = 4096;
  /// Groups that the peer fetches at once, each of which stays in memory; more are
  /// reset with TOO_FAR_BEHIND.
  std::size_t max_fetches = 256;
  /// PROBE streams of the peer, each of which has a timer; more are reset with
  /// TOO_FAR_BEHIND.
  std::size_t max_probes = 8;
  /// Broadcasts that the peer has announced; more are refused, or ignored where the
  /// version has no answer.
  std::size_t max_announced = 65536;
  /// Bytes of the paths that the peer has been told of, over all its announce
  /// requests, and what keeping one costs besides; the request that would pass it is
  /// reset with TOO_FAR_BEHIND.
  std::size_t max_told_paths = 64U << 20;
  /// Unacknowledged answers (announcements, mostly) to a peer that does not read,
  /// over all its requests, in bytes and SendQueue::kOverhead for each message; the
  /// request that would pass it is reset with TOO_FAR_BEHIND.
  std::size_t max_backlog = 32U << 20;
  /// Groups of one subscription in flight to a peer; the oldest are reset.
  std::size_t max_groups_in_flight = 1024;
  /// A group that is not the latest is not sent any more once it is older than the
  /// latest by more than this, whatever the subscriber asks for, unless the track
  /// keeps it for longer: what nobody else needs is not held for a slow peer.
  Duration max_delivery_latency = std::chrono::seconds(30);
  /// A stream must carry a whole header within this, or it is reset; SETUP too,
  /// or the session is closed with CONTROL_MESSAGE_TIMEOUT.
  Duration header_timeout = std::chrono::seconds(10);
  /// How long it may take to decide on the peer (see Authorize); the session is closed
  /// with INTERNAL_ERROR then.
  Duration decision_timeout = std::chrono::seconds(15);
};

/// What a peer may do; an error closes its session, with its code. To be called on the
/// session's thread, inside of Authorize or later; whatever comes after the first call, or
/// after the session, is ignored.
using Decision = std::function<void(Result<Scope>)>;
/// Asks what a path may do. Until there is an answer, nothing of the peer's is served, and
/// what it sends waits, as far as it would for SETUP.
using Authorize = std::function<void(const std::string& path, Decision decision)>;

/// Limits whose passing is told: SessionEvents::on_refused.
enum class SessionLimit : std::uint8_t { requests, fetches, probes, announcements };

struct SessionConfig {
  Side side = Side::client;
  /// What the peer may read; null: nothing. Not owned.
  Origin* publish = nullptr;
  /// Where the peer's broadcasts go; null: they are not asked for. Not owned.
  Origin* subscribe = nullptr;
  /// Keeps the groups of what is subscribed to; needed with `subscribe`. Not owned.
  Cache* cache = nullptr;
  /// Who the peer is to the origins; null: this session, and no other.
  PeerToken peer = nullptr;
  /// Client: the URL's path and query, sent in SETUP where the transport does
  /// not carry it. Server: the same as the transport received it.
  std::string path;
  /// Client: the URL's host, and its port if that is not the scheme's, sent in SETUP of
  /// moq-transport where the transport does not carry it. Empty: not sent.
  std::string authority = {};
  /// Server: decides what a path may do, and is called once. Unset: everything.
  Authorize authorize;
  SessionLimits limits;
  /// Where it is counted what goes over the session; shared with streams that outlive it.
  std::shared_ptr<SessionTraffic> traffic = std::make_shared<SessionTraffic>();
  /// The stream of the SETUP exchange, in versions that have one and go on with it.
  std::optional<transport::RunningStream> session_stream = {};
  /// In drafts whose requests have a limit: of the peer's SETUP, ids below this are ours.
  std::uint64_t peer_max_request_id = 0;
  /// In drafts that have them: the tokens of the peer's SETUP, encoded.
  std::vector<std::string> setup_tokens = {};
  /// Streams that the peer opened before there was a session.
  std::vector<transport::Stream> waiting = {};
};

/// What a peer has measured: bits per second and milliseconds, 0: unknown.
using ProbeReport = std::function<void(std::uint64_t bitrate, std::uint64_t rtt_ms)>;

/// What a session tells its owner, from the loop.
class SessionEvents {
 public:
  /// The peer may be served: SETUP, where there is one, was accepted.
  virtual void on_ready() {}
  /// The peer's GOAWAY, or its transport's where the version has none: it will close.
  /// `uri` may be empty.
  virtual void on_goaway(const std::string& uri) = 0;
  /// The peer will close, and nothing of media runs (any more): see
  /// ProtocolSession::idle.
  virtual void on_idle() {}
  /// Something more than this limit allows was not taken. The session goes on.
  virtual void on_refused(SessionLimit /*limit*/) {}
  /// The last call. `by_peer`: the error is what the peer closed with.
  virtual void on_closed(const Error& error, bool by_peer) = 0;

 protected:
  ~SessionEvents() = default;
};

/// A session of one protocol family on one transport session, in any of its versions: it
/// serves the peer from `publish`, and announces the peer's broadcasts in `subscribe`.
/// Belongs to the loop's thread.
///
/// Its owner may let go of it from any callback, be it one of a track that comes from
/// here.
class ProtocolSession {
 public:
  ProtocolSession() = default;
  ProtocolSession(const ProtocolSession&) = delete;
  ProtocolSession& operator=(const ProtocolSession&) = delete;
  virtual ~ProtocolSession() = default;

  /// Closes the transport if it is still open; no event follows. To be called by
  /// the owner before it lets go.
  virtual void abandon() = 0;

  /// Whether the version has a GOAWAY.
  [[nodiscard]] virtual bool has_goaway() const = 0;
  /// Sends GOAWAY; once. The caller has checked the URI's length. `timeout`: how long the
  /// peer has, for versions that tell it; zero: it is not told.
  virtual void send_goaway(const std::string& uri, Duration timeout) = 0;
  /// Asks the peer to make anew what it reads of the broadcast at `path` (in the origin's
  /// terms): at `uri`, or on this session if that is empty; `timeout` as above. How many
  /// subscriptions that were; 0 where the version has no such thing.
  virtual std::size_t move(const Path& /*path*/, const std::string& /*uri*/, Duration /*timeout*/) {
    return 0;
  }
  /// Closes with `code`; SessionEvents::on_closed follows.
  virtual void close(SessionError code, std::string_view reason) = 0;
  /// Asks the peer for the bitrate and round-trip time that it measures; each report goes
  /// to `report` until the session ends. Nothing happens where the peer cannot tell.
  virtual void probe(std::uint64_t target_bitrate, ProbeReport report) = 0;

  /// Requests of ours and of the peer's, and streams of media, that are running.
  [[nodiscard]] virtual std::size_t active() const = 0;
  /// Subscriptions of the peer's that are not fully served.
  [[nodiscard]] virtual std::size_t serving() const = 0;
  /// Broadcasts that the peer has announced and not ended.
  [[nodiscard]] virtual std::size_t announced() const = 0;
  /// Whether nothing of media runs in either direction.
  [[nodiscard]] virtual bool idle() const = 0;
  /// The version's, "moq-lite-05".
  [[nodiscard]] virtual std::string_view version_name() const = 0;
  /// "moq-lite-05 [::1]:4443", for logs.
  [[nodiscard]] virtual const log::Name& name() const = 0;
};

}  // namespace moq
