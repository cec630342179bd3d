#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "net/base/bytes.h"
#include "net/coding/varint.h"
#include "net/coding/vi64.h"

/// Integers of variable length in either of two forms, chosen by a value: protocols
/// that have one form use varint.h or vi64.h.
namespace moq::coding {

enum class IntegerForm : std::uint8_t {
  quic,  ///< RFC 9000 §16: 1, 2, 4 or 8 bytes, up to 2^62 - 1
  vi64,  ///< moq-transport since draft-18: 1 to 9 bytes, any 64 bits
};

/// The longest encoding in any form, in bytes.
inline constexpr std::size_t kMaxIntegerSize = kMaxVi64Size;

/// The largest value that the form has an encoding for.
[[nodiscard]] constexpr std::uint64_t max_integer(IntegerForm form) {
  return form == IntegerForm::quic ? kMaxVarint : std::numeric_limits<std::uint64_t>::max();
}

/// The length of the shortest encoding of `value`, at most max_integer(form).
[[nodiscard]] constexpr std::size_t integer_size(IntegerForm form, std::uint64_t value) {
  return form == IntegerForm::quic ? varint_size(value) : vi64_size(value);
}

/// Writes the shortest encoding of `value`, up to kMaxIntegerSize bytes, and returns
/// its length. What is above max_integer(form) is written as that.
constexpr std::size_t write_integer(IntegerForm form, std::uint64_t value, std::uint8_t* out) {
  return form == IntegerForm::quic ? write_varint(value, out) : write_vi64(value, out);
}

/// The integer that `bytes` begin with; none if they end before it does.
[[nodiscard]] constexpr std::optional<DecodedVarint> read_integer(IntegerForm form,
                                                                  ByteSpan bytes) {
  return form == IntegerForm::quic ? read_varint(bytes) : read_vi64(bytes);
}

/// An integer of either form that arrives byte by byte.
class IntegerAccumulator {
 public:
  explicit constexpr IntegerAccumulator(IntegerForm form) : form_(form) {}

  /// Takes from the front of `bytes` what belongs to the integer. Returns how many
  /// were taken; `done()` tells whether it is complete.
  constexpr std::size_t take(ByteSpan bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size() && !done()) {
      const std::uint8_t byte = bytes[taken++];
      if (length_ == 0) {
        begin(byte);
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
    *this = IntegerAccumulator(form_);
    return value;
  }

 private:
  constexpr void begin(std::uint8_t first) {
    if (form_ == IntegerForm::quic) {
      length_ = varint_length(first);
      value_ = first & 0x3fU;
    } else {
      length_ = vi64_length(first);
      value_ = first & vi64_first_bits(length_);
    }
  }

  IntegerForm form_;
  std::uint64_t value_ = 0;
  std::size_t length_ = 0;
  std::size_t have_ = 0;
};

}  // namespace moq::coding
