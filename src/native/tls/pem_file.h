#pragma once

#include <string>
#include <string_view>

#include "native/tls/certificate.h"

namespace moq::native::tls {

/// The text of a file of at most 1 MiB; `what` says in errors what it should hold.
Result<std::string> read_pem_file(const std::string& path, std::string_view what);

}  // namespace moq::native::tls
