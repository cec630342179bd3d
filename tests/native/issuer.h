#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "native/tls/certificate.h"
#include "native/tls/handles.h"

namespace moq::native::testing {

/// Issues certificates to clients, as an operator's own authority does.
class Issuer {
 public:
  struct What {
    const char* purpose = GNUTLS_KP_TLS_WWW_CLIENT;
    std::chrono::seconds from{-60};  ///< from now on
    std::chrono::seconds to{3600};
  };

  /// Two may have one name: clients show only what the server's authorities may have issued,
  /// and go by the names.
  explicit Issuer(std::string name) : name_(std::move(name)) {
    static int count = 0;
    number_ = ++count;
    const What what{.purpose = nullptr};
    fill(*certificate_, *key_, what);
    must(gnutls_x509_crt_set_ca_status(certificate_.get(), 1));
    must(gnutls_x509_crt_set_key_usage(certificate_.get(), GNUTLS_KEY_KEY_CERT_SIGN));
    must(gnutls_x509_crt_sign2(certificate_.get(), certificate_.get(), key_.get(),
                               GNUTLS_DIG_SHA256, 0));
  }

  /// PEM file of its certificate.
  [[nodiscard]] std::string file() const { return write("ca.pem", pem(*certificate_)); }
  /// PEM files of a client's certificate and key.
  [[nodiscard]] std::pair<std::string, std::string> issue(const What& what) const {
    const tls::CertificateHandle leaf = tls::make_certificate();
    const tls::KeyHandle key = tls::make_key();
    fill(*leaf, *key, what);
    must(gnutls_x509_crt_set_key_usage(leaf.get(), GNUTLS_KEY_DIGITAL_SIGNATURE));
    must(gnutls_x509_crt_sign2(leaf.get(), certificate_.get(), key_.get(), GNUTLS_DIG_SHA256, 0));
    gnutls_datum_t data{};
    must(gnutls_x509_privkey_export2(key.get(), GNUTLS_X509_FMT_PEM, &data));
    return {write("client.pem", pem(*leaf)), write("client.key", tls::take(data))};
  }

 private:
  static void must(int code) {
    if (code < 0) throw std::runtime_error(gnutls_strerror(code));
  }
  void fill(gnutls_x509_crt_int& certificate, gnutls_x509_privkey_int& key,
            const What& what) const {
    must(gnutls_x509_privkey_generate(&key, GNUTLS_PK_ECDSA,
                                      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    static unsigned char serial = 0;
    ++serial;
    const auto now = std::chrono::system_clock::now();
    using std::chrono::system_clock;
    must(gnutls_x509_crt_set_version(&certificate, 3));
    must(gnutls_x509_crt_set_serial(&certificate, &serial, 1));
    must(gnutls_x509_crt_set_activation_time(&certificate,
                                             system_clock::to_time_t(now + what.from)));
    must(gnutls_x509_crt_set_expiration_time(&certificate, system_clock::to_time_t(now + what.to)));
    must(gnutls_x509_crt_set_dn_by_oid(&certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name_.data(),
                                       static_cast<unsigned>(name_.size())));
    must(gnutls_x509_crt_set_key(&certificate, &key));
    if (what.purpose != nullptr) {
      must(gnutls_x509_crt_set_key_purpose_oid(&certificate, what.purpose, 0));
    }
  }
  static std::string pem(gnutls_x509_crt_int& certificate) {
    gnutls_datum_t data{};
    must(gnutls_x509_crt_export2(&certificate, GNUTLS_X509_FMT_PEM, &data));
    return tls::take(data);
  }
  [[nodiscard]] std::string write(const std::string& file, const std::string& text) const {
    std::string path = ::testing::TempDir() + "moq_issuer_" + std::to_string(number_) + "_" + file;
    std::ofstream(path) << text;
    return path;
  }

  std::string name_;
  int number_ = 0;
  tls::CertificateHandle certificate_ = tls::make_certificate();
  tls::KeyHandle key_ = tls::make_key();
};

}  // namespace moq::native::testing
