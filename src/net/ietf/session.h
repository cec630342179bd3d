#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "net/base/log.h"
#include "net/base/loop.h"
#include "net/ietf/codec.h"
#include "net/ietf/limits.h"
#include "net/ietf/request.h"
#include "net/ietf/token.h"
#include "net/ietf/version.h"
#include "net/protocol/session.h"

namespace moq::ietf {

class ControlStream;
class FetchRequest;
class NamespaceReceiver;
class NamespaceRequest;
class RemoteBroadcast;
class RemoteTrack;
class TrackPublisher;

/// A moq-transport session on one transport session, in any draft that has a row in
/// versions().
///
/// Nothing here knows a draft's number: what differs is asked of `VersionInfo`. Belongs to
/// the loop's thread.
///
/// Its owner may let go of it from any callback: whoever of the session is at work then
/// holds it until it is done.
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

  void abandon() override;
  [[nodiscard]] bool has_goaway() const override { return true; }
  void send_goaway(const std::string& uri, Duration timeout) override;
  std::size_t move(const Path& path, const std::string& uri, Duration timeout) override;
  void close(SessionError code, std::string_view reason) override;
  /// Room for a whole object of the largest size, in bytes.
  static constexpr std::size_t kMaxHeld = 32U << 20;
  static constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};
  static constexpr const char* kImplementation = "moq-cpp";

  /// Nothing of moq-transport measures a path.
  void probe(std::uint64_t /*target_bitrate*/, ProbeReport /*report*/) override {}
  [[nodiscard]] std::size_t active() const override { return tasks_.size(); }
  [[nodiscard]] std::size_t serving() const override { return serving_; }
  [[nodiscard]] std::size_t announced() const override;
  [[nodiscard]] bool idle() const override { return closed_ || (media_ == 0 && told_of_end()); }
  [[nodiscard]] std::string_view version_name() const override { return traits().name; }
  [[nodiscard]] const log::Name& name() const override { return name_; }

  // --- For the session's own parts.

  [[nodiscard]] std::shared_ptr<Session> hold() { return shared_from_this(); }
  [[nodiscard]] Version version() const { return version_; }
  [[nodiscard]] const VersionInfo& traits() const { return version_info(version_); }
  [[nodiscard]] transport::Session& transport() { return *transport_; }
  [[nodiscard]] Loop& loop() const { return loop_; }
  [[nodiscard]] const SessionConfig& config() const { return config_; }
  [[nodiscard]] const Scope& scope() const { return scope_; }
  [[nodiscard]] const SessionLimits& limits() const { return config_.limits; }
  [[nodiscard]] const std::shared_ptr<SessionTraffic>& traffic() const { return config_.traffic; }
  /// Who this peer is to the origins.
  [[nodiscard]] PeerToken token() const { return config_.peer != nullptr ? config_.peer : this; }
  [[nodiscard]] bool open() const { return !closed_; }
  [[nodiscard]] bool goaway_received() const { return goaway_received_; }
  /// Tells the owner that a limit kept something out.
  void refused(SessionLimit limit) {
    if (events_ != nullptr) events_->on_refused(limit);
  }
  /// The cost of all answers that the peer has not acknowledged.
  [[nodiscard]] const std::shared_ptr<std::size_t>& backlog_counter() const { return backlog_; }

  /// Adds something at work; it lives until `retire`.
  template <typename T>
  T& add(std::unique_ptr<T> task) {
    T& ref = *task;
    if (static_cast<Task&>(ref).of_media()) ++media_;
    tasks_.emplace(&ref, std::move(task));
    return ref;
  }
  /// Destroys `task` on the loop's next turn. Idempotent.
  void retire(Task& task);
  /// Keeps the session until the peer has acknowledged what is on `stream`, does not want
  /// it, or takes longer than SessionLimits::header_timeout: for what tells of an end.
  void linger(std::shared_ptr<transport::SendStream> stream);
  /// Closes the session for a failure that is not confined to a request or a stream.
  void fail(const Error& error);

  /// Whether a request of ours may be made now.
  [[nodiscard]] bool request_allowed() const {
    return !closed_ && !goaway_received_ && next_id_ < max_id_;
  }
  /// Calls `make` once another request of ours may be made: at once, or when the peer has
  /// allowed more. Fails with StreamError::going_away after its GOAWAY, and with
  /// too_far_behind when kMaxWaitingRequests wait.
  Result<void> when_request_allowed(std::function<void()> make);
  /// The id of a request that is made now.
  [[nodiscard]] std::uint64_t take_request_id();
  /// The requests that run, by their ids, which tell whose they are.
  void enter(Request& request);
  void leave(Request& request);
  /// Takes the id that an update of the peer's has of its own, `body` being the update's.
  Result<void> take_update_id(ByteSpan body);
  /// Whether `request` is the one that runs under `id`.
  [[nodiscard]] bool runs(std::uint64_t id, const Request& request) const;
  void send_control(const std::vector<std::uint8_t>& message);

  /// Tracks that the peer sends us, by the alias that it has chosen. Fails with
  /// DUPLICATE_TRACK_ALIAS.
  Result<void> bind_alias(std::uint64_t alias, RemoteTrack& track);
  void release_alias(std::uint64_t alias);
  [[nodiscard]] RemoteTrack* track_of(std::uint64_t alias) const;
  /// Bytes of streams whose track is not known yet, kMaxHeld in all. False: too many.
  [[nodiscard]] bool claim_held(std::size_t size);
  void release_held(std::size_t size) { held_ -= size; }
  /// A stream whose track is not known yet, or not ready for it: `again` is called whenever
  /// that may have changed.
  void await_track(Task& stream, std::function<void()> again);
  void retry_waiting();

  /// Whether a subscription of the peer's to `track` runs, but for `except`.
  [[nodiscard]] bool subscribed(const FullTrackName& track, const Request* except = nullptr) const;
  /// The path of a namespace, in the origin's terms, if the peer may read what is there.
  /// Fails with a RequestErrorCode.
  [[nodiscard]] Result<Path> readable(const TrackNamespace& name) const;
  /// The track that the peer names, if it may read it. Fails with a RequestErrorCode.
  Result<std::shared_ptr<Track>> find_track(const FullTrackName& name);
  /// The broadcast that a namespace of the peer's is, put into the origin if it is not
  /// there. Fails with a RequestErrorCode.
  Result<std::shared_ptr<RemoteBroadcast>> accept_namespace(const TrackNamespace& name);
  /// One is gone.
  void forget_broadcast(const TrackNamespace& name);
  /// The peer has withdrawn it: what runs goes on until it ends by itself. Nothing happens
  /// while somebody else has it.
  void let_end(std::shared_ptr<RemoteBroadcast> broadcast);
  /// Whether the peer is told of every namespace, asked or not.
  [[nodiscard]] bool announces_all() const;
  /// Whether the peer may read the broadcast at `path`, in the origin's terms.
  [[nodiscard]] bool may_read(const Path& path) const;
  /// The peer's subscription of that id, whoever began it; null if none runs.
  [[nodiscard]] TrackPublisher* subscription(std::uint64_t id) const;
  /// The peer wants a request to be made at `uri`: as one connection has one session, all
  /// of it moves.
  void move_to(const std::string& uri);
  /// A SUBSCRIBE that waits for a publisher. False: too many do.
  [[nodiscard]] bool claim_rendezvous() {
    return rendezvous_ < kMaxWaitingForPublisher && ++rendezvous_ != 0;
  }
  void release_rendezvous() { --rendezvous_; }
  /// Ends the PUBLISH of ours with that id, if it runs.
  void replace_publication(std::uint64_t id);
  /// Our fetch of that id; null if none runs.
  [[nodiscard]] FetchRequest* fetch(std::uint64_t id) const;
  void count_serving(int change) { serving_ += static_cast<std::size_t>(change); }
  /// Fetches of the peer's, each of which keeps a group in memory.
  [[nodiscard]] std::size_t fetches() const { return fetches_; }
  void count_fetches(int change) { fetches_ += static_cast<std::size_t>(change); }

  /// Takes the tokens of a message of the peer's. False: one refers to an alias that there
  /// is not, so the message is to be refused. Fails with what closes the session.
  Result<bool> take_tokens(const std::vector<Token>& tokens);

  // --- From the control stream.

  Result<void> received(const RawMessage& message);
  /// The peer's SETUP, of whatever form.
  Result<void> received_setup(const SetupOptions& options);
  // --- From streams that the peer has opened.

  /// The first message of a request of the peer's. False: not yet, the peer is not let in.
  Result<void> begin_request(const RawMessage& message, transport::Stream stream,
                             MessageReader reader, bool fin);
  [[nodiscard]] bool authorized() const { return authorized_; }
  /// Whether requests come on the control stream and the peer is not let in yet: what is on
  /// that waits.
  [[nodiscard]] bool holds_control() const {
    return !authorized_ && traits().setup == SetupForm::client_and_server;
  }
  /// Calls `then` once the peer is let in.
  void when_authorized(Task& waiter, std::function<void()> then);
  /// A second control stream is a violation.
  Result<void> adopt_control(std::shared_ptr<transport::RecvStream> stream, Bytes rest, bool fin,
                             std::uint64_t type);
  /// Ends the PUBLISH_NAMESPACE of ours with that id, if it runs.
  void withdraw_announcement(std::uint64_t id);
  /// Whether the peer has another request of this one's kind (SUBSCRIBE_NAMESPACE,
  /// SUBSCRIBE_TRACKS) whose prefix is one of this one's, or the other way round.
  [[nodiscard]] bool overlaps(const Request& request, const TrackNamespace& prefix) const;
  /// Whether a PUBLISH_NAMESPACE of ours tells the peer of `name`: so it may tell us.
  [[nodiscard]] bool announces(const TrackNamespace& name) const;
  void forget(NamespaceRequest& request) { std::erase(namespaces_, &request); }
  void note(NamespaceReceiver& receiver, const TrackNamespace& name);
  void forget(NamespaceReceiver& receiver, const TrackNamespace& name);

 private:
  Session(Loop& loop, std::shared_ptr<transport::Session> transport, Version version,
          SessionConfig config, SessionEvents& events);

  void on_uni(std::shared_ptr<transport::RecvStream> stream) override;
  void on_bidi(transport::Stream stream) override;
  void on_datagram(Bytes datagram) override;
  void on_going_away() override {}
  void on_closed(const Error& error, bool by_peer) override;

  void start();
  void send_setup();
  /// Has it decided what the peer may do, which `decided` hears of, at once or later.
  void authorize(const std::string& path);
  void decided(Result<Scope> scope);
  void start_announcements();
  /// Whether the peer has what was on the control stream when the last task of media was
  /// over: PUBLISH_DONE, in some drafts.
  [[nodiscard]] bool told_of_end() const;
  void check_idle();
  void end(const Error& error, bool by_peer);
  Result<void> take_setup_tokens(const std::vector<Token>& tokens);
  Result<void> received_goaway(ByteSpan body);
  Result<void> received_max_request_id(ByteSpan body);
  Result<void> received_about_request(MessageKind kind, ByteSpan body);
  /// Checks the id of a new request of the peer's, and takes it.
  Result<void> take_peer_id(std::uint64_t id);
  void allow_more_requests();
  /// `request` as a subscription of the peer's; null if it is none.
  [[nodiscard]] static TrackPublisher* publisher(Request* request);
  template <typename R>
  Result<void> serve(const RawMessage& message, Arrival arrival);
  Result<void> make_request(MessageKind kind, const RawMessage& message, Arrival arrival);

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
  std::optional<std::uint64_t> goaway_id_;  ///< what our GOAWAY named
  bool goaway_received_ = false;
  bool moved_ = false;  ///< its owner was told to leave for another, for a request
  bool closed_ = false;
  bool idle_posted_ = false;
  std::unique_ptr<ControlStream> control_;
  std::uint64_t next_id_;
  std::uint64_t max_id_;                         ///< of ours, exclusive
  std::uint64_t granted_id_ = 0;                 ///< of the peer's, exclusive
  std::uint64_t next_peer_id_ = 0;               ///< smallest that was not seen yet, of its parity
  std::unordered_set<std::uint64_t> early_ids_;  ///< seen, and above next_peer_id_
  std::deque<std::function<void()>> waiting_requests_;
  std::unordered_map<std::uint64_t, Request*> requests_;
  std::size_t peer_requests_ = 0;
  std::size_t held_ = 0;
  std::size_t rendezvous_ = 0;
  std::size_t media_ = 0;        ///< tasks of media
  std::uint64_t media_end_ = 0;  ///< on the control stream, when there were none any more
  std::size_t serving_ = 0;      ///< subscriptions of the peer's
  std::size_t fetches_ = 0;      ///< of the peer's
  std::unordered_map<std::uint64_t, RemoteTrack*> aliases_;
  /// Forgotten when they are retired.
  std::unordered_map<Task*, std::function<void()>> waiting_streams_;
  std::unordered_map<Task*, std::function<void()>> awaiting_authorization_;
  std::multimap<TrackNamespace, NamespaceReceiver*> published_;  ///< the peer's
  std::vector<NamespaceRequest*> namespaces_;
  std::map<TrackNamespace, std::weak_ptr<RemoteBroadcast>> broadcasts_;
  std::vector<std::shared_ptr<RemoteBroadcast>> ending_;
  TokenCache tokens_{kMaxAuthTokenCache};
  std::shared_ptr<std::size_t> backlog_ = std::make_shared<std::size_t>(0);
  std::unordered_map<Task*, std::unique_ptr<Task>> tasks_;
  std::vector<std::unique_ptr<Task>> retired_;
  Timer setup_timer_;
  Timer decision_timer_;
};

template <typename M>
void Request::open(const M& message) {
  auto bytes = encode(session().version(), message, kind_);
  if (bytes) return open_channel(*bytes);
  log::warn("{}: {}: {}", session().name(), to_string(kind_), bytes.error().message());
  session().loop().post([self = session().hold(), this, id = id_] {
    if (self->runs(id, *this)) on_cancel(StreamError::internal);
  });
}

template <typename M>
void Request::send(const M& message) {
  if (over_ || channel_ == nullptr) return;
  // The answer to an update is not one to what was updated.
  const MessageKind about =
      std::is_same_v<M, RequestUpdateOk> ? MessageKind::request_update : kind_;
  const auto bytes = encode(session().version(), message, about);
  if (bytes) return channel_->send(*bytes);
  log::warn("{}: {}: {}", session().name(), M::kName, bytes.error().message());
}

}  // namespace moq::ietf
