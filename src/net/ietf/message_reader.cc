#include "net/ietf/message_reader.h"

#include <string>
#include <utility>

#include "net/coding/error.h"

namespace moq::ietf {

using coding::CodingError;

namespace {
/// Bytes of the length field (§"Control Messages").
constexpr std::size_t kLengthSize = 2;
}  // namespace

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
  if (fin_ && in_message()) return fail(CodingError::short_buffer, "the stream ends too early");
  return {};
}

Result<std::optional<std::uint64_t>> MessageReader::next_type() {
  while (!type_ && !queue_.empty()) {
    take(integer_.take(queue_.front()));
    if (integer_.done()) type_ = integer_.finish();
  }
  if (!type_) MOQ_CHECK_OK(may_wait());
  return type_;
}

Result<bool> MessageReader::read_length() {
  while (length_bytes_ < kLengthSize && !queue_.empty()) {
    length_ = length_ << 8 | take(1).span()[0];
    ++length_bytes_;
  }
  if (length_bytes_ < kLengthSize) return false;
  if (length_ > max_message_) {
    return fail(CodingError::too_large, "message of " + std::to_string(length_) + " bytes");
  }
  return true;
}

Result<std::optional<RawMessage>> MessageReader::next() {
  MOQ_TRY(const auto type, next_type());
  if (!type) return std::nullopt;
  MOQ_TRY(const bool has_length, read_length());
  RawMessage message{.type = *type, .body = {}};
  if (has_length && body_.empty() && !queue_.empty() && queue_.front().size() >= length_) {
    message.body = length_ == 0 ? Bytes() : take(length_);
  } else {
    while (has_length && !queue_.empty() && body_.size() < length_) {
      const Bytes part = take(length_ - body_.size());
      body_.insert(body_.end(), part.span().begin(), part.span().end());
    }
    if (!has_length || body_.size() < length_) {
      MOQ_CHECK_OK(may_wait());
      return std::nullopt;
    }
    message.body = Bytes::copy_of(std::exchange(body_, {}));
  }
  type_.reset();
  length_ = 0;
  length_bytes_ = 0;
  return message;
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

}  // namespace moq::ietf
