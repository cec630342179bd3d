#include "net/coding/utf8.h"

#include <cstddef>
#include <cstdint>

namespace moq::coding {

namespace {

// What may follow a lead byte: how many bytes, and the range of the first of
// them, which is where overlong forms and surrogates are excluded.
struct Tail {
  std::size_t count;
  std::uint8_t low;
  std::uint8_t high;
};

Tail tail_of(std::uint8_t lead) {
  if (lead >= 0xc2 && lead <= 0xdf) return {1, 0x80, 0xbf};
  if (lead == 0xe0) return {2, 0xa0, 0xbf};
  if (lead == 0xed) return {2, 0x80, 0x9f};
  if (lead >= 0xe1 && lead <= 0xef) return {2, 0x80, 0xbf};
  if (lead == 0xf0) return {3, 0x90, 0xbf};
  if (lead >= 0xf1 && lead <= 0xf3) return {3, 0x80, 0xbf};
  if (lead == 0xf4) return {3, 0x80, 0x8f};
  return {0, 0, 0};
}

}  // namespace

bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<std::uint8_t>(text[i++]);
    if (lead < 0x80) continue;
    const Tail tail = tail_of(lead);
    if (tail.count == 0 || text.size() - i < tail.count) return false;
    for (std::size_t k = 0; k < tail.count; ++k) {
      const auto byte = static_cast<std::uint8_t>(text[i++]);
      const std::uint8_t low = k == 0 ? tail.low : 0x80;
      const std::uint8_t high = k == 0 ? tail.high : 0xbf;
      if (byte < low || byte > high) return false;
    }
  }
  return true;
}

}  // namespace moq::coding
