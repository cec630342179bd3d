#include "native/quic/admission.h"

namespace moq::native::quic {

Admission::Admission(const Limits& limits, Refused refused)
    : max_connections_(limits.max_connections),
      max_handshakes_per_address_(limits.max_handshakes_per_address),
      refused_(std::move(refused)) {}

bool Admission::has_place() const {
  const std::scoped_lock lock(mutex_);
  return connections_ < max_connections_;
}

std::size_t Admission::connections() const {
  const std::scoped_lock lock(mutex_);
  return connections_;
}

bool Admission::wants_proof(const SocketAddress& client) const {
  const std::scoped_lock lock(mutex_);
  const auto known = handshakes_.find(network_of(client));
  return known != handshakes_.end() && known->second >= (max_handshakes_per_address_ + 1) / 2;
}

Admission::Place Admission::enter(const SocketAddress& client) {
  Place place;
  const Network network = network_of(client);
  Refusal refusal{};
  {
    const std::scoped_lock lock(mutex_);
    if (connections_ >= max_connections_) {
      refusal = Refusal::connections;
    } else if (std::size_t& shaking = handshakes_[network];
               shaking >= max_handshakes_per_address_) {
      refusal = Refusal::handshakes_per_address;
    } else {
      ++connections_;
      ++shaking;
      place.admission_ = shared_from_this();
      place.network_ = network;
      place.shaking_ = true;
    }
  }
  if (!place) refused(refusal, client);
  return place;
}

void Admission::refused(Refusal refusal, const SocketAddress& client) const {
  if (refused_) refused_(refusal, client);
}

void Admission::handshake_over(const Network& network) {
  const std::scoped_lock lock(mutex_);
  const auto known = handshakes_.find(network);
  if (--known->second == 0) handshakes_.erase(known);
}

void Admission::leave() {
  const std::scoped_lock lock(mutex_);
  --connections_;
}

Admission::Place& Admission::Place::operator=(Place&& other) noexcept {
  if (this == &other) return *this;
  release();
  admission_ = std::exchange(other.admission_, nullptr);
  network_ = other.network_;
  shaking_ = std::exchange(other.shaking_, false);
  return *this;
}

void Admission::Place::handshake_over() {
  if (std::exchange(shaking_, false)) admission_->handshake_over(network_);
}

void Admission::Place::release() {
  if (admission_ == nullptr) return;
  handshake_over();
  std::exchange(admission_, nullptr)->leave();
}

}  // namespace moq::native::quic
