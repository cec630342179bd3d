#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "native/http3/http_streams.h"
#include "native/http3/parts.h"
#include "native/http3/qpack.h"
#include "native/http3/settings.h"
#include "native/http3/source.h"
#include "native/http3/webtransport.h"
#include "net/base/log.h"

namespace moq::native::http3 {

/// One HTTP/3 connection and its session.
///
/// connection.cc: HTTP/3's streams, and the way to a session; session.cc: the session;
/// http_streams.cc: what is read from HTTP/3's own streams; parts.cc: the session's streams.
class SessionImpl final : public WebTransportSession,
                          public std::enable_shared_from_this<SessionImpl>,
                          private transport::SessionHandler,
                          private transport::SendHandler {
 public:
  SessionImpl(Connections& host, std::shared_ptr<quic::Connection> connection);
  ~SessionImpl() override;

  // --- For its host.

  void start_server();
  void start_client(ConnectRequest request, Connections::Connected connected);
  /// The host goes.
  void detach_host() { host_ = nullptr; }
  /// Closes session and connection without waiting for the peer.
  void close_now(std::uint64_t code, std::string_view reason);
  /// Nobody waits for the session any more.
  void give_up();
  /// Nobody holds the session any more.
  void abandon();

  // --- For streams.

  [[nodiscard]] quic::Connection& quic() { return *connection_; }
  [[nodiscard]] Loop& loop() { return loop_; }
  [[nodiscard]] Parts& parts() { return parts_; }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  [[nodiscard]] Qpack& qpack() { return qpack_; }
  [[nodiscard]] bool is_server() const { return connection_->is_server(); }
  [[nodiscard]] log::Name name() const { return {.text = peer_address(), .connection = id()}; }

  /// A stream of the peer's, of which nothing has been read.
  void begun(RecvPart& part);
  /// A stream of the peer's that is not a session's, with what follows its type.
  void on_other_stream(RecvPart& part, std::uint64_t type, const Bytes& rest, bool fin);
  /// A stream of the peer's that names a session.
  void on_session_stream(RecvPart& part);
  Result<void> on_settings(const Settings& settings);
  void on_request(RequestStream& stream, const Request& request);
  void on_response(RequestStream& stream, const Response& response);
  /// The CONNECT stream: the peer has ended the session; each with the code and reason.
  void on_session_closed(std::uint64_t code, std::string reason);
  /// DRAIN or HTTP/3's GOAWAY, which mean the same here (draft-ietf-webtrans-http3 §4.6).
  void on_peer_going_away();
  /// A request stream has failed by itself; it has been reset.
  void on_request_failed(RequestStream& stream, const Error& error);
  /// Nothing more is sent and received on a request stream.
  void on_request_over(RequestStream& stream);
  /// The peer has broken HTTP/3's rules: closes the connection.
  void fail(const Error& error);

  // --- transport::Session.

  void set_handler(transport::SessionHandler* handler) override;
  [[nodiscard]] transport::Traits traits() const override;
  std::shared_ptr<transport::SendStream> open_uni(const transport::Priority& priority,
                                                  std::unique_ptr<transport::SendSource> source,
                                                  transport::SendHandler* handler) override;
  transport::Stream open_bidi(const transport::Priority& priority,
                              std::unique_ptr<transport::SendSource> source,
                              transport::SendHandler* send_handler,
                              transport::RecvHandler* recv_handler) override;
  void attach(transport::SendStream& stream, const transport::Priority& priority,
              std::unique_ptr<transport::SendSource> source,
              transport::SendHandler* handler) override;
  bool send_datagram(Bytes datagram) override;
  [[nodiscard]] std::size_t max_datagram_size() const override;
  void going_away() override;
  void close(std::uint64_t code, std::string_view reason) override;
  void probe_peer() override { connection_->probe_peer(); }
  [[nodiscard]] transport::PathStats path_stats() const override {
    return connection_->path_stats();
  }
  [[nodiscard]] std::string_view protocol() const override { return protocol_; }
  [[nodiscard]] std::string peer_address() const override { return connection_->peer_address(); }
  [[nodiscard]] std::uint64_t id() const override { return connection_->id(); }

  [[nodiscard]] const ConnectRequest& request() const override { return request_; }

 private:
  enum class Phase : std::uint8_t {
    negotiating,  ///< no session yet
    open,
    closing,  ///< the session is over; the peer has still to be told, or to tell
    over,     ///< the connection is closed
  };

  void on_uni(std::shared_ptr<transport::RecvStream> stream) override;
  void on_bidi(transport::Stream stream) override;
  void on_datagram(Bytes datagram) override;
  void on_closed(const Error& error, bool by_peer) override;
  /// Of our control stream, which has no end.
  void on_send_stopped(std::uint64_t code) override;

  // connection.cc
  void start();
  void on_timer();
  void on_header_timer();
  /// What is answered to a request on which nobody has to decide.
  [[nodiscard]] std::optional<int> answer(const RequestStream& stream,
                                          const Request& request) const;
  void answered(int status);
  void refuse_request(RequestStream& stream, const char* what, int status);
  void open_session(RequestStream& connect, std::string protocol);
  void refuse(Error error);
  void close_connection(const Error& error);
  void finish_if_done();

  // session.cc
  void announce(RecvPart& part);
  void announce_waiting();
  void end_session(const Error& error, bool by_peer);
  void end_parts();
  void tell_going_away();
  void tell_end();

  Connections* host_;  ///< null once it is gone
  Loop& loop_;
  const Limits limits_;
  std::shared_ptr<quic::Connection> connection_;
  Phase phase_ = Phase::negotiating;
  Timer timer_;         ///< for the session to come, then for the peer to go
  Timer header_timer_;  ///< for `begun_`

  Qpack qpack_;
  std::optional<Settings> peer_settings_;
  std::unordered_map<CriticalStream::Kind, std::unique_ptr<CriticalStream>> critical_;
  std::shared_ptr<transport::SendStream> control_;  ///< ours
  std::shared_ptr<ByteQueue> control_out_ = std::make_shared<ByteQueue>();
  std::size_t requests_seen_ = 0;
  std::unordered_map<RequestStream*, std::unique_ptr<RequestStream>> requests_;
  RequestStream* connect_ = nullptr;   ///< the session's
  RequestStream* deciding_ = nullptr;  ///< may become that
  std::uint64_t decisions_ = 0;        ///< the last one's number
  Time no_session_ = kNever;           ///< when none is let in any more
  Connections::Connected connected_;   ///< client: who waits for the session

  ConnectRequest request_;
  std::string protocol_;
  std::uint64_t session_id_ = 0;
  StreamHeader uni_header_;
  StreamHeader bidi_header_;
  Parts parts_;
  RecvParts begun_;  ///< streams whose header is not whole, the oldest first
  std::vector<std::shared_ptr<RecvPart>> waiting_;

  transport::SessionHandler* handler_ = nullptr;
  bool going_away_ = false;
  bool peer_going_away_ = false;
  std::optional<std::pair<Error, bool>> end_;  ///< set: the session is over
  bool end_told_ = false;
};

}  // namespace moq::native::http3
