#include "native/quic/connection_id.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace moq::native::quic {
namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

ConnectionId::ConnectionId(ByteSpan bytes)
    : size_(static_cast<std::uint8_t>(std::min(bytes.size(), kMaxSize))) {
  std::copy_n(bytes.begin(), size_, bytes_.begin());
}

ConnectionIdHash::ConnectionIdHash(const Random& random) {
  std::array<std::uint8_t, sizeof(key_)> bytes{};
  random(bytes);
  std::memcpy(key_.data(), bytes.data(), bytes.size());
  // A zero factor would make all products equal.
  key_[0] |= 1;
  key_[1] |= 1;
}

std::size_t ConnectionIdHash::operator()(const ConnectionId& id) const {
  std::array<std::uint64_t, 3> words{};
  std::memcpy(words.data(), id.data(), id.size());
  return fold(fold(words[0] ^ key_[0], words[1] ^ key_[1]) ^ words[2] ^ key_[1],
              key_[0] ^ id.size());
}

ConnectionId ConnectionIds::make(const Random& random) const {
  std::array<std::uint8_t, kSize> bytes{};
  bytes[0] = issuer_.generation;
  bytes[1] = issuer_.worker;
  random(std::span(bytes).subspan(2));
  return ConnectionId(bytes);
}

std::optional<Issuer> ConnectionIds::decode(ByteSpan id) {
  if (id.size() != kSize) return std::nullopt;
  return Issuer{.generation = id[0], .worker = id[1]};
}

}  // namespace moq::native::quic
