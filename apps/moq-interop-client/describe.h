#pragma once

#include <string>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/ietf/message_type.h"

namespace moq::interop {

/// The message of that kind which `body` holds, for people: "GOAWAY{uri=...}". Fails as
/// ietf::decode does if it holds none.
[[nodiscard]] Result<std::string> describe(ietf::Version version, ietf::MessageKind kind,
                                           ByteSpan body);

}  // namespace moq::interop
