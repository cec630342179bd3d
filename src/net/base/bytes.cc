#include "net/base/bytes.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace moq {

namespace detail {

Block* Block::create(std::size_t capacity) {
  void* memory = ::operator new(sizeof(Block) + capacity);
  auto* block = new (memory) Block;
  block->capacity = static_cast<std::uint32_t>(capacity);
  return block;
}

void Block::release() {
  if (refs.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    this->~Block();
    ::operator delete(this);
  }
}

}  // namespace detail

namespace {
constexpr std::size_t kMinBlock = 2048 - sizeof(detail::Block);
constexpr std::size_t kMaxBlock = 65536 - sizeof(detail::Block);
}  // namespace

Bytes Bytes::copy_of(ByteSpan bytes) {
  if (bytes.empty()) return {};
  auto* block = detail::Block::create(bytes.size());
  std::memcpy(block->data(), bytes.data(), bytes.size());
  return {block, block->data(), bytes.size()};
}

Bytes Bytes::slice(std::size_t offset, std::size_t size) const {
  offset = std::min(offset, size_);
  size = std::min(size, size_ - offset);
  if (size == 0) return {};
  block_->retain();
  return {block_, data_ + offset, size};
}

bool Bytes::join(const Bytes& next) {
  if (block_ == nullptr || next.block_ != block_ || data_ + size_ != next.data_) return false;
  size_ += next.size_;
  return true;
}

BytesBuilder::~BytesBuilder() {
  if (block_ != nullptr) block_->release();
}

Bytes BytesBuilder::append(ByteSpan bytes) {
  if (bytes.empty()) return {};
  if (block_ == nullptr || block_->capacity - used_ < bytes.size()) {
    const std::size_t wanted = std::clamp(total_, kMinBlock, kMaxBlock);
    if (block_ != nullptr) block_->release();
    block_ = detail::Block::create(std::max(wanted, bytes.size()));
    used_ = 0;
  }
  std::uint8_t* at = block_->data() + used_;
  std::memcpy(at, bytes.data(), bytes.size());
  used_ += bytes.size();
  total_ += bytes.size();
  block_->retain();
  return {block_, at, bytes.size()};
}

}  // namespace moq
