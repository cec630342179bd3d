#include "net/lite/message_reader.h"

#include <string>
#include <utility>

#include "net/coding/error.h"

namespace moq::lite {

using coding::CodingError;

void MessageReader::feed(Bytes bytes, bool fin) {
  fin_ = fin_ || fin;
  queue_.push(std::move(bytes));
}

Result<void> MessageReader::may_wait() const {
  if (fin_ && in_item()) return fail(CodingError::short_buffer, "the stream ends too early");
  return {};
}

Result<std::optional<std::uint64_t>> MessageReader::next_varint() {
  while (!queue_.empty() && !varint_.done()) {
    queue_.take(varint_.take(queue_.front()));
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
  auto body = queue_.take_whole(*length_);
  if (!body) {
    MOQ_CHECK_OK(may_wait());
    return std::nullopt;
  }
  length_.reset();
  return body;
}

}  // namespace moq::lite
