#include "conformance/wire.h"

#include <bit>

namespace moq::conformance {

namespace {

/// The bytes of an encoding by its first one.
std::size_t encoded_size(Integers form, std::uint8_t first) {
  if (form == Integers::quic) return std::size_t{1} << (first >> 6);
  return static_cast<std::size_t>(std::countl_one(first)) + 1;
}

/// What the first byte of an encoding of `size` bytes has besides the value.
std::uint8_t size_mark(Integers form, std::size_t size) {
  if (form == Integers::quic) return static_cast<std::uint8_t>(std::countr_zero(size) << 6);
  return static_cast<std::uint8_t>(0xff00U >> (size - 1));
}

bool fits(Integers form, std::uint64_t value, std::size_t size) {
  if (form == Integers::quic) return value >> (8 * size - 2) == 0;
  return size == 9 || value >> (7 * size) == 0;
}

}  // namespace

Writer& Writer::byte(std::uint8_t value) {
  data_.push_back(value);
  return *this;
}

Writer& Writer::u16(std::uint16_t value) {
  return byte(static_cast<std::uint8_t>(value >> 8)).byte(static_cast<std::uint8_t>(value));
}

Writer& Writer::integer(std::uint64_t value) {
  std::size_t size = 1;
  while (!fits(form_, value, size)) size += form_ == Integers::quic ? size : 1;
  return integer(value, size);
}

Writer& Writer::integer(std::uint64_t value, std::size_t size) {
  const std::size_t at = data_.size();
  for (std::size_t i = size; i-- > 0;) {
    byte(i < 8 ? static_cast<std::uint8_t>(value >> (8 * i)) : std::uint8_t{0});
  }
  data_[at] |= size_mark(form_, size);
  return *this;
}

Writer& Writer::bytes(ByteSpan value) {
  data_.insert(data_.end(), value.begin(), value.end());
  return *this;
}

Writer& Writer::text(std::string_view value) {
  return integer(value.size()).bytes(as_bytes(value));
}

Writer& Writer::names(const Names& fields) {
  integer(fields.size());
  for (const std::string& field : fields) text(field);
  return *this;
}

std::optional<ByteSpan> Reader::take(std::uint64_t size) {
  if (size > data_.size()) {
    data_ = {};
    return std::nullopt;
  }
  const ByteSpan taken = data_.first(size);
  data_ = data_.subspan(size);
  return taken;
}

std::optional<std::uint8_t> Reader::byte() {
  const auto taken = take(1);
  return taken ? std::optional((*taken)[0]) : std::nullopt;
}

std::optional<std::uint16_t> Reader::u16() {
  const auto taken = take(2);
  if (!taken) return std::nullopt;
  return static_cast<std::uint16_t>((*taken)[0] << 8 | (*taken)[1]);
}

std::optional<std::uint64_t> Reader::integer() {
  if (data_.empty()) return std::nullopt;
  const std::size_t size = encoded_size(form_, data_[0]);
  const auto taken = take(size);
  if (!taken) return std::nullopt;
  std::uint64_t value = (*taken)[0] & ~size_mark(form_, size) & 0xff;
  for (const std::uint8_t each : taken->subspan(1)) value = value << 8 | each;
  return value;
}

std::optional<Buffer> Reader::bytes(std::uint64_t size) {
  const auto taken = take(size);
  if (!taken) return std::nullopt;
  return Buffer(taken->begin(), taken->end());
}

std::optional<std::string> Reader::text() {
  const auto size = integer();
  const auto taken = size ? take(*size) : std::nullopt;
  if (!taken) return std::nullopt;
  return std::string(as_text(*taken));
}

std::optional<Names> Reader::names() {
  const auto count = integer();
  if (!count) return std::nullopt;
  Names fields;
  for (std::uint64_t i = 0; i < *count; ++i) {
    auto field = text();
    if (!field) return std::nullopt;
    fields.push_back(*std::move(field));
  }
  return fields;
}

}  // namespace moq::conformance
