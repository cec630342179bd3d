#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/base/error.h"
#include "token/key.h"

namespace moq::relay {

/// The keys that tokens are verified with. May be used from several threads at once.
class TokenKeys {
 public:
  TokenKeys() = default;
  TokenKeys(const TokenKeys&) = delete;
  TokenKeys& operator=(const TokenKeys&) = delete;
  virtual ~TokenKeys() = default;

  /// The key that must have signed `token`. Fails with a TokenError: missing_key_id,
  /// bad_key_id, unknown_key, or what is wrong with the token's form.
  [[nodiscard]] virtual Result<std::shared_ptr<const token::Key>> find(
      std::string_view token) const = 0;
};

/// One key for all tokens, whatever their `kid`. Fails with an error that names the file
/// if there is no key in it. When the file changes, the next token is verified with the
/// new key; one that is bad is logged, and the old one stays.
Result<std::unique_ptr<TokenKeys>> open_key_file(std::string file);

/// The key of a token is in DIRECTORY/`kid`.jwk, as it is when it is asked for: keys are
/// added, replaced and withdrawn by their files. Fails if there is no such directory.
Result<std::unique_ptr<TokenKeys>> open_key_directory(std::string directory);

}  // namespace moq::relay
