#include "token/key_set.h"

#include <utility>

#include <fmt/format.h>

#include "token/error.h"
#include "token/json.h"
#include "token/jwk_json.h"
#include "token/jwt.h"
#include "token/limits.h"

namespace moq::token {

Result<KeySet> KeySet::parse(std::string_view json) {
  if (json.size() > kMaxKeySetSize) {
    return fail(TokenError::too_large,
                fmt::format("a set of keys has {} bytes at most", kMaxKeySetSize));
  }
  MOQ_TRY(const auto parsed, parse_json_object(json, TokenError::bad_key, "the set of keys"));
  const auto found = parsed.find("keys");
  if (found == parsed.end() || !found->is_array()) {
    return fail(TokenError::bad_key, "a set of keys has a list \"keys\"");
  }
  std::vector<Key> keys;
  for (const nlohmann::json& each : *found) {
    if (!each.is_object()) return fail(TokenError::bad_key, "a key in a set is a JSON object");
    MOQ_TRY(Jwk jwk, jwk_from_json(each));
    MOQ_TRY(Key key, Key::import(std::move(jwk)));
    keys.push_back(std::move(key));
  }
  return KeySet(std::move(keys));
}

const Key* KeySet::find(const KeyId& id) const {
  for (const Key& key : keys_) {
    if (key.jwk().id == id) return &key;
  }
  return nullptr;
}

Result<std::string> KeySet::to_json() const {
  nlohmann::ordered_json json;
  json["keys"] = nlohmann::ordered_json::array();
  for (const Key& key : keys_) json["keys"].push_back(jwk_to_json(key.jwk()));
  return dump_json(json, TokenError::bad_key, "the scope of a key");
}

Result<KeySet> KeySet::to_public() const {
  std::vector<Key> halves;
  for (const Key& key : keys_) {
    MOQ_TRY(Key half, key.to_public());
    halves.push_back(std::move(half));
  }
  return KeySet(std::move(halves));
}

Result<std::string> KeySet::sign(const Claims& claims) const {
  for (const Key& key : keys_) {
    if (key.jwk().operations.sign && key.is_private()) return key.sign(claims);
  }
  return fail(TokenError::not_permitted, "no key of the set can sign; add a private one");
}

Result<Claims> KeySet::verify(std::string_view token, UnixTime now) const {
  MOQ_TRY(const auto id, key_id_of(token));
  if (id) {
    const Key* key = find(*id);
    if (key != nullptr) return key->verify(token, now);
    return fail(TokenError::unknown_key,
                "no key of the set has the token's \"kid\"; add that key, or sign with another");
  }
  if (keys_.size() == 1) return keys_.front().verify(token, now);
  return fail(TokenError::missing_key_id,
              "the token has no \"kid\" to find its key by; sign with a key that has one");
}

}  // namespace moq::token
