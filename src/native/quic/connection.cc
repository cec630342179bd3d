#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <algorithm>

#include <fmt/format.h>

#include "native/quic/clock.h"
#include "native/quic/connection_callbacks.h"
#include "native/quic/connection_impl.h"
#include "net/base/log.h"
#include "net/transport/error.h"

namespace moq::native::quic {

using transport::ApplicationError;
using transport::TransportError;

namespace {

// Ethernet's 1500 without the IPv6 and UDP headers.
constexpr std::size_t kMaxPayload = 1452;
// What most paths carry comes first, then all of Ethernet, then tunnels.
constexpr std::array<std::uint16_t, 4> kMtuProbes{1406, kMaxPayload, 1342, 1232};
constexpr std::size_t kMaxReason = 256;
constexpr std::size_t kMaxDatagramFrame = 65535;
// For how many probe timeouts (RFC 9002 §6.2) a probe waits for an answer, and how often
// it is repeated in each of them but the first.
constexpr int kProbeTimeouts = 3;
constexpr int kProbesATimeout = 4;
// How long it waits at least: a path may answer within a millisecond while the peer's
// process is busy (a hundred handshakes at once) or stands still.
constexpr Duration kMinPatience = std::chrono::seconds(3);

/// Text of a peer as it may stand in a log: printable ASCII.
std::string printable(const std::uint8_t* text, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < std::min(size, kMaxReason); ++i) {
    out += text[i] >= 0x20 && text[i] < 0x7f ? static_cast<char>(text[i]) : '?';
  }
  return out;
}

Duration pto_of(ngtcp2_conn* conn) {
  return Duration(static_cast<std::int64_t>(ngtcp2_conn_get_pto(conn)));
}

}  // namespace

ConnectionImpl::ConnectionImpl(Host& host, ConnectionSetup setup, std::unique_ptr<TlsSession> tls)
    : host_(&host),
      loop_(host.loop()),
      setup_(std::move(setup)),
      tls_(std::move(tls)),
      local_(setup_.local),
      remote_(setup_.remote),
      timer_(loop_, [this] { on_timer(); }),
      probe_timer_(loop_, [this] { on_probe_deadline(); }) {}

ConnectionImpl::~ConnectionImpl() {
  for (auto& [key, record] : streams_) {
    if (record.send) record.send->detach();
    if (record.recv) record.recv->connection = nullptr;
  }
  if (conn_ != nullptr) ngtcp2_conn_del(conn_);
}

ngtcp2_path ConnectionImpl::path() {
  return {.local = {.addr = local_.get(), .addrlen = local_.size()},
          .remote = {.addr = remote_.get(), .addrlen = remote_.size()},
          .user_data = nullptr};
}

void ConnectionImpl::begin_trace(ngtcp2_settings& settings, const ngtcp2_cid& first_dcid) {
  QlogDirectory* const directory = host_->qlog();
  if (directory == nullptr) return;
  trace_ = directory->begin(id_, {first_dcid.data, first_dcid.datalen});
  if (trace_ != nullptr) settings.qlog_write = on_qlog;
}

void ConnectionImpl::on_qlog(void* self, std::uint32_t flags, const void* records,
                             std::size_t size) {
  auto& trace = static_cast<ConnectionImpl*>(self)->trace_;
  if (trace == nullptr) return;
  if (size != 0) trace->write({static_cast<const std::uint8_t*>(records), size});
  if ((flags & NGTCP2_QLOG_WRITE_FLAG_FIN) != 0) trace.reset();
}

