#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "net/base/log.h"
#include "net/base/loop.h"
#include "net/ietf/channel.h"
#include "net/ietf/codec.h"
#include "net/ietf/message.h"

namespace moq::ietf {

class Session;

/// Something that lives in a session until it is retired.
class Task {
 public:
  explicit Task(Session& session) : session_(session) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task() = default;

 protected:
  Session& session() const { return session_; }

 private:
  friend class Session;
  /// Whether media depend on it: a session that is to end when nothing runs stays for it.
  [[nodiscard]] virtual bool of_media() const { return true; }

  Session& session_;
};

/// How a request of the peer's came.
struct Arrival {
  std::uint64_t id = 0;
  /// Of a draft whose requests have streams; otherwise without parts.
  transport::Stream stream = {};
  std::optional<MessageReader> reader = {};
  bool fin = false;
};

/// One request, ours or the peer's, from its first message to its end, whatever its draft
/// carries it on. Fails a session only for what the drafts close sessions for.
class Request : public Task, private ChannelHandler {
 public:
  ~Request() override;

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] MessageKind kind() const { return kind_; }
  [[nodiscard]] bool ours() const { return ours_; }
  /// It has ended, and is about to go.
  [[nodiscard]] bool over() const { return over_; }

  /// A message about it that came on the control stream.
  Result<void> dispatch(MessageKind kind, ByteSpan body);
  /// Answers one of the peer's with an error, and ends.
  void refuse(RequestErrorCode code, const std::string& reason);
  /// Handles what came along with a request of the peer's.
  void resume();
  /// The peer has ended it by a message (drafts without request streams).
  void cancelled_by_peer() { on_cancel(StreamError::cancelled); }
  /// Asks the peer to make the request anew, at `uri` (empty: on this session), where the
  /// draft has that (GOAWAY on a request stream). After `timeout` the stream is reset with
  /// GOING_AWAY; zero: never. A second call does nothing.
  void send_goaway(const std::string& uri, Duration timeout);

 protected:
  /// One of ours, once Session::may_request. It takes the next id.
  Request(Session& session, MessageKind kind);
  /// One of the peer's.
  Request(Session& session, MessageKind kind, Arrival arrival);

  /// Sends the message that makes the request: ours, at the end of construction.
  template <typename M>
  void open(const M& message);
  template <typename M>
  void send(const M& message);
  /// An update of one of the peer's, and what its tokens say. None if they make it fail,
  /// which has been answered: the request is to be ended.
  Result<std::optional<RequestUpdate>> take_update(ByteSpan body);
  /// Ends it after what was sent.
  void finish();
  /// Gives it up: where that takes a message, the caller has sent it.
  void cancel(StreamError code);
  /// Whether the peer has asked for it to be made anew on this session.
  [[nodiscard]] bool moves() const { return moves_; }

 private:
  virtual Result<void> received(MessageKind kind, ByteSpan body) = 0;
  /// GOAWAY on its own stream.
  Result<void> received_goaway(ByteSpan body);
  /// A message on its own stream. The first answer is to the request, others to its updates.
  Result<void> on_message(const RawMessage& message) final;
  /// The peer ends it in an orderly way.
  void on_fin() override = 0;
  /// The peer gave up, or the session is closing; it is retired after this.
  virtual void gone(StreamError code) = 0;
  void on_cancel(StreamError code) final;
  void open_channel(const std::vector<std::uint8_t>& first);
  void send_error(RequestErrorCode code, const std::string& reason);

  std::uint64_t id_;
  MessageKind kind_;
  bool ours_;
  bool over_ = false;
  bool goaway_ = false;    ///< one has come on its stream
  bool moves_ = false;     ///< which named no other session
  bool answered_ = false;  ///< ours: the first answer has come
  std::unique_ptr<Channel> channel_;
  StreamChannel* stream_ = nullptr;      ///< the same, if it is one
  std::unique_ptr<Timer> goaway_timer_;  ///< once we have sent one
};

}  // namespace moq::ietf
