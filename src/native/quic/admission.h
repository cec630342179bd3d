#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "native/io/network.h"
#include "native/io/packet_io.h"
#include "native/quic/config.h"

namespace moq::native::quic {

/// What an endpoint did not let in.
enum class Refusal : std::uint8_t {
  connections,             ///< Limits::max_connections
  handshakes,              ///< Limits::max_handshakes
  handshakes_per_address,  ///< Limits::max_handshakes_per_address
};

/// Counts the clients of all endpoints that share an address, and tells when there are
/// enough. Any thread.
class Admission : public std::enable_shared_from_this<Admission> {
 public:
  using Refused = std::function<void(Refusal refusal, const SocketAddress& client)>;
  class Place;

  /// `refused`, which may be empty, is called from any thread.
  explicit Admission(const Limits& limits, Refused refused = {});

  /// Whether there is a place for another connection.
  [[nodiscard]] bool has_place() const;
  /// Whether as many handshakes with this client's network are under way as there may be
  /// without a proof that they are its own: others could take all of its places.
  [[nodiscard]] bool wants_proof(const SocketAddress& client) const;
  /// The place of a connection whose handshake begins; an empty one after telling of what
  /// was refused.
  [[nodiscard]] Place enter(const SocketAddress& client);
  void refused(Refusal refusal, const SocketAddress& client) const;

  /// Clients whose handshake is under way or complete.
  [[nodiscard]] std::size_t connections() const;

 private:
  void handshake_over(const Network& network);
  void leave();

  const std::size_t max_connections_;
  const std::size_t max_handshakes_per_address_;
  const Refused refused_;

  mutable std::mutex mutex_;
  std::size_t connections_ = 0;                // guarded by mutex_
  std::map<Network, std::size_t> handshakes_;  // guarded by mutex_; none is zero
};

/// A client's place; letting go of it frees it.
class Admission::Place {
 public:
  Place() = default;
  Place(Place&& other) noexcept { *this = std::move(other); }
  Place& operator=(Place&& other) noexcept;
  ~Place() { release(); }

  [[nodiscard]] explicit operator bool() const { return admission_ != nullptr; }
  /// It is no handshake any more.
  void handshake_over();
  void release();

 private:
  friend class Admission;

  std::shared_ptr<Admission> admission_;
  Network network_;
  bool shaking_ = false;
};

}  // namespace moq::native::quic