Result<void> ConnectionImpl::start() {
  const Config& config = setup_.config;
  const auto ns = [](Duration d) { return static_cast<ngtcp2_duration>(d.count()); };

  ngtcp2_settings settings;
  ngtcp2_settings_default(&settings);
  settings.cc_algo = config.congestion_control == CongestionControl::delay ? NGTCP2_CC_ALGO_BBR
                                                                           : NGTCP2_CC_ALGO_CUBIC;
  settings.initial_ts = to_timestamp(loop_.now());
  settings.max_tx_udp_payload_size = kMaxPayload;
  settings.no_pmtud = config.mtu_discovery ? 0 : 1;
  settings.pmtud_probes = kMtuProbes.data();
  settings.pmtud_probeslen = kMtuProbes.size();
  settings.ack_thresh = std::max<std::size_t>(config.ack_threshold, 1);
  settings.handshake_timeout = ns(config.handshake_timeout);
  settings.max_window = std::max(config.max_connection_window, config.connection_window);
  settings.rand_ctx.native_handle = const_cast<Random*>(&host_->random());
  settings.token = setup_.token.data();
  settings.tokenlen = setup_.token.size();
  settings.token_type = setup_.token_type;

  ngtcp2_transport_params params;
  ngtcp2_transport_params_default(&params);
  params.initial_max_stream_data_bidi_local = config.stream_window;
  params.initial_max_stream_data_bidi_remote = config.stream_window;
  params.initial_max_stream_data_uni = config.stream_window;
  params.initial_max_data = config.connection_window;
  params.initial_max_streams_bidi = config.max_streams;
  params.initial_max_streams_uni = config.max_streams;
  params.max_idle_timeout = ns(config.idle_timeout);
  params.max_datagram_frame_size = config.datagrams ? kMaxDatagramFrame : 0;

  const ConnectionId id = host_->issue(*this);
  ngtcp2_cid scid;
  ngtcp2_cid_init(&scid, id.data(), id.size());
  const ngtcp2_callbacks table = callbacks(setup_.server);
  const ngtcp2_path from_here = path();
  int rv = 0;
  if (setup_.server) {
    params.original_dcid = setup_.original_dcid.value_or(setup_.client_dcid);
    begin_trace(settings, params.original_dcid);
    params.original_dcid_present = 1;
    if (setup_.original_dcid) {
      params.retry_scid = setup_.client_dcid;
      params.retry_scid_present = 1;
    }
    const auto token = host_->reset_token(id);
    std::ranges::copy(token, params.stateless_reset_token);
    params.stateless_reset_token_present = 1;
    rv = ngtcp2_conn_server_new(&conn_, &setup_.client_scid, &scid, &from_here, setup_.version,
                                &table, &settings, &params, memory_.get(), this);
  } else {
    std::array<std::uint8_t, NGTCP2_MAX_CIDLEN> first{};
    host_->random()(first);
    ngtcp2_cid dcid;
    ngtcp2_cid_init(&dcid, first.data(), first.size());
    begin_trace(settings, dcid);
    rv = ngtcp2_conn_client_new(&conn_, &dcid, &scid, &from_here, NGTCP2_PROTO_VER_V1, &table,
                                &settings, &params, memory_.get(), this);
  }
  if (rv != 0) {
    conn_ = nullptr;
    return tl::unexpected<Error>(Error(TransportError::handshake, ngtcp2_strerror(rv)));
  }
  tls_->bind(conn_);
  ngtcp2_conn_set_keep_alive_timeout(conn_, ns(keep_alive()));
  loop_.mark(*this);
  return {};
}

ReadResult ConnectionImpl::read(const ReceivedPacket& packet) {
  if (conn_ == nullptr || packet.data.empty()) return ReadResult::ok;
  // A client's socket may be bound to any address, and then the one in the
  // packet is news to ngtcp2; where a client's packets go out is the kernel's business.
  const SocketAddress& local = setup_.server ? packet.local : local_;
  const ngtcp2_path from{
      .local = {.addr = const_cast<sockaddr*>(local.get()), .addrlen = local.size()},
      .remote = {.addr = const_cast<sockaddr*>(packet.remote.get()),
                 .addrlen = packet.remote.size()},
      .user_data = nullptr};
  const ngtcp2_pkt_info info{.ecn = packet.ecn};
  bytes_received_ += packet.data.size();
  int rv = 0;
  {
    const ReadingScope scope(heard_, stops_);
    rv = ngtcp2_conn_read_pkt(conn_, &from, &info, packet.data.data(), packet.data.size(),
                              to_timestamp(loop_.now()));
  }
  take_stops();
  if (rv != 0) {
    fail(rv);
    return rv == NGTCP2_ERR_RETRY
               ? ReadResult::retry
               : (rv == NGTCP2_ERR_DROP_CONN ? ReadResult::drop : ReadResult::ok);
  }
  const ngtcp2_path* now = ngtcp2_conn_get_path(conn_);
  if (now->remote.addrlen != remote_.size() ||
      std::memcmp(now->remote.addr, remote_.get(), remote_.size()) != 0) {
    remote_ = SocketAddress(now->remote.addr, now->remote.addrlen);
  }
  if (probing_ && heard_) {
    probing_ = false;
    probe_timer_.cancel();
    update_probe();
  }
  loop_.mark(*this);
  return ReadResult::ok;
}

