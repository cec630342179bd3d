#pragma once

#include <nlohmann/json.hpp>

#include "net/base/error.h"
#include "token/jwk.h"

/// JWKs as parts of other JSON; apart from jwk.h, whose users need no JSON.
namespace moq::token {

/// From an object that parse_json_object has read.
Result<Jwk> jwk_from_json(const nlohmann::json& json);
nlohmann::ordered_json jwk_to_json(const Jwk& jwk);

}  // namespace moq::token
