#include "token/key.h"

#include <utility>

#include <fmt/format.h>

#include "token/error.h"
#include "token/jwt.h"
#include "token/limits.h"

namespace moq::token {

Result<Key> Key::import(Jwk jwk) {
  MOQ_TRY(CryptoKey crypto, CryptoKey::import(jwk));
  return Key(std::move(jwk), std::move(crypto));
}

Result<Key> Key::parse(std::string_view text) {
  MOQ_TRY(Jwk jwk, Jwk::parse(text));
  return import(std::move(jwk));
}

Result<Key> Key::generate(Algorithm algorithm, std::optional<KeyId> id) {
  Jwk jwk{.algorithm = algorithm, .id = std::move(id)};
  MOQ_TRY(jwk.members, generate_members(algorithm));
  return import(std::move(jwk));
}

Result<std::string> Key::to_text() const {
  MOQ_TRY(const std::string json, jwk_.to_json());
  return encode_base64url(as_bytes(json));
}

Result<Key> Key::to_public() const {
  const AlgorithmInfo& about = info(jwk_.algorithm);
  if (about.type == KeyType::oct) {
    return fail(TokenError::not_permitted,
                fmt::format("a key for {} has no public half; generate one for ES256 or EdDSA",
                            about.name));
  }
  if (!jwk_.operations.verify) {
    return fail(TokenError::not_permitted, "the key may not verify: \"key_ops\" does not say so");
  }
  Jwk half = jwk_;
  half.operations = {.sign = false, .verify = true};
  for (const JwkMember& member : jwk_members(about.type)) {
    if (!member.secret) continue;
    if (const auto found = half.members.find(member.name); found != half.members.end()) {
      half.members.erase(found);
    }
  }
  return import(std::move(half));
}

Result<Key> Key::with_scope(KeyScope scope) const {
  MOQ_CHECK_OK(scope.require_grant());
  Key key = *this;
  key.jwk_.scope = std::move(scope);
  return key;
}

Result<void> Key::require_scope(const Claims& claims) const {
  if (!jwk_.scope || jwk_.scope->allows(claims)) return {};
  return fail(TokenError::scope_exceeded,
              "the token grants more than the scope of its key; grant less, or use another key");
}

Result<std::string> Key::sign(const Claims& claims) const {
  if (!jwk_.operations.sign) {
    return fail(TokenError::not_permitted, "the key may not sign: \"key_ops\" does not say so");
  }
  if (!jwk_.has_secret()) {
    return fail(TokenError::not_permitted, "this is a public key; sign with the private one");
  }
  MOQ_CHECK_OK(claims.require_grant());
  MOQ_CHECK_OK(require_scope(claims));
  MOQ_TRY(const std::string payload, claims.to_json());
  MOQ_TRY(std::string token, signing_text(jwk_.algorithm, jwk_.id, payload));
  MOQ_TRY(const Octets signature, crypto_.sign(token));
  token += '.' + encode_base64url(signature);
  if (token.size() > kMaxTokenSize) {
    return fail(TokenError::too_large,
                fmt::format("the token would have more than {} bytes; grant fewer or shorter paths",
                            kMaxTokenSize));
  }
  return token;
}

Result<Claims> Key::verify(std::string_view token, UnixTime now) const {
  if (!jwk_.operations.verify) {
    return fail(TokenError::not_permitted, "the key may not verify: \"key_ops\" does not say so");
  }
  MOQ_TRY(const UnverifiedToken parsed, UnverifiedToken::parse(token));
  const AlgorithmInfo& about = info(jwk_.algorithm);
  if (parsed.algorithm != about.name) {
    return fail(TokenError::wrong_algorithm,
                fmt::format("the token is not signed by {}, the algorithm of the key; sign it with "
                            "the key that belongs to this one",
                            about.name));
  }
  if (!crypto_.verify(parsed.signed_text, parsed.signature)) {
    return fail(TokenError::bad_signature,
                "the token is not signed by this key, or was changed since");
  }
  const auto payload = decode_base64url(parsed.payload);
  if (!payload) {
    return fail(TokenError::malformed, "the token's payload is not base64url without padding");
  }
  MOQ_TRY(Claims claims, Claims::parse(as_text(*payload)));
  MOQ_CHECK_OK(claims.require_valid_at(now));
  MOQ_CHECK_OK(claims.require_grant());
  MOQ_CHECK_OK(require_scope(claims));
  return claims;
}

}  // namespace moq::token
