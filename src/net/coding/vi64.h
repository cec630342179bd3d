#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "net/base/bytes.h"
#include "net/coding/varint.h"

/// The integers of moq-transport since draft-17 (draft-18 §"Variable-Length
/// Integers"): as many 1 bits in front as bytes follow the first, up to eight; any 64
/// bits fit. Draft-17 has no encoding of 7 bytes, this one has.
namespace moq::coding {

/// The longest encoding, in bytes.
inline constexpr std::size_t kMaxVi64Size = 9;

/// The length of an encoding that begins with `first`: 1 to 9 bytes.
[[nodiscard]] constexpr std::size_t vi64_length(std::uint8_t first) {
  return static_cast<std::size_t>(std::countl_one(first)) + 1;
}

/// The length of the shortest encoding of `value`.
[[nodiscard]] constexpr std::size_t vi64_size(std::uint64_t value) {
  std::size_t size = 1;
  while (size < kMaxVi64Size && value >> (7 * size) != 0) ++size;
  return size;
}

/// The bits of a first byte that are part of the value.
[[nodiscard]] constexpr std::uint8_t vi64_first_bits(std::size_t size) {
  return size >= 8 ? std::uint8_t{0} : static_cast<std::uint8_t>(0xffU >> size);
}

/// Writes `value` in exactly `size` bytes, 1 to 9 and not fewer than vi64_size says.
constexpr void write_vi64(std::uint64_t value, std::size_t size, std::uint8_t* out) {
  for (std::size_t i = size; i-- > 1; value >>= 8) out[i] = static_cast<std::uint8_t>(value);
  // As many ones as bytes follow, then a zero unless all eight bits are ones.
  const auto ones = static_cast<std::uint8_t>(0xff00U >> (size - 1));
  out[0] = static_cast<std::uint8_t>(ones | (value & vi64_first_bits(size)));
}

/// Writes the shortest encoding of `value`, up to 9 bytes, and returns its length.
constexpr std::size_t write_vi64(std::uint64_t value, std::uint8_t* out) {
  const std::size_t size = vi64_size(value);
  write_vi64(value, size, out);
  return size;
}

/// The integer that `bytes` begin with, in whatever length it was encoded; none if
/// they end before it does.
[[nodiscard]] constexpr std::optional<DecodedVarint> read_vi64(ByteSpan bytes) {
  if (bytes.empty()) return std::nullopt;
  const std::size_t size = vi64_length(bytes[0]);
  if (bytes.size() < size) return std::nullopt;
  std::uint64_t value = bytes[0] & vi64_first_bits(size);
  for (std::size_t i = 1; i < size; ++i) value = value << 8 | bytes[i];
  return DecodedVarint{value, size};
}

}  // namespace moq::coding
