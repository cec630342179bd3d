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
  queue_.push(std::move(bytes));
}

Result<void> MessageReader::may_wait() const {
  if (fin_ && in_message()) return fail(CodingError::short_buffer, "the stream ends too early");
  return {};
}

Result<std::optional<std::uint64_t>> MessageReader::next_type() {
  while (!type_ && !queue_.empty()) {
    queue_.take(integer_.take(queue_.front()));
    if (integer_.done()) type_ = integer_.finish();
  }
  if (!type_) MOQ_CHECK_OK(may_wait());
  return type_;
}

Result<bool> MessageReader::read_length() {
  while (length_bytes_ < kLengthSize && !queue_.empty()) {
    length_ = length_ << 8 | queue_.take(1).span()[0];
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
  auto body = has_length ? queue_.take_whole(length_) : std::nullopt;
  if (!body) {
    MOQ_CHECK_OK(may_wait());
    return std::nullopt;
  }
  type_.reset();
  length_ = 0;
  length_bytes_ = 0;
  return RawMessage{.type = *type, .body = *std::move(body)};
}

}  // namespace moq::ietf
