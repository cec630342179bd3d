#include "token/jwk.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "token/error.h"
#include "token/json.h"
#include "token/jwk_json.h"
#include "token/limits.h"

namespace moq::token {
namespace {

using Json = nlohmann::json;

constexpr std::array<JwkMember, 1> kOct{{{"k", true}}};
constexpr std::array<JwkMember, 8> kRsa{{{"n", false},
                                         {"e", false},
                                         {"d", true},
                                         {"p", true},
                                         {"q", true},
                                         {"dp", true},
                                         {"dq", true},
                                         {"qi", true}}};
constexpr std::array<JwkMember, 3> kEc{{{"x", false}, {"y", false}, {"d", true}}};
constexpr std::array<JwkMember, 2> kOkp{{{"x", false}, {"d", true}}};

struct Operation {
  std::string_view name;
  bool KeyOperations::*flag;
};
constexpr std::array<Operation, 4> kOperations{{{"sign", &KeyOperations::sign},
                                                {"verify", &KeyOperations::verify},
                                                {"decrypt", &KeyOperations::decrypt},
                                                {"encrypt", &KeyOperations::encrypt}}};

tl::unexpected<Error> bad(std::string detail) {
  return fail(TokenError::bad_key, std::move(detail));
}

/// A member that has to be text, if it is there.
Result<std::optional<std::string>> text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return std::nullopt;
  if (!found->is_string()) return bad(fmt::format("the key's \"{}\" must be a string", name));
  return found->get<std::string>();
}

Result<KeyOperations> parse_operations(const Json& object) {
  const auto found = object.find("key_ops");
  if (found == object.end()) return KeyOperations{};
  KeyOperations operations{.sign = false, .verify = false};
  bool known = found->is_array();
  if (known) {
    for (const Json& each : *found) {
      const auto* const operation = std::ranges::find_if(
          kOperations, [&](const Operation& o) { return each.is_string() && each == o.name; });
      known = known && operation != kOperations.end();
      if (operation != kOperations.end()) operations.*(operation->flag) = true;
    }
  }
  if (!known) {
    return bad(
        R"(the key's "key_ops" must be a list of "sign", "verify", "decrypt" and "encrypt")");
  }
  return operations;
}

Result<std::vector<std::string>> parse_list(const Json& scope, const char* name) {
  const auto found = scope.find(name);
  if (found == scope.end()) return std::vector<std::string>();
  const auto is_text = [](const Json& each) { return each.is_string(); };
  if (!found->is_array() || !std::ranges::all_of(*found, is_text)) {
    return bad(fmt::format("\"{}\" of the key's scope must be a list of strings", name));
  }
  return found->get<std::vector<std::string>>();
}

Result<std::optional<KeyScope>> parse_scope(const Json& object) {
  const auto found = object.find("scope");
  if (found == object.end() || found->is_null()) return std::nullopt;
  if (!found->is_object()) return bad("the key's \"scope\" must be an object");
  KeyScope scope;
  MOQ_TRY(const auto root, text_of(*found, "root"));
  scope.root = root.value_or("");
  MOQ_TRY(scope.put, parse_list(*found, "put"));
  MOQ_TRY(scope.get, parse_list(*found, "get"));
  MOQ_CHECK_OK(scope.require_grant());
  return scope;
}

Result<void> parse_members(const Json& object, KeyType type, Jwk& jwk) {
  std::size_t secrets = 0;
  std::size_t present = 0;
  for (const auto& [name, secret] : jwk_members(type)) {
    MOQ_TRY(const auto text, text_of(object, std::string(name).c_str()));
    secrets += secret ? 1 : 0;
    if (!text) {
      if (secret) continue;
      return bad(fmt::format("a key of type {} needs \"{}\"", key_type_name(type), name));
    }
    auto decoded = decode_padded_base64url(*text);
    if (!decoded || decoded->empty()) {
      return bad(fmt::format("the key's \"{}\" must be base64url", name));
    }
    present += secret ? 1 : 0;
    jwk.members.emplace(name, *std::move(decoded));
  }
  if (type == KeyType::oct && present == 0) return bad("a key of type oct needs \"k\"");
  if (present != 0 && present != secrets) {
    return bad("a private RSA key needs all of d, p, q, dp, dq and qi, and a public one has none");
  }
  return {};
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

std::span<const JwkMember> jwk_members(KeyType type) {
  switch (type) {
    case KeyType::oct:
      return kOct;
    case KeyType::rsa:
      return kRsa;
    case KeyType::ec:
      return kEc;
    case KeyType::okp:
      return kOkp;
  }
  return {};
}

Result<Jwk> jwk_from_json(const Json& json) {
  Jwk jwk;
  MOQ_TRY(const auto type_name, text_of(json, "kty"));
  const auto type = parse_key_type(type_name.value_or("oct"));
  if (!type) return bad("the key's \"kty\" must be oct, RSA, EC or OKP");
  MOQ_TRY(const auto algorithm_name, text_of(json, "alg"));
  const auto algorithm = parse_algorithm(algorithm_name.value_or(""));
  if (!algorithm) {
    return bad(fmt::format("the key's \"alg\" must be one of {}", algorithm_names()));
  }
  jwk.algorithm = *algorithm;
  const AlgorithmInfo& about = info(*algorithm);
  if (about.type != *type) {
    return bad(fmt::format("a key for {} has the type {}, not {}", about.name,
                           key_type_name(about.type), key_type_name(*type)));
  }
  MOQ_TRY(const auto curve, text_of(json, "crv"));
  if (!about.curve.empty() && curve != about.curve) {
    return bad(fmt::format("a key for {} has the curve {}", about.name, about.curve));
  }
  if (json.contains("oth")) return bad("RSA keys of more than two primes are not supported");
  MOQ_TRY(jwk.operations, parse_operations(json));
  MOQ_CHECK_OK(parse_members(json, *type, jwk));
  MOQ_TRY(const auto id, text_of(json, "kid"));
  if (id) {
    MOQ_TRY(jwk.id, KeyId::parse(*id));
  }
  MOQ_TRY(jwk.scope, parse_scope(json));
  return jwk;
}

nlohmann::ordered_json jwk_to_json(const Jwk& jwk) {
  const AlgorithmInfo& about = info(jwk.algorithm);
  nlohmann::ordered_json json;
  json["alg"] = about.name;
  json["key_ops"] = nlohmann::ordered_json::array();
  for (const auto& [name, flag] : kOperations) {
    if (jwk.operations.*flag) json["key_ops"].push_back(name);
  }
  json["kty"] = key_type_name(about.type);
  if (!about.curve.empty()) json["crv"] = about.curve;
  for (const JwkMember& member : jwk_members(about.type)) {
    const auto found = jwk.members.find(member.name);
    if (found == jwk.members.end()) continue;
    json[std::string(member.name)] = encode_base64url(found->second);
  }
  if (jwk.id) json["kid"] = jwk.id->text();
  if (jwk.scope) {
    nlohmann::ordered_json& scope = json["scope"];
    scope = nlohmann::ordered_json::object();
    if (!jwk.scope->root.empty()) scope["root"] = jwk.scope->root;
    if (!jwk.scope->put.empty()) scope["put"] = jwk.scope->put;
    if (!jwk.scope->get.empty()) scope["get"] = jwk.scope->get;
  }
  return json;
}

Result<Jwk> Jwk::parse(std::string_view text) {
  text = trim(text);
  if (text.size() > kMaxKeySize) {
    return fail(TokenError::too_large, fmt::format("a key has {} bytes at most", kMaxKeySize));
  }
  Octets decoded;
  if (!text.starts_with('{')) {
    auto bytes = decode_padded_base64url(text);
    if (!bytes || bytes->empty()) {
      return bad("a key is JSON, or base64url of JSON; moq-token generate makes one");
    }
    decoded = *std::move(bytes);
    text = as_text(decoded);
  }
  MOQ_TRY(const Json json, parse_json_object(text, TokenError::bad_key, "the key"));
  return jwk_from_json(json);
}

bool Jwk::has_secret() const {
  const auto there = [this](const JwkMember& m) { return m.secret && members.contains(m.name); };
  return std::ranges::any_of(jwk_members(info(algorithm).type), there);
}

Result<std::string> Jwk::to_json() const {
  return dump_json(jwk_to_json(*this), TokenError::bad_key, "the key's scope");
}

}  // namespace moq::token
