#include "net/lite/message_reader.h"

#include <string>
#include <utility>

#include "net/coding/error.h"

namespace moq::lite {

using coding::CodingError;

void MessageReader::feed(Bytes bytes, bool fin) {
  fin_ = fin_ || fin;
  if (bytes.empty()) return;
  if (!queue_.empty() && queue_.back().join(bytes)) return;
  queue_.push_back(std::move(bytes));
}

Bytes MessageReader::take(std::size_t size) {
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

Result<void> MessageReader::may_wait() const {
  if (fin_ && in_item()) return fail(CodingError::short_buffer, "the stream ends too early");
  return {};
}

Result<std::optional<std::uint64_t>> MessageReader::next_varint() {
  while (!queue_.empty() && !varint_.done()) {
    take(varint_.take(queue_.front()));
  }
  if (varint_.done()) return varint_.finish();
  MOQ_CHECK_OK(may_wait());
  return std::nullopt;
}

Result<std::optional<Bytes>> MessageReader::next_message() {
  if (!length_) {
    MOQ_TRY(const auto length, next_varint());
    if (!length) return std::nullopt;
    if (*length > max_message_) {
      return fail(CodingError::too_large, "message of " + std::to_string(*length) + " bytes");
    }
    length_ = static_cast<std::size_t>(*length);
  }
  if (*length_ == 0) {
    length_.reset();
    return Bytes();
  }
  if (body_.empty() && !queue_.empty() && queue_.front().size() >= *length_) {
    return take(*std::exchange(length_, std::nullopt));
  }
  while (!queue_.empty() && body_.size() < *length_) {
    const Bytes part = take(*length_ - body_.size());
    body_.insert(body_.end(), part.span().begin(), part.span().end());
  }
  if (body_.size() < *length_) {
    MOQ_CHECK_OK(may_wait());
    return std::nullopt;
  }
  Bytes body = Bytes::copy_of(body_);
  body_ = {};
  length_.reset();
  return body;
}

Bytes MessageReader::take_rest() {
  if (queue_.empty()) return {};
  if (queue_.size() > 1) {
    std::vector<std::uint8_t> all;
    for (const Bytes& part : queue_) all.insert(all.end(), part.span().begin(), part.span().end());
    queue_.clear();
    return Bytes::copy_of(all);
  }
  return take(queue_.front().size());
}

}  // namespace moq::lite
