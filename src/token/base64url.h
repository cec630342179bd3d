#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/bytes.h"

namespace moq::token {

using Octets = std::vector<std::uint8_t>;

/// base64url without padding (RFC 7515 §2).
std::string encode_base64url(ByteSpan bytes);

/// The bytes of base64url without padding, or nothing: one text for each value.
/// Other characters, whitespace, a rest of one character and bits that are set
/// behind the last byte are refused.
std::optional<Octets> decode_base64url(std::string_view text);

/// The same, with padding allowed where it is right: older keys have it.
std::optional<Octets> decode_padded_base64url(std::string_view text);

}  // namespace moq::token
