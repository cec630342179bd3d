#pragma once

#include <ngtcp2/ngtcp2.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "native/io/packet_io.h"
#include "native/quic/connection_id.h"
#include "native/quic/error.h"
#include "native/quic/keys.h"
#include "net/base/time.h"

namespace moq::native::quic {

/// A Retry token is good for this long, an address token (NEW_TOKEN) for that.
inline constexpr Duration kRetryTokenLife = std::chrono::seconds(10);
inline constexpr Duration kAddressTokenLife = std::chrono::hours(24);

/// The packets that need no connection, and the tokens that stand in for one.
/// All are empty when they cannot be made, or when too many were lately.
class StatelessAnswers {
 public:
  using Packet = std::vector<std::uint8_t>;

  /// `rate`: answers a second; as many at once.
  StatelessAnswers(const Keys& keys, const Random& random, std::size_t rate);

  /// RFC 9000 §17.2.1. `header` is that of the packet answered.
  Packet version_negotiation(const ngtcp2_version_cid& header, Time now);
  /// §17.2.5. `id` is the one that the client is to use from now on.
  Packet retry(const ngtcp2_pkt_hd& header, const ConnectionId& id, const SocketAddress& remote,
               Time now);
  /// An Initial packet with CONNECTION_CLOSE.
  Packet refusal(const ngtcp2_pkt_hd& header, QuicError code, Time now);
  /// §10.3, shorter than the packet of `size` bytes that it answers.
  Packet reset(const ConnectionId& id, std::size_t size, Time now);

  [[nodiscard]] std::array<std::uint8_t, 16> reset_token(const ConnectionId& id) const;
  [[nodiscard]] Packet address_token(const SocketAddress& remote, Time now) const;
  [[nodiscard]] bool good_address_token(ByteSpan token, const SocketAddress& remote,
                                        Time now) const;
  /// The destination ID of the client's first packet, if the token is one of
  /// our Retry packets to this address.
  [[nodiscard]] std::optional<ngtcp2_cid> good_retry_token(const ngtcp2_pkt_hd& header,
                                                           const SocketAddress& remote,
                                                           Time now) const;

 private:
  /// Takes one answer out of the budget.
  bool allowed(Time now);

  const Keys& keys_;
  const Random& random_;
  std::size_t rate_;
  std::size_t left_;
  Time refilled_{};
};

}  // namespace moq::native::quic
