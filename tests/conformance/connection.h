#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conformance/wire.h"
#include "native/client/dialer.h"
#include "native/io/event_loop.h"
#include "net/transport/transport.h"

namespace moq::conformance {

/// A stream of either side, of which everything that arrives is kept.
class Stream final : private transport::RecvHandler, private transport::SendHandler {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  void write(const Buffer& bytes);
  /// FIN.
  void end();
  void reset(std::uint64_t code);
  void stop_sending(std::uint64_t code);

  [[nodiscard]] const Buffer& received() const { return received_; }
  /// The FIN has come.
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] std::optional<std::uint64_t> reset_code() const { return reset_code_; }
  [[nodiscard]] std::optional<std::uint64_t> stopped_code() const { return stopped_code_; }
  /// All that was written and the FIN have been acknowledged.
  [[nodiscard]] bool delivered() const { return delivered_; }

 private:
  friend class Connection;
  struct Queue;
  class Source;

  void on_data(Bytes data, bool fin) override;
  void on_reset(std::uint64_t code) override;
  void on_send_finished() override { delivered_ = true; }
  void on_send_stopped(std::uint64_t code) override { stopped_code_ = code; }
  std::unique_ptr<transport::SendSource> source();

  std::shared_ptr<transport::SendStream> send_;
  std::shared_ptr<transport::RecvStream> recv_;
  std::shared_ptr<Queue> queue_;
  Buffer received_;
  bool ended_ = false;
  bool delivered_ = false;
  std::optional<std::uint64_t> reset_code_;
  std::optional<std::uint64_t> stopped_code_;
};

/// How a connection has ended.
struct Ending {
  bool by_peer = false;
  /// With an application's code, and not one of QUIC's or none.
  bool by_application = false;
  std::uint64_t code = 0;
  std::string reason;
};

/// A raw QUIC connection to the relay, whose streams and datagrams the tester has to
/// itself. Its calls wait, where they do, by running the loop.
class Connection final : private transport::SessionHandler {
 public:
  static Result<std::unique_ptr<Connection>> dial(native::EventLoop& events, const std::string& url,
                                                  const std::string& alpn, Duration patience);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  Stream& open_uni();
  Stream& open_bidi();
  bool send_datagram(const Buffer& bytes);
  /// CONNECTION_CLOSE, NO_ERROR.
  void close();

  /// Streams that the peer has opened, in the order of their coming.
  [[nodiscard]] const std::vector<Stream*>& incoming_uni() const { return incoming_uni_; }
  [[nodiscard]] const std::vector<Stream*>& incoming_bidi() const { return incoming_bidi_; }
  [[nodiscard]] const std::vector<Buffer>& datagrams() const { return datagrams_; }
  [[nodiscard]] const std::optional<Ending>& ending() const { return ending_; }

  /// Runs the loop until `done`, the end of the connection, or the end of patience.
  /// Whether `done`.
  bool wait(const std::function<bool()>& done);
  /// Runs it until the end of the connection. Whether that came in time.
  bool wait_closed();
  [[nodiscard]] Duration patience() const { return patience_; }

 private:
  Connection(native::EventLoop& events, Duration patience);

  void on_uni(std::shared_ptr<transport::RecvStream> stream) override;
  void on_bidi(transport::Stream stream) override;
  void on_datagram(Bytes datagram) override;
  void on_closed(const Error& error, bool by_peer) override;

  native::EventLoop& events_;
  Duration patience_;
  std::unique_ptr<native::Dialer> dialer_;
  native::Dialer::Dial dialling_;
  std::shared_ptr<transport::Session> session_;
  std::deque<Stream> streams_;
  std::vector<Stream*> incoming_uni_;
  std::vector<Stream*> incoming_bidi_;
  std::vector<Buffer> datagrams_;
  std::optional<Ending> ending_;
};

}  // namespace moq::conformance
