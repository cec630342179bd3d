#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "native/http3/webtransport.h"
#include "native/io/signals.h"
#include "native/io/udp_socket.h"
#include "native/io/workers.h"
#include "native/quic/endpoint.h"
#include "native/server/steering.h"
#include "native/tls/server_certificates.h"

namespace moq::native {

class Server;

/// `[server]` of the configuration, without what TLS takes.
struct ServerConfig {
  /// [::] takes IPv4 as well. Port 0 takes a free one.
  SocketAddress listen = *SocketAddress::parse("[::]:443");
  /// Threads, each with a socket and connections of its own. 0: one per core.
  std::size_t workers = 0;
  /// Protocols of sessions: ALPN tokens on raw QUIC, where the server's order decides,
  /// and subprotocols of WebTransport, where the client's does. Not empty.
  std::vector<std::string> alpns;
  /// Whether WebTransport over HTTP/3 is served beside raw QUIC.
  bool webtransport = true;
  quic::Config quic;
  quic::Limits limits;
  /// Told of clients that the limits keep out, on any thread.
  quic::Admission::Refused refused;
  std::shared_ptr<quic::QlogDirectory> qlog;  ///< null: connections are not traced
  http3::Limits http3_limits;
  /// Names this process in connection ids, among those that share an address.
  /// Drawn at random when not set.
  std::optional<std::uint8_t> generation;
  /// Secrets of tokens and resets, to go on with another process's. Drawn at
  /// random when not set.
  std::optional<quic::Keys> keys;

  /// Whether SIGINT closes the server at once, without a drain (the default).
  /// Programs with a shutdown of their own switch it off.
  ServerConfig& with_ctrl_c_handler(bool on) {
    ctrl_c_handler = on;
    return *this;
  }
  bool ctrl_c_handler = true;
};

/// One thread of a server: a loop, a socket and the connections that the kernel
/// or their ids send to it. Belongs to its thread, except `index` and `events`
/// (whose `post` is for any).
class Worker {
 public:
  Worker(Server& server, std::size_t index, EventLoop& events)
      : server_(server), index_(index), events_(events) {}

  [[nodiscard]] std::size_t index() const { return index_; }
  [[nodiscard]] EventLoop& events() { return events_; }
  [[nodiscard]] Loop& loop() { return events_.loop(); }
  [[nodiscard]] Server& server() { return server_; }
  /// Not before `on_start`, nor after `on_stop`.
  [[nodiscard]] quic::Endpoint& endpoint() { return *endpoint_; }
  [[nodiscard]] const UdpSocket& socket() const { return *socket_; }
  /// Connections that have no WebTransport session yet, or none any more.
  [[nodiscard]] const http3::Connections& http3() const { return *http3_; }

 private:
  friend class Server;

  Server& server_;
  std::size_t index_;
  EventLoop& events_;
  std::unique_ptr<UdpSocket> socket_;
  std::unique_ptr<Steering> steering_;
  std::unique_ptr<quic::Endpoint> endpoint_;
  std::unique_ptr<http3::Connections> http3_;
};

/// How a session came.
struct Arrival {
  /// With its query: "/room?jwt=x"; empty on raw QUIC, where it comes later.
  std::string path;
  /// That was dialled, as TLS or the request has it, with or without a port; may be empty.
  std::string host;
  /// As quic::Connection::client_certificate_end; on raw QUIC only: on WebTransport,
  /// `on_request` has seen it.
  std::optional<std::chrono::sys_seconds> certificate_end = {};
};

/// What a server's owner hears, each on the worker's thread. Empty ones are skipped.
struct ServerHandlers {
  /// Before the worker's first packet.
  std::function<void(Worker&)> on_start;
  /// A client that asks for a WebTransport session: see http3::ServerOptions::decide.
  /// Empty: all are let in. (On raw QUIC, the path comes later.)
  std::function<void(Worker&, const http3::ConnectRequest&, const quic::Connection&,
                     const http3::Answer&)>
      on_request;
  /// A session on raw QUIC whose handshake is complete, or a WebTransport session that
  /// was let in. Sets the session's handler before it returns. A session that is not kept
  /// is closed.
  std::function<void(Worker&, std::shared_ptr<transport::Session>, const Arrival&)> on_session;
  /// No worker reads packets any more, all still run tasks: sessions and all else
  /// that lives on the worker has to be let go of here.
  std::function<void(Worker&)> on_stop;
};

/// A QUIC server on one UDP address, with a worker per core.
///
/// Methods are for any thread but the workers', except `close`, `refuse_new` and
/// `set_certificates`, which are for those as well.
class Server {
 public:
  /// Binds and starts to serve. Errors say what to do about a port in use.
  static Result<std::unique_ptr<Server>> start(ServerConfig config,
                                               const tls::ServerCertificates& certificates,
                                               ServerHandlers handlers);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /// Closes with code 0 whatever is left, calls `on_stop`, joins the threads.
  ~Server();

  [[nodiscard]] SocketAddress local_address() const { return local_; }
  [[nodiscard]] std::size_t size() const { return workers_.size(); }
  /// For `index` and `events().post`; the rest is for its thread.
  [[nodiscard]] Worker& at(std::size_t worker) { return *workers_.at(worker); }

  /// Serves these from the next handshake on.
  void set_certificates(const tls::ServerCertificates& certificates);
  /// Of the certificates served now, as `/certificate.sha256` gives them.
  [[nodiscard]] std::vector<tls::Fingerprint> fingerprints() const;

  /// Turns new connections away (CONNECTION_REFUSED), on all workers.
  void refuse_new();
  /// Closes all connections with an application code, and takes no more.
  void close(std::uint64_t code, std::string_view reason);
  /// Blocks until the server was closed (by `close` or Ctrl-C) and its last
  /// packets have left; returns false if that takes longer than `timeout`.
  bool wait_closed(Duration timeout = Duration::max());

 private:
  Server(ServerConfig config, ServerHandlers handlers);
  Result<void> run(const tls::ServerCertificates& certificates);
  std::shared_ptr<const tls::ServerContext> context_of(const tls::ServerCertificates& certificates);
  quic::EndpointOptions endpoint_options(Worker& worker);
  http3::ServerOptions http3_options(Worker& worker);
  void accept(Worker& worker, std::shared_ptr<quic::Connection> connection);
  void close_worker(Worker& worker, std::uint64_t code, const std::string& reason);

  ServerConfig config_;
  ServerHandlers handlers_;
  SocketAddress local_;
  Workers threads_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::shared_ptr<quic::Admission> admission_;
  std::unique_ptr<SignalSet> ctrl_c_;  // worker 0's
  std::atomic<bool> closing_{false};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t open_workers_ = 0;                // guarded by mutex_
  std::vector<tls::Fingerprint> fingerprints_;  // guarded by mutex_
};

}  // namespace moq::native
