#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "net/base/bytes.h"

namespace moq::coding {

/// The largest value of a variable-length integer (RFC 9000 §16): 2^62 - 1.
inline constexpr std::uint64_t kMaxVarint = (std::uint64_t{1} << 62) - 1;
/// The longest encoding of one, in bytes.
inline constexpr std::size_t kMaxVarintSize = 8;

/// The length of an encoding that begins with `first`: 1, 2, 4 or 8 bytes.
[[nodiscard]] constexpr std::size_t varint_length(std::uint8_t first) {
  return std::size_t{1} << (first >> 6);
}

/// The length of the shortest encoding of `value`.
[[nodiscard]] constexpr std::size_t varint_size(std::uint64_t value) {
  if (value < (1U << 6)) return 1;
  if (value < (1U << 14)) return 2;
  if (value < (1U << 30)) return 4;
  return 8;
}

/// Writes `value` in exactly `size` bytes (1, 2, 4 or 8; not fewer than
/// varint_size says) to `out`. A value above kMaxVarint is written as kMaxVarint:
/// no arithmetic on a peer's numbers can make the encoding itself invalid.
constexpr void write_varint(std::uint64_t value, std::size_t size, std::uint8_t* out) {
  value = std::min(value, kMaxVarint);
  for (std::size_t i = size; i-- > 0; value >>= 8) out[i] = static_cast<std::uint8_t>(value);
  const int exponent = std::countr_zero(size);
  out[0] = static_cast<std::uint8_t>(out[0] | (exponent << 6));
}

/// Writes the shortest encoding of `value`, up to 8 bytes, and returns its length.
constexpr std::size_t write_varint(std::uint64_t value, std::uint8_t* out) {
  const std::size_t size = varint_size(value);
  write_varint(value, size, out);
  return size;
}

/// A varint as it was found, with the length of its encoding.
struct DecodedVarint {
  std::uint64_t value;
  std::size_t size;
};

/// The varint that `bytes` begin with, in whatever length it was encoded; none
/// if they end before it does.
[[nodiscard]] constexpr std::optional<DecodedVarint> read_varint(ByteSpan bytes) {
  if (bytes.empty()) return std::nullopt;
  const std::size_t size = varint_length(bytes[0]);
  if (bytes.size() < size) return std::nullopt;
  std::uint64_t value = bytes[0] & 0x3fU;
  for (std::size_t i = 1; i < size; ++i) value = value << 8 | bytes[i];
  return DecodedVarint{value, size};
}

/// A varint that arrives byte by byte.
class VarintAccumulator {
 public:
  /// Takes from the front of `bytes` what belongs to the varint. Returns how many
  /// were taken; `done()` tells whether it is complete.
  constexpr std::size_t take(ByteSpan bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size() && !done()) {
      const std::uint8_t byte = bytes[taken++];
      if (length_ == 0) {
        length_ = varint_length(byte);
        value_ = byte & 0x3fU;
      } else {
        value_ = value_ << 8 | byte;
      }
      ++have_;
    }
    return taken;
  }

  [[nodiscard]] constexpr bool done() const { return length_ != 0 && have_ == length_; }
  /// Whether some bytes, but not all, have been taken.
  [[nodiscard]] constexpr bool partial() const { return have_ != 0 && !done(); }
  /// The value; only once it is done. Begins anew.
  constexpr std::uint64_t finish() {
    const std::uint64_t value = value_;
    *this = {};
    return value;
  }

 private:
  std::uint64_t value_ = 0;
  std::size_t length_ = 0;
  std::size_t have_ = 0;
};

/// Signed integers as unsigned ones, small magnitudes first: 0, -1, 1, -2, 2, ...
/// (moq-lite-05 §FRAME). Fits in a varint if `value` is in [-2^61, 2^61 - 1].
[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1 ^ (~(value & 1) + 1));
}

}  // namespace moq::coding
