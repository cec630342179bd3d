#include "net/lite/queue_source.h"

#include <algorithm>

namespace moq::lite {

void QueueSource::push(Bytes bytes) {
  if (bytes.empty()) return;
  backlog_ += bytes.size();
  queue_.push_back(std::move(bytes));
}

transport::Pull QueueSource::pull(std::span<ByteSpan> slices) {
  std::size_t count = 0;
  std::size_t index = next_;
  for (; index < queue_.size() && count < slices.size(); ++index) {
    const ByteSpan whole = queue_[index];
    slices[count++] = index == next_ ? whole.subspan(next_offset_) : whole;
  }
  return {.count = count, .fin = finished_ && index == queue_.size()};
}

void QueueSource::sent(std::size_t size, bool /*fin*/) {
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

void QueueSource::acked(std::uint64_t offset) {
  while (next_ > 0 && base_ + queue_.front().size() <= offset) {
    base_ += queue_.front().size();
    backlog_ -= queue_.front().size();
    queue_.pop_front();
    --next_;
  }
}

}  // namespace moq::lite