void ConnectionImpl::fail(int error) {
  const bool shaking = !established_;
  switch (error) {
    case NGTCP2_ERR_DRAINING:
      return end_by_peer();
    case NGTCP2_ERR_IDLE_CLOSE:
      return end(shaking ? Error(TransportError::unreachable, "no answer")
                         : Error(TransportError::lost, "the idle timeout has passed"),
                 false, {}, false);
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
      return end(Error(TransportError::unreachable, "the handshake took too long"), false, {},
                 false);
    case NGTCP2_ERR_DROP_CONN:
    case NGTCP2_ERR_RETRY:
      return end(Error(TransportError::lost, "not a handshake"), false, {}, false);
    case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
      return end(Error(TransportError::handshake, "the server does not speak QUIC version 1"),
                 false, {}, false);
    default:
      break;
  }
  if (error == NGTCP2_ERR_CRYPTO) {
    const unsigned alert = ngtcp2_conn_get_tls_alert(conn_);
    tls_error_ = tls_->verify_error();
    const char* name = gnutls_alert_get_name(static_cast<gnutls_alert_description_t>(alert));
    closing_.emplace(Error(QuicError{NGTCP2_CRYPTO_ERROR | alert},
                           fmt::format("TLS: {}", name != nullptr ? name : "failed")),
                     false);
  } else {
    closing_.emplace(
        Error(QuicError{ngtcp2_err_infer_quic_transport_error_code(error)}, ngtcp2_strerror(error)),
        false);
  }
  write_close();
}

void ConnectionImpl::end_by_peer() {
  if (stateless_reset_) {
    return end(Error(TransportError::lost, "the peer has forgotten the connection"), false, {},
               false);
  }
  const ngtcp2_ccerr* reason = ngtcp2_conn_get_ccerr(conn_);
  std::string text = printable(reason->reason, reason->reasonlen);
  Error error = reason->type == NGTCP2_CCERR_TYPE_APPLICATION
                    ? Error(ApplicationError{reason->error_code}, std::move(text))
                    : Error(QuicError{reason->error_code}, std::move(text));
  end(std::move(error), true, {}, true);
}

void ConnectionImpl::close(std::uint64_t code, std::string_view reason) {
  close_with(Error(ApplicationError{std::min<std::uint64_t>(code, NGTCP2_MAX_VARINT)},
                   std::string(reason.substr(0, kMaxReason))),
             true);
}

void ConnectionImpl::close_transport(QuicError code, std::string_view reason) {
  close_with(Error(code, std::string(reason.substr(0, kMaxReason))), false);
}

// What is ready goes out first, as far as the congestion controller lets it.
void ConnectionImpl::close_with(Error error, bool application) {
  if (conn_ == nullptr || closing_) return;
  closing_.emplace(std::move(error), application);
  loop_.mark(*this);
}

void ConnectionImpl::write_close() {
  const auto& [error, application] = *closing_;
  ngtcp2_ccerr close;
  const auto* reason = reinterpret_cast<const std::uint8_t*>(error.detail().data());
  const std::size_t size = std::min(error.detail().size(), kMaxReason);
  if (application) {
    ngtcp2_ccerr_set_application_error(&close, error.code(), reason, size);
  } else {
    ngtcp2_ccerr_set_transport_error(&close, error.code(), reason, size);
  }
  std::vector<std::uint8_t> packet(kMaxPayload);
  ngtcp2_path_storage to;
  ngtcp2_path_storage_zero(&to);
  ngtcp2_pkt_info info{};
  const ngtcp2_ssize written = ngtcp2_conn_write_connection_close(
      conn_, &to.path, &info, packet.data(), packet.size(), &close, to_timestamp(loop_.now()));
  packet.resize(written > 0 ? static_cast<std::size_t>(written) : 0);
  bytes_sent_ += packet.size();
  Error ours = tls_error_ ? *tls_error_ : error;
  end(std::move(ours), false, std::move(packet), true);
}

void ConnectionImpl::end(Error error, bool by_peer, std::vector<std::uint8_t> packet, bool linger) {
  if (conn_ == nullptr) return;
  log::debug("quic: {} ended: {}", log::Name{.text = remote_.to_string(), .connection = id_},
             error.message());
  Remains remains{.ids = std::exchange(ids_, {}),
                  .reset_tokens = std::exchange(reset_tokens_, {}),
                  .packet = std::move(packet),
                  .local = local_,
                  .remote = remote_,
                  .linger = linger ? 3 * pto_of(conn_) : Duration{}};
  error_ = std::move(error);
  by_peer_ = by_peer;
  ngtcp2_conn_del(std::exchange(conn_, nullptr));
  timer_.cancel();
  probe_timer_.cancel();
  groups_.clear();
  unsent_.clear();
  if (host_ == nullptr) {
    loop_.post([self = shared_from_this()] { self->dispatch(); });
    return;
  }
  // Keeps this object alive until then.
  host_->dispatch_later(*this);
  host_->ended(*this, std::move(remains));
}

