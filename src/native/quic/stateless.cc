#include "native/quic/stateless.h"

#include <ngtcp2/ngtcp2_crypto.h>

#include <algorithm>

#include "native/quic/clock.h"

namespace moq::native::quic {
namespace {

constexpr std::size_t kMaxPacket = 1200;
// A version that nobody will ever speak keeps clients honest (RFC 9000 §15).
constexpr std::array<std::uint32_t, 2> kVersions{NGTCP2_PROTO_VER_V1, 0x1a2a3a4a};

ngtcp2_cid to_cid(const ConnectionId& id) {
  ngtcp2_cid cid;
  ngtcp2_cid_init(&cid, id.data(), id.size());
  return cid;
}

/// Without what is no part of the address: tokens are bound to the bytes.
SocketAddress plain(const SocketAddress& address) {
  return address.family() == AF_INET ? address.mapped() : address;
}

ngtcp2_duration ns(Duration duration) { return static_cast<ngtcp2_duration>(duration.count()); }

StatelessAnswers::Packet shrink(StatelessAnswers::Packet packet, ngtcp2_ssize written) {
  packet.resize(written > 0 ? static_cast<std::size_t>(written) : 0);
  return packet;
}

}  // namespace

StatelessAnswers::StatelessAnswers(const Keys& keys, const Random& random, std::size_t rate)
    : keys_(keys), random_(random), rate_(rate), left_(rate) {}

bool StatelessAnswers::allowed(Time now) {
  if (now - refilled_ >= std::chrono::seconds(1)) {
    refilled_ = now;
    left_ = rate_;
  }
  if (left_ == 0) return false;
  --left_;
  return true;
}

StatelessAnswers::Packet StatelessAnswers::version_negotiation(const ngtcp2_version_cid& header,
                                                               Time now) {
  if (!allowed(now)) return {};
  std::array<std::uint8_t, 1> unused{};
  random_(unused);
  Packet packet(kMaxPacket);
  const ngtcp2_ssize written = ngtcp2_pkt_write_version_negotiation(
      packet.data(), packet.size(), unused[0], header.scid, header.scidlen, header.dcid,
      header.dcidlen, kVersions.data(), kVersions.size());
  return shrink(std::move(packet), written);
}

StatelessAnswers::Packet StatelessAnswers::retry(const ngtcp2_pkt_hd& header,
                                                 const ConnectionId& id,
                                                 const SocketAddress& remote, Time now) {
  if (!allowed(now)) return {};
  const ngtcp2_cid scid = to_cid(id);
  const SocketAddress address = plain(remote);
  std::array<std::uint8_t, NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN> token{};
  const ngtcp2_ssize size = ngtcp2_crypto_generate_retry_token(
      token.data(), keys_.token.data(), keys_.token.size(), header.version, address.get(),
      address.size(), &scid, &header.dcid, to_timestamp(now));
  if (size < 0) return {};
  Packet packet(kMaxPacket);
  const ngtcp2_ssize written =
      ngtcp2_crypto_write_retry(packet.data(), packet.size(), header.version, &header.scid, &scid,
                                &header.dcid, token.data(), static_cast<std::size_t>(size));
  return shrink(std::move(packet), written);
}

StatelessAnswers::Packet StatelessAnswers::refusal(const ngtcp2_pkt_hd& header, QuicError code,
                                                   Time now) {
  if (!allowed(now)) return {};
  Packet packet(kMaxPacket);
  const ngtcp2_ssize written = ngtcp2_crypto_write_connection_close(
      packet.data(), packet.size(), header.version, &header.scid, &header.dcid,
      static_cast<std::uint64_t>(code), nullptr, 0);
  return shrink(std::move(packet), written);
}

StatelessAnswers::Packet StatelessAnswers::reset(const ConnectionId& id, std::size_t size,
                                                 Time now) {
  // Looks like a short packet, and is shorter than what it answers, so that two
  // endpoints cannot keep each other busy.
  constexpr std::size_t kUsual = 42;
  constexpr std::size_t kLeast =
      NGTCP2_MIN_STATELESS_RESET_RANDLEN + NGTCP2_STATELESS_RESET_TOKENLEN;
  if (size <= kLeast || !allowed(now)) return {};
  std::array<std::uint8_t, kUsual - NGTCP2_STATELESS_RESET_TOKENLEN> noise{};
  random_(noise);
  const auto token = reset_token(id);
  Packet packet(std::min(size - 1, kUsual));
  const ngtcp2_ssize written =
      ngtcp2_pkt_write_stateless_reset(packet.data(), packet.size(), token.data(), noise.data(),
                                       packet.size() - NGTCP2_STATELESS_RESET_TOKENLEN);
  return shrink(std::move(packet), written);
}

std::array<std::uint8_t, 16> StatelessAnswers::reset_token(const ConnectionId& id) const {
  std::array<std::uint8_t, 16> token{};
  const ngtcp2_cid cid = to_cid(id);
  if (ngtcp2_crypto_generate_stateless_reset_token(token.data(), keys_.stateless_reset.data(),
                                                   keys_.stateless_reset.size(), &cid) != 0) {
    // A token that nobody can guess and nobody will use.
    random_(token);
  }
  return token;
}

StatelessAnswers::Packet StatelessAnswers::address_token(const SocketAddress& remote,
                                                         Time now) const {
  const SocketAddress address = plain(remote);
  Packet token(NGTCP2_CRYPTO_MAX_REGULAR_TOKENLEN);
  const ngtcp2_ssize size =
      ngtcp2_crypto_generate_regular_token(token.data(), keys_.token.data(), keys_.token.size(),
                                           address.get(), address.size(), to_timestamp(now));
  return shrink(std::move(token), size);
}

bool StatelessAnswers::good_address_token(ByteSpan token, const SocketAddress& remote,
                                          Time now) const {
  if (token.empty() || token[0] != NGTCP2_CRYPTO_TOKEN_MAGIC_REGULAR) return false;
  const SocketAddress address = plain(remote);
  return ngtcp2_crypto_verify_regular_token(token.data(), token.size(), keys_.token.data(),
                                            keys_.token.size(), address.get(), address.size(),
                                            ns(kAddressTokenLife), to_timestamp(now)) == 0;
}

std::optional<ngtcp2_cid> StatelessAnswers::good_retry_token(const ngtcp2_pkt_hd& header,
                                                             const SocketAddress& remote,
                                                             Time now) const {
  if (header.tokenlen == 0 || header.token[0] != NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY) {
    return std::nullopt;
  }
  const SocketAddress address = plain(remote);
  ngtcp2_cid original;
  if (ngtcp2_crypto_verify_retry_token(&original, header.token, header.tokenlen, keys_.token.data(),
                                       keys_.token.size(), header.version, address.get(),
                                       address.size(), &header.dcid, ns(kRetryTokenLife),
                                       to_timestamp(now)) != 0) {
    return std::nullopt;
  }
  return original;
}

}  // namespace moq::native::quic
