#include "token/base64url.h"

#include <array>

namespace moq::token {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kNone = 0xff;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<std::uint8_t>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}

constexpr auto kValues = make_values();

}  // namespace

std::string encode_base64url(ByteSpan bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  int held = 0;
  for (const std::uint8_t byte : bytes) {
    bits = (bits << 8U | byte) & 0xffffU;
    for (held += 8; held >= 6; held -= 6) text += kAlphabet[bits >> (held - 6) & 0x3fU];
  }
  if (held > 0) text += kAlphabet[bits << (6 - held) & 0x3fU];
  return text;
}

std::optional<Octets> decode_base64url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  Octets bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char character : text) {
    const std::uint8_t value = kValues[static_cast<std::uint8_t>(character)];
    if (value == kNone) return std::nullopt;
    bits = (bits << 6U | value) & 0xffffU;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes.push_back(static_cast<std::uint8_t>(bits >> held));
    }
  }
  if ((bits & ((1U << held) - 1)) != 0) return std::nullopt;
  return bytes;
}

std::optional<Octets> decode_padded_base64url(std::string_view text) {
  if (text.size() % 4 == 0) {
    if (text.ends_with("==")) {
      text.remove_suffix(2);
    } else if (text.ends_with('=')) {
      text.remove_suffix(1);
    }
  }
  return decode_base64url(text);
}

}  // namespace moq::token
