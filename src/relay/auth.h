#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/base/error.h"
#include "net/model/scope.h"
#include "relay/config.h"
#include "relay/fetcher.h"
#include "relay/pace.h"
#include "relay/token_keys.h"
#include "relay/visitor.h"
#include "token/claims.h"

namespace moq::relay {

/// What a client may do, and until when.
struct Grant {
  Scope scope;
  std::optional<token::UnixTime> expires;  ///< `exp` of its token, or its certificate's end
  std::string tier;                        ///< whose account it is; "": the usual
};

/// Who may connect: what is public, whose tokens are taken, and who else is asked. May be
/// used from several threads at once.
class Access {
 public:
  using Done = std::function<void(Result<Grant>)>;

  /// Opens the keys that are configured. Fails with an error that names the file. `ask_page`
  /// is needed if the configuration has a URL (see asks_pages), and must outlive all that
  /// waits for an answer.
  static Result<std::shared_ptr<const Access>> open(const Config::Auth& config,
                                                    AskPage ask_page = {});
  /// Whether anything is asked by HTTP.
  static bool asks_pages(const Config::Auth& config);
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

  /// Tells `done` what a client may do that connects at the time `now`: inside of this
  /// call, or later, by `post`, which runs a task on the caller's thread. `done` may never
  /// be called, if the process ends. This object need not live so long.
  ///
  /// The path is the session's root. A certificate grants all that is there, and a token
  /// what Claims::authorize says; what is public does not add to either. Without both, a
  /// public prefix at or above the path allows everything below it, one below it allows
  /// what is below that, and any other nothing. Where `auth.auth_api` is asked, it says
  /// what is public, and may have the root elsewhere.
  ///
  /// Fails with UNAUTHORIZED if nothing is granted, or with INTERNAL_ERROR if it could not
  /// be found out; the reason is for the client, and repeats nothing of its token.
  void authorize(const Visitor& visitor, token::UnixTime now, const Post& post, Done done) const;

 private:
  Access() = default;

  void by_service(const Visitor& visitor, Entrance entrance, token::UnixTime now, const Post& post,
                  Done done) const;
  void by_token(Entrance entrance, token::UnixTime now, const Post& post, Done done) const;
  void by_path(const Path& path, const Post& post, Done done) const;

  PublicAccess public_;
  std::unique_ptr<TokenKeys> keys_;  ///< null: no token is taken
  std::vector<std::string> domains_;
  std::string auth_api_;    ///< "": nobody is asked
  std::string public_api_;  ///< "": nobody is asked
  std::string mtls_tier_;
  AskPage ask_page_;
  /// Of services that fail; answers may come when this object has gone.
  std::shared_ptr<Pace> failures_ = std::make_shared<Pace>();
};

/// Now, by the system's clock, as the times of tokens are.
token::UnixTime unix_now();

}  // namespace moq::relay
