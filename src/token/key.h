#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "net/base/error.h"
#include "token/claims.h"
#include "token/crypto.h"
#include "token/jwk.h"

namespace moq::token {

/// A key that signs and verifies tokens. Immutable: what it may do was decided when
/// it was made. May be used from several threads at once.
class Key {
 public:
  /// Fails with bad_key when the numbers are not a key, are too weak, or do not
  /// belong together.
  static Result<Key> import(Jwk jwk);
  /// From the text of a key file: see Jwk::parse.
  static Result<Key> parse(std::string_view text);
  /// A new key that may sign and verify. Fails with crypto.
  static Result<Key> generate(Algorithm algorithm, std::optional<KeyId> id = {});

  [[nodiscard]] const Jwk& jwk() const { return jwk_; }
  /// Whether the text of this key is a secret: it can sign, or it is "oct".
  [[nodiscard]] bool is_private() const { return jwk_.has_secret(); }
  /// As the reference's tools write key files: base64url of the JSON.
  [[nodiscard]] Result<std::string> to_text() const;

  /// The half that only verifies. Fails with not_permitted when there is none
  /// ("oct"), or when this key may not verify.
  [[nodiscard]] Result<Key> to_public() const;
  /// The same key, which grants no more than `scope` from then on. Fails with bad_key
  /// for a scope that allows nothing.
  [[nodiscard]] Result<Key> with_scope(KeyScope scope) const;

  /// A token. Fails with not_permitted, useless, scope_exceeded, bad_claims or
  /// too_large.
  [[nodiscard]] Result<std::string> sign(const Claims& claims) const;

  /// What a token grants at the time `now`, if this key has signed it, by this
  /// key's algorithm. The token's `kid` is not looked at: who has one key needs
  /// none. Nothing of a payload is read before its signature is found right.
  ///
  /// A token's text is not its identity: an ECDSA signature has a second form that
  /// anybody can make of the first.
  [[nodiscard]] Result<Claims> verify(std::string_view token, UnixTime now) const;

 private:
  Key(Jwk jwk, CryptoKey crypto) : jwk_(std::move(jwk)), crypto_(std::move(crypto)) {}

  [[nodiscard]] Result<void> require_scope(const Claims& claims) const;

  Jwk jwk_;
  CryptoKey crypto_;
};

}  // namespace moq::token
