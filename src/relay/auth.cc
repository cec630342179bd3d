#include "relay/auth.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "net/base/log.h"
#include "net/protocol/error.h"
#include "relay/auth_answer.h"
#include "relay/parse.h"
#include "token/jwt.h"

namespace moq::relay {

namespace {

constexpr unsigned kOk = 200;

tl::unexpected<Error> unauthorized(std::string reason) {
  return fail(SessionError::unauthorized, std::move(reason));
}

/// What a client is told of a service that fails; the log has the rest.
tl::unexpected<Error> unavailable(Pace& pace, std::string_view service, std::string_view why) {
  warn(pace, fmt::format("{}: {}", service, why));
  return fail(SessionError::internal, "it cannot be found out who may connect");
}

std::size_t depth(const Path& path) {
  const auto slashes = std::ranges::count(path.text(), '/');
  return path.empty() ? 0 : static_cast<std::size_t>(slashes) + 1;
}

Result<Scope> public_scope(const PublicAccess& access, const Path& path) {
  auto scope = token::Claims{.put = access.publish, .get = access.subscribe}.authorize(path);
  if (!scope) return unauthorized("nothing at this path is public, and there is no token");
  return scope;
}

Result<Grant> verify(const token::Key& key, const Entrance& entrance, token::UnixTime now) {
  const auto claims = key.verify(entrance.token, now);
  if (!claims) return unauthorized(claims.error().detail());
  auto scope = claims->authorize(entrance.path);
  if (!scope) return unauthorized(scope.error().detail());
  return Grant{.scope = *std::move(scope), .expires = claims->exp, .tier = {}};
}

/// What the service's answer comes to.
Result<Grant> judge(const Result<Page>& page, const Visitor& visitor, const Entrance& entrance,
                    const std::string& mtls_tier, token::UnixTime now, Pace& failures) {
  constexpr std::string_view kService = "auth.auth_api";
  if (!page) return unavailable(failures, kService, page.error().detail());
  if (page->status != kOk) {
    return unavailable(failures, kService, fmt::format("it answered {}", page->status));
  }
  const auto answer = read_auth_answer(*page->body);
  if (!answer) return unavailable(failures, kService, answer.error().detail());
  Grant grant;
  if (visitor.certificate) {
    grant = {.scope = {.root = entrance.path}, .expires = visitor.certificate, .tier = mtls_tier};
  } else if (!entrance.token.empty()) {
    if (!answer->key) return unauthorized("no key has the `kid` of the token");
    const auto key = token::Key::import(*answer->key);
    if (!key) return unavailable(failures, kService, key.error().detail());
    MOQ_TRY(grant, verify(*key, entrance, now));
  } else {
    // What is public is relative to the path.
    MOQ_TRY(grant.scope, public_scope(answer->open_to_all, Path()));
    grant.scope.root = entrance.path;
  }
  if (answer->tier) grant.tier = *answer->tier;
  if (!answer->alias) return grant;
  if (!visitor.certificate && depth(*answer->alias) != depth(entrance.path)) {
    warn(failures, fmt::format("{}: its alias has another depth than the path", kService));
    return unauthorized("the path stands for no other of its depth");
  }
  grant.scope.root = *answer->alias;
  return grant;
}

}  // namespace

bool Access::asks_pages(const Config::Auth& config) {
  return !config.auth_api.empty() || !config.public_api.empty() || is_url(config.key) ||
         is_url(config.key_dir);
}

Result<std::shared_ptr<const Access>> Access::open(const Config::Auth& config, AskPage ask_page) {
  std::shared_ptr<Access> access(new Access);
  access->public_ = config.public_access;
  access->auth_api_ = config.auth_api;
  access->public_api_ = config.public_api;
  access->mtls_tier_ = config.mtls_tier;
  auto domains = read_domains(config.domains);
  if (!domains) return unauthorized("auth.domains has an empty name");
  access->domains_ = *std::move(domains);
  if (is_url(config.key)) {
    access->keys_ = fetch_key(config.key, ask_page);
  } else if (!config.key.empty()) {
    MOQ_TRY(access->keys_, open_key_file(config.key));
  } else if (is_url(config.key_dir)) {
    access->keys_ = fetch_keys(config.key_dir, ask_page);
  } else if (!config.key_dir.empty()) {
    MOQ_TRY(access->keys_, open_key_directory(config.key_dir));
  }
  access->ask_page_ = std::move(ask_page);
  return access;
}

void Access::authorize(const Visitor& visitor, token::UnixTime now, const Post& post,
                       Done done) const {
  auto entrance = read_target(visitor, domains_);
  if (!entrance) return done(tl::unexpected<Error>(std::move(entrance).error()));
  if (visitor.certificate && *visitor.certificate < now) {
    return done(unauthorized("the certificate has expired"));
  }
  if (!auth_api_.empty()) {
    return by_service(visitor, *std::move(entrance), now, post, std::move(done));
  }
  if (visitor.certificate) {
    return done(Grant{.scope = {.root = std::move(entrance->path)},
                      .expires = visitor.certificate,
                      .tier = mtls_tier_});
  }
  if (!entrance->token.empty()) {
    return by_token(*std::move(entrance), now, post, std::move(done));
  }
  by_path(entrance->path, post, std::move(done));
}

void Access::by_token(Entrance entrance, token::UnixTime now, const Post& post, Done done) const {
  if (keys_ == nullptr) return done(unauthorized("tokens cannot be verified here"));
  const std::string token = entrance.token;
  keys_->find(token, post,
              [entrance = std::move(entrance), now,
               done = std::move(done)](const Result<std::shared_ptr<const token::Key>>& key) {
                if (key) return done(verify(**key, entrance, now));
                if (key.error().is(SessionError::internal)) {
                  return done(tl::unexpected<Error>(key.error()));
                }
                done(unauthorized(key.error().detail()));
              });
}

void Access::by_path(const Path& path, const Post& post, Done done) const {
  const auto grant = [](Result<Scope> scope) -> Result<Grant> {
    if (!scope) return tl::unexpected<Error>(std::move(scope).error());
    return Grant{.scope = *std::move(scope), .expires = {}, .tier = {}};
  };
  auto scope = public_scope(public_, path);
  if (scope || public_api_.empty()) return done(grant(std::move(scope)));
  ask_page_(page_url(public_api_, path.text()), [path, post, grant, failures = failures_,
                                                 done = std::move(done)](const Result<Page>& page) {
    post([path, page, grant, failures, done] {
      constexpr std::string_view kService = "auth.public.api";
      if (!page) return done(unavailable(*failures, kService, page.error().detail()));
      // Nobody knows the path.
      if (page->status != kOk) return done(grant(public_scope({}, path)));
      const auto access = read_public_answer(*page->body);
      if (!access) return done(unavailable(*failures, kService, access.error().detail()));
      auto found = public_scope(*access, Path());
      if (found) found->root = path;
      done(grant(std::move(found)));
    });
  });
}

void Access::by_service(const Visitor& visitor, Entrance entrance, token::UnixTime now,
                        const Post& post, Done done) const {
  AuthQuestion question{.path = entrance.path,
                        .key_id = {},
                        .certificate = visitor.certificate.has_value(),
                        .transport = visitor.transport};
  if (!visitor.certificate && !entrance.token.empty()) {
    const auto id = token::key_id_of(entrance.token);
    if (!id) return done(unauthorized(id.error().detail()));
    if (*id) question.key_id = (*id)->text();
  }
  ask_page_(auth_url(auth_api_, question),
            [visitor, entrance = std::move(entrance), tier = mtls_tier_, now, post,
             failures = failures_, done = std::move(done)](const Result<Page>& page) {
              // The signature is the asking thread's work.
              post([visitor, entrance, tier, now, failures, done, page] {
                done(judge(page, visitor, entrance, tier, now, *failures));
              });
            });
}

token::UnixTime unix_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace moq::relay
