#pragma once

#include <string_view>

#include "net/base/error.h"
#include "net/model/scope.h"
#include "relay/config.h"

namespace moq::relay {

/// What a client may do that connects to `target`, the path and query of its URL
/// ("/room/1?x=y"; "" is "/").
///
/// The path is the session's root. A public prefix at or above it allows
/// everything below the root, one below it allows what is below that, and any
/// other nothing. Fails with lite's UNAUTHORIZED if nothing is allowed, or if
/// the query has a token (`jwt`), which nobody here could verify: whoever sends
/// one expects more than the public may do.
Result<Scope> authorize_public(const PublicAccess& access, std::string_view target);

}  // namespace moq::relay
