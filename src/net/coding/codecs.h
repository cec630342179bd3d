#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "net/base/error.h"
#include "net/base/time.h"
#include "net/coding/error.h"
#include "net/coding/reader.h"
#include "net/coding/utf8.h"
#include "net/coding/writer.h"

/// Field codecs: how one member of a message is encoded, and its limits. Each has
/// write(writer, value) and read(reader, value), and no state but its limits. Limits
/// hold when decoding; encoding trusts its caller.
///
/// size(value) is what write appends in the QUIC form of integers, for protocols that
/// put a length in front as a varint; a codec of others need not have it.
namespace moq::coding {

/// A variable-length integer in [min, max].
struct Varint {
  std::uint64_t min = 0;
  std::uint64_t max = kMaxVarint;

  [[nodiscard]] std::size_t size(std::uint64_t value) const { return Writer::size_of(value); }
  void write(Writer& out, std::uint64_t value) const { out.varint(value); }
  Result<void> read(Reader& in, std::uint64_t& value) const {
    MOQ_TRY(value, in.varint());
    if (value < min) return fail(CodingError::invalid_value);
    if (value > max) return fail(CodingError::too_large);
    return {};
  }
};

/// One byte.
struct Uint8 {
  [[nodiscard]] std::size_t size(std::uint8_t) const { return 1; }
  void write(Writer& out, std::uint8_t value) const { out.u8(value); }
  Result<void> read(Reader& in, std::uint8_t& value) const {
    MOQ_TRY(value, in.u8());
    return {};
  }
};

/// A byte that is 0 or 1; anything but 0 reads as true, as in other implementations.
struct Flag {
  [[nodiscard]] std::size_t size(bool) const { return 1; }
  void write(Writer& out, bool value) const { out.u8(value ? 1 : 0); }
  Result<void> read(Reader& in, bool& value) const {
    MOQ_TRY(const std::uint8_t byte, in.u8());
    value = byte != 0;
    return {};
  }
};

/// A length and that many bytes of UTF-8, at most `max`; longer fails with `over`.
struct Text {
  std::size_t max = 1024;
  CodingError over = CodingError::too_large;

  [[nodiscard]] std::size_t size(const std::string& value) const {
    return Writer::size_of(value.size()) + value.size();
  }
  void write(Writer& out, const std::string& value) const {
    out.varint(value.size());
    out.bytes(as_bytes(value));
  }
  Result<void> read(Reader& in, std::string& value) const {
    MOQ_TRY(const std::uint64_t length, in.varint());
    if (length > max) return fail(over);
    MOQ_TRY(const ByteSpan bytes, in.bytes(length));
    if (!is_utf8(as_text(bytes))) return fail(CodingError::invalid_text);
    value = as_text(bytes);
    return {};
  }
};

/// UTF-8 up to the end of the enclosing field, whose length is known: the value of
/// a parameter.
struct RestText {
  std::size_t max = 1024;

  [[nodiscard]] std::size_t size(const std::string& value) const { return value.size(); }
  void write(Writer& out, const std::string& value) const { out.bytes(as_bytes(value)); }
  Result<void> read(Reader& in, std::string& value) const {
    if (in.remaining() > max) return fail(CodingError::too_large);
    MOQ_TRY(const ByteSpan bytes, in.bytes(in.remaining()));
    if (!is_utf8(as_text(bytes))) return fail(CodingError::invalid_text);
    value = as_text(bytes);
    return {};
  }
};

/// A duration in whole milliseconds. Fractions are rounded up, so that only zero
/// is zero. What is longer than a Duration can hold (292 years) reads as the longest.
struct Milliseconds {
  static constexpr std::chrono::milliseconds kMax =
      std::chrono::duration_cast<std::chrono::milliseconds>(Duration::max());

  [[nodiscard]] static std::uint64_t count(Duration value) {
    if (value >= kMax) return static_cast<std::uint64_t>(kMax.count());
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(value).count()));
  }
  [[nodiscard]] std::size_t size(Duration value) const { return Writer::size_of(count(value)); }
  void write(Writer& out, Duration value) const { out.varint(count(value)); }
  Result<void> read(Reader& in, Duration& value) const {
    MOQ_TRY(const std::uint64_t wire, in.varint());
    value = std::chrono::milliseconds(static_cast<std::int64_t>(
        std::min<std::uint64_t>(wire, static_cast<std::uint64_t>(kMax.count()))));
    return {};
  }
};

/// An optional number: 0 is none, anything else the value plus 1.
struct OptionalVarint {
  using Value = std::optional<std::uint64_t>;

  [[nodiscard]] static std::uint64_t wire(const Value& value) {
    return value ? std::min(*value, kMaxVarint - 1) + 1 : 0;
  }
  [[nodiscard]] std::size_t size(const Value& value) const { return Writer::size_of(wire(value)); }
  void write(Writer& out, const Value& value) const { out.varint(wire(value)); }
  Result<void> read(Reader& in, Value& value) const {
    MOQ_TRY(const std::uint64_t number, in.varint());
    value = number == 0 ? Value() : Value(number - 1);
    return {};
  }
};

/// A measured number: 0 is unknown, so that a measured 0 is sent as 1.
struct VarintOrUnknown {
  using Value = std::optional<std::uint64_t>;

  [[nodiscard]] static std::uint64_t wire(const Value& value) {
    return value ? std::max<std::uint64_t>(*value, 1) : 0;
  }
  [[nodiscard]] std::size_t size(const Value& value) const { return Writer::size_of(wire(value)); }
  void write(Writer& out, const Value& value) const { out.varint(wire(value)); }
  Result<void> read(Reader& in, Value& value) const {
    MOQ_TRY(const std::uint64_t number, in.varint());
    value = number == 0 ? Value() : Value(number);
    return {};
  }
};

/// An enum whose values are 0 to `last`, as a varint. Larger numbers read as
/// `beyond`, or fail with `invalid_value` where there is none.
template <typename E>
requires std::is_enum_v<E>
struct Enum {
  E last;
  std::optional<E> beyond = std::nullopt;

  [[nodiscard]] std::size_t size(E value) const {
    return Writer::size_of(static_cast<std::uint64_t>(value));
  }
  void write(Writer& out, E value) const { out.varint(static_cast<std::uint64_t>(value)); }
  Result<void> read(Reader& in, E& value) const {
    MOQ_TRY(const std::uint64_t number, in.varint());
    if (number > static_cast<std::uint64_t>(last)) {
      if (!beyond) return fail(CodingError::invalid_value);
      value = *beyond;
    } else {
      value = static_cast<E>(number);
    }
    return {};
  }
};

/// A count and that many items, at most `max`. Nothing is allocated from the count.
template <typename Item>
struct List {
  std::size_t max;
  Item item = {};

  template <typename T>
  [[nodiscard]] std::size_t size(const std::vector<T>& values) const {
    std::size_t total = Writer::size_of(values.size());
    for (const T& value : values) total += item.size(value);
    return total;
  }
  template <typename T>
  void write(Writer& out, const std::vector<T>& values) const {
    out.varint(values.size());
    for (const T& value : values) item.write(out, value);
  }
  template <typename T>
  Result<void> read(Reader& in, std::vector<T>& values) const {
    MOQ_TRY(const std::uint64_t count, in.varint());
    if (count > max) return fail(CodingError::too_many);
    values.clear();
    for (std::uint64_t i = 0; i < count; ++i) {
      T value{};
      MOQ_CHECK_OK(item.read(in, value));
      values.push_back(std::move(value));
    }
    return {};
  }
};

}  // namespace moq::coding
