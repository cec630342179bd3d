#include "native/quic/endpoint_impl.h"
#include "net/base/log.h"

namespace moq::native::quic {

// The first packet of a client. Until its address is proven, as little as
// possible is spent on it.
void Endpoint::Impl::accept(const ReceivedPacket& packet) {
  ngtcp2_pkt_hd header;
  if (ngtcp2_accept(&header, packet.data.data(), packet.data.size()) != 0) return;
  if (refusing_) return refuse(packet, header);
  const Admission& admission = *options_.admission;
  if (!admission.has_place()) {
    admission.refused(Refusal::connections, packet.remote);
    return refuse(packet, header);
  }
  if (handshakes_ >= options_.limits.max_handshakes) {
    return admission.refused(Refusal::handshakes, packet.remote);
  }
  ConnectionSetup setup{.config = options_.config,
                        .server = true,
                        .local = packet.local,
                        .remote = packet.remote,
                        .version = header.version,
                        .client_scid = header.scid,
                        .client_dcid = header.dcid};
  if (!judge_token(packet, header, setup)) return;
  start_server(packet, header, std::move(setup));
}

// Returns false if the packet was answered instead.
bool Endpoint::Impl::judge_token(const ReceivedPacket& packet, const ngtcp2_pkt_hd& header,
                                 ConnectionSetup& setup) {
  const ByteSpan token(header.token, header.tokenlen);
  if (auto original = answers_.good_retry_token(header, packet.remote, loop_.now())) {
    setup.original_dcid = *original;
    setup.token_type = NGTCP2_TOKEN_TYPE_RETRY;
  } else if (answers_.good_address_token(token, packet.remote, loop_.now())) {
    setup.token_type = NGTCP2_TOKEN_TYPE_NEW_TOKEN;
  } else {
    // A token of an earlier life of this server, or of another server, is no token.
    if (handshakes_ < options_.limits.max_unproven_handshakes &&
        !options_.admission->wants_proof(packet.remote)) {
      return true;
    }
    answer(packet, answers_.retry(header, ids_.make(options_.random), packet.remote, loop_.now()));
    return false;
  }
  setup.token.assign(token.begin(), token.end());
  return true;
}

void Endpoint::Impl::start_server(const ReceivedPacket& packet, const ngtcp2_pkt_hd& header,
                                  ConnectionSetup setup) {
  Admission::Place place = options_.admission->enter(packet.remote);
  if (!place) return refuse(packet, header);
  auto tls = TlsSession::server(server_tls_);
  if (!tls) {
    log::warn("quic: {}", tls.error().message());
    return answer(packet, answers_.refusal(header, QuicError::internal_error, loop_.now()));
  }
  auto connection = std::make_shared<ConnectionImpl>(*this, std::move(setup), std::move(*tls));
  connections_[connection.get()] = connection;
  connection->place() = std::move(place);
  connection->count_handshake(true);
  ++handshakes_;
  // The client goes on using the ID that it made up until it knows ours.
  const ConnectionId first(ByteSpan(header.dcid.data, header.dcid.datalen));
  if (routes_.emplace(first, connection.get()).second) connection->add_id(first);
  if (!connection->start()) {
    connection->detach();
    for (auto route = routes_.begin(); route != routes_.end();) {
      const auto* owner = std::get_if<ConnectionImpl*>(&route->second);
      const bool gone = owner != nullptr && *owner == connection.get();
      route = gone ? routes_.erase(route) : std::next(route);
    }
    connection->place().release();
    connections_.erase(connection.get());
    --handshakes_;
    return;
  }
  if (connection->read(packet) != ReadResult::retry) return;
  // A ClientHello in pieces: to keep them, the client's address has to be proven.
  answer(packet, answers_.retry(header, ids_.make(options_.random), packet.remote, loop_.now()));
}

void Endpoint::Impl::refuse(const ReceivedPacket& packet, const ngtcp2_pkt_hd& header) {
  answer(packet, answers_.refusal(header, QuicError::connection_refused, loop_.now()));
}

void Endpoint::Impl::answer(const ReceivedPacket& packet, std::vector<std::uint8_t> bytes) {
  if (bytes.empty()) return;
  // Not worth a wait for a full socket: the client repeats itself.
  if (writable_) {
    writer_.send(packet.local, packet.remote, 0, bytes, bytes.size());
  }
}

}  // namespace moq::native::quic
