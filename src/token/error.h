#pragma once

#include "net/base/error.h"

namespace moq::token {

/// Why a token or a key is of no use. Local: never on the wire. The detail of an
/// error says what is wrong and what to do; it never has a token, a claim or a
/// key in it, so that it may be logged.
enum class TokenError : std::uint8_t {
  malformed,        ///< not a JWT: parts, base64url or JSON are wrong
  too_large,        ///< beyond a limit of limits.h
  wrong_algorithm,  ///< the header names another algorithm than the key's
  bad_signature,    ///< the signature is not the key's for this token
  bad_claims,       ///< signed, but a claim has the wrong type or range
  expired,          ///< `exp` has passed
  not_yet_valid,    ///< `nbf` is to come
  audience,         ///< `aud` names somebody else: nobody here has a name
  useless,          ///< grants neither to publish nor to subscribe
  scope_exceeded,   ///< grants more than the key may grant
  wrong_path,       ///< grants nothing at the path of the connection
  missing_key_id,   ///< no `kid`, and more than one key
  bad_key_id,       ///< a `kid` that is no name
  unknown_key,      ///< no key has this `kid`
  bad_key,          ///< a JWK that is malformed, weak or inconsistent
  not_permitted,    ///< the key may not, or cannot, be used for that
  crypto,           ///< the cryptographic library failed
};
const ErrorDomain& error_domain(TokenError);

}  // namespace moq::token
