#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/base/error.h"
#include "relay/fetcher.h"
#include "token/key.h"

namespace moq::relay {

/// Runs a task on the thread of who asked, later.
using Post = std::function<void(std::function<void()> task)>;

/// The keys that tokens are verified with. May be used from several threads at once.
class TokenKeys {
 public:
  TokenKeys() = default;
  TokenKeys(const TokenKeys&) = delete;
  TokenKeys& operator=(const TokenKeys&) = delete;
  virtual ~TokenKeys() = default;

  using Found = std::function<void(const Result<std::shared_ptr<const token::Key>>&)>;

  /// Tells `found` the key that must have signed `token`, inside of this call or later, by
  /// `post`; these keys need not live so long. Fails with a TokenError: missing_key_id,
  /// bad_key_id, unknown_key, or what is wrong with the token's form; or with
  /// SessionError::internal, if it could not be found out.
  virtual void find(std::string_view token, const Post& post, Found found) const = 0;
};

/// One key for all tokens, whatever their `kid`. Fails with an error that names the file
/// if there is no key in it. When the file changes, the next token is verified with the
/// new key; one that is bad is logged, and the old one stays.
Result<std::unique_ptr<TokenKeys>> open_key_file(std::string file);

/// The key of a token is in DIRECTORY/`kid`.jwk, as it is when it is asked for: keys are
/// added, replaced and withdrawn by their files. Fails if there is no such directory.
Result<std::unique_ptr<TokenKeys>> open_key_directory(std::string directory);

/// The key of all tokens is what a GET of `url` gives, as the answer may be kept.
std::unique_ptr<TokenKeys> fetch_key(std::string url, AskPage ask_page);

/// The key of a token is what a GET of URL/`kid`.jwk gives; there is none with a status of
/// 404 or 410.
std::unique_ptr<TokenKeys> fetch_keys(std::string url, AskPage ask_page);

}  // namespace moq::relay
