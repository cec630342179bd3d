#include "native/quic/endpoint.h"

#include <algorithm>

#include "native/quic/clock.h"
#include "native/quic/endpoint_impl.h"
#include "net/transport/error.h"

namespace moq::native::quic {

using transport::TransportError;

namespace {

// Full GSO sends of the largest packets.
constexpr std::size_t kScratch = 64 * 1452;

bool is_ip(const SocketAddress& address) {
  return (address.family() == AF_INET && address.size() == sizeof(sockaddr_in)) ||
         (address.family() == AF_INET6 && address.size() == sizeof(sockaddr_in6));
}

/// What a client makes of the end of a handshake.
Error dial_error(const Error& error, bool by_peer) {
  if (!by_peer || &error.domain() != &error_domain(QuicError{})) return error;
  if (error.is(QuicError::connection_refused)) {
    return {TransportError::refused, "the server takes no new connections"};
  }
  if ((error.code() & ~0xffULL) == static_cast<std::uint64_t>(QuicError::crypto_error)) {
    return {TransportError::handshake, error.message()};
  }
  return error;
}

}  // namespace

Endpoint::Endpoint(Loop& loop, PacketWriter& writer, EndpointOptions options)
    : impl_(std::make_shared<Impl>(loop, writer, std::move(options))) {}
Endpoint::~Endpoint() { impl_->shut_down(); }
void Endpoint::listen(std::shared_ptr<const tls::ServerContext> tls, Accepted accepted) {
  impl_->listen(std::move(tls), std::move(accepted));
}
void Endpoint::set_tls(std::shared_ptr<const tls::ServerContext> tls) {
  impl_->set_tls(std::move(tls));
}
Endpoint::Attempt Endpoint::connect(ConnectOptions options, Connected connected) {
  return impl_->connect(std::move(options), std::move(connected));
}
void Endpoint::refuse_new() { impl_->refuse_new(true); }
void Endpoint::accept_new() { impl_->refuse_new(false); }
void Endpoint::close_all(std::uint64_t code, std::string_view reason) {
  impl_->close_all(code, reason);
}
void Endpoint::when_closed(std::function<void()> done) { impl_->when_closed(std::move(done)); }
std::size_t Endpoint::connections() const { return impl_->connections(); }
std::size_t Endpoint::handshakes() const { return impl_->handshakes(); }
std::size_t Endpoint::closing() const { return impl_->closing(); }
void Endpoint::on_packet(const ReceivedPacket& packet) { impl_->on_packet(packet); }
// Everything runs from the loop, which the driver turns next.
void Endpoint::on_packets_done() {}
void Endpoint::on_writable() { impl_->on_writable(); }

Endpoint::Impl::Impl(Loop& loop, PacketWriter& writer, EndpointOptions options)
    : loop_(loop),
      writer_(writer),
      options_(std::move(options)),
      ids_(options_.issuer),
      answers_(options_.keys, options_.random, options_.limits.max_stateless_answers),
      scratch_(kScratch),
      routes_(64, ConnectionIdHash(options_.random)),
      reset_tokens_(64, ConnectionIdHash(options_.random)),
      closing_timer_(loop, [this] { bury_expired(); }) {
  if (!options_.admission) options_.admission = std::make_shared<Admission>(options_.limits);
}

void Endpoint::Impl::listen(std::shared_ptr<const tls::ServerContext> tls, Accepted accepted) {
  server_tls_ = std::move(tls);
  accepted_ = std::move(accepted);
}

Endpoint::Attempt Endpoint::Impl::connect(ConnectOptions options, Connected connected) {
  ConnectionSetup setup{.config = options.config,
                        .server = false,
                        .local = writer_.local_address(),
                        .remote = options.remote};
  // As the socket will show the peer's address.
  setup.remote = setup.local.family() == AF_INET6 ? setup.remote.mapped() : setup.remote.unmapped();
  if (const auto kept = kept_tokens_.find({setup.remote.to_string(), options.server_name});
      kept != kept_tokens_.end()) {
    // A token is used once, so that nobody can link two connections by it.
    setup.token = std::move(kept->second);
    kept_tokens_.erase(kept);
  }
  auto attempt = [&]() -> Result<std::shared_ptr<ConnectionImpl>> {
    if (!is_ip(setup.remote) || !is_ip(setup.local)) {
      return moq::fail(TransportError::unreachable, "not an IP address");
    }
    MOQ_TRY(auto tls, TlsSession::client(options.tls, options.server_name));
    auto connection = std::make_shared<ConnectionImpl>(*this, std::move(setup), std::move(tls));
    connections_[connection.get()] = connection;
    if (auto started = connection->start(); !started) {
      connections_.erase(connection.get());
      return moq::fail(std::move(started).error());
    }
    return connection;
  }();
  if (!attempt) {
    auto alive = std::make_shared<int>(0);
    loop_.post([connected = std::move(connected), error = attempt.error(),
                alive = std::weak_ptr<int>(alive)] {
      if (!alive.expired()) connected(moq::fail(error));
    });
    return alive;
  }
  dials_[attempt->get()] = {.connected = std::move(connected), .server_name = options.server_name};
  return {static_cast<void*>(attempt->get()),
          [weak = weak_from_this(), connection = std::weak_ptr(*attempt)](void*) {
            const auto self = weak.lock();
            const auto abandoned = connection.lock();
            if (self && abandoned && self->dials_.erase(abandoned.get()) > 0) abandoned->abandon();
          }};
}

void Endpoint::Impl::close_all(std::uint64_t code, std::string_view reason) {
  for (auto& [raw, connection] : connections_) connection->close(code, reason);
}

void Endpoint::Impl::when_closed(std::function<void()> done) {
  when_closed_.push_back(std::move(done));
  check_closed();
}

void Endpoint::Impl::shut_down() {
  dials_.clear();
  accepted_ = nullptr;
  closing_timer_.cancel();
  auto connections = std::exchange(connections_, {});
  for (auto& connection : std::exchange(dirty_, {})) connection->detach();
  for (auto& [raw, connection] : connections) connection->detach();
}

// --- Packets.

void Endpoint::Impl::on_packet(const ReceivedPacket& received) {
  ReceivedPacket packet = received;
  if (packet.local.empty()) packet.local = writer_.local_address();
  if (packet.data.empty() || !is_ip(packet.local) || !is_ip(packet.remote)) return;
  ngtcp2_version_cid header;
  const int rv = ngtcp2_pkt_decode_version_cid(&header, packet.data.data(), packet.data.size(),
                                               ConnectionIds::kSize);
  if (rv == NGTCP2_ERR_VERSION_NEGOTIATION) {
    if (accepted_) answer(packet, answers_.version_negotiation(header, loop_.now()));
    return;
  }
  if (rv != 0) return;
  const auto route = routes_.find(ConnectionId(ByteSpan(header.dcid, header.dcidlen)));
  if (route == routes_.end()) return unknown(packet, header);
  if (const auto* ended = std::get_if<ClosingIterator>(&route->second)) return stray(*ended);
  std::get<ConnectionImpl*>(route->second)->read(packet);
}

void Endpoint::Impl::unknown(const ReceivedPacket& packet, const ngtcp2_version_cid& header) {
  const ByteSpan dcid(header.dcid, header.dcidlen);
  const bool short_header = (packet.data[0] & 0x80) == 0;
  if (!short_header) {
    // The ID of an Initial packet is mostly the client's own choice: not to be read.
    ngtcp2_pkt_hd initial;
    if (ngtcp2_accept(&initial, packet.data.data(), packet.data.size()) == 0) {
      if (accepted_) accept(packet);
    } else if (header.version != 0) {
      steer(packet, dcid);
    }
    return;
  }
  if (is_reset(packet) || steer(packet, dcid)) return;
  // Another process's connections may well be alive: only their owner may reset them.
  if (ConnectionIds::decode(dcid) != options_.issuer) return;
  answer(packet, answers_.reset(ConnectionId(dcid), packet.data.size(), loop_.now()));
}

// A stateless reset has a made-up ID; it is known by its end (RFC 9000 §10.3.1).
bool Endpoint::Impl::is_reset(const ReceivedPacket& packet) {
  if (packet.data.size() < NGTCP2_MIN_STATELESS_RESET_RANDLEN + NGTCP2_STATELESS_RESET_TOKENLEN) {
    return false;
  }
  const auto expected =
      reset_tokens_.find(ConnectionId(packet.data.last(NGTCP2_STATELESS_RESET_TOKENLEN)));
  if (expected == reset_tokens_.end()) return false;
  expected->second->read(packet);
  return true;
}

bool Endpoint::Impl::steer(const ReceivedPacket& packet, ByteSpan dcid) {
  const auto issuer = ConnectionIds::decode(dcid);
  if (!issuer || issuer->generation != options_.issuer.generation ||
      issuer->worker == options_.issuer.worker) {
    return false;
  }
  if (options_.steer) options_.steer(issuer->worker, packet);
  return true;
}

// --- What connections ask for.

std::shared_ptr<ConnectionImpl> Endpoint::Impl::shared(ConnectionImpl& connection) {
  return connection.shared_from_this();
}

ConnectionId Endpoint::Impl::issue(ConnectionImpl& connection) {
  for (;;) {
    const ConnectionId id = ids_.make(options_.random);
    if (!routes_.emplace(id, &connection).second) continue;
    connection.add_id(id);
    return id;
  }
}

std::array<std::uint8_t, 16> Endpoint::Impl::reset_token(const ConnectionId& id) {
  return answers_.reset_token(id);
}

void Endpoint::Impl::expect_reset(const ConnectionId& token, ConnectionImpl& connection) {
  // The peer made it up: one that copies another's must not take its place.
  reset_tokens_.emplace(token, &connection);
}

void Endpoint::Impl::forget_reset(const ConnectionId& token, ConnectionImpl& connection) {
  const auto expected = reset_tokens_.find(token);
  if (expected == reset_tokens_.end() || expected->second != &connection) return;
  reset_tokens_.erase(expected);
}

std::vector<std::uint8_t> Endpoint::Impl::make_token(const SocketAddress& remote) {
  return answers_.address_token(remote, loop_.now());
}

void Endpoint::Impl::keep_token(const SocketAddress& remote, const std::string& server_name,
                                ByteSpan token) {
  // Longer ones would not leave room for a ClientHello.
  constexpr std::size_t kMaxToken = 512;
  if (token.empty() || token.size() > kMaxToken || options_.limits.max_kept_tokens == 0) return;
  if (kept_tokens_.size() >= options_.limits.max_kept_tokens) {
    kept_tokens_.erase(kept_tokens_.begin());
  }
  kept_tokens_[{remote.to_string(), server_name}].assign(token.begin(), token.end());
}

bool Endpoint::Impl::may_send(ConnectionImpl& connection) {
  if (!writable_ && !connection.queued_for_socket()) {
    connection.queue_for_socket(true);
    blocked_.push_back(shared(connection));
  }
  return writable_;
}

void Endpoint::Impl::blocked(ConnectionImpl& connection) {
  writable_ = false;
  // Its turn comes first: what it has not sent is older than what others will.
  connection.queue_for_socket(true);
  blocked_.insert(blocked_.begin(), shared(connection));
}

void Endpoint::Impl::on_writable() {
  writable_ = true;
  while (!outbox_.empty()) {
    const Outgoing& packet = outbox_.front();
    if (!writer_.send(packet.local, packet.remote, 0, packet.bytes, packet.bytes.size())) {
      writable_ = false;
      return;
    }
    outbox_.erase(outbox_.begin());
  }
  auto waiting = std::exchange(blocked_, {});
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    const auto connection = waiting[i].lock();
    if (!connection) continue;
    connection->queue_for_socket(false);
    if (connection->writable()) continue;
    // It is at the head of the queue again; the others keep their places behind it.
    blocked_.insert(blocked_.end(), waiting.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                    waiting.end());
    break;
  }
  check_closed();
}

