#pragma once

#include <ngtcp2/ngtcp2.h>

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "native/quic/admission.h"
#include "native/quic/config.h"
#include "native/quic/connection.h"
#include "native/quic/connection_memory.h"
#include "native/quic/host.h"
#include "native/quic/qlog.h"
#include "native/quic/stream.h"
#include "native/quic/tls_session.h"
#include "net/base/loop.h"
#include "net/transport/scheduler.h"

namespace moq::native::quic {

/// Whose handshake a connection starts with.
struct ConnectionSetup {
  Config config;
  bool server = false;
  SocketAddress local;
  SocketAddress remote;
  std::vector<std::uint8_t> token;  ///< of the client's Initial; judged good on a server
  ngtcp2_token_type token_type = NGTCP2_TOKEN_TYPE_UNKNOWN;
  // A server's, from the client's Initial:
  std::uint32_t version = NGTCP2_PROTO_VER_V1;
  ngtcp2_cid client_scid{};
  ngtcp2_cid client_dcid{};
  std::optional<ngtcp2_cid> original_dcid;  ///< before our Retry
};

enum class ReadResult : std::uint8_t { ok, retry, drop };

/// One connection on top of ngtcp2. Its callbacks only record events; these are
/// dispatched to handlers from the loop, after ngtcp2 has returned.
///
/// connection.cc: life and death; connection_events.cc: ngtcp2's callbacks and
/// their dispatch; connection_send.cc: filling packets; connection_streams.cc:
/// what streams and sessions ask for.
class ConnectionImpl final : public Connection,
                             public std::enable_shared_from_this<ConnectionImpl>,
                             private Flushable {
 public:
  ConnectionImpl(Host& host, ConnectionSetup setup, std::unique_ptr<TlsSession> tls);
  ~ConnectionImpl() override;

  // --- For the endpoint.

  /// Creates the state machine; a client's first packet goes out with the next flush.
  Result<void> start();
  ReadResult read(const ReceivedPacket& packet);
  /// The socket has room again. Returns false if it is full once more.
  bool writable();
  void dispatch();
  /// Nobody holds the session any more.
  void abandon();
  /// The endpoint goes: ends without a packet.
  void detach();
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  [[nodiscard]] bool by_peer() const { return by_peer_; }
  void add_id(const ConnectionId& id) { ids_.push_back(id); }
  void drop_id(const ConnectionId& id) { std::erase(ids_, id); }
  static ngtcp2_callbacks callbacks(bool server);
  /// Whether it is among the endpoint's handshakes under way.
  [[nodiscard]] bool counts_as_handshake() const { return counts_as_handshake_; }
  void count_handshake(bool counts) { counts_as_handshake_ = counts; }
  /// A client's among those of its server; empty for a connection that was dialled.
  [[nodiscard]] Admission::Place& place() { return place_; }
  /// Whether it is in the endpoint's queue for the full socket.
  [[nodiscard]] bool queued_for_socket() const { return queued_for_socket_; }
  void queue_for_socket(bool queued) { queued_for_socket_ = queued; }

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
  void close(std::uint64_t code, std::string_view reason) override;
  void probe_peer() override;
  [[nodiscard]] transport::PathStats path_stats() const override;
  [[nodiscard]] std::string_view protocol() const override { return alpn_; }
  [[nodiscard]] std::string peer_address() const override { return remote_.to_string(); }
  [[nodiscard]] std::uint64_t id() const override { return id_; }

  // --- Connection.

  [[nodiscard]] std::int64_t stream_id(const transport::SendStream& stream) const override;
  [[nodiscard]] std::int64_t stream_id(const transport::RecvStream& stream) const override;
  void hold(transport::RecvStream& stream, Bytes unread, bool fin) override;
  bool send_datagram_after(ByteSpan prefix, Bytes datagram) override;
  [[nodiscard]] bool alive() const override { return conn_ != nullptr; }
  void close_transport(QuicError code, std::string_view reason) override;
  [[nodiscard]] bool is_server() const override { return setup_.server; }
  [[nodiscard]] std::string_view server_name() const override { return server_name_; }
  [[nodiscard]] std::optional<std::chrono::sys_seconds> client_certificate_end() const override {
    return client_certificate_end_;
  }
  [[nodiscard]] const SocketAddress& remote_address() const override { return remote_; }

  // --- For streams.

  void stream_ready(SendPart& part);
  void stream_unschedule(SendPart& part);
  void stream_priority(SendPart& part, const transport::Priority& priority);
  void stream_reset(SendPart& part, std::uint64_t code);
  void stream_handled(RecvPart& part);
  void stream_stop(RecvPart& part, std::uint64_t code);

 private:
  struct Event {
    enum class Kind : std::uint8_t {
      established,
      opened,
      data,
      reset,
      held,      ///< a handler is there for what was held
      finished,  ///< the send part
      stopped,   ///< the send part, with a code
      closed,    ///< both parts: the stream is gone
      datagram,
    };
    Kind kind;
    bool fin = false;
    std::int64_t key = -1;
    std::uint64_t code = 0;
    Bytes data;
  };
  struct Datagram {
    Time queued;
    std::array<std::uint8_t, kMaxDatagramPrefix> prefix{};
    std::uint8_t prefix_size = 0;
    Bytes bytes;
  };
  /// Packets of one size for one path, in a row.
  struct Group {
    std::size_t offset = 0;
    std::size_t size = 0;
    std::size_t segment = 0;
    std::uint8_t ecn = 0;
    SocketAddress local;
    SocketAddress remote;
  };
  struct Callbacks;

  // connection.cc
  ngtcp2_path path();
  void begin_trace(ngtcp2_settings& settings, const ngtcp2_cid& first_dcid);
  static void on_qlog(void* self, std::uint32_t flags, const void* records, std::size_t size);
  void fail(int error);
  void end(Error error, bool by_peer, std::vector<std::uint8_t> packet, bool linger);
  void end_by_peer();
  void close_with(Error error, bool application);
  void write_close();
  void on_timer();
  void rearm();
  void update_probe();
  [[nodiscard]] Duration keep_alive() const;
  void on_probe_deadline();

  // connection_events.cc
  void push(Event event);
  void on_stream_data(StreamRecord& record, std::uint32_t flags, ByteSpan data);
  void on_acked(StreamRecord& record, std::uint64_t offset, std::uint64_t size);
  StreamRecord& add_remote(std::int64_t id);
  void take_stops();
  void handle(Event& event);
  void announce(std::int64_t key);
  void deliver(const std::shared_ptr<RecvPart>& part, Bytes data, bool fin);
  void deliver_reset(const std::shared_ptr<RecvPart>& part, std::uint64_t code);
  void stream_gone(std::int64_t key, std::uint64_t code);
  void release_stuck(std::int64_t key);
  void send_over(const std::shared_ptr<SendPart>& part, std::optional<std::uint64_t> code);
  void return_credit(std::int64_t id, std::size_t size);
  void report_end();
  StreamRecord* find(std::int64_t key);

  // connection_send.cc
  void flush() override;
  void fill();
  bool fill_batch(std::size_t packets, std::size_t payload, std::size_t segments, int& error,
                  ngtcp2_tstamp now);
  ngtcp2_ssize write_packet(std::span<std::uint8_t> out, ngtcp2_path* path, ngtcp2_pkt_info* info,
                            ngtcp2_tstamp now);
  std::optional<ngtcp2_ssize> write_datagrams(std::span<std::uint8_t> out, ngtcp2_path* path,
                                              ngtcp2_pkt_info* info, ngtcp2_tstamp now);
  SendPart* next_sendable();
  bool open(SendPart& part);
  void expire(SendPart& part, std::uint64_t code);
  void admit_waiting();
  void add_to_group(std::size_t segments, std::size_t offset, std::size_t size,
                    const ngtcp2_path& path, std::uint8_t ecn);
  bool send_groups(std::span<const std::uint8_t> buffer);

  // connection_streams.cc
  std::shared_ptr<SendPart> add_local(const transport::Priority& priority,
                                      std::unique_ptr<transport::SendSource> source,
                                      transport::SendHandler* handler, bool uni);

  const std::uint64_t id_ = transport::next_session_id();
  Host* host_;  ///< null once the endpoint is gone
  Loop& loop_;
  ConnectionSetup setup_;
  std::unique_ptr<TlsSession> tls_;
  ConnectionMemory memory_;
  ngtcp2_conn* conn_ = nullptr;
  SocketAddress local_;
  SocketAddress remote_;
  Admission::Place place_;
  std::unique_ptr<QlogDirectory::Trace> trace_;  ///< null: not traced, or over
  std::vector<ConnectionId> ids_;
  std::vector<ConnectionId> reset_tokens_;
  std::string alpn_;
  std::string server_name_;
  std::optional<std::chrono::sys_seconds> client_certificate_end_;
  std::optional<Error> tls_error_;

  transport::SessionHandler* handler_ = nullptr;
  bool abandoned_ = false;
  bool established_ = false;
  bool established_told_ = false;
  std::optional<std::pair<Error, bool>> closing_;  ///< asked for; true: an application code
  std::optional<Error> error_;                     ///< set: ended
  bool by_peer_ = false;
  bool end_told_ = false;
  bool stateless_reset_ = false;
  bool counts_as_handshake_ = false;
  bool queued_for_socket_ = false;

  std::vector<Event> events_;
  std::uint64_t batch_ = 1;
  std::vector<std::int64_t> unannounced_;
  std::size_t stuck_ = 0;  ///< streams that ngtcp2 will not forget
  std::vector<std::pair<std::int64_t, std::uint64_t>> stops_;

  std::unordered_map<std::int64_t, StreamRecord> streams_;
  std::int64_t next_key_ = -1;  ///< of streams without an ID; counts down
  transport::Scheduler scheduler_;
  std::array<transport::Scheduler, 2> waiting_;  ///< for stream credit: bidi, uni
  std::deque<Datagram> datagrams_;

  std::vector<Group> groups_;
  std::size_t groups_sent_ = 0;
  std::vector<std::uint8_t> unsent_;  ///< what the socket did not take

  Timer timer_;
  Timer probe_timer_;
  bool probing_ = false;
  Duration patience_{};  ///< how long the probe may be without an answer
  bool heard_ = false;
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t bytes_received_ = 0;
  std::uint64_t bytes_lost_ = 0;
};

/// Loop-side half of a public handle: letting go of it abandons the connection.
std::shared_ptr<Connection> make_handle(std::shared_ptr<ConnectionImpl> connection);

}  // namespace moq::native::quic
