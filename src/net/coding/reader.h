#pragma once

#include <cstddef>
#include <cstdint>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/coding/error.h"
#include "net/coding/integer.h"

namespace moq::coding {

/// Reads from the front of a span, which must outlive it, and never past its end:
/// what is not there fails with `short_buffer`, consuming nothing.
///
/// Every integer of variable length goes through `varint()`, in the form that the
/// reader was made with; so one field codec reads both forms.
class Reader {
 public:
  explicit Reader(ByteSpan bytes, IntegerForm form = IntegerForm::quic)
      : rest_(bytes), form_(form) {}

  [[nodiscard]] IntegerForm form() const { return form_; }

  [[nodiscard]] std::size_t remaining() const { return rest_.size(); }
  [[nodiscard]] ByteSpan rest() const { return rest_; }

  Result<std::uint64_t> varint() {
    const auto decoded = read_integer(form_, rest_);
    if (!decoded) return fail(CodingError::short_buffer);
    rest_ = rest_.subspan(decoded->size);
    return decoded->value;
  }

  Result<std::uint8_t> u8() {
    if (rest_.empty()) return fail(CodingError::short_buffer);
    const std::uint8_t value = rest_[0];
    rest_ = rest_.subspan(1);
    return value;
  }

  /// The next `count` bytes, which stay where they are.
  Result<ByteSpan> bytes(std::uint64_t count) {
    if (count > rest_.size()) return fail(CodingError::short_buffer);
    const ByteSpan taken = rest_.first(static_cast<std::size_t>(count));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

  /// Fails with `trailing_bytes` if anything is left.
  Result<void> finish() const {
    if (!rest_.empty()) return fail(CodingError::trailing_bytes);
    return {};
  }

 private:
  ByteSpan rest_;
  IntegerForm form_;
};

}  // namespace moq::coding
