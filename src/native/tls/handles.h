#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <memory>
#include <string>

#include "net/base/bytes.h"

/// Owners of GnuTLS objects, for the sources of this folder.
namespace moq::native::tls {

struct CertificateDeleter {
  void operator()(gnutls_x509_crt_t certificate) const { gnutls_x509_crt_deinit(certificate); }
};
struct KeyDeleter {
  void operator()(gnutls_x509_privkey_t key) const { gnutls_x509_privkey_deinit(key); }
};
using CertificateHandle = std::unique_ptr<gnutls_x509_crt_int, CertificateDeleter>;
using KeyHandle = std::unique_ptr<gnutls_x509_privkey_int, KeyDeleter>;

/// New, empty objects. Throw std::bad_alloc.
CertificateHandle make_certificate();
KeyHandle make_key();

/// A view for GnuTLS, which reads it only.
gnutls_datum_t datum(ByteSpan bytes);

/// Takes over what GnuTLS allocated.
std::string take(gnutls_datum_t& data);

}  // namespace moq::native::tls
