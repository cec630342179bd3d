#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace moq {

using ByteSpan = std::span<const std::uint8_t>;

[[nodiscard]] inline ByteSpan as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

namespace detail {

/// Reference-counted storage. Bytes once written never change; the tail beyond
/// them may still be appended to by the one BytesBuilder that owns it.
struct Block {
  std::atomic<std::uint32_t> refs{1};
  std::uint32_t capacity = 0;
  [[nodiscard]] std::uint8_t* data() { return reinterpret_cast<std::uint8_t*>(this + 1); }

  static Block* create(std::size_t capacity);
  void retain() { refs.fetch_add(1, std::memory_order_relaxed); }
  void release();
};

}  // namespace detail

/// An immutable slice of shared storage: copying it shares the bytes, never
/// copies them. May be handed to another thread; a single Bytes object may not
/// be used from two threads at once.
class Bytes {
 public:
  Bytes() = default;
  Bytes(const Bytes& other) : block_(other.block_), data_(other.data_), size_(other.size_) {
    if (block_ != nullptr) block_->retain();
  }
  Bytes(Bytes&& other) noexcept { swap(other); }
  Bytes& operator=(Bytes other) noexcept {
    swap(other);
    return *this;
  }
  ~Bytes() {
    if (block_ != nullptr) block_->release();
  }

  /// A slice over storage of its own, holding a copy of `bytes`.
  static Bytes copy_of(ByteSpan bytes);
  static Bytes copy_of(std::string_view text) { return copy_of(as_bytes(text)); }

  [[nodiscard]] const std::uint8_t* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] ByteSpan span() const { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const { return as_text(span()); }
  // NOLINTNEXTLINE(google-explicit-constructor): a Bytes is a span with shared ownership.
  operator ByteSpan() const { return span(); }

  /// The part `[offset, offset + size)`, sharing this storage. Both are clamped.
  [[nodiscard]] Bytes slice(std::size_t offset, std::size_t size = SIZE_MAX) const;

  /// Grows this slice by `next` when that continues it in the same storage.
  /// Returns false, changing nothing, when it does not.
  bool join(const Bytes& next);

  friend bool operator==(const Bytes& a, const Bytes& b) { return a.text() == b.text(); }

  void swap(Bytes& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

 private:
  friend class BytesBuilder;
  Bytes(detail::Block* block, const std::uint8_t* data, std::size_t size)
      : block_(block), data_(data), size_(size) {}

  detail::Block* block_ = nullptr;
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Appends received bytes to shared blocks. Bytes appended one after the other
/// lie one after the other, so that their slices can be joined. What is
/// allocated follows what was received: blocks grow from 2 KiB to 64 KiB with
/// the amount that was appended before.
class BytesBuilder {
 public:
  BytesBuilder() = default;
  BytesBuilder(const BytesBuilder&) = delete;
  BytesBuilder& operator=(const BytesBuilder&) = delete;
  ~BytesBuilder();

  /// Copies `bytes` to the current block, or to a new one where they do not fit.
  Bytes append(ByteSpan bytes);

 private:
  detail::Block* block_ = nullptr;
  std::size_t used_ = 0;
  std::size_t total_ = 0;
};

}  // namespace moq
