#include "token/jwt.h"

#include <fmt/format.h>

#include "token/error.h"
#include "token/json.h"
#include "token/limits.h"

namespace moq::token {
namespace {

tl::unexpected<Error> malformed(std::string detail) {
  return fail(TokenError::malformed, std::move(detail));
}

}  // namespace

Result<UnverifiedToken> UnverifiedToken::parse(std::string_view token) {
  if (token.size() > kMaxTokenSize) {
    return fail(TokenError::too_large, fmt::format("a token has {} bytes at most", kMaxTokenSize));
  }
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  if (first == std::string_view::npos || first == last || token.find('.', first + 1) != last) {
    return malformed("a token has three parts with dots between them; was it cut off?");
  }
  UnverifiedToken found;
  found.signed_text = token.substr(0, last);
  found.payload = token.substr(first + 1, last - first - 1);
  const auto header = decode_base64url(token.substr(0, first));
  if (!header)
    return malformed("the token's header is not base64url without padding; was it changed?");
  auto signature = decode_base64url(token.substr(last + 1));
  if (!signature)
    return malformed("the token's signature is not base64url without padding; was it changed?");
  found.signature = *std::move(signature);

  MOQ_TRY(const nlohmann::json json,
          parse_json_object(as_text(*header), TokenError::malformed, "the token's header"));
  const auto algorithm = json.find("alg");
  if (algorithm == json.end() || !algorithm->is_string()) {
    return malformed("the token's header has no \"alg\" that is a string");
  }
  found.algorithm = algorithm->get<std::string>();
  if (const auto id = json.find("kid"); id != json.end() && !id->is_null()) {
    if (!id->is_string()) return malformed("\"kid\" of the token's header is not a string");
    found.id = id->get<std::string>();
  }
  if (json.contains("crit")) {
    return malformed("the token's header has \"crit\", of which nothing is supported");
  }
  return found;
}

Result<std::optional<KeyId>> key_id_of(std::string_view token) {
  MOQ_TRY(const auto parsed, UnverifiedToken::parse(token));
  if (!parsed.id) return std::nullopt;
  MOQ_TRY(KeyId id, KeyId::parse(*parsed.id));
  return id;
}

Result<std::string> signing_text(Algorithm algorithm, const std::optional<KeyId>& id,
                                 std::string_view payload) {
  nlohmann::ordered_json header;
  header["typ"] = "JWT";
  header["alg"] = info(algorithm).name;
  if (id) header["kid"] = id->text();
  MOQ_TRY(const std::string text, dump_json(header, TokenError::malformed, "the header"));
  return encode_base64url(as_bytes(text)) + '.' + encode_base64url(as_bytes(payload));
}

}  // namespace moq::token
