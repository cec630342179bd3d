#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "net/ietf/message_reader.h"
#include "net/protocol/error.h"
#include "net/transport/send_queue.h"
#include "net/transport/transport.h"

namespace moq::ietf {

class Session;

/// The control stream, or the pair of them that a draft has, one each way. Its end is the
/// end of the session (§"Session initialization").
class ControlStream final : private transport::RecvHandler, private transport::SendHandler {
 public:
  /// A bidirectional one, in use since the SETUP exchange. What came is handled with
  /// `resume`.
  ControlStream(Session& session, transport::RunningStream stream);
  /// One of a pair: opens ours with `first`. The peer's is to be adopted.
  ControlStream(Session& session, const std::vector<std::uint8_t>& first);
  ControlStream(const ControlStream&) = delete;
  ControlStream& operator=(const ControlStream&) = delete;
  ~ControlStream();

  void resume();
  /// The peer's, which began with `type`; false if there is one.
  [[nodiscard]] bool adopt(std::shared_ptr<transport::RecvStream> stream, std::uint64_t type);
  /// What came behind the type.
  void feed(Bytes data, bool fin) { on_data(std::move(data), fin); }
  /// Of a peer that reads none of them, beyond SessionLimits::max_backlog, the session is
  /// closed.
  void send(const std::vector<std::uint8_t>& message);
  /// What it sends; goes on when this is gone.
  [[nodiscard]] transport::SendQueue& queue() { return *queue_; }

 private:
  /// Bytes that may wait for the peer to be let in.
  static constexpr std::size_t kMaxHeld = 65536;

  void on_data(Bytes data, bool fin) override;
  void on_reset(std::uint64_t code) override;
  void on_send_stopped(std::uint64_t code) override;
  void handle();
  void ended();
  /// Closes the session, but not from inside of who is at work.
  void fail_later(SessionError code, const char* reason);

  Session& session_;
  transport::Stream stream_;
  std::shared_ptr<transport::SendQueue> queue_;
  MessageReader reader_;
  std::size_t held_ = 0;
  bool fin_ = false;
  bool failing_ = false;
};

}  // namespace moq::ietf
