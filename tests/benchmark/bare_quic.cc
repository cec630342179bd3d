// One QUIC connection over loopback, with nothing on top: what ngtcp2 and GnuTLS
// cost by themselves. The parent sends, the child receives; each reports the CPU
// that it used once the connection stood.
//
//   bare_quic [BYTES] [--cubic]

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "native/tls/certificate.h"

namespace {

constexpr std::size_t kStreamSize = 100'000;
constexpr std::size_t kPacket = 1452;
constexpr std::size_t kSegments = 44;  // the kernel takes 64 KB in a send
constexpr std::uint64_t kStreamWindow = 2U << 20;
constexpr std::uint64_t kWindow = 4U << 20;
constexpr std::uint64_t kMaxWindow = 16U << 20;
constexpr std::uint64_t kMaxStreams = 1024;
constexpr std::size_t kAckThreshold = 10;
constexpr std::string_view kAlpn = "bare";

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "bare_quic: %s\n", what.c_str());
  std::exit(1);
}

ngtcp2_tstamp now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<ngtcp2_tstamp>(time.tv_sec) * NGTCP2_SECONDS +
         static_cast<ngtcp2_tstamp>(time.tv_nsec);
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int open_socket() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  const int buffer = 4 << 20;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0) die("no socket");
  return fd;
}

sockaddr_in address_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return address;
}

/// One end of the connection, over a socket that is its own.
class Peer {
 public:
  Peer(bool server, int fd, ngtcp2_cc_algo congestion, std::uint64_t bytes)
      : server_(server), fd_(fd), congestion_(congestion), bytes_(bytes), local_(address_of(fd)) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() {
    if (conn_ != nullptr) ngtcp2_conn_del(conn_);
    if (tls_ != nullptr) gnutls_deinit(tls_);
    gnutls_certificate_free_credentials(credentials_);
    close(fd_);
  }

  void connect(const sockaddr_in& remote) {
    remote_ = remote;
    ngtcp2_cid dcid = new_id();
    create(nullptr, dcid);
    run();
  }
  void serve() { run(); }

  /// CPU seconds since the handshake was complete.
  [[nodiscard]] double cpu() const { return cpu_seconds() - cpu_at_start_; }
  [[nodiscard]] double seconds() const { return static_cast<double>(now() - started_) / 1e9; }
  [[nodiscard]] std::uint64_t received() const { return received_; }

 private:
  static Peer& of(void* user) { return *static_cast<Peer*>(user); }

  static ngtcp2_cid new_id() {
    std::array<std::uint8_t, 16> random{};
    gnutls_rnd(GNUTLS_RND_RANDOM, random.data(), random.size());
    ngtcp2_cid id;
    ngtcp2_cid_init(&id, random.data(), random.size());
    return id;
  }

  ngtcp2_path path() {
    return {.local = {reinterpret_cast<sockaddr*>(&local_), sizeof local_},
            .remote = {reinterpret_cast<sockaddr*>(&remote_), sizeof remote_},
            .user_data = nullptr};
  }

  void set_up_tls() {
    gnutls_certificate_allocate_credentials(&credentials_);
    gnutls_init(&tls_, server_ ? GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET : GNUTLS_CLIENT);
    gnutls_priority_set_direct(tls_,
                               "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:"
                               "-GROUP-ALL:+GROUP-X25519:%DISABLE_TLS13_COMPAT_MODE",
                               nullptr);
    if (server_) {
      const auto identity =
          moq::native::tls::generate_self_signed({"localhost"}, std::chrono::system_clock::now());
      if (!identity) die(identity.error().message());
      const auto datum = [](const std::string& text) {
        return gnutls_datum_t{reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
                              static_cast<unsigned>(text.size())};
      };
      const gnutls_datum_t chain = datum(identity->chain);
      const gnutls_datum_t key = datum(identity->key);
      gnutls_certificate_set_x509_key_mem(credentials_, &chain, &key, GNUTLS_X509_FMT_PEM);
      ngtcp2_crypto_gnutls_configure_server_session(tls_);
    } else {
      ngtcp2_crypto_gnutls_configure_client_session(tls_);
    }
    gnutls_credentials_set(tls_, GNUTLS_CRD_CERTIFICATE, credentials_);
    const gnutls_datum_t alpn{reinterpret_cast<unsigned char*>(const_cast<char*>(kAlpn.data())),
                              kAlpn.size()};
    gnutls_alpn_set_protocols(tls_, &alpn, 1, GNUTLS_ALPN_MANDATORY);
    reference_ = {.get_conn = [](ngtcp2_crypto_conn_ref* ref) { return of(ref->user_data).conn_; },
                  .user_data = this};
    gnutls_session_set_ptr(tls_, &reference_);
  }

