#include "net/transport/send_queue.h"

#include <algorithm>
#include <utility>

namespace moq::transport {

SendQueue::~SendQueue() {
  if (total_ != nullptr) *total_ -= backlog_;
}

void SendQueue::push(Bytes bytes) {
  if (bytes.empty()) return;
  const std::size_t cost = bytes.size() + kOverhead;
  pushed_ += bytes.size();
  backlog_ += cost;
  if (total_ != nullptr) *total_ += cost;
  queue_.push_back(std::move(bytes));
}

Pull SendQueue::pull(std::span<ByteSpan> slices) const {
  std::size_t count = 0;
  std::size_t index = next_;
  for (; index < queue_.size() && count < slices.size(); ++index) {
    const ByteSpan whole = queue_[index];
    slices[count++] = index == next_ ? whole.subspan(next_offset_) : whole;
  }
  return {.count = count, .fin = finished_ && index == queue_.size()};
}

void SendQueue::sent(std::size_t size) {
  while (size > 0) {
    const std::size_t rest = queue_[next_].size() - next_offset_;
    const std::size_t step = std::min(size, rest);
    next_offset_ += step;
    size -= step;
    if (step == rest) {
      ++next_;
      next_offset_ = 0;
    }
  }
}

void SendQueue::acked(std::uint64_t offset) {
  while (next_ > 0 && base_ + queue_.front().size() <= offset) {
    const std::size_t size = queue_.front().size();
    base_ += size;
    backlog_ -= size + kOverhead;
    if (total_ != nullptr) *total_ -= size + kOverhead;
    queue_.pop_front();
    --next_;
  }
  if (then_ && base_ >= awaited_) std::exchange(then_, nullptr)();
}

}  // namespace moq::transport
