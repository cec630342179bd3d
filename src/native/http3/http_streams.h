#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "native/http3/capsule.h"
#include "native/http3/frame.h"
#include "native/http3/message.h"
#include "native/http3/source.h"
#include "net/base/bytes.h"
#include "net/transport/transport.h"

namespace moq::native::http3 {

class SessionImpl;

/// The peer's control stream (RFC 9114 §6.2.1) or one of QPACK's (RFC 9204 §4.2), which
/// live as long as the connection.
class CriticalStream final : public transport::RecvHandler, private FrameParser::Handler {
 public:
  enum class Kind : std::uint8_t { control, qpack_encoder, qpack_decoder };

  CriticalStream(SessionImpl& session, Kind kind, std::shared_ptr<transport::RecvStream> stream)
      : session_(session), kind_(kind), stream_(std::move(stream)) {}
  CriticalStream(const CriticalStream&) = delete;
  CriticalStream& operator=(const CriticalStream&) = delete;
  ~CriticalStream() { stream_->set_handler(nullptr); }

  /// Reads what came with the stream's type, and then all else.
  void begin(const Bytes& rest, bool fin);

  void on_data(Bytes data, bool fin) override;
  void on_reset(std::uint64_t code) override;

 private:
  Result<FrameParser::Take> on_frame(std::uint64_t type, std::uint64_t size) override;
  Result<void> on_whole_frame(std::uint64_t type, ByteSpan payload) override;
  Result<void> on_frame_part(ByteSpan) override { return {}; }
  Result<void> on_goaway(ByteSpan payload);

  SessionImpl& session_;
  Kind kind_;
  std::shared_ptr<transport::RecvStream> stream_;
  FrameParser frames_;
  bool settings_seen_ = false;
  std::uint64_t last_goaway_ = coding::kMaxVarint;
};

/// A stream that carries one request and its answer; the session's own carries capsules
/// in DATA frames behind them.
class RequestStream final : public transport::RecvHandler,
                            public transport::SendHandler,
                            private FrameParser::Handler,
                            private CapsuleParser::Handler {
 public:
  /// Of a server: a stream of the client's.
  RequestStream(SessionImpl& session, transport::Stream stream);
  /// Of a client: opens the stream and sends the request.
  RequestStream(SessionImpl& session, const ConnectRequest& request);
  RequestStream(const RequestStream&) = delete;
  RequestStream& operator=(const RequestStream&) = delete;
  ~RequestStream();

  /// Reads what came with the stream's beginning, and then all else.
  void begin(ByteSpan start, const Bytes& rest, bool fin);

  /// Answers; `last`: the stream ends with it.
  void respond(const Response& response, bool last);
  /// It is being decided whether the stream becomes a session's. What comes of the session
  /// meanwhile is kept: the end of it.
  void await_decision() { deciding_ = true; }
  /// From now on the stream is the session's: DATA frames hold its capsules.
  void become_session() {
    is_session_ = true;
    deciding_ = false;
  }
  /// Tells the session of its end, if that came before the decision.
  void tell_early_end();
  void send_drain();
  /// Sends CLOSE and the end of the stream.
  void send_close(std::uint32_t code, std::string_view reason);
  /// Sends the end of the stream, if it has not been sent.
  void send_fin();
  /// What the peer still has to say is of no interest.
  void stop_reading();
  /// RESET_STREAM and STOP_SENDING.
  void abort(std::uint64_t http3_code);

  [[nodiscard]] std::int64_t id() const;
  [[nodiscard]] bool over() const { return send_over_ && recv_over_; }

  void on_data(Bytes data, bool fin) override;
  void on_reset(std::uint64_t code) override;
  void on_send_finished() override;
  void on_send_stopped(std::uint64_t code) override;

 private:
  Result<FrameParser::Take> on_frame(std::uint64_t type, std::uint64_t size) override;
  Result<void> on_whole_frame(std::uint64_t type, ByteSpan payload) override;
  Result<void> on_frame_part(ByteSpan part) override;
  void on_close_capsule(std::uint32_t code, std::string reason) override;
  void on_drain_capsule() override;

  Result<void> read(ByteSpan bytes, bool fin);
  void failed(const Error& error);
  void send(ByteSpan bytes);
  void send_capsule(const std::vector<std::uint8_t>& capsule);

  SessionImpl& session_;
  bool server_;
  transport::Stream stream_;
  std::shared_ptr<ByteQueue> out_ = std::make_shared<ByteQueue>();
  FrameParser frames_;
  CapsuleParser capsules_;
  bool headers_seen_ = false;
  bool trailers_seen_ = false;
  bool deciding_ = false;
  bool is_session_ = false;
  std::optional<std::pair<std::uint32_t, std::string>> early_end_;
  bool recv_over_ = false;
  bool send_over_ = false;
};

}  // namespace moq::native::http3
