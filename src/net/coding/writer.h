#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "net/base/bytes.h"
#include "net/coding/error.h"
#include "net/coding/integer.h"

namespace moq::coding {

/// Appends to a vector, which must outlive it. Integers of variable length are
/// written in the form that the writer was made with.
///
/// Writing never fails by itself: a value that has no encoding is remembered by
/// `refuse`, and whoever sends what was written asks for `refused` first.
class Writer {
 public:
  explicit Writer(std::vector<std::uint8_t>& out, IntegerForm form = IntegerForm::quic)
      : out_(out), form_(form) {}

  [[nodiscard]] IntegerForm form() const { return form_; }

  /// Refused as `too_large` if the form has no encoding for the value, in whose place
  /// the largest is written.
  void varint(std::uint64_t value) {
    if (value > max_integer(form_)) refuse(CodingError::too_large);
    std::uint8_t encoded[kMaxIntegerSize];
    const std::size_t size = write_integer(form_, value, encoded);
    out_.insert(out_.end(), encoded, encoded + size);
  }
  /// How many bytes `varint(value)` appends in the QUIC form.
  [[nodiscard]] static std::size_t size_of(std::uint64_t value) { return varint_size(value); }

  void u8(std::uint8_t value) { out_.push_back(value); }
  void bytes(ByteSpan bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  /// Makes room for `size` more bytes at once.
  void reserve(std::size_t size) { out_.reserve(out_.size() + size); }

  /// What was written is not what was meant; the first reason stands.
  void refuse(CodingError reason) {
    if (!refused_) refused_ = reason;
  }
  [[nodiscard]] std::optional<CodingError> refused() const { return refused_; }

 private:
  std::vector<std::uint8_t>& out_;
  IntegerForm form_;
  std::optional<CodingError> refused_;
};

}  // namespace moq::coding
