#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/base/error.h"
#include "token/algorithm.h"
#include "token/base64url.h"
#include "token/claims.h"
#include "token/key_id.h"

namespace moq::token {

/// What a key may be used for: `key_ops` (RFC 7517 §4.3).
struct KeyOperations {
  bool sign = true;
  bool verify = true;
  bool decrypt = false;
  bool encrypt = false;

  friend bool operator==(const KeyOperations&, const KeyOperations&) = default;
};

/// A member of a JWK that holds a part of the key itself (RFC 7518 §6, RFC 8037 §2).
struct JwkMember {
  std::string_view name;
  bool secret;  ///< only in a key that can sign
};
/// Those of a type, in the order in which they are written.
std::span<const JwkMember> jwk_members(KeyType type);

/// A JSON Web Key (RFC 7517) as the reference writes it: it names its one
/// algorithm, which says its type and curve. Well formed; whether its numbers are
/// a key, `Key` says.
struct Jwk {
  Algorithm algorithm = Algorithm::hs256;
  KeyOperations operations;
  /// By name, of jwk_members: all that are not secret, and all or none of those that are.
  std::map<std::string, Octets, std::less<>> members;
  std::optional<KeyId> id;
  std::optional<KeyScope> scope;

  friend bool operator==(const Jwk&, const Jwk&) = default;

  /// From JSON, or base64url of JSON, with whitespace around it. Without `kty` it
  /// is "oct", and without `key_ops` it may sign and verify, as in older keys;
  /// members that are not known here are dropped. Fails with bad_key, bad_key_id or
  /// too_large.
  static Result<Jwk> parse(std::string_view text);

  /// Whether the secret members are there.
  [[nodiscard]] bool has_secret() const;
  /// As JSON. Fails with bad_key when a path of the scope is not UTF-8.
  [[nodiscard]] Result<std::string> to_json() const;
};

}  // namespace moq::token
