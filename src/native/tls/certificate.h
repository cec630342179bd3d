#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/error.h"

namespace moq::native::tls {

/// Why TLS cannot be set up, or a peer cannot be trusted. The codes are ours.
enum class TlsError : int {
  configuration = 1,  ///< settings that contradict each other, or say nothing
  file = 2,           ///< a file that cannot be read, or holds something else
  untrusted = 3,      ///< the peer's certificate does not satisfy the policy
  library = 4,        ///< GnuTLS failed
};
const ErrorDomain& error_domain(TlsError);

/// SHA-256 of a certificate's DER form: what `serverCertificateHashes` of
/// WebTransport and `--client-tls-fingerprint` take.
using Fingerprint = std::array<std::uint8_t, 32>;

/// 64 lower-case hex digits.
std::string to_hex(const Fingerprint& fingerprint);
/// 64 hex digits of either case, with or without colons between the bytes.
Result<Fingerprint> parse_fingerprint(std::string_view text);

/// A certificate chain, leaf first, and the leaf's private key, both in PEM.
struct Identity {
  std::string chain;
  std::string key;
};

/// Browsers accept a pinned certificate only if it is valid for at most 14 days
/// in all (W3C WebTransport, "serverCertificateHashes").
inline constexpr std::chrono::hours kGeneratedValidity{13 * 24};
/// How long before `now` it begins, for clients whose clock is behind.
inline constexpr std::chrono::hours kGeneratedBackdate{1};

/// A self-signed certificate for `names` (DNS names, "*." wildcards and IP
/// addresses, not empty): ECDSA P-256, a random serial number.
Result<Identity> generate_self_signed(const std::vector<std::string>& names,
                                      std::chrono::system_clock::time_point now);

/// The fingerprint of the first certificate in PEM text.
Result<Fingerprint> fingerprint_of(const std::string& chain_pem);

}  // namespace moq::native::tls
