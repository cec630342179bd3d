#include "native/tls/context.h"

#include <new>

namespace moq::native::tls {

Credentials make_credentials() {
  gnutls_certificate_credentials_t raw = nullptr;
  if (gnutls_certificate_allocate_credentials(&raw) != GNUTLS_E_SUCCESS) throw std::bad_alloc();
  return {raw, gnutls_certificate_free_credentials};
}

}  // namespace moq::native::tls
