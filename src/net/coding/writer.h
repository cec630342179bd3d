#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/base/bytes.h"
#include "net/coding/varint.h"

namespace moq::coding {

/// Appends to a vector, which must outlive it.
class Writer {
 public:
  explicit Writer(std::vector<std::uint8_t>& out) : out_(out) {}

  void varint(std::uint64_t value) {
    std::uint8_t encoded[kMaxVarintSize];
    const std::size_t size = write_varint(value, encoded);
    out_.insert(out_.end(), encoded, encoded + size);
  }
  /// How many bytes `varint(value)` appends.
  [[nodiscard]] static std::size_t size_of(std::uint64_t value) { return varint_size(value); }

  void u8(std::uint8_t value) { out_.push_back(value); }
  void bytes(ByteSpan bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  /// Makes room for `size` more bytes at once.
  void reserve(std::size_t size) { out_.reserve(out_.size() + size); }

 private:
  std::vector<std::uint8_t>& out_;
};

}  // namespace moq::coding
