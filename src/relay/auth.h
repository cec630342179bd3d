#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "net/base/error.h"
#include "net/model/scope.h"
#include "relay/config.h"
#include "relay/token_keys.h"
#include "token/claims.h"

namespace moq::relay {

/// What a client may do, and until when.
struct Grant {
  Scope scope;
  std::optional<token::UnixTime> expires;  ///< `exp` of its token
};

/// Who may connect: what is public, and whose tokens are taken. May be used from several
/// threads at once.
class Access {
 public:
  /// Without `keys`, no token is taken.
  explicit Access(PublicAccess open_to_all, std::unique_ptr<TokenKeys> keys = nullptr)
      : public_(std::move(open_to_all)), keys_(std::move(keys)) {}
  /// Opens the keys that are configured. Fails with an error that names the file.
  static Result<std::shared_ptr<const Access>> open(const Config::Auth& config);

  /// What a client may do that connects to `target`, the path and query of its URL
  /// ("/room/1?jwt=..."; "" is "/"), at the time `now`.
  ///
  /// The path is the session's root. A token grants what Claims::authorize says; what is
  /// public does not add to it. Without one, a public prefix at or above the path allows
  /// everything below it, one below it allows what is below that, and any other nothing.
  ///
  /// Fails with UNAUTHORIZED if nothing is granted; the reason is for the client, and
  /// repeats nothing of its token.
  [[nodiscard]] Result<Grant> authorize(std::string_view target, token::UnixTime now) const;

 private:
  PublicAccess public_;
  std::unique_ptr<TokenKeys> keys_;
};

/// Now, by the system's clock, as the times of tokens are.
token::UnixTime unix_now();

}  // namespace moq::relay
