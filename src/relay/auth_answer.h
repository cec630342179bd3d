#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/base/error.h"
#include "net/model/path.h"
#include "relay/config.h"
#include "token/jwk.h"

/// What services say of who may connect: `auth.auth_api` and `auth.public.api`.
namespace moq::relay {

/// What `auth.auth_api` is asked about a connection.
struct AuthQuestion {
  Path path;
  std::optional<std::string> key_id;  ///< `kid` of its token, if it has both
  bool certificate = false;           ///< it has shown one, which is verified
  std::string_view transport = "quic";
};

/// What it answers; all of it may be left out.
struct AuthAnswer {
  std::optional<Path> alias;      ///< where the session's root is, instead of its path
  PublicAccess open_to_all;       ///< relative to the path
  std::optional<token::Jwk> key;  ///< which may verify
  std::optional<std::string> tier;
};

/// The URL of a question: `base` with root, kid, mtls and transport in its query.
std::string auth_url(const std::string& base, const AuthQuestion& question);
/// Fails with a TokenError that says what is wrong, and repeats nothing of the text.
Result<AuthAnswer> read_auth_answer(std::string_view json);

/// The URL of what is public at `path`: "{base}/{path}".
std::string page_url(const std::string& base, std::string_view path);
/// {"subscribe": [...], "publish": [...]}, both relative to the path that was asked about.
/// Fails as read_auth_answer.
Result<PublicAccess> read_public_answer(std::string_view json);

}  // namespace moq::relay
