#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/base/bytes.h"

/// The drafts' bytes, written and read without the library's codec: a mistake that both
/// ends share would not be seen.
namespace moq::conformance {

using Buffer = std::vector<std::uint8_t>;
/// The fields of a Track Namespace.
using Names = std::vector<std::string>;

/// How integers are encoded.
enum class Integers : std::uint8_t {
  quic,  ///< RFC 9000 §16: 1, 2, 4 or 8 bytes
  vi64,  ///< draft-18 §"Variable-Length Integers": 1 to 9 bytes
};

class Writer {
 public:
  explicit Writer(Integers form) : form_(form) {}

  Writer& byte(std::uint8_t value);
  Writer& u16(std::uint16_t value);
  /// In as few bytes as possible.
  Writer& integer(std::uint64_t value);
  /// In `size` bytes, which the form must have and the value must fit.
  Writer& integer(std::uint64_t value, std::size_t size);
  Writer& bytes(ByteSpan value);
  /// A length, and that many bytes.
  Writer& text(std::string_view value);
  /// A count, and that many texts.
  Writer& names(const Names& fields);

  [[nodiscard]] const Buffer& data() const { return data_; }
  [[nodiscard]] Buffer take() { return std::move(data_); }

 private:
  Integers form_;
  Buffer data_;
};

/// Each call returns nothing when there are not enough bytes, and all after it then.
class Reader {
 public:
  Reader(Integers form, ByteSpan data) : form_(form), data_(data) {}

  [[nodiscard]] std::optional<std::uint8_t> byte();
  [[nodiscard]] std::optional<std::uint16_t> u16();
  [[nodiscard]] std::optional<std::uint64_t> integer();
  [[nodiscard]] std::optional<Buffer> bytes(std::uint64_t size);
  [[nodiscard]] std::optional<std::string> text();
  [[nodiscard]] std::optional<Names> names();
  /// What is left.
  [[nodiscard]] Buffer rest() const { return {data_.begin(), data_.end()}; }
  [[nodiscard]] bool empty() const { return data_.empty(); }
  [[nodiscard]] std::size_t size() const { return data_.size(); }

 private:
  [[nodiscard]] std::optional<ByteSpan> take(std::uint64_t size);

  Integers form_;
  ByteSpan data_;
};

}  // namespace moq::conformance
