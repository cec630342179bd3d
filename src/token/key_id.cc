#include "token/key_id.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

#include <fmt/format.h>
#include <openssl/rand.h>

#include "token/error.h"
#include "token/limits.h"

namespace moq::token {
namespace {

bool is_key_id_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

}  // namespace

Result<KeyId> KeyId::parse(std::string_view text) {
  if (text.empty() || text.size() > kMaxKeyIdSize ||
      !std::ranges::all_of(text, is_key_id_character)) {
    return fail(
        TokenError::bad_key_id,
        fmt::format("a key id has 1 to {} letters, digits, \"-\" and \"_\", and nothing else",
                    kMaxKeyIdSize));
  }
  return KeyId(std::string(text));
}

Result<KeyId> KeyId::random() {
  std::array<std::uint8_t, 8> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return fail(TokenError::crypto, "the system has no randomness for a key id");
  }
  std::string text;
  for (const std::uint8_t byte : bytes) fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return KeyId(std::move(text));
}

}  // namespace moq::token