void Endpoint::Impl::dispatch_later(ConnectionImpl& connection) {
  if (dirty_.empty()) {
    loop_.post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->dispatch_dirty();
    });
  }
  dirty_.push_back(shared(connection));
}

void Endpoint::Impl::dispatch_dirty() {
  // A handler may destroy the endpoint: each one left is then detached already.
  for (const auto& connection : std::exchange(dirty_, {})) connection->dispatch();
  check_closed();
}

void Endpoint::Impl::established(ConnectionImpl& connection) {
  if (connection.is_server()) {
    if (connection.error()) return;
    --handshakes_;
    connection.count_handshake(false);
    connection.place().handshake_over();
    if (accepted_) accepted_(make_handle(shared(connection)));
    return;
  }
  auto dial = dials_.extract(&connection);
  if (dial.empty()) return;
  if (connection.error()) {
    dial.mapped().connected(moq::fail(dial_error(*connection.error(), connection.by_peer())));
  } else {
    dial.mapped().connected(make_handle(shared(connection)));
  }
}

void Endpoint::Impl::ended(ConnectionImpl& connection, Remains remains) {
  if (connection.counts_as_handshake()) {
    --handshakes_;
    connection.count_handshake(false);
  }
  for (const ConnectionId& id : remains.ids) routes_.erase(id);
  for (const ConnectionId& token : remains.reset_tokens) forget_reset(token, connection);
  if (remains.linger > Duration{}) linger(std::move(remains));
  connection.place().release();
  connections_.erase(&connection);
}

}  // namespace moq::native::quic
