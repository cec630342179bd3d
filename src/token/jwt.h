#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/base/error.h"
#include "token/algorithm.h"
#include "token/base64url.h"
#include "token/key_id.h"

namespace moq::token {

/// A token taken apart (RFC 7515 §7.1), of which nothing has been verified.
/// Points into the text that it was made of.
struct UnverifiedToken {
  std::string algorithm;          ///< what the header says
  std::optional<std::string> id;  ///< the header's `kid`, which may be any text
  std::string_view signed_text;   ///< header and payload, as they were signed
  std::string_view payload;       ///< in base64url
  Octets signature;

  /// Fails with malformed or too_large. A header with `crit` is refused, since
  /// nothing that it could name is understood (RFC 7515 §4.1.11).
  static Result<UnverifiedToken> parse(std::string_view token);
};

/// The `kid` of a token, to find its key by; nothing when it has none. Fails as
/// UnverifiedToken::parse, or with bad_key_id when the `kid` is not a KeyId, such
/// as a path.
Result<std::optional<KeyId>> key_id_of(std::string_view token);

/// What is signed: the header for a key and `payload`.
Result<std::string> signing_text(Algorithm algorithm, const std::optional<KeyId>& id,
                                 std::string_view payload);

}  // namespace moq::token
