#pragma once

#include <vector>

#include "native/tls/certificate.h"
#include "native/tls/context.h"

namespace moq::native::tls {

/// Makes `credentials` choose among these identities by the client's server
/// name: the first whose leaf names it (wildcards included, RFC 6125 §6.4), or
/// the first of all. GnuTLS by itself only knows names that are spelt out.
/// Returns what to use in place of `credentials`.
Result<Credentials> select_by_name(Credentials credentials,
                                   const std::vector<Identity>& identities);

}  // namespace moq::native::tls
