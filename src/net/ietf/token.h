#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "net/base/error.h"
#include "net/coding/reader.h"
#include "net/coding/writer.h"
#include "net/ietf/error.h"

/// Authorization tokens (§"AUTHORIZATION TOKEN").
namespace moq::ietf {

enum class TokenAction : std::uint8_t {
  remove = 0,     ///< DELETE
  enroll = 1,     ///< REGISTER
  use_alias = 2,  ///< USE_ALIAS
  use_value = 3,  ///< USE_VALUE
};
[[nodiscard]] std::string_view to_string(TokenAction action);

/// The Token structure, as it is sent.
struct Token {
  TokenAction action = TokenAction::use_value;
  std::uint64_t alias = 0;  ///< of all but use_value
  std::uint64_t type = 0;   ///< of enroll and use_value; 0: agreed on elsewhere
  std::string value = {};   ///< of enroll and use_value; any bytes

  friend bool operator==(const Token&, const Token&) = default;
};

/// For logs: without the value, which is a secret.
void print_value(std::string& out, const Token& value);

/// A Token that fills what it is read from. Fails with KEY_VALUE_FORMATTING_ERROR if it
/// does not decode.
struct TokenCodec {
  void write(coding::Writer& out, const Token& value) const;
  Result<void> read(coding::Reader& in, Token& value) const;
};

/// What a token says, whichever way it was sent.
struct Credential {
  std::uint64_t type = 0;
  std::string value = {};

  friend auto operator<=>(const Credential&, const Credential&) = default;
};

/// The tokens that a peer has registered in a session. What it holds is bounded by the
/// limit that the peer was told, MAX_AUTH_TOKEN_CACHE_SIZE: each token counts its value
/// and kAuthTokenOverhead.
class TokenCache {
 public:
  /// `limit`: in bytes; 0: aliases may not be used.
  explicit TokenCache(std::uint64_t limit) : limit_(limit) {}

  /// A token in a message: what it says, or nothing if it only removes an alias. Fails
  /// with DUPLICATE_AUTH_TOKEN_ALIAS or AUTH_TOKEN_CACHE_OVERFLOW, which close the
  /// session; or with UNKNOWN_AUTH_TOKEN_ALIAS, for an alias that is used or removed.
  /// (The drafts have that reject the message, but give it a code for sessions only.)
  ///
  /// To be called for every token of every message, whether or not the message is
  /// granted (§"AUTHORIZATION TOKEN").
  Result<std::optional<Credential>> apply(const Token& token);
  /// A token in a SETUP: one that does not fit is used and not kept, as the peer could
  /// not know the limit. One that refers to an alias fails with `alias_error`,
  /// VersionInfo::setup_alias_error.
  Result<Credential> apply_setup(const Token& token, SessionError alias_error);

  /// By the drafts' accounting.
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  [[nodiscard]] static std::uint64_t cost(std::string_view value);

  std::uint64_t limit_;
  std::uint64_t size_ = 0;
  std::map<std::uint64_t, Credential> tokens_;
};

}  // namespace moq::ietf
