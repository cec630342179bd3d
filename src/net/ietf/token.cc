#include "net/ietf/token.h"

#include "net/coding/print.h"
#include "net/ietf/limits.h"

namespace moq::ietf {

namespace {

bool has_alias(TokenAction action) { return action != TokenAction::use_value; }
bool has_value(TokenAction action) {
  return action == TokenAction::enroll || action == TokenAction::use_value;
}

Result<void> read_token(coding::Reader& in, Token& value) {
  MOQ_TRY(const std::uint64_t action, in.varint());
  if (action > static_cast<std::uint64_t>(TokenAction::use_value)) {
    return fail(coding::CodingError::invalid_value);
  }
  value.action = static_cast<TokenAction>(action);
  if (has_alias(value.action)) {
    MOQ_TRY(value.alias, in.varint());
  }
  if (!has_value(value.action)) return in.finish();
  MOQ_TRY(value.type, in.varint());
  MOQ_TRY(const ByteSpan rest, in.bytes(in.remaining()));
  value.value = as_text(rest);
  return {};
}

}  // namespace

std::string_view to_string(TokenAction action) {
  switch (action) {
    case TokenAction::remove:
      return "delete";
    case TokenAction::enroll:
      return "register";
    case TokenAction::use_alias:
      return "use_alias";
    case TokenAction::use_value:
      return "use_value";
  }
  return "unknown";
}

void print_value(std::string& out, const Token& value) {
  out += to_string(value.action);
  if (has_alias(value.action)) out += ':' + std::to_string(value.alias);
  if (has_value(value.action)) {
    out += "(type " + std::to_string(value.type) + ", " + std::to_string(value.value.size()) +
           " bytes)";
  }
}

void TokenCodec::write(coding::Writer& out, const Token& value) const {
  out.varint(static_cast<std::uint64_t>(value.action));
  if (has_alias(value.action)) out.varint(value.alias);
  if (!has_value(value.action)) return;
  out.varint(value.type);
  out.bytes(as_bytes(value.value));
}

Result<void> TokenCodec::read(coding::Reader& in, Token& value) const {
  if (auto read = read_token(in, value); !read) {
    return fail(SessionError::key_value_formatting, read.error().message());
  }
  return {};
}

std::uint64_t TokenCache::cost(std::string_view value) { return kAuthTokenOverhead + value.size(); }

Result<std::optional<Credential>> TokenCache::apply(const Token& token) {
  if (token.action == TokenAction::use_value) return Credential{token.type, token.value};
  const auto found = tokens_.find(token.alias);
  const bool known = found != tokens_.end();
  if (token.action == TokenAction::enroll) {
    if (known) return fail(SessionError::duplicate_auth_token_alias, std::to_string(token.alias));
    if (cost(token.value) > limit_ - size_) return fail(SessionError::auth_token_cache_overflow);
    size_ += cost(token.value);
    return tokens_.try_emplace(token.alias, Credential{token.type, token.value}).first->second;
  }
  if (!known) return fail(SessionError::unknown_auth_token_alias, std::to_string(token.alias));
  if (token.action == TokenAction::use_alias) return found->second;
  size_ -= cost(found->second.value);
  tokens_.erase(found);
  return std::nullopt;
}

Result<Credential> TokenCache::apply_setup(const Token& token, SessionError alias_error) {
  if (!has_value(token.action)) return fail(alias_error, "a token's alias in a SETUP");
  if (token.action == TokenAction::enroll && cost(token.value) > limit_ - size_) {
    return Credential{token.type, token.value};
  }
  MOQ_TRY(auto credential, apply(token));
  return *std::move(credential);
}

}  // namespace moq::ietf