void ConnectionImpl::abandon() {
  handler_ = nullptr;
  abandoned_ = true;
  for (auto& [key, record] : streams_) {
    if (record.send) record.send->handler = nullptr;
    if (record.recv) {
      record.recv->handler = nullptr;
      record.recv->had_handler = true;
    }
  }
  close(0, {});
}

void ConnectionImpl::detach() {
  host_ = nullptr;
  if (conn_ != nullptr) {
    end(Error(TransportError::lost, "the endpoint is gone"), false, {}, false);
  } else {
    loop_.post([self = shared_from_this()] { self->dispatch(); });
  }
}

void ConnectionImpl::on_timer() {
  if (conn_ == nullptr) return;
  const ngtcp2_tstamp now = to_timestamp(loop_.now());
  // The timer is not moved each time that ngtcp2 puts off its expiry.
  if (ngtcp2_conn_get_expiry(conn_) > now) return rearm();
  if (const int rv = ngtcp2_conn_handle_expiry(conn_, now); rv != 0) return fail(rv);
  loop_.mark(*this);
}

void ConnectionImpl::rearm() {
  const Time expiry = to_time(ngtcp2_conn_get_expiry(conn_));
  if (expiry == kNever || (timer_.when() != kNever && timer_.when() <= expiry)) return;
  // Never at once: a tick has to end.
  timer_.arm(std::max(expiry, loop_.now() + std::chrono::microseconds(1)));
}

void ConnectionImpl::probe_peer() {
  if (conn_ == nullptr || probing_ || !established_) return;
  probing_ = true;
  heard_ = false;
  patience_ = std::max<Duration>(kProbeTimeouts * pto_of(conn_), kMinPatience);
  probe_timer_.arm(loop_.now() + patience_);
  update_probe();
  loop_.mark(*this);
}

// Three for each idle timeout, whatever the configuration says: the peer's idle
// timeout may be shorter than our own.
Duration ConnectionImpl::keep_alive() const {
  const Config& config = setup_.config;
  Duration idle = config.idle_timeout;
  if (const auto* remote = ngtcp2_conn_get_remote_transport_params(conn_);
      remote != nullptr && remote->max_idle_timeout != 0) {
    const Duration theirs(remote->max_idle_timeout);
    idle = idle == Duration{} ? theirs : std::min(idle, theirs);
  }
  return idle == Duration{} ? config.keep_alive : std::min(config.keep_alive, idle / 3);
}

// ngtcp2 sends a PING only to keep a connection alive: so ask for one at once, until
// something is in flight that the peer has to acknowledge. Where that stays without an
// answer, more follow: a path that loses some packets must not look like a peer that is
// gone, which the few that loss recovery sends in this time cannot tell.
void ConnectionImpl::update_probe() {
  Duration quiet = keep_alive();
  if (probing_) {
    ngtcp2_conn_info info;
    ngtcp2_conn_get_conn_info(conn_, &info);
    const Duration timeout = patience_ / kProbeTimeouts;
    const bool answer_is_due = probe_timer_.when() - loop_.now() < patience_ - timeout;
    quiet = answer_is_due ? timeout / kProbesATimeout : timeout;
    if (info.bytes_in_flight == 0) quiet = Duration(1);
  }
  ngtcp2_conn_set_keep_alive_timeout(conn_, static_cast<ngtcp2_duration>(quiet.count()));
}

void ConnectionImpl::on_probe_deadline() {
  if (conn_ == nullptr || !probing_) return;
  end(Error(TransportError::lost, "no answer to a probe"), false, {}, false);
}

transport::PathStats ConnectionImpl::path_stats() const {
  transport::PathStats stats{
      .bytes_sent = bytes_sent_, .bytes_received = bytes_received_, .bytes_lost = bytes_lost_};
  if (conn_ == nullptr) return stats;
  ngtcp2_conn_info info;
  ngtcp2_conn_get_conn_info(conn_, &info);
  if (info.latest_rtt == 0 || info.smoothed_rtt == 0) return stats;
  stats.smoothed_rtt = Duration(static_cast<std::int64_t>(info.smoothed_rtt));
  stats.bitrate = static_cast<std::uint64_t>(static_cast<double>(info.cwnd) * 8 * 1e9 /
                                             static_cast<double>(info.smoothed_rtt));
  return stats;
}

std::shared_ptr<Connection> make_handle(std::shared_ptr<ConnectionImpl> connection) {
  ConnectionImpl* raw = connection.get();
  return {raw, [connection = std::move(connection)](Connection*) { connection->abandon(); }};
}

}  // namespace moq::native::quic
