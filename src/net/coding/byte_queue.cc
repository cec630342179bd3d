#include "net/coding/byte_queue.h"

#include <utility>

namespace moq::coding {

void ByteQueue::push(Bytes bytes) {
  if (bytes.empty()) return;
  if (!queue_.empty() && queue_.back().join(bytes)) return;
  queue_.push_back(std::move(bytes));
}

std::size_t ByteQueue::size() const {
  std::size_t sum = whole_.size();
  for (const Bytes& part : queue_) sum += part.size();
  return sum;
}

Bytes ByteQueue::take(std::size_t size) {
  Bytes& front = queue_.front();
  if (size >= front.size()) {
    Bytes all = std::move(front);
    queue_.pop_front();
    return all;
  }
  Bytes part = front.slice(0, size);
  front = front.slice(size);
  return part;
}

std::optional<Bytes> ByteQueue::take_whole(std::size_t size) {
  if (size == 0) return Bytes();
  if (whole_.empty() && !queue_.empty() && queue_.front().size() >= size) return take(size);
  while (!queue_.empty() && whole_.size() < size) {
    const Bytes part = take(size - whole_.size());
    whole_.insert(whole_.end(), part.span().begin(), part.span().end());
  }
  if (whole_.size() < size) return std::nullopt;
  return Bytes::copy_of(std::exchange(whole_, {}));
}

Bytes ByteQueue::take_all() {
  if (queue_.empty()) return {};
  if (queue_.size() == 1) return take(queue_.front().size());
  std::vector<std::uint8_t> all;
  for (const Bytes& part : queue_) all.insert(all.end(), part.span().begin(), part.span().end());
  queue_.clear();
  return Bytes::copy_of(all);
}

}  // namespace moq::coding
