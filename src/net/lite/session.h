#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "net/base/log.h"
#include "net/base/loop.h"
#include "net/lite/codec.h"
#include "net/lite/error.h"
#include "net/lite/request_stream.h"
#include "net/lite/version.h"
#include "net/model/origin.h"
#include "net/model/scope.h"
#include "net/protocol/session.h"
#include "net/transport/send_queue.h"
#include "net/transport/transport.h"

namespace moq::lite {

class AnnounceSubscriber;
class IncomingStream;
class RemoteTrack;
class SessionStream;

/// A moq-lite session on one transport session, in any version: it serves the
/// peer from `publish`, and announces the peer's broadcasts in `subscribe`.
///
/// Nothing here knows a version's number: what differs is asked of
/// `VersionInfo`. Belongs to the loop's thread.
///
/// Its owner may let go of it from any callback, be it one of a track that comes
/// from here: whoever of the session is at work then holds it until it is done.
class Session final : public ProtocolSession,
                      public std::enable_shared_from_this<Session>,
                      private transport::SessionHandler {
 public:
  static std::shared_ptr<Session> create(Loop& loop, std::shared_ptr<transport::Session> transport,
                                         Version version, SessionConfig config,
                                         SessionEvents& events);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() override;

  /// Closes the transport if it is still open; no event follows. To be called by
  /// the owner before it lets go.
  void abandon() override;
  /// For who calls what may end in the owner's code.
  [[nodiscard]] std::shared_ptr<Session> hold() { return shared_from_this(); }

  /// Whether the version has a GOAWAY.
  [[nodiscard]] bool has_goaway() const override { return traits().has_goaway; }
  /// Sends GOAWAY; once. The caller has checked the URI's length.
  void send_goaway(const std::string& uri, Duration timeout) override;
  /// Closes with `code` of SessionError; on_closed follows.
  void close(SessionError code, std::string_view reason) override;

  /// Asks the peer for the bitrate and round-trip time that it measures; each
  /// report goes to `report` (bits per second and milliseconds, 0: unknown)
  /// until the session ends. SESSION_INFO stands for PROBE in versions that have it;
  /// nothing happens where the peer has neither.
  void probe(std::uint64_t target_bitrate, ProbeReport report) override;

  /// Requests of ours and of the peer's, and group streams, that are running.
  [[nodiscard]] std::size_t active() const override { return tasks_.size(); }
  /// Subscriptions of the peer's that are not fully served.
  [[nodiscard]] std::size_t serving() const override { return peer_subscribe_ids_.size(); }
  /// Broadcasts that the peer has announced and not ended.
  [[nodiscard]] std::size_t announced() const override;
  /// Whether nothing of media runs in either direction: no SUBSCRIBE, FETCH or TRACK,
  /// no group on its way, and no stream of the peer's that has yet to say what it is.
  [[nodiscard]] bool idle() const override { return closed_ || media_ == 0; }
  [[nodiscard]] bool goaway_received() const { return goaway_received_; }
  [[nodiscard]] Version version() const { return version_; }
  [[nodiscard]] std::string_view version_name() const override { return traits().name; }
  /// "moq-lite-05 [::1]:4443", for logs.
  [[nodiscard]] const log::Name& name() const override { return name_; }
  [[nodiscard]] transport::Session& transport() { return *transport_; }

  // --- For the session's own streams.

  [[nodiscard]] const VersionInfo& traits() const { return version_info(version_); }
  [[nodiscard]] Loop& loop() const { return loop_; }
  [[nodiscard]] const SessionConfig& config() const { return config_; }
  [[nodiscard]] const Scope& scope() const { return scope_; }
  [[nodiscard]] const SessionLimits& limits() const { return config_.limits; }
  [[nodiscard]] const std::shared_ptr<SessionTraffic>& traffic() const { return config_.traffic; }
  /// Who this peer is to the origins.
  [[nodiscard]] PeerToken token() const { return config_.peer != nullptr ? config_.peer : this; }

  /// Adds a stream at work; it lives until `retire`.
  template <typename T>
  T& add(std::unique_ptr<T> task) {
    T& ref = *task;
    if (static_cast<Task&>(ref).of_media()) ++media_;
    tasks_.emplace(&ref, std::move(task));
    return ref;
  }
  /// Destroys `task` on the loop's next turn. Idempotent.
  void retire(Task& task);
  /// Closes the session for a failure that is not confined to a stream.
  void fail(const Error& error);

  /// Whether `type` is a stream that the peer may open in this version.
  [[nodiscard]] bool knows(const transport::Stream& stream, std::uint64_t type) const;
  /// Whether a stream of that type is served already: on a server, requests wait
  /// until the peer is authorised.
  [[nodiscard]] bool may_accept(const transport::Stream& stream, std::uint64_t type) const;
  /// Whether the peer has more requests running than it may have.
  [[nodiscard]] bool too_many_requests();
  /// Tells the owner that a limit kept something out.
  void refused(SessionLimit limit) {
    if (events_ != nullptr) events_->on_refused(limit);
  }
  /// A stream of the peer's with its first message. `fin`: nothing follows what
  /// `reader` has.
  void accept(transport::Stream stream, std::uint64_t type, const Bytes& message,
              MessageReader reader, bool fin);

  /// The track that the peer names, if it may read it. Fails with a StreamError.
  Result<std::shared_ptr<Track>> find_track(const std::string& broadcast, const std::string& track);
  /// Whether the peer may read the broadcast at `path`, in the origin's terms.
  [[nodiscard]] bool may_read(const Path& path) const;
  /// Whether streams can still be opened.
  [[nodiscard]] bool open() const { return !closed_; }

  /// A subscribe id that was not used before.
  [[nodiscard]] std::uint64_t next_subscribe_id() { return next_subscribe_id_++; }
  /// Remote tracks by the subscribe id of their running subscription.
  std::unordered_map<std::uint64_t, RemoteTrack*>& subscriptions() { return subscriptions_; }
  /// Notes that the peer uses a subscribe id. Fails if it is in use.
  Result<void> claim_peer_subscribe_id(std::uint64_t id);
  void release_peer_subscribe_id(std::uint64_t id) { peer_subscribe_ids_.erase(id); }
  /// Takes the place of one more of the peer's PROBE streams, or fetches, if there
  /// is one.
  [[nodiscard]] bool claim_probe() { return claim(probes_, limits().max_probes); }
  void release_probe() { --probes_; }
  [[nodiscard]] bool claim_fetch() { return claim(fetches_, limits().max_fetches); }
  void release_fetch() { --fetches_; }
  /// The cost of all answers that the peer has not acknowledged.
  [[nodiscard]] const std::shared_ptr<std::size_t>& backlog_counter() const { return backlog_; }
  /// The cost of all paths that the peer was told of.
  std::size_t& told_paths() { return told_paths_; }

  void received_goaway(const std::string& uri);
  /// An announce stream of ours is gone.
  void forget(AnnounceSubscriber& stream) { std::erase(announcements_, &stream); }
  void forget(SessionStream& stream) {
    if (session_stream_ == &stream) session_stream_ = nullptr;
  }
  /// The peer has ended the session by a stream.
  void left(std::string_view how);

 private:
  Session(Loop& loop, std::shared_ptr<transport::Session> transport, Version version,
          SessionConfig config, SessionEvents& events);

  void on_uni(std::shared_ptr<transport::RecvStream> stream) override;
  void on_bidi(transport::Stream stream) override;
  void on_datagram(Bytes datagram) override;
  void on_going_away() override;
  void on_closed(const Error& error, bool by_peer) override;

  static bool claim(std::size_t& count, std::size_t limit) { return count < limit && ++count != 0; }
  /// Adds a task that counts as one of the peer's requests.
  template <typename T>
  T& add_of_peer(std::unique_ptr<T> task) {
    static_cast<Task&>(*task).of_peer_ = true;
    ++peer_requests_;
    return add(std::move(task));
  }
  /// Drops what has not shown its header in time.
  void sweep_incoming();
  void start();
  /// Tells the owner that nothing runs any more, if the peer is going away and that is so.
  void check_idle();
  void end(const Error& error, bool by_peer);
  void send_setup();
  void received_setup(const Bytes& message);
  /// Has it decided what the peer may do, which `decided` hears of, at once or later.
  void authorize(const std::string& path);
  void decided(Result<Scope> scope);
  /// Whether the peer may do what it says that it is here for; closes the session if not.
  bool check_role();
  void start_announcements();
  void accept_uni(std::shared_ptr<transport::RecvStream> stream, UniType type, const Bytes& message,
                  MessageReader reader, bool fin);
  template <typename T>
  void serve(transport::Stream stream, const Bytes& message, MessageReader reader, bool fin);

  Loop& loop_;
  std::shared_ptr<transport::Session> transport_;
  Version version_;
  SessionConfig config_;
  SessionEvents* events_;  ///< null: abandoned
  log::Name name_;
  Scope scope_;
  bool asked_ = false;     ///< what the peer may do
  bool deciding_ = false;  ///< that has no answer yet
  bool authorized_ = false;
  bool setup_received_ = false;
  bool goaway_sent_ = false;
  bool goaway_received_ = false;
  bool closed_ = false;
  Setup peer_setup_;
  std::uint64_t next_subscribe_id_ = 0;
  std::unordered_map<std::uint64_t, RemoteTrack*> subscriptions_;
  std::unordered_set<std::uint64_t> peer_subscribe_ids_;
  std::size_t peer_requests_ = 0;
  std::size_t media_ = 0;  ///< tasks of media
  bool idle_posted_ = false;
  std::size_t probes_ = 0;
  std::size_t fetches_ = 0;
  std::size_t told_paths_ = 0;
  std::shared_ptr<std::size_t> backlog_ = std::make_shared<std::size_t>(0);
  bool warned_requests_ = false;
  /// The IncomingStreams among the tasks.
  std::unordered_set<Task*> incoming_;
  std::unordered_map<Task*, std::unique_ptr<Task>> tasks_;
  std::vector<std::unique_ptr<Task>> retired_;
  std::vector<AnnounceSubscriber*> announcements_;
  SessionStream* session_stream_ = nullptr;
  std::vector<std::function<void()>> when_setup_;
  Timer setup_timer_;
  Timer decision_timer_;
  Timer header_timer_;  ///< armed while a stream may wait for its header
};

template <typename Message>
void RequestStream::send(const Message& message) {
  send_bytes(encode(session().version(), message));
}

template <typename Message>
void RequestStream::send_typed(std::uint64_t type, const Message& message) {
  std::vector<std::uint8_t> bytes;
  append_varint(bytes, type);
  const auto body = encode(session().version(), message);
  bytes.insert(bytes.end(), body.begin(), body.end());
  send_bytes(std::move(bytes));
}

}  // namespace moq::lite
