#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/base/error.h"
#include "token/key.h"

namespace moq::token {

/// Keys of which a token names one (RFC 7517 §5).
class KeySet {
 public:
  KeySet() = default;
  explicit KeySet(std::vector<Key> keys) : keys_(std::move(keys)) {}

  /// From {"keys": [...]}. One key that is bad fails all of them.
  static Result<KeySet> parse(std::string_view json);

  [[nodiscard]] const std::vector<Key>& keys() const { return keys_; }
  /// The first with this id, or nullptr. Valid as long as the set.
  [[nodiscard]] const Key* find(const KeyId& id) const;
  [[nodiscard]] Result<std::string> to_json() const;
  /// The public halves. Fails with not_permitted when one has none.
  [[nodiscard]] Result<KeySet> to_public() const;

  /// With the first key that can sign. Fails with not_permitted, or as Key::sign.
  [[nodiscard]] Result<std::string> sign(const Claims& claims) const;
  /// With the key that the token's `kid` names; without one, only if there is no
  /// choice. Fails with bad_key_id, unknown_key or missing_key_id, or as Key::verify.
  [[nodiscard]] Result<Claims> verify(std::string_view token, UnixTime now) const;

 private:
  std::vector<Key> keys_;
};

}  // namespace moq::token
