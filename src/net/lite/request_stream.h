#pragma once

#include <memory>
#include <vector>

#include "net/lite/message.h"
#include "net/lite/message_reader.h"
#include "net/lite/version.h"
#include "net/transport/send_queue.h"
#include "net/transport/transport.h"

namespace moq::lite {

class Session;

/// Something that lives in a session until it is retired: a stream at work.
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
  bool of_peer_ = false;  ///< one of the peer's requests
};

/// One request on its bidirectional stream, from either side: messages in,
/// messages out. It retires itself from its session when both sides are done.
///
/// A failure in `parse` closes the session when it is a SessionError or the
/// message cannot be decoded, and only resets this stream when it is a
/// StreamError.
///
/// What the peer is answered and does not read is bounded over all its requests
/// (SessionLimits::max_backlog): the one that would pass that is reset.
class RequestStream : public Task, public transport::RecvHandler, public transport::SendHandler {
 public:
  /// A request of ours: opens a stream and queues `type`.
  RequestStream(Session& session, BidiType type, const transport::Priority& priority);
  /// A request of the peer's. `reader` has what came behind its first message.
  RequestStream(Session& session, transport::Stream stream, MessageReader reader);
  /// A stream that was in use before there was a session. What came on it is
  /// parsed with `resume`.
  RequestStream(Session& session, transport::RunningStream stream);
  ~RequestStream() override;

  /// Takes the first message of a request of the peer's, and what had come
  /// along. Called once, after construction; may retire this.
  void start(const Bytes& first, bool fin);
  /// Parses what had come on a running stream; may retire this.
  void resume();

 protected:
  /// The first message of a request of the peer's.
  virtual Result<void> begin(ByteSpan /*message*/) { return {}; }
  /// Takes one (more) message from `reader`; false when it is not whole yet.
  virtual Result<bool> parse(MessageReader& reader);
  /// The peer has sent all it will.
  virtual void on_fin() = 0;
  /// The peer gave up, or the session is closing.
  virtual void on_cancel(std::uint64_t code) = 0;

  template <typename Message>
  void send(const Message& message);
  void send_bytes(std::vector<std::uint8_t> bytes);
  /// A varint before a message: the type of a response.
  template <typename Message>
  void send_typed(std::uint64_t type, const Message& message);
  /// The cost of what is queued and not acknowledged.
  [[nodiscard]] std::size_t backlog() const { return queue_ != nullptr ? queue_->backlog() : 0; }

  /// Ends our side after what is queued; the stream retires once that is
  /// acknowledged, and nothing more is parsed.
  void finish();
  /// Resets our side, stops the peer's, and retires.
  void reset(std::uint64_t code);

 private:
  void on_data(Bytes data, bool fin) final;
  void on_reset(std::uint64_t code) final;
  void on_send_finished() final;
  void on_send_stopped(std::uint64_t code) final;
  /// Parses all that is there. Returns false when this is retired.
  bool parse_all();
  void received(bool fin);
  void refuse(const Error& error);
  void retire();

  transport::Stream stream_;
  std::shared_ptr<transport::SendQueue> queue_;  ///< null once nothing more can be sent
  MessageReader reader_;
  bool fin_waiting_ = false;  ///< the peer's end came before `resume`
  bool fin_received_ = false;
  bool answers_ = false;  ///< a request of the peer's
  bool finished_ = false;
  bool retired_ = false;
};

}  // namespace moq::lite
