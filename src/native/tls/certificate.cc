#include "native/tls/certificate.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "native/tls/handles.h"

namespace moq::native::tls {

namespace {

constexpr std::size_t kSerialSize = 16;

std::string_view describe(std::uint64_t code) {
  switch (static_cast<TlsError>(code)) {
    case TlsError::configuration:
      return "CONFIGURATION";
    case TlsError::file:
      return "FILE";
    case TlsError::untrusted:
      return "UNTRUSTED";
    case TlsError::library:
      return "LIBRARY";
  }
  return "unknown";
}

// A DNS name in its ASCII form, perhaps with one wildcard label in front.
bool is_dns_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > 253) return false;
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_') return false;
    if (++label > 63) return false;
  }
  return true;
}

// The first failure of a row of GnuTLS calls.
class Steps {
 public:
  Steps& operator<<(int code) {
    if (code_ >= 0 && code < 0) code_ = code;
    return *this;
  }
  [[nodiscard]] bool failed() const { return code_ < 0; }
  [[nodiscard]] const char* text() const { return gnutls_strerror(code_); }

 private:
  int code_ = 0;
};

Result<void> add_name(gnutls_x509_crt_t certificate, const std::string& name) {
  std::array<std::uint8_t, 16> address{};
  gnutls_x509_subject_alt_name_t type = GNUTLS_SAN_IPADDRESS;
  const void* data = address.data();
  unsigned int size = 0;
  if (inet_pton(AF_INET, name.c_str(), address.data()) == 1) {
    size = 4;
  } else if (inet_pton(AF_INET6, name.c_str(), address.data()) == 1) {
    size = 16;
  } else if (is_dns_name(name)) {
    type = GNUTLS_SAN_DNSNAME;
    data = name.data();
    size = static_cast<unsigned int>(name.size());
  } else {
    return fail(
        TlsError::configuration,
        fmt::format("cannot generate a certificate for \"{}\": it is neither a DNS name (in "
                    "ASCII) nor an IP address",
                    name));
  }
  const int code =
      gnutls_x509_crt_set_subject_alt_name(certificate, type, data, size, GNUTLS_FSAN_APPEND);
  if (code < 0) return fail(TlsError::library, gnutls_strerror(code));
  return {};
}

}  // namespace

const ErrorDomain& error_domain(TlsError) {
  static constexpr ErrorDomain kDomain{"tls", describe};
  return kDomain;
}

std::string to_hex(const Fingerprint& fingerprint) {
  std::string text;
  for (const std::uint8_t byte : fingerprint) text += fmt::format("{:02x}", byte);
  return text;
}

Result<Fingerprint> parse_fingerprint(std::string_view text) {
  Fingerprint fingerprint{};
  const bool colons = text.size() == 32 * 3 - 1;
  const std::size_t step = colons ? 3 : 2;
  bool good = colons || text.size() == std::size_t{64};
  for (std::size_t i = 0; good && i < fingerprint.size(); ++i) {
    const char* digits = text.data() + i * step;
    const auto [end, error] = std::from_chars(digits, digits + 2, fingerprint[i], 16);
    good = error == std::errc{} && end == digits + 2;
    if (colons && i + 1 < fingerprint.size()) good = good && digits[2] == ':';
  }
  if (!good) {
    return fail(TlsError::configuration,
                fmt::format("\"{}\" is no certificate fingerprint: it takes the 64 hex digits of a "
                            "SHA-256, as the server's /certificate.sha256 gives them",
                            text));
  }
  return fingerprint;
}

Result<Identity> generate_self_signed(const std::vector<std::string>& names,
                                      std::chrono::system_clock::time_point now) {
  if (names.empty()) {
    return fail(TlsError::configuration, "a generated certificate needs at least one host name");
  }
  const KeyHandle key = make_key();
  const CertificateHandle certificate = make_certificate();
  std::array<std::uint8_t, kSerialSize> serial{};
  Steps steps;
  steps << gnutls_rnd(GNUTLS_RND_NONCE, serial.data(), serial.size());
  // Positive and of full length, as RFC 5280 §4.1.2.2 wants it.
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x3f) | 0x40);
  const auto seconds = [](auto when) { return std::chrono::system_clock::to_time_t(when); };
  gnutls_x509_crt_t crt = certificate.get();
  const std::string common_name = names.front().substr(0, 64);
  steps << gnutls_x509_privkey_generate(key.get(), GNUTLS_PK_ECDSA,
                                        GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0)
        << gnutls_x509_crt_set_version(crt, 3)
        << gnutls_x509_crt_set_serial(crt, serial.data(), serial.size())
        << gnutls_x509_crt_set_activation_time(crt, seconds(now - kGeneratedBackdate))
        << gnutls_x509_crt_set_expiration_time(crt, seconds(now + kGeneratedValidity))
        << gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, common_name.data(),
                                         static_cast<unsigned int>(common_name.size()))
        << gnutls_x509_crt_set_key(crt, key.get())
        << gnutls_x509_crt_set_basic_constraints(crt, 0, -1)
        << gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE)
        << gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
  if (steps.failed()) return fail(TlsError::library, steps.text());
  for (const std::string& name : names) MOQ_CHECK_OK(add_name(crt, name));
  gnutls_datum_t chain{};
  gnutls_datum_t secret{};
  steps << gnutls_x509_crt_sign2(crt, crt, key.get(), GNUTLS_DIG_SHA256, 0)
        << gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &chain)
        << gnutls_x509_privkey_export2_pkcs8(key.get(), GNUTLS_X509_FMT_PEM, nullptr,
                                             GNUTLS_PKCS_PLAIN, &secret);
  Identity identity{.chain = take(chain), .key = take(secret)};
  if (steps.failed()) return fail(TlsError::library, steps.text());
  return identity;
}

Result<Fingerprint> fingerprint_of(const std::string& chain_pem) {
  const CertificateHandle certificate = make_certificate();
  const gnutls_datum_t data = datum(as_bytes(chain_pem));
  Fingerprint fingerprint{};
  std::size_t size = fingerprint.size();
  Steps steps;
  steps << gnutls_x509_crt_import(certificate.get(), &data, GNUTLS_X509_FMT_PEM)
        << gnutls_x509_crt_get_fingerprint(certificate.get(), GNUTLS_DIG_SHA256, fingerprint.data(),
                                           &size);
  if (steps.failed()) return fail(TlsError::file, steps.text());
  return fingerprint;
}

}  // namespace moq::native::tls
