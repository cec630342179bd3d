#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "net/ietf/error.h"
#include "net/ietf/message_reader.h"
#include "net/transport/send_queue.h"
#include "net/transport/transport.h"

namespace moq::ietf {

class Session;

/// What hears of one request's messages, whatever carries them.
class ChannelHandler {
 public:
  /// A message behind the one that began the request. An error that is a RequestError's
  /// or a stream's is for the request alone; any other closes the session.
  virtual Result<void> on_message(const RawMessage& message) = 0;
  /// The peer has sent all that it will of it.
  virtual void on_fin() = 0;
  /// The peer has given it up, or the session is closing.
  virtual void on_cancel(StreamError code) = 0;

 protected:
  ~ChannelHandler() = default;
};

/// Where one request's messages go: a stream of its own, or the control stream.
class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  virtual ~Channel() = default;

  /// Queues a whole message.
  virtual void send(const std::vector<std::uint8_t>& message) = 0;
  /// Nothing of ours follows; what is queued still goes.
  virtual void finish() = 0;
  /// Gives the request up in both directions, where that takes no message.
  virtual void cancel(StreamError code) = 0;
};

/// A request on a bidirectional stream of its own (since draft-17).
class StreamChannel final : public Channel,
                            private transport::RecvHandler,
                            private transport::SendHandler {
 public:
  /// A request of ours: `first` opens it.
  StreamChannel(Session& session, ChannelHandler& handler, const std::vector<std::uint8_t>& first);
  /// A request of the peer's, of which the first message has been read. What follows it
  /// is handled with `resume`.
  StreamChannel(Session& session, ChannelHandler& handler, transport::Stream stream,
                MessageReader reader, bool fin);
  ~StreamChannel() override;

  /// STOP_SENDING ends the request, as it does one of the peer's.
  void end_when_stopped() { stop_ends_ = true; }
  /// Handles what came along with the first message; may end the request.
  void resume();
  void send(const std::vector<std::uint8_t>& message) override;
  void finish() override;
  void cancel(StreamError code) override;

 private:
  void on_data(Bytes data, bool fin) override;
  void on_reset(std::uint64_t code) override;
  void on_send_stopped(std::uint64_t code) override;
  void handle();
  /// Counts what is held of a message that is not whole yet.
  void count_held();

  Session& session_;
  ChannelHandler& handler_;
  transport::Stream stream_;                     ///< without what sends, once finished
  std::shared_ptr<transport::SendQueue> queue_;  ///< null once nothing more can be sent
  MessageReader reader_;
  std::size_t held_ = 0;  ///< bytes, of a request of the peer's
  bool answers_ = false;  ///< a request of the peer's
  bool stop_ends_ = false;
  bool fin_ = false;
  bool told_fin_ = false;
  bool over_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

/// A request on the control stream, which all share (up to draft-16).
class SharedChannel final : public Channel {
 public:
  explicit SharedChannel(Session& session) : session_(session) {}

  void send(const std::vector<std::uint8_t>& message) override;
  void finish() override {}
  void cancel(StreamError /*code*/) override {}

 private:
  Session& session_;
};

}  // namespace moq::ietf