  static ngtcp2_callbacks callbacks(bool server) {
    ngtcp2_callbacks table{};
    if (server) {
      table.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
    } else {
      table.client_initial = ngtcp2_crypto_client_initial_cb;
      table.recv_retry = ngtcp2_crypto_recv_retry_cb;
    }
    table.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb;
    table.encrypt = ngtcp2_crypto_encrypt_cb;
    table.decrypt = ngtcp2_crypto_decrypt_cb;
    table.hp_mask = ngtcp2_crypto_hp_mask_cb;
    table.update_key = ngtcp2_crypto_update_key_cb;
    table.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
    table.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
    table.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb;
    table.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
    table.rand = [](std::uint8_t* out, std::size_t size, const ngtcp2_rand_ctx*) {
      gnutls_rnd(GNUTLS_RND_NONCE, out, size);
    };
    table.get_new_connection_id = [](ngtcp2_conn*, ngtcp2_cid* id, std::uint8_t* token,
                                     std::size_t size, void*) {
      *id = new_id();
      id->datalen = size;
      return gnutls_rnd(GNUTLS_RND_RANDOM, token, NGTCP2_STATELESS_RESET_TOKENLEN);
    };
    table.handshake_completed = [](ngtcp2_conn*, void* user) {
      of(user).cpu_at_start_ = cpu_seconds();
      of(user).started_ = now();
      return 0;
    };
    table.recv_stream_data = [](ngtcp2_conn* conn, std::uint32_t, std::int64_t id, std::uint64_t,
                                const std::uint8_t*, std::size_t size, void* user, void*) {
      of(user).received_ += size;
      ngtcp2_conn_extend_max_stream_offset(conn, id, size);
      ngtcp2_conn_extend_max_offset(conn, size);
      return 0;
    };
    table.stream_close = [](ngtcp2_conn* conn, std::uint32_t, std::int64_t id, std::uint64_t, void*,
                            void*) {
      if (ngtcp2_conn_is_local_stream(conn, id) == 0) ngtcp2_conn_extend_max_streams_uni(conn, 1);
      return 0;
    };
    return table;
  }

  /// A server's from the client's first packet; a client's from nothing.
  void create(const ngtcp2_pkt_hd* initial, const ngtcp2_cid& client_dcid) {
    set_up_tls();
    ngtcp2_settings settings;
    ngtcp2_settings_default(&settings);
    settings.initial_ts = now();
    settings.cc_algo = congestion_;
    settings.max_tx_udp_payload_size = kPacket;
    settings.ack_thresh = kAckThreshold;
    settings.max_window = kMaxWindow;
    ngtcp2_transport_params params;
    ngtcp2_transport_params_default(&params);
    params.initial_max_stream_data_uni = kStreamWindow;
    params.initial_max_data = kWindow;
    params.initial_max_streams_uni = kMaxStreams;
    const ngtcp2_cid scid = new_id();
    const ngtcp2_callbacks table = callbacks(server_);
    const ngtcp2_path from = path();
    int rv = 0;
    if (initial != nullptr) {
      params.original_dcid = initial->dcid;
      params.original_dcid_present = 1;
      rv = ngtcp2_conn_server_new(&conn_, &initial->scid, &scid, &from, initial->version, &table,
                                  &settings, &params, nullptr, this);
    } else {
      rv = ngtcp2_conn_client_new(&conn_, &client_dcid, &scid, &from, NGTCP2_PROTO_VER_V1, &table,
                                  &settings, &params, nullptr, this);
    }
    if (rv != 0) die(ngtcp2_strerror(rv));
    ngtcp2_conn_set_tls_native_handle(conn_, tls_);
  }

  void run() {
    while (!done_) {
      if (conn_ != nullptr) send();
      wait();
      receive();
      if (conn_ != nullptr && ngtcp2_conn_get_expiry(conn_) <= now()) {
        if (ngtcp2_conn_handle_expiry(conn_, now()) != 0) done_ = true;
      }
    }
  }

  void wait() {
    pollfd entry{.fd = fd_, .events = POLLIN, .revents = 0};
    if (blocked_) entry.events |= POLLOUT;
    ngtcp2_tstamp timeout = 10 * NGTCP2_SECONDS;
    if (conn_ != nullptr) {
      const ngtcp2_tstamp expiry = ngtcp2_conn_get_expiry(conn_);
      const ngtcp2_tstamp time = now();
      timeout = expiry <= time ? 0 : std::min(expiry - time, timeout);
    }
    const timespec spec{.tv_sec = static_cast<time_t>(timeout / NGTCP2_SECONDS),
                        .tv_nsec = static_cast<long>(timeout % NGTCP2_SECONDS)};
    ppoll(&entry, 1, &spec, nullptr);
  }

