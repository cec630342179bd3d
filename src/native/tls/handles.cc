#include "native/tls/handles.h"

#include <new>

namespace moq::native::tls {

CertificateHandle make_certificate() {
  gnutls_x509_crt_t raw = nullptr;
  if (gnutls_x509_crt_init(&raw) != GNUTLS_E_SUCCESS) throw std::bad_alloc();
  return CertificateHandle(raw);
}

KeyHandle make_key() {
  gnutls_x509_privkey_t raw = nullptr;
  if (gnutls_x509_privkey_init(&raw) != GNUTLS_E_SUCCESS) throw std::bad_alloc();
  return KeyHandle(raw);
}

gnutls_datum_t datum(ByteSpan bytes) {
  return {const_cast<unsigned char*>(bytes.data()), static_cast<unsigned int>(bytes.size())};
}

std::string take(gnutls_datum_t& data) {
  std::string text(reinterpret_cast<const char*>(data.data), data.size);
  gnutls_free(data.data);
  data = {};
  return text;
}

}  // namespace moq::native::tls
