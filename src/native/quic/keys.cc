#include "native/quic/keys.h"

#include <gnutls/crypto.h>

#include <cstdlib>

namespace moq::native::quic {

Random system_random() {
  return [](std::span<std::uint8_t> out) {
    if (gnutls_rnd(GNUTLS_RND_KEY, out.data(), out.size()) != 0) std::abort();
  };
}

Keys Keys::generate(const Random& random) {
  Keys keys;
  random(keys.token);
  random(keys.stateless_reset);
  return keys;
}

}  // namespace moq::native::quic