  void receive() {
    for (int reads = 0; reads < 64 && !done_; ++reads) {
      sockaddr_in from{};
      iovec vector{.iov_base = in_.data(), .iov_len = in_.size()};
      alignas(cmsghdr) std::array<char, 64> control{};
      msghdr message{};
      message.msg_name = &from;
      message.msg_namelen = sizeof from;
      message.msg_iov = &vector;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      const ssize_t size = recvmsg(fd_, &message, 0);
      if (size <= 0) return;
      auto segment = static_cast<std::size_t>(size);
      for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
           each = CMSG_NXTHDR(&message, each)) {
        if (each->cmsg_level != SOL_UDP || each->cmsg_type != UDP_GRO) continue;
        int value = 0;
        std::memcpy(&value, CMSG_DATA(each), sizeof value);
        segment = static_cast<std::size_t>(value);
      }
      for (std::size_t at = 0; at < static_cast<std::size_t>(size) && !done_; at += segment) {
        read({in_.data() + at, std::min(segment, static_cast<std::size_t>(size) - at)}, from);
      }
    }
  }

  void read(std::basic_string_view<std::uint8_t> packet, const sockaddr_in& from) {
    if (conn_ == nullptr) {
      ngtcp2_pkt_hd initial;
      if (ngtcp2_accept(&initial, packet.data(), packet.size()) != 0) return;
      remote_ = from;
      create(&initial, {});
    }
    const ngtcp2_path on = path();
    const int rv = ngtcp2_conn_read_pkt(conn_, &on, nullptr, packet.data(), packet.size(), now());
    if (rv == NGTCP2_ERR_DRAINING) {
      done_ = true;
    } else if (rv != 0) {
      die(ngtcp2_strerror(rv));
    }
  }

  void send() {
    if (blocked_ && !flush()) return;
    const ngtcp2_tstamp time = now();
    if (received_ >= bytes_ && !server_) return close_connection(time);
    std::size_t packets = std::max<std::size_t>(ngtcp2_conn_get_send_quantum(conn_) / kPacket, 1);
    if (packets > kSegments) packets = kSegments;
    for (; packets > 0; --packets) {
      const ngtcp2_ssize size = write_packet({out_.data() + filled_, kPacket}, time);
      if (size < 0) die(ngtcp2_strerror(static_cast<int>(size)));
      if (size == 0) break;
      if (filled_ > 0 && static_cast<std::size_t>(size) > segment_) {
        // A larger packet (a path MTU probe) goes in a send of its own.
        const std::size_t last = filled_;
        flush_first(last, static_cast<std::size_t>(size));
        continue;
      }
      if (filled_ == 0) segment_ = static_cast<std::size_t>(size);
      filled_ += static_cast<std::size_t>(size);
      if (static_cast<std::size_t>(size) < segment_) break;
    }
    ngtcp2_conn_update_pkt_tx_time(conn_, time);
    flush();
  }

  struct Room {
    std::uint8_t* data;
    std::size_t size;
  };

  ngtcp2_ssize write_packet(Room room, ngtcp2_tstamp time) {
    while (server_ && ngtcp2_conn_get_max_data_left(conn_) > 0 && next_stream()) {
      static const std::vector<std::uint8_t> payload(kStreamSize, 0x5a);
      ngtcp2_ssize taken = -1;
      const ngtcp2_vec data{const_cast<std::uint8_t*>(payload.data()) + offset_,
                            kStreamSize - offset_};
      const ngtcp2_ssize size = ngtcp2_conn_writev_stream(
          conn_, nullptr, nullptr, room.data, room.size, &taken,
          NGTCP2_WRITE_STREAM_FLAG_MORE | NGTCP2_WRITE_STREAM_FLAG_FIN, *stream_, &data, 1, time);
      if (taken > 0) offset_ += static_cast<std::size_t>(taken);
      if (offset_ == kStreamSize) stream_.reset();
      if (size == NGTCP2_ERR_STREAM_DATA_BLOCKED) break;
      if (size != NGTCP2_ERR_WRITE_MORE) return size;
    }
    return ngtcp2_conn_write_pkt(conn_, nullptr, nullptr, room.data, room.size, time);
  }

  bool next_stream() {
    if (stream_) return true;
    if (started_ == 0 || opened_ * kStreamSize >= bytes_) return false;
    std::int64_t id = -1;
    if (ngtcp2_conn_open_uni_stream(conn_, &id, nullptr) != 0) return false;
    stream_ = id;
    offset_ = 0;
    ++opened_;
    return true;
  }

  void flush_first(std::size_t size, std::size_t next) {
    send_bytes(out_.data(), size, segment_);
    send_bytes(out_.data() + size, next, next);
    filled_ = 0;
  }

  bool flush() {
    if (filled_ == 0) return true;
    blocked_ = !send_bytes(out_.data(), filled_, segment_);
    if (!blocked_) filled_ = 0;
    return !blocked_;
  }

  bool send_bytes(const std::uint8_t* data, std::size_t size, std::size_t segment) {
    iovec vector{.iov_base = const_cast<std::uint8_t*>(data), .iov_len = size};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> control{};
    msghdr message{};
    message.msg_name = &remote_;
    message.msg_namelen = sizeof remote_;
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    if (size > segment) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_UDP;
      header->cmsg_type = UDP_SEGMENT;
      header->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
      const auto value = static_cast<std::uint16_t>(segment);
      std::memcpy(CMSG_DATA(header), &value, sizeof value);
    }
    return sendmsg(fd_, &message, 0) >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
  }

  void close_connection(ngtcp2_tstamp time) {
    ngtcp2_ccerr error;
    ngtcp2_ccerr_default(&error);
    const ngtcp2_ssize size = ngtcp2_conn_write_connection_close(
        conn_, nullptr, nullptr, out_.data(), kPacket, &error, time);
    if (size > 0)
      send_bytes(out_.data(), static_cast<std::size_t>(size), static_cast<std::size_t>(size));
    done_ = true;
  }

  const bool server_;
  const int fd_;
  const ngtcp2_cc_algo congestion_;
  const std::uint64_t bytes_;
  sockaddr_in local_{};
  sockaddr_in remote_{};
  gnutls_certificate_credentials_t credentials_ = nullptr;
  gnutls_session_t tls_ = nullptr;
  ngtcp2_crypto_conn_ref reference_{};
  ngtcp2_conn* conn_ = nullptr;
  bool done_ = false;
  ngtcp2_tstamp started_ = 0;
  double cpu_at_start_ = 0;

  std::optional<std::int64_t> stream_;
  std::size_t offset_ = 0;
  std::uint64_t opened_ = 0;
  std::uint64_t received_ = 0;

  std::vector<std::uint8_t> in_ = std::vector<std::uint8_t>(65536);
  std::vector<std::uint8_t> out_ = std::vector<std::uint8_t>(kPacket * (kSegments + 1));
  std::size_t filled_ = 0;
  std::size_t segment_ = 0;
  bool blocked_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t bytes = 1'000'000'000;
  ngtcp2_cc_algo congestion = NGTCP2_CC_ALGO_BBR;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--cubic") {
      congestion = NGTCP2_CC_ALGO_CUBIC;
    } else {
      bytes = std::strtoull(argv[i], nullptr, 10);
    }
  }
  if (bytes < kStreamSize) die("usage: bare_quic [BYTES, at least 100000] [--cubic]");
  bytes -= bytes % kStreamSize;

  const int server = open_socket();
  const sockaddr_in where = address_of(server);
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    close(server);
    Peer receiver(false, open_socket(), congestion, bytes);
    receiver.connect(where);
    const double gigabytes = static_cast<double>(receiver.received()) / 1e9;
    std::printf("{\"role\":\"receiver\",\"bytes\":%llu,\"cpu_s_per_gb\":%.3f}\n",
                static_cast<unsigned long long>(receiver.received()), receiver.cpu() / gigabytes);
    std::fflush(stdout);
    _exit(receiver.received() == bytes ? 0 : 1);
  }
  Peer sender(true, server, congestion, bytes);
  sender.serve();
  const double gigabytes = static_cast<double>(bytes) / 1e9;
  const double cpu = sender.cpu();
  const double seconds = sender.seconds();
  int status = 0;
  waitpid(child, &status, 0);
  std::printf(
      "{\"role\":\"sender\",\"bytes\":%llu,\"seconds\":%.3f,\"gbit_s\":%.2f,"
      "\"cpu_s_per_gb\":%.3f}\n",
      static_cast<unsigned long long>(bytes), seconds, gigabytes * 8 / seconds, cpu / gigabytes);
  return status == 0 ? 0 : 1;
}
